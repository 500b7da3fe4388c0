//! What a station's events say to people and to programs.

use eol_inject::label::LabelFolder;
use eol_inject::ledger::Actor;
use eol_inject::line::Passed;
use eol_inject::recipe::SerialSpec;
use eol_inject::station::{Reports, StationError, UnitEnd, Weight};
use eol_inject::unit::Digest;

use crate::cli::error::CliError;
use crate::cli::scan::no_serial;
use crate::cli::unit::{Board, Ended, Place, Report};

/// What the words of one run need.
pub(super) struct Words {
    pub(super) actor: Actor,
    pub(super) order: Option<String>,
    pub(super) simulated: bool,
    pub(super) image: Digest,
    pub(super) serials: SerialSpec,
    pub(super) labels: LabelFolder,
    /// The nests' names.
    pub(super) nests: Vec<Option<String>>,
    /// What `--probe` would be for each.
    pub(super) probes: Vec<String>,
}

impl Words {
    /// Returns how a unit ended, in words where it did not pass.
    pub(super) fn result<'u>(&self, unit: &'u UnitEnd) -> Result<&'u Passed, CliError> {
        unit.result.as_ref().map_err(|error| self.error(error))
    }

    /// Returns an error in words.
    pub(super) fn error(&self, error: &StationError) -> CliError {
        match error {
            StationError::Scanned(error) => no_serial(&self.serials, error),
            error => error.into(),
        }
    }

    /// Returns a unit's end with what surrounds it; `result` is in words already.
    pub(super) fn ended<'u>(
        &'u self,
        unit: &'u UnitEnd,
        result: &'u Result<&'u Passed, CliError>,
    ) -> Ended<'u> {
        let serial = unit.serial.as_ref();
        Ended {
            serial,
            attempt: unit.attempt(),
            result: result.as_ref().copied(),
            elapsed: unit.elapsed,
            place: Place::Board(Board {
                target: unit.target,
                nest: self.nest(unit.nest),
                seen: unit.seen.as_ref(),
            }),
            label: serial.and_then(|serial| self.labels.of_unit(serial)),
        }
    }

    /// Returns the name of a nest, where it has one.
    pub(super) fn nest(&self, nest: Option<usize>) -> Option<&str> {
        self.nests.get(nest?)?.as_deref()
    }
}

impl Reports for Words {
    fn weigh(&self, error: &StationError) -> Weight {
        let next = CliError::from(error).next();
        match next.stops() {
            Some(_) => Weight::Line,
            None if next.is_scan() => Weight::Hand,
            None => Weight::Unit,
        }
    }

    fn result(&self, unit: &UnitEnd, seq: u64) -> String {
        let report = Report {
            station: &self.actor.station,
            operator: self.actor.by.as_deref(),
            order: self.order.as_deref(),
            simulated: self.simulated,
            image: self.image,
        };
        report.object(&self.ended(unit, &self.result(unit)), seq)
    }
}
