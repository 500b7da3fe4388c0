//! Met: a token that a board shows, and that nobody here put there.
//!
//! Another ledger gave it out, or an older copy of this one. It is handed out to no unit from here on, and that
//! is durable before anybody is told: else the next unit might get it.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::record::UnitRecord;
use crate::ledger::rules::look::bearer;
use crate::ledger::rules::parts;
use crate::ledger::storage::tables::{Frame, Tables, TokenRow};
use crate::ledger::{Ledger, LedgerError, TokenState};
use crate::unit::{Fingerprint, Serial};

/// Where a token was met.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The board's own number, where it has one.
    pub uid: Option<&'a str>,
    /// The unit that was due there.
    pub due: &'a Serial,
}

/// Whose a token is that was met on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A unit has it, or had it when it was burnt.
    Unit(Box<UnitRecord>),
    /// It is this ledger's, no unit here has it, and none gets it from here on.
    Nobodys,
    /// It is none of this ledger's.
    Unknown,
}

impl Ledger {
    /// Returns whose a token is that a board shows, to whoever is about to write there. One that no
    /// unit has is handed out to none from here on: somebody else put it there.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage); then nothing was recorded.
    pub fn met(&mut self, fingerprint: &Fingerprint, spot: Spot<'_>) -> Result<Met, LedgerError> {
        let frame = self.frame();
        // Most boards show nothing that has to be written down.
        let (met, loose) = self.read(|tables| whose(tables, &frame, fingerprint))?;
        if loose.is_none() {
            return Ok(met);
        }
        self.write(|tables| {
            let (met, loose) = whose(tables, &frame, fingerprint)?;
            if let Some(token) = loose {
                spend(tables, &frame, &token, spot)?;
            }
            Ok(met)
        })
    }
}

/// Returns whose a token is, and its row where a unit could still get it.
fn whose(
    tables: &dyn Tables,
    frame: &Frame,
    fingerprint: &Fingerprint,
) -> Result<(Met, Option<TokenRow>), LedgerError> {
    let Some(token) = tables.token(fingerprint)? else {
        return Ok((Met::Unknown, None));
    };
    if let Some(unit) = bearer(tables, frame, Some(token.clone()))? {
        return Ok((Met::Unit(Box::new(unit)), None));
    }
    let loose = matches!(token.state, TokenState::Free | TokenState::Quarantined);
    Ok((Met::Nobodys, loose.then_some(token)))
}

/// Records where a token was met, and that no unit gets it.
fn spend(
    tables: &mut dyn Tables,
    frame: &Frame,
    token: &TokenRow,
    spot: Spot<'_>,
) -> Result<(), LedgerError> {
    // A closed part gives nothing out, and what it brings back is signed.
    if parts::part_of(tables)?.is_some_and(|of| of.closed) {
        return Ok(());
    }
    tables.set_token(token, TokenState::ClaimedElsewhere)?;
    let body = Body {
        fingerprints: Some(vec![token.fingerprint.to_hex()]),
        uid: spot.uid.map(str::to_owned),
        run: Some(frame.run.clone()),
        message: Some(format!("a board showed it where {} was due", spot.due)),
        ..Body::default()
    };
    let station = &frame.identity.station;
    event::append(tables, station, (Kind::Met, None), body).map(drop)
}
