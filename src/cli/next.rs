//! From an error's stable name to the one next action that helps: the screen's sentence and the
//! `action` of `--json` are the same row.

use super::error::exit;

/// What is done next. Who stands at the line reads [`sentence`](Self::sentence), programs read
/// [`action`](Self::action).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The scan was no serial of this product: no unit is at fault.
    Scan,
    /// Serial and label did not come together.
    Pair,
    /// The right serial is another one.
    Other,
    /// The serial has become another one.
    Renamed,
    /// The board is not reached.
    Seat,
    /// The board hangs.
    Power,
    /// It may have been chance.
    Once,
    /// It may have been chance, but not the unit.
    Tool,
    /// Somebody else has it in hand.
    Later,
    /// The disk or folder is at fault.
    Mend,
    /// The label can be made afterwards.
    Print,
    /// The label cannot be made.
    NoLabel,
    /// The label belongs elsewhere.
    TakeOff,
    /// The label must not stay in use.
    Destroy,
    /// A finished unit is still on the fixture.
    Off,
    /// The board is another unit.
    ThatUnit,
    /// The unit is another board.
    ItsBoard,
    /// Nobody knows whose board it is.
    Strange,
    /// The unit must not be made now.
    Aside,
    /// The board is another product's.
    Swap,
    /// The chip does not let itself be written.
    Chip,
    /// Nobody knows what the board carries.
    Doubt,
    /// What the unit has to carry does not fit.
    Misfit,
    /// What reaches boards is gone.
    Reach,
    /// No token is left.
    Tokens,
    /// The ledger cannot be worked with.
    Ledger,
    /// The recipe, or what it names, is at fault.
    Recipe,
    /// The factory's own system cannot be asked.
    Mes,
    /// The program was called wrong.
    Call,
}

impl Next {
    /// Returns the word for programs: `next`, `retry`, `quarantine` or `stop`.
    pub(crate) const fn action(self) -> &'static str {
        match self {
            Self::Print | Self::NoLabel => "next",
            Self::Scan
            | Self::Pair
            | Self::Other
            | Self::Renamed
            | Self::Off
            | Self::ThatUnit
            | Self::ItsBoard
            | Self::Seat
            | Self::Power
            | Self::Once
            | Self::Tool
            | Self::Later
            | Self::Mend => "retry",
            Self::TakeOff
            | Self::Destroy
            | Self::Strange
            | Self::Aside
            | Self::Swap
            | Self::Chip
            | Self::Doubt
            | Self::Misfit => "quarantine",
            Self::Reach | Self::Tokens | Self::Ledger | Self::Recipe | Self::Mes | Self::Call => {
                "stop"
            }
        }
    }

    /// Returns the sentence for who stands at the line.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Scan => "scan again: nothing was begun",
            Self::Pair => "scan this unit's serial and its label again",
            Self::Other => "scan the right serial: nothing was begun",
            Self::Renamed => "scan the serial that the unit has now",
            Self::Off => {
                "take HOLDER off the fixture: it is done; seat the next board and scan SERIAL"
            }
            Self::ThatUnit => {
                "scan HOLDER for the board that is there, or seat the board of SERIAL"
            }
            Self::ItsBoard => {
                "seat the board of SERIAL, or scan the serial of the one that is there"
            }
            Self::Strange => {
                "set this board aside for the line engineer; seat another one for SERIAL"
            }
            Self::Seat => "retry: seat the unit and scan it again",
            Self::Power => "retry: take the unit's power away, give it back, and scan it again",
            Self::Once => "retry once: scan it again; if it fails again, set the unit aside",
            Self::Tool => "retry once: scan it again; if it fails again, call the line engineer",
            Self::Later => "retry later: somebody else has it in hand; go on with another unit",
            Self::Mend => "put this right, then make the same serial again",
            Self::Print => "next unit; label print makes this label when the reason is gone",
            Self::NoLabel => "next unit; tell the line engineer that this one gets no label",
            Self::TakeOff => "take the label off, and set the unit aside",
            Self::Destroy => "take the label off and destroy it, and set the unit aside",
            Self::Aside => "set the unit aside: scanning it again does not help",
            Self::Swap => "set the board aside: it is not this product's; seat the right one",
            Self::Chip => {
                "set the unit aside for the line engineer: scanning it again does not help"
            }
            Self::Doubt => {
                "set the unit aside, marked SERIAL: it is in doubt until somebody decides"
            }
            Self::Misfit => "set the unit aside: tell the line engineer which serial it has",
            Self::Reach => "the run stops: put this right, then start it again",
            Self::Tokens => "stop: more tokens have to be imported; call the line engineer",
            Self::Ledger => "stop: the ledger cannot be worked with; call the line engineer",
            Self::Recipe => "stop: call the line engineer",
            Self::Call => "stop: start it again, called as its help says",
            Self::Mes => "stop: the factory's system cannot be asked; call the line engineer",
        }
    }

    /// Returns why the run ends, where no other unit would fare better.
    pub(crate) const fn stops(self) -> Option<&'static str> {
        match self {
            Self::Reach => Some("the probe or programmer is gone"),
            Self::Tokens => Some("no token is left"),
            Self::Ledger => Some("the ledger cannot be worked with"),
            Self::Recipe => Some("the recipe has to be put right"),
            Self::Call => Some("it was called wrong"),
            Self::Mes => Some("the factory's system cannot be asked"),
            _ => None,
        }
    }

    /// Returns whether only the hand was at fault, that scanned or seated: a shaky hand says nothing about the line.
    pub(crate) const fn is_scan(self) -> bool {
        matches!(
            self,
            Self::Scan | Self::Other | Self::Renamed | Self::Off | Self::ThatUnit | Self::ItsBoard
        )
    }
}

/// Returns what is done after an error of this name.
pub(crate) fn after(name: &str, code: u8) -> Next {
    of(name).unwrap_or(match code {
        exit::USAGE => Next::Call,
        exit::LEDGER => Next::Ledger,
        exit::POOL_EMPTY => Next::Tokens,
        exit::DELIVERY => Next::Tool,
        exit::DIFFERS => Next::Once,
        exit::REFUSED | exit::IN_DOUBT | exit::MES | exit::LABEL => Next::Aside,
        exit::UNLABELLED => Next::Print,
        _ => Next::Recipe,
    })
}

/// The table. Names of recipes, images and ledgers stand for the whole line; those of scans, units
/// and boards stand here one by one, and a test asks for each.
fn of(name: &str) -> Option<Next> {
    Some(match name {
        "interrupted" | "serial-text" | "serial-pattern" | "serial-format" | "serial-nest"
        | "scan-garbled" | "scan-long" | "label-unknown" | "unit-twice" | "probe-stopped" => {
            Next::Scan
        }
        "label-left-out" | "label-no-serial" => Next::Pair,
        "unit-not-listed" | "unit-not-of-part" => Next::Other,
        "unit-rehoused" => Next::Renamed,
        "unit-in-work" | "probe-busy" => Next::Later,

        "probe-no-target" | "probe-halt" | "probe-link" | "program-failed" => Next::Seat,
        "probe-waits" | "probe-hangs" => Next::Power,
        "probe-differs" | "probe-unreadable" | "program-differs" | "program-swapped"
        | "deliver-differs" => Next::Once,
        "probe-algorithm" | "program-timed-out" | "program-no-number" | "program-short-dump"
        | "program-no-dump" | "mes-failed" | "mes-timed-out" => Next::Tool,
        "deliver-folder" | "deliver-foreign" | "probe-forget" | "deliver-write"
        | "deliver-read-back" => Next::Mend,

        "unit-void"
        | "unit-bound-elsewhere"
        | "unit-finished"
        | "unit-erased"
        | "unit-away"
        | "unit-part-open"
        | "unit-quarantined"
        | "probe-other-image"
        | "mes-refused"
        | "unit-unfinished"
        | "ledger-no-unit" => Next::Aside,
        "unit-board-made" => Next::Off,
        "unit-board-taken" => Next::ThatUnit,
        "unit-other-board" | "unit-made-elsewhere" => Next::ItsBoard,
        "unit-other-token" => Next::Strange,
        "probe-wrong-chip" => Next::Swap,
        "probe-locked" | "probe-protected" | "probe-erase" | "probe-program" | "probe-firmware"
        | "probe-values" => Next::Chip,
        "deliver-no-sign" | "unit-in-doubt" => Next::Doubt,
        "slot-too-small" | "slot-reserved" | "slot-value-empty" | "slot-value-nul"
        | "slot-unreadable" => Next::Misfit,

        "label-draw" | "label-no-organisation" | "label-write" | "label-remove" => Next::Print,
        "label-no-qr" | "label-picture" | "label-differs" | "label-too-long"
        | "label-not-finished" => Next::NoLabel,
        "label-other" | "label-twice" => Next::TakeOff,
        "label-burnt" | "label-auth-token" => Next::Destroy,

        "program-start" | "program-temporary" | "program-busy" | "probe-selector"
        | "probe-no-sim" | "probe-simulated" | "probe-no-usb" | "probe-missing"
        | "probe-several" | "probe-denied" | "probe-unopened" | "probe-unplugged"
        | "probe-speed" | "probe-chip" => Next::Reach,
        "unit-pool-empty" | "unit-closed" => Next::Tokens,
        "probe-no-flash"
        | "probe-reserved"
        | "probe-skipped"
        | "probe-skipped-in-part"
        | "probe-no-number"
        | "probe-image"
        | "probe-journal"
        | "program-number-held"
        | "deliver-image"
        | "serial-no-uid" => Next::Recipe,
        "mes-start" => Next::Mes,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use eol_inject::label::LabelError;
    use eol_inject::ledger::{LedgerError, Refusal};
    use eol_inject::mes::HookError;
    use eol_inject::recipe::ScanError;
    use eol_inject::scan::Misread;
    use eol_inject::target::{ProgramError, TargetError};
    use strum::VariantNames as _;

    use super::*;
    use crate::cli::error::code_of;

    /// Names that stand in the table one by one.
    fn named() -> Vec<&'static str> {
        let mut names = [
            ScanError::VARIANTS,
            Misread::VARIANTS,
            Refusal::VARIANTS,
            TargetError::VARIANTS,
            ProgramError::VARIANTS,
            HookError::VARIANTS,
            LabelError::VARIANTS,
        ]
        .concat();
        #[cfg(feature = "probe")]
        names.extend(eol_inject::target::ProbeFault::VARIANTS);
        // They have the names of what is in them.
        names
            .retain(|name| !["deliver-program", "deliver-probe", "deliver-written"].contains(name));
        names
    }

    #[test]
    fn every_error_of_a_scan_a_unit_or_a_board_has_its_next_action() {
        let missing: Vec<_> = named()
            .into_iter()
            .filter(|name| of(name).is_none())
            .collect();
        assert!(missing.is_empty(), "no row for {missing:?}");
    }

    #[cfg(feature = "probe")]
    #[test]
    fn the_table_of_next_actions() {
        let mut table = String::new();
        let names = named()
            .into_iter()
            .chain(LedgerError::VARIANTS.iter().copied());
        for name in names {
            let code = code_of(name);
            let next = after(name, code);
            let (action, sentence) = (next.action(), next.sentence());
            writeln!(table, "{name:<24} {code}  {action:<10}  {sentence}").unwrap();
        }
        // It lies with the words of the errors.
        insta::with_settings!({
            snapshot_path => "../../tests/it/messages/snapshots",
            prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!("next_actions", table) });
    }

    #[test]
    fn a_run_ends_where_the_action_says_so_and_nowhere_else() {
        for name in named() {
            let next = after(name, code_of(name));
            assert_eq!(next.stops().is_some(), next.action() == "stop", "{name}");
        }
    }
}
