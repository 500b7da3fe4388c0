//! Confirm, fail and label: what came of a claim.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::look::{entry, is_finished, live};
use crate::ledger::storage::tables::{Frame, Tables, UnitRow};
use crate::ledger::{
    Actor, Entry, Failure, Ledger, LedgerError, Receipt, Reservation, Target, UnitError, UnitState,
};
use crate::unit::Serial;

impl Ledger {
    /// Makes outcomes durable: reserved units become prepared (file) or delivered (probe).
    ///
    /// # Errors
    /// [`UnitError::Stale`](crate::ledger::UnitError::Stale) when somebody claimed the unit since,
    /// [`UnitError::WrongReceipt`](crate::ledger::UnitError::WrongReceipt), those of storage: with nothing written; the pairs stay with the
    /// caller, to try again.
    pub fn confirm(&mut self, done: &[(Reservation, Receipt)]) -> Result<Vec<Entry>, LedgerError> {
        self.act(|tables, frame| {
            let serials = done.iter().map(|(reservation, _)| reservation.serial());
            tables.hold_units(&serials.map(Serial::folded).collect::<Vec<_>>())?;
            done.iter()
                .map(|(reservation, receipt)| confirm(tables, frame, reservation, receipt))
                .collect()
        })
    }

    /// Records that a delivery failed; the claim and its token stay with the unit.
    ///
    /// # Errors
    /// [`UnitError::Stale`](crate::ledger::UnitError::Stale) when somebody claimed the unit since; those of storage.
    pub fn fail(&mut self, reservation: Reservation, failure: &Failure) -> Result<(), LedgerError> {
        self.act(|tables, frame| {
            let mut unit = held(tables, frame, &reservation)?;
            if !unit.pending {
                return Err(stale(&reservation, &unit));
            }
            unit.pending = false;
            unit.touched |= failure.touched;
            if failure.swapped {
                unit.uid = None;
            }
            let body = Body {
                run: Some(unit.run.clone()),
                name: Some(failure.name.clone()),
                message: Some(failure.message.clone()),
                touched: Some(failure.touched),
                swapped: failure.swapped.then_some(true),
                ..Body::of(&unit)
            };
            let station = &frame.identity.station;
            event::append_unit(tables, station, Kind::Failed, (&mut unit, body))?;
            tables.set_unit(&unit)
        })
    }

    /// Records that the label on the unit was read and is the right one.
    ///
    /// # Errors
    /// [`UnitError::NoUnit`](crate::ledger::UnitError::NoUnit), [`UnitError::NotLabelled`](crate::ledger::UnitError::NotLabelled)
    pub fn labelled(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        self.act(|tables, frame| {
            let mut unit = live(tables, serial)?;
            let next = match unit.state {
                UnitState::Prepared => UnitState::Prepared,
                UnitState::Delivered | UnitState::Labelled => UnitState::Labelled,
                UnitState::Reserved | UnitState::Void | UnitState::Superseded => {
                    return Err(LedgerError::Unit(UnitError::NotLabelled {
                        serial: unit.serial,
                        state: unit.state.into(),
                    }));
                }
            };
            if unit.labelled_at.is_some() && unit.state == next {
                return entry(tables, frame, unit);
            }
            unit.state = next;
            let body = Body::of(&unit).by(by);
            event::append_unit(tables, &by.station, Kind::Labelled, (&mut unit, body))?;
            unit.labelled_at = Some(unit.at.clone());
            tables.set_unit(&unit)?;
            entry(tables, frame, unit)
        })
    }

    /// Records that the label of a finished unit is made again, before it is.
    ///
    /// # Errors
    /// [`UnitError::NotLabelled`] for a unit that is not finished.
    pub fn reprinted(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        self.act(|tables, frame| {
            let mut unit = live(tables, serial)?;
            if !is_finished(unit.state) {
                return Err(LedgerError::Unit(UnitError::NotLabelled {
                    serial: unit.serial,
                    state: unit.state.into(),
                }));
            }
            let body = Body::of(&unit).by(by);
            event::append_unit(tables, &by.station, Kind::Reprinted, (&mut unit, body))?;
            tables.set_unit(&unit)?;
            entry(tables, frame, unit)
        })
    }
}

/// Makes one outcome durable.
pub fn confirm(
    tables: &mut dyn Tables,
    frame: &Frame,
    reservation: &Reservation,
    receipt: &Receipt,
) -> Result<Entry, LedgerError> {
    let unit = held(tables, frame, reservation)?;
    check(reservation, receipt, &unit)?;
    if !unit.pending {
        // The same outcome told twice: an answer was lost on the way.
        if is_finished(unit.state) && unit.digest == receipt.digest() {
            return entry(tables, frame, unit);
        }
        return Err(stale(reservation, &unit));
    }
    let (state, kind) = match (reservation.claim.target, &unit.labelled_at) {
        (Target::File, _) => (UnitState::Prepared, Kind::Prepared),
        // Its label was read while it was only a file.
        (Target::Probe | Target::Program, Some(_)) => (UnitState::Labelled, Kind::Delivered),
        (Target::Probe | Target::Program, None) => (UnitState::Delivered, Kind::Delivered),
    };
    let mut unit = UnitRow {
        state,
        // What was only looked at and holds the unit is its board from here on.
        uid: unit.uid.or_else(|| reservation.claim.uid.clone()),
        target: reservation.claim.target,
        digest: receipt.digest(),
        durable: receipt.is_durable(),
        pending: false,
        touched: true,
        ..unit
    };
    let body = Body {
        run: Some(unit.run.clone()),
        target: Some(unit.target.to_string()),
        uid: unit.uid.clone(),
        image: Some(unit.image.to_string()),
        digest: unit.digest.map(|digest| digest.to_string()),
        durable: Some(unit.durable),
        ..Body::of(&unit)
    };
    event::append_unit(tables, &frame.identity.station, kind, (&mut unit, body))?;
    tables.set_unit(&unit)?;
    entry(tables, frame, unit)
}

/// Returns the unit of a reservation that still counts.
fn held(
    tables: &dyn Tables,
    frame: &Frame,
    reservation: &Reservation,
) -> Result<UnitRow, LedgerError> {
    let unit = tables.unit(reservation.unit)?.ok_or_else(|| {
        LedgerError::Unit(UnitError::NoUnit {
            serial: reservation.serial().clone(),
        })
    })?;
    let gone = matches!(unit.state, UnitState::Void | UnitState::Superseded);
    if gone || unit.attempt != reservation.attempt || unit.run != frame.run {
        return Err(stale(reservation, &unit));
    }
    Ok(unit)
}

/// Makes the error of a claim that no longer counts.
fn stale(reservation: &Reservation, unit: &UnitRow) -> LedgerError {
    LedgerError::Unit(UnitError::Stale {
        serial: unit.serial.clone(),
        held: reservation.attempt,
        current: unit.attempt,
        station: unit.station.clone(),
    })
}

/// Checks that receipt, reservation and record are about the same unit and token.
fn check(reservation: &Reservation, receipt: &Receipt, unit: &UnitRow) -> Result<(), LedgerError> {
    let serial = receipt.serial().folded() == unit.serial.folded();
    let token =
        receipt.fingerprint() == unit.fingerprint && reservation.fingerprint == unit.fingerprint;
    if serial && token {
        return Ok(());
    }
    Err(LedgerError::Unit(UnitError::WrongReceipt {
        serial: unit.serial.clone(),
        fingerprint: unit.fingerprint,
        found: format!("{} with token {}", receipt.serial(), receipt.fingerprint()),
    }))
}
