//! Looking things up: nothing is written.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::doubt;
use crate::ledger::rules::facts::{ORIGIN, SIMULATED, UNUSED};
use crate::ledger::storage::tables::{Frame, Order, Tables, TokenRow, UnitRow};
use crate::ledger::{
    Entry, Event, Ledger, LedgerError, ReadyToken, Rework, Stock, TokenRecord, TokenState,
    UnitError, UnitRecord, UnitState,
};
use crate::unit::{Fingerprint, QrToken, Serial};

impl Ledger {
    /// Counts the tokens and units of the scope.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn stock(&self) -> Result<Stock, LedgerError> {
        self.read(|tables| {
            let mut stock = tables.stock()?;
            stock.origin = tables.fact(ORIGIN)?.and_then(|text| text.parse().ok());
            stock.simulated = tables.fact(SIMULATED)?.and_then(|text| text.parse().ok());
            stock.unused = tables.fact(UNUSED)?.is_some();
            Ok(stock)
        })
    }

    /// Counts free tokens of the scope, at most `most`; what it costs does not grow with the ledger.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn free(&self, most: usize) -> Result<usize, LedgerError> {
        self.read(|tables| tables.free(most))
    }

    /// Returns whether the units are real or simulated; `None` before the first one.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn simulated(&self) -> Result<Option<crate::ledger::Simulated>, LedgerError> {
        self.read(|tables| {
            let fact = tables.fact(SIMULATED)?;
            Ok(fact.and_then(|text| text.parse().ok()))
        })
    }

    /// Returns the serials that this station claimed and did not finish, oldest first; not
    /// those that a live run holds, nor those that may be on a board which told no number.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn open_claims(&self, station: &str) -> Result<Vec<Serial>, LedgerError> {
        self.ask(|tables, frame| {
            let units = tables.reserved_at(station)?.into_iter();
            // Rework is for the unit's own board, not for whichever comes next.
            Ok(units
                .filter(|unit| !unit.run.is_empty() && !frame.in_hand(tables, unit))
                // Nor is a claim that may be on a board which nothing tells from others.
                .filter(doubt::is_free_of)
                .map(|unit| unit.serial)
                .collect())
        })
    }

    /// Calls `each` for every token of the scope that a unit may still get, and for those of
    /// claims that are open, in the order of import. What it costs grows with the tokens, and is
    /// a fraction of an [`audit`](Self::audit).
    ///
    /// # Errors
    /// [`KeyError::Unsealed`](crate::ledger::KeyError::Unsealed) and the like when a token does not open.
    pub fn ready_tokens(&self, each: &mut dyn FnMut(&ReadyToken)) -> Result<(), LedgerError> {
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, unit)| {
                // A claim that is open is the first that the next run takes up.
                let open = token.state == TokenState::Bound && unit == Some(UnitState::Reserved);
                if token.ours && (open || token.state == TokenState::Free) {
                    let secrets = tables.secrets(token.id)?;
                    each(&ReadyToken {
                        fingerprint: token.fingerprint,
                        state: token.state,
                        bound: token.fixed,
                        token: secrets.token,
                        qr: secrets.qr,
                        columns: secrets.columns,
                    });
                }
                Ok(())
            })
        })
    }

    /// Returns the bound serials of free tokens, in the list's order, at most `count`.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn bound_serials(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| tables.fixed_free(count))
    }

    /// Returns the unit that a label belongs to: of a burnt token the one that had it.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn owner(&self, code: &QrToken) -> Result<Option<UnitRecord>, LedgerError> {
        self.ask(|tables, frame| {
            let token = tables.token_of_qr(&event::qr_print(code))?;
            bearer(tables, frame, token)
        })
    }

    /// Returns everything about one unit: the live record, or the last one.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn find(&self, serial: &Serial) -> Result<Option<UnitRecord>, LedgerError> {
        self.ask(|tables, frame| {
            let unit = tables.unit_of(&serial.folded())?;
            Ok(unit.map(|unit| record(tables, frame, unit)))
        })
    }

    /// Returns the live unit that a board is, by the chip's own number.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn on_board(&self, uid: &str) -> Result<Option<UnitRecord>, LedgerError> {
        self.ask(|tables, frame| {
            let unit = tables.unit_on(uid)?;
            Ok(unit.map(|unit| record(tables, frame, unit)))
        })
    }

    /// Returns the unit that a token belongs to: of a burnt one the one that had it, void, or
    /// superseded because its board was swapped.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn holder(&self, fingerprint: &Fingerprint) -> Result<Option<UnitRecord>, LedgerError> {
        self.ask(|tables, frame| {
            let token = tables.token(fingerprint)?;
            bearer(tables, frame, token)
        })
    }

    /// Returns the entry of a finished unit, with what its label needs.
    ///
    /// # Errors
    /// [`KeyError::Unsealed`](crate::ledger::KeyError::Unsealed) when a value does not open; [`StorageError::Storage`](crate::ledger::StorageError::Storage).
    pub fn entry(&self, serial: &Serial) -> Result<Option<Entry>, LedgerError> {
        self.ask(|tables, frame| match tables.unit_of(&serial.folded())? {
            Some(unit) if is_finished(unit.state) => entry(tables, frame, unit).map(Some),
            _ => Ok(None),
        })
    }

    /// Calls `each` for every unit of the scope in order of reservation, superseded ones too.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn units(&self, each: &mut dyn FnMut(UnitRecord)) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.scan(|tables| {
            tables.scan_units(&mut |unit| {
                each(record(tables, &frame, unit));
                Ok(())
            })
        })
    }

    /// Returns the event history of one unit, oldest first.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn history(&self, serial: &Serial) -> Result<Vec<Event>, LedgerError> {
        self.read(|tables| tables.events_of(&serial.folded()))
    }

    /// Calls `each` for every token of the scope in the order of import.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn tokens(&self, each: &mut dyn FnMut(TokenRecord)) -> Result<(), LedgerError> {
        let frame = self.frame();
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, _)| {
                if token.ours {
                    each(token_record(tables, &frame, token)?);
                }
                Ok(())
            })
        })
    }

    /// Returns the QR Token that belongs to a token, whatever became of it.
    ///
    /// # Errors
    /// [`KeyError::Unsealed`](crate::ledger::KeyError::Unsealed) when a value does not open; [`StorageError::Storage`](crate::ledger::StorageError::Storage).
    pub fn code(&self, fingerprint: &Fingerprint) -> Result<Option<QrToken>, LedgerError> {
        self.read(|tables| match tables.token(fingerprint)? {
            Some(token) => Ok(tables.secrets(token.id)?.qr),
            None => Ok(None),
        })
    }

    /// Calls `each` for every event after `seq`, oldest first.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn events_since(&self, seq: i64, each: &mut dyn FnMut(Event)) -> Result<(), LedgerError> {
        self.settle()?;
        self.scan(|tables| {
            tables.scan_events(Order::After(seq), &mut |row| {
                each(row.event);
                Ok(())
            })
        })
    }

    /// Returns the ledger's own number, in hex digits.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    #[cfg(feature = "seal")]
    pub fn number(&self) -> Result<String, LedgerError> {
        self.read(super::facts::ledger_number)
    }

    /// Returns the ledger's identity, by which stations know its parts; `None` without its key.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    #[cfg(feature = "seal")]
    pub fn home(&self) -> Result<Option<crate::recipe::HomeId>, LedgerError> {
        let home = self.read(|tables| tables.home())?;
        Ok(home.map(|key| key.home().id()))
    }
}

/// Returns whether a unit's image exists and was read back.
pub const fn is_finished(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// Returns what people may see of a unit.
pub fn record(tables: &dyn Tables, frame: &Frame, unit: UnitRow) -> UnitRecord {
    let alive = frame.in_hand(tables, &unit);
    unit.record(alive)
}

/// Returns what people may see of a token.
pub fn token_record(
    tables: &dyn Tables,
    frame: &Frame,
    token: TokenRow,
) -> Result<TokenRecord, LedgerError> {
    let (fingerprint, state) = (token.fingerprint, token.state);
    let unit = match state {
        TokenState::Free | TokenState::ClaimedElsewhere | TokenState::CheckedOut => None,
        TokenState::Bound | TokenState::Void | TokenState::Quarantined => {
            tables.unit_with(token.id)?
        }
    };
    let returned = match &unit {
        Some(unit) => returned(tables, unit)?,
        None => None,
    };
    Ok(TokenRecord {
        fingerprint,
        state,
        holder: unit.map(|unit| record(tables, frame, unit)),
        returned,
    })
}

/// Returns the unit that has a token, or had it when it was burnt.
pub fn bearer(
    tables: &dyn Tables,
    frame: &Frame,
    token: Option<TokenRow>,
) -> Result<Option<UnitRecord>, LedgerError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let unit = tables
        .unit_with(token.id)?
        .filter(|unit| unit.state != UnitState::Superseded || token.state == TokenState::Void);
    Ok(unit.map(|unit| record(tables, frame, unit)))
}

/// Returns a finished unit with what its label needs.
pub fn entry(tables: &dyn Tables, frame: &Frame, unit: UnitRow) -> Result<Entry, LedgerError> {
    Ok(Entry {
        qr: tables.secrets(unit.token)?.qr,
        picture: tables.picture(unit.token)?,
        record: Box::new(record(tables, frame, unit)),
    })
}

/// Returns the live unit of a serial.
pub fn live(tables: &dyn Tables, serial: &Serial) -> Result<UnitRow, LedgerError> {
    tables
        .unit_of(&serial.folded())?
        .filter(|unit| unit.state != UnitState::Superseded)
        .ok_or_else(|| {
            LedgerError::Unit(UnitError::NoUnit {
                serial: serial.clone(),
            })
        })
}

/// Returns when a unit came back from a customer, if its record began with that.
pub fn returned(tables: &dyn Tables, unit: &UnitRow) -> Result<Option<String>, LedgerError> {
    // A row that a run began has no such event, and most have been begun so.
    let renewed = match tables.last_event(unit.id, Kind::Renewed.into())? {
        // Or with a part that brought it.
        None => tables.last_event(unit.id, Kind::Joined.into())?,
        renewed => renewed,
    };
    let Some(event) = renewed else {
        return Ok(None);
    };
    let mode = Body::read(&event)?.mode;
    Ok((mode.as_deref() == Some(Rework::Returned.mode())).then_some(event.at))
}
