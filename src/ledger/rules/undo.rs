//! Release and void: how a claim ends without a unit.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::facts::known;
use crate::ledger::rules::look::live;
use crate::ledger::rules::proof;
use crate::ledger::storage::tables::{Frame, Tables, UnitRow};
use crate::ledger::{Actor, Ledger, LedgerError, TokenState, UnitError, UnitRecord, UnitState};
use crate::unit::Serial;

impl Ledger {
    /// Takes back a claim that no delivery ever started for: the token is free again.
    ///
    /// # Errors
    /// [`UnitError::NotReleasable`] when anything may carry the token.
    pub fn release(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        self.act(|tables, frame| {
            let unit = live(tables, serial)?;
            proof::of_unit(tables, &unit)?;
            if let Some(reason) = carried(tables, frame, &unit) {
                let serial = unit.serial;
                return Err(LedgerError::Unit(UnitError::NotReleasable {
                    serial,
                    reason,
                }));
            }
            end(tables, unit, (UnitState::Superseded, TokenState::Free), by)
        })
    }

    /// Burns a unit's token: it is never handed out again, and the serial is refused.
    ///
    /// # Errors
    /// [`UnitError::NoUnit`](crate::ledger::UnitError::NoUnit), [`UnitError::NotVoidable`](crate::ledger::UnitError::NotVoidable)
    pub fn void(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        self.act(|tables, frame| {
            let unit = live(tables, serial)?;
            let reason = if unit.state == UnitState::Void {
                Some(format!("it is void already, since {}", unit.at))
            } else if frame.in_hand(tables, &unit) {
                Some(format!(
                    "it is in work at station {}; end that run first",
                    unit.station
                ))
            } else {
                None
            };
            if let Some(reason) = reason {
                let serial = unit.serial;
                return Err(LedgerError::Unit(UnitError::NotVoidable { serial, reason }));
            }
            end(tables, unit, (UnitState::Void, TokenState::Void), by)
        })
    }
}

/// Says what may carry a unit's token; `None` when nothing can.
fn carried(tables: &dyn Tables, frame: &Frame, unit: &UnitRow) -> Option<String> {
    if unit.state != UnitState::Reserved {
        let state = unit.state;
        return Some(match state {
            UnitState::Void => "its token is burnt already".to_owned(),
            _ => format!("it is {state} and carries its token; void it to burn the token"),
        });
    }
    if frame.in_hand(tables, unit) {
        return Some(format!(
            "it is in work at station {}; end that run first",
            unit.station
        ));
    }
    let token = tables.token(&unit.fingerprint).ok().flatten();
    if token.is_some_and(|token| token.state == TokenState::Quarantined) {
        return Some(
            "the ledger was restored since, and its token may be anywhere: clear it, or void it"
                .to_owned(),
        );
    }
    if unit.pending {
        return Some(format!(
            "the run at station {} ended without saying what it wrote; finish the unit, or void it to burn the token",
            unit.station
        ));
    }
    unit.touched.then(|| {
        "an attempt on it may have left the token; finish the unit, or void it to burn the token"
            .to_owned()
    })
}

/// Ends a unit and settles what becomes of its token.
fn end(
    tables: &mut dyn Tables,
    mut unit: UnitRow,
    (state, token): (UnitState, TokenState),
    by: &Actor,
) -> Result<UnitRecord, LedgerError> {
    unit.state = state;
    unit.pending = false;
    let kind = match token {
        TokenState::Void => Kind::Voided,
        _ => Kind::Released,
    };
    let body = Body::of(&unit).by(by);
    event::append_unit(tables, &by.station, kind, (&mut unit, body))?;
    let row = known(tables, &unit.fingerprint)?;
    tables.set_token(&row, token)?;
    tables.set_unit(&unit)?;
    Ok(unit.record(false))
}
