//! A board on a debug probe: looked at, flashed, read back, started.
//!
//! probe-rs and the chip's own flash algorithm write; what is there afterwards is read by plain
//! memory reads. `link` makes the calls and `map` reads the target's description; the rest knows
//! no probe-rs. Nothing is ever mass-erased, and a locked chip stays locked.

mod chip;
mod error;
mod footprint;
mod guard;
mod kept;
mod link;
mod list;
mod look;
mod make;
mod map;
mod meaning;
mod sectors;
mod source;
mod under_reset;

pub use error::{ProbeError, ProbeFault};
pub use footprint::Footprint;
#[cfg(feature = "sim")]
pub use guard::{StopSignal, Stopped, guard};
pub use list::{Plugged, Probes, probes};
#[cfg(feature = "sim")]
pub use under_reset::prepare_under_reset;

use self::link::{Attach, Link};
use self::map::FlashMap;
use self::sectors::Part;
use self::source::Source;
use super::{Effort, Holds, Phase, Seen, Target, TargetError, Watch};
use crate::image::{Edits, Image, Span};
use crate::journal::Journal;
use crate::master::Master;
use crate::receipt::Receipt;
use crate::recipe::{Mode, Precheck, Recipe};
use crate::seal::Sealed;
use crate::unit::Serial;

/// How a product's boards are reached, and how much of them is written.
#[derive(Debug, Clone)]
pub struct ProbeSetup {
    attach: Attach,
    probe: String,
    mode: Mode,
    precheck: Precheck,
    /// Reserved places that the recipe asks for.
    also: Vec<Span>,
    /// Places of the image that stay off the board.
    skip: Vec<Span>,
    /// Where simulated boards are kept.
    #[cfg(feature = "sim")]
    boards: std::path::PathBuf,
}

impl ProbeSetup {
    /// Takes what a recipe says; `probe` goes before the recipe's own. `None` where neither names
    /// a probe, or the recipe has no `[flash]`.
    #[must_use]
    pub fn of(recipe: &Recipe, probe: Option<&str>) -> Option<Self> {
        let flash = recipe.flash.as_ref()?;
        Some(Self {
            attach: Attach {
                chip: flash.chip.clone(),
                speed: flash.speed,
                connect: flash.connect,
            },
            probe: probe.or(flash.probe.as_deref())?.to_owned(),
            mode: flash.mode.unwrap_or(Mode::Full),
            precheck: flash.precheck,
            also: flash.also.iter().map(|area| area.span()).collect(),
            skip: flash.skip.iter().map(|area| area.span()).collect(),
            #[cfg(feature = "sim")]
            boards: boards(recipe),
        })
    }

    /// Returns what of the image goes onto a board.
    fn flashed(&self, image: &Image) -> Vec<Span> {
        let mut runs = image.runs();
        for skip in &self.skip {
            runs = runs
                .into_iter()
                .flat_map(|run| run.without(*skip))
                .collect();
        }
        runs
    }

    /// Refuses an image that a chip cannot hold, or that would get there without its values.
    fn fits(&self, master: &Master, map: &FlashMap) -> Result<(), ProbeFault> {
        let lost = master.changes().into_iter().find(|span| {
            let mut skips = self.skip.iter();
            skips.any(|skip| skip.intersection(*span).is_some())
        });
        if let Some(span) = lost {
            return Err(ProbeFault::Skipped { span });
        }
        let flashed = self.flashed(master.image());
        for run in &flashed {
            map.allow(*run, &self.also)?;
        }
        let sectors = map.sectors(&flashed)?;
        for (sector, skip) in sectors
            .iter()
            .flat_map(|sector| self.skip.iter().map(move |skip| (sector, skip)))
        {
            if let Some(span) = sector.span.intersection(*skip) {
                return Err(ProbeFault::SkippedInPart { span });
            }
        }
        Ok(())
    }

    /// Returns whether a unit's board is one that only a delivery would make: a look makes none.
    #[must_use]
    pub fn is_unmade(&self, serial: Option<&Serial>) -> bool {
        #[cfg(feature = "sim")]
        return self.is_simulated() && !source::is_kept(self, serial);
        #[cfg(not(feature = "sim"))]
        {
            let _ = serial;
            false
        }
    }

    /// Returns whether the boards are simulated.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.probe == "sim" || self.probe.starts_with("sim:")
    }
}

/// Returns where a line's simulated boards are kept: beside its ledger.
#[cfg(feature = "sim")]
fn boards(recipe: &Recipe) -> std::path::PathBuf {
    let mut boards = recipe.ledger_base().into_os_string();
    boards.push(".boards");
    boards.into()
}

/// One board on a debug probe.
pub struct Probe {
    setup: ProbeSetup,
    source: Source,
    journal: Box<dyn Journal>,
    link: Option<Link>,
    seen: Option<Sight>,
    /// Whether anything may carry the token.
    touched: bool,
    effort: Effort,
}

/// What was found out by looking.
struct Sight {
    number: Option<String>,
    holds: Holds,
    /// In slot mode, the sectors of slots and checksums.
    parts: Vec<Part>,
}

impl Probe {
    /// Takes the probe that the setup names; a simulated board is that of `serial`.
    ///
    /// # Errors
    /// [`TargetError::Probe`]: the text names no probe, or another run has the board.
    pub fn new(
        setup: ProbeSetup,
        serial: Option<&Serial>,
        journal: Box<dyn Journal>,
    ) -> Result<Self, TargetError> {
        let source = Source::of(&setup, serial).map_err(|fault| ProbeError::new(fault, false))?;
        Ok(Self::with(setup, source, journal))
    }

    /// Takes a simulated board that the caller keeps.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn on_board(
        setup: ProbeSetup,
        board: crate::sim::SharedBoard,
        journal: Box<dyn Journal>,
    ) -> Self {
        Self::with(setup, Source::Board(board), journal)
    }

    fn with(setup: ProbeSetup, source: Source, journal: Box<dyn Journal>) -> Self {
        Self {
            setup,
            source,
            journal,
            link: None,
            seen: None,
            touched: false,
            effort: Effort::default(),
        }
    }

    /// Returns the simulated board.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn board(&self) -> Option<&crate::sim::SharedBoard> {
        self.source.board()
    }

    /// Ties a fault to what may have happened to the board.
    fn told(&self, fault: ProbeFault) -> TargetError {
        ProbeError::new(fault, self.touched).into()
    }
}

impl Target for Probe {
    fn identify(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        self.touched = false;
        self.effort = Effort::default();
        self.look(master, watch).map_err(|fault| self.told(fault))?;
        let (link, seen) = match (&self.link, &self.seen) {
            (Some(link), Some(seen)) => (link, seen),
            _ => return Err(self.told(ProbeFault::Stopped)),
        };
        Ok(Some(Seen {
            chip: link.chip.clone(),
            compared: link.family.is_some(),
            uid: seen.number.clone(),
            holds: seen.holds.clone(),
            simulated: self.setup.is_simulated() || !matches!(self.source, Source::Usb(_)),
        }))
    }

    fn accept(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), TargetError> {
        self.judge(master, watch).map_err(|fault| self.told(fault))
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError> {
        let made = self.make(sealed, watch);
        let receipt = made.map_err(|fault| self.told(fault))?;
        // A real board keeps what was programmed before anybody records it; so must this one.
        self.source.save().map_err(|fault| self.told(fault))?;
        tracing::debug!(serial = %sealed.serial(), effort = ?self.effort, "flashed and read back");
        Ok(receipt)
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        let same = self.compare(sealed, watch);
        same.map(Some).map_err(|fault| self.told(fault))
    }

    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, TargetError> {
        if self.link.is_none() {
            self.attach().map_err(|fault| self.told(fault))?;
        }
        watch.begin(Phase::ReadBack, spans.iter().map(|span| span.len()).sum());
        let mut read = Edits::new();
        for span in spans {
            let Some(link) = &mut self.link else { break };
            let bytes = link.read(*span, watch);
            read.put(span.start(), &bytes.map_err(|fault| self.told(fault))?);
        }
        Ok(read)
    }

    fn effort(&self) -> Effort {
        self.effort
    }

    fn release(&mut self) -> Result<(), TargetError> {
        self.seen = None;
        let booted = self.link.take().map_or(Ok(()), |mut link| link.boot());
        let saved = self.source.save();
        booted.and(saved).map_err(|fault| self.told(fault))
    }
}
