//! What keeps a recipe from making units. Units that are on record are looked at and corrected all
//! the same.

use super::{
    Chip, CommandLine, Connect, Identify, LedgerUrl, Locator, MesDown, Mode, Precheck, Recipe,
    RecipeError, SerialSource, SlotSpec, When,
};

impl Recipe {
    /// Returns why no unit may be made by this recipe, in the order of its text; empty where one may.
    #[must_use]
    pub fn hindrances(&self) -> Vec<RecipeError> {
        let mut found = Vec::new();
        if let Some((serial, reason)) = self.serial.contradiction() {
            found.push(RecipeError::FormatRefused { serial, reason });
        }
        let unused = self.unused().into_iter();
        found.extend(unused.map(|(key, reason)| RecipeError::Unused { key, reason }));
        if self.label.when == When::Preprinted {
            found.push(RecipeError::Preprinted);
        }
        found
    }

    /// Returns the keys that nothing uses, each with what would use it.
    fn unused(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.slots.iter().any(is_unpadded) {
            let key = "pad or nul in [[slot]]";
            found.push((key, "the slot's own structure says how a value ends"));
        }
        if self.serial.format.is_some() && self.serial.source != SerialSource::Next {
            found.push(("format in [serial]", "it goes with source = \"next\""));
        }
        let on_server = matches!(self.ledger_url(), LedgerUrl::Postgres(_));
        let ledger = self.ledger.as_ref();
        if !on_server && ledger.is_some_and(|ledger| ledger.schema.is_some()) {
            found.push(("schema in [ledger]", "it goes with a ledger on a server"));
        }
        if let Some(flash) = &self.flash {
            found.extend(flash.unused());
            let named = |line: Option<&CommandLine>| line.is_some_and(|line| line.names("probe"));
            let identify = flash.identify.as_ref().and_then(Identify::command);
            let commands = [flash.program.as_ref(), flash.readback.as_ref(), identify];
            let mut commands = commands.into_iter();
            let deaf = flash.program.is_some() && !commands.any(named);
            if deaf && flash.probe.is_some() {
                found.push((
                    "probe in [flash]",
                    "no command of the programmer names {probe}",
                ));
            }
            if deaf && !self.nests.is_empty() {
                found.push((
                    "probe in [[nest]]",
                    "no command of the programmer names {probe}",
                ));
            }
        }
        if self.hook.mes_down != MesDown::default() && self.hook.on_result.is_none() {
            found.push(("mes-down in [hook]", "it goes with on-result"));
        }
        found
    }
}

/// Returns whether a slot says how a value is padded, and is none that is.
fn is_unpadded(slot: &SlotSpec) -> bool {
    let structured = matches!(
        slot.locator,
        Locator::EolSlot { .. }
            | Locator::BlnkOpt { .. }
            | Locator::EspNvs(_)
            | Locator::ZephyrNvs(_)
    );
    structured && (slot.pad != 0 || !slot.nul)
}

impl Chip {
    /// Returns the keys that nothing uses.
    fn unused(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.program.is_some() {
            let why = "it goes with a probe, and the recipe has a programmer of its own";
            let said = [
                ("speed in [flash]", self.speed.is_some()),
                ("connect in [flash]", self.connect != Connect::default()),
                ("also in [flash]", !self.also.is_empty()),
            ];
            found.extend(
                said.into_iter()
                    .filter(|(_, said)| *said)
                    .map(|(key, _)| (key, why)),
            );
        }
        if self.precheck != Precheck::default() && self.mode != Some(Mode::Slot) {
            found.push(("precheck in [flash]", "it goes with mode = \"slot\""));
        }
        found
    }
}
