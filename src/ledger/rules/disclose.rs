//! Disclosure: a secret leaves the ledger only after that is on record.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::{Actor, Ledger, LedgerError, Revealed, UnitError, UnitState};
use crate::unit::{AuthToken, Serial};

impl Ledger {
    /// Records that secrets left the ledger in the clear, before they do.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn revealed(&mut self, what: &str, by: &Actor) -> Result<Revealed, LedgerError> {
        self.write(|tables| {
            let body = Body {
                message: Some(what.to_owned()),
                ..Body::default()
            };
            let stamp = event::append(tables, &by.station, (Kind::Revealed, None), body.by(by))?;
            Ok(Revealed { event: stamp.hash })
        })
    }

    /// Records that another image with the token of a finished unit is made, before it is.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn copied(&mut self, serial: &Serial) -> Result<Revealed, LedgerError> {
        let by = Actor {
            station: self.frame().identity.station.clone(),
            by: None,
            reason: None,
        };
        self.revealed(&format!("another image of {serial}"), &by)
    }

    /// Returns the AuthToken of a unit, after the disclosure was recorded.
    ///
    /// # Errors
    /// [`UnitError::NoUnit`]
    pub fn reveal(&self, serial: &Serial, _proof: &Revealed) -> Result<AuthToken, LedgerError> {
        self.read(|tables| {
            let unit = tables
                .unit_of(&serial.folded())?
                .filter(|unit| unit.state != UnitState::Superseded)
                .ok_or_else(|| {
                    LedgerError::Unit(UnitError::NoUnit {
                        serial: serial.clone(),
                    })
                })?;
            Ok(tables.secrets(unit.token)?.token)
        })
    }
}
