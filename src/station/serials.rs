//! Which serial the next unit of a nest has: the board's own, an open claim's, or a new one.

use super::error::StationError;
use super::setup::{Boards, Setup};
use crate::ledger::{Ledger, UnitRecord, UnitState};
use crate::line::Passed;
use crate::mes::HookError;
use crate::recipe::{Recipe, SerialSource};
use crate::target::Seen;
use crate::unit::Serial;

/// Where a nest's serials come from.
pub(super) struct Serials<'s> {
    pub(super) setup: &'s Setup,
    pub(super) boards: &'s dyn Boards,
    pub(super) ledger: &'s mut Ledger,
    /// A new number that no claim has used yet.
    pub(super) drawn: &'s mut Option<Serial>,
}

impl Serials<'_> {
    /// Returns this station's oldest open claim, or a new serial.
    pub(super) fn next(&mut self) -> Result<Serial, StationError> {
        for serial in self.ledger.open_claims(&self.setup.station)? {
            // What was claimed for a board with a number waits for that board.
            let record = self.ledger.find(&serial)?;
            if self.boards.by_serial() || record.is_none_or(|record| record.uid.is_none()) {
                return Ok(serial);
            }
        }
        self.new_serial()
    }

    /// Returns the serial of the board on the nest: its own, or a new one.
    pub(super) fn of_board(&mut self, seen: Option<&Seen>) -> Result<Serial, StationError> {
        let known = seen.map(|seen| unit_on(self.ledger, seen));
        let known = known.transpose()?.flatten();
        let uid = seen.and_then(|seen| seen.uid.as_deref());
        match (known, self.setup.recipe.serial.source, uid) {
            (Some(unit), _, _) => Ok(unit.serial),
            (None, SerialSource::ChipUid, uid) => uid_serial(&self.setup.recipe, uid),
            // What was claimed for another board is not moved to this one.
            (None, _, Some(_)) => self.new_serial(),
            (None, _, None) => self.next(),
        }
    }

    fn new_serial(&mut self) -> Result<Serial, StationError> {
        let spec = &self.setup.recipe.serial;
        match (spec.source, &spec.format) {
            // A simulated board is made for its serial, and so its number before it.
            (SerialSource::ChipUid, _) if self.boards.by_serial() => {
                let number = self.boards.new_number();
                uid_serial(&self.setup.recipe, number.as_deref())
            }
            (SerialSource::Next, Some(format)) => {
                if self.ledger.free(1)? == 0 {
                    return Err(StationError::NoToken);
                }
                if let Some(kept) = &self.drawn {
                    return Ok(kept.clone());
                }
                let drawn = self.ledger.next_serials(format, 1)?;
                *self.drawn = drawn.into_iter().next();
                self.drawn.clone().ok_or(StationError::NoToken)
            }
            (SerialSource::Pool, _) => {
                let bound = self.ledger.bound_serials(1)?.into_iter().next();
                let serial = bound.ok_or(StationError::NoToken)?;
                let read = spec.listed(&serial);
                read.map_err(|error| StationError::Listed { serial, error })
            }
            (given, _) => Err(StationError::NoSource { given }),
        }
    }

    /// Keeps a new number that no claim used for the next unit, unless the factory's system does not
    /// take that number.
    pub(super) fn keep_number(&mut self, result: &Result<Passed, StationError>) {
        let Some(serial) = &self.drawn else {
            return;
        };
        let unused = match result {
            Ok(_) | Err(StationError::Hook(HookError::Refused { .. })) => false,
            Err(_) => matches!(self.ledger.find(serial), Ok(None)),
        };
        if !unused {
            *self.drawn = None;
        }
    }

    /// Gives a number back that no claim used.
    pub(super) fn give_back(&mut self) {
        let format = self.setup.recipe.serial.format.as_ref();
        if let (Some(serial), Some(format)) = (self.drawn.take(), format) {
            // A number that does not get back is a gap, and nothing else.
            let _ = self.ledger.give_back(format, &serial);
        }
    }
}

/// Returns the live unit that a board is: by its number, or else by the token that it shows.
fn unit_on(ledger: &Ledger, seen: &Seen) -> Result<Option<UnitRecord>, StationError> {
    let unit = match (&seen.uid, seen.token()) {
        (Some(uid), _) => ledger.on_board(uid)?,
        (None, Some(token)) => ledger.holder(&token)?,
        (None, None) => None,
    };
    let burnt = |unit: &UnitRecord| matches!(unit.state, UnitState::Void | UnitState::Superseded);
    Ok(unit.filter(|unit| !burnt(unit)))
}

/// Returns the finished unit that a board is, if it is another one than was scanned.
pub(super) fn made_other(
    ledger: &Ledger,
    seen: &Seen,
    serial: &Serial,
) -> Result<Option<Serial>, StationError> {
    let made = |unit: &UnitRecord| {
        matches!(unit.state, UnitState::Delivered | UnitState::Labelled)
            && seen.token() == Some(unit.fingerprint)
            && unit.serial.folded() != serial.folded()
    };
    let unit = unit_on(ledger, seen)?.filter(made);
    Ok(unit.map(|unit| unit.serial))
}

/// Returns the serial that is the chip's own number.
///
/// # Errors
/// [`StationError::NoNumber`] where the chip has none, [`StationError::Number`] where it is no serial
/// of the product.
pub fn uid_serial(recipe: &Recipe, uid: Option<&str>) -> Result<Serial, StationError> {
    let uid = uid.ok_or(StationError::NoNumber)?;
    let serial = recipe.serial.read(&uid.to_ascii_uppercase());
    serial.map_err(StationError::Number)
}
