//! Sites: the units of several ledgers held against one another, by fingerprint and board.

use std::collections::HashMap;

use crate::ledger::history::restore::Sighting;
use crate::ledger::storage::tables::Tables;
use crate::ledger::{Finding, Ledger, LedgerError, TokenState, UnitState};
use crate::unit::{Fingerprint, Serial};

/// How this ledger is called among the sites.
const HERE: &str = "this ledger";

impl Ledger {
    /// Returns which tokens and boards this ledger and other sites use twice.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn compare_sites(&self, seen: &[Sighting]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| compare(tables, seen))
    }
}

/// Where a token or board was seen first.
#[derive(Clone)]
struct Seen {
    site: String,
    serial: Serial,
    fingerprint: Fingerprint,
    uid: Option<String>,
}

impl Seen {
    /// Returns whether both are the same unit, told by two sites.
    fn is(&self, other: &Self) -> bool {
        let board = match (&self.uid, &other.uid) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.fingerprint == other.fingerprint
            && self.serial.folded() == other.serial.folded()
            && board
    }

    fn named(&self) -> String {
        match &self.uid {
            Some(uid) => format!("{} on board {uid} in {}", self.serial, self.site),
            None => format!("{} in {}", self.serial, self.site),
        }
    }
}

/// Lists the tokens and boards that are used twice.
pub fn compare(tables: &dyn Tables, sightings: &[Sighting]) -> Result<Vec<Finding>, LedgerError> {
    let mut tokens: HashMap<Fingerprint, Seen> = HashMap::new();
    let mut boards: HashMap<String, Seen> = HashMap::new();
    let mut findings = Vec::new();
    let mut look = |seen: Seen, findings: &mut Vec<Finding>| {
        let twice = |first: &Seen, about: String| Finding {
            about,
            what: format!("it is used twice: {}, and {}", first.named(), seen.named()),
        };
        match tokens.get(&seen.fingerprint) {
            Some(first) if !first.is(&seen) => {
                findings.push(twice(first, format!("token {}", seen.fingerprint)));
                // One of both boards is told once.
                return;
            }
            Some(_) => {}
            None => {
                tokens.insert(seen.fingerprint, seen.clone());
            }
        }
        if let Some(uid) = &seen.uid {
            match boards.get(uid) {
                Some(first) if !first.is(&seen) => {
                    findings.push(twice(first, format!("board {uid}")));
                }
                Some(_) => {}
                None => {
                    boards.insert(uid.clone(), seen.clone());
                }
            }
        }
    };
    tables.scan_units(&mut |unit| {
        if matches!(unit.state, UnitState::Void | UnitState::Superseded) {
            return Ok(());
        }
        let seen = Seen {
            site: HERE.to_owned(),
            serial: unit.serial,
            fingerprint: unit.fingerprint,
            uid: unit.uid,
        };
        look(seen, &mut findings);
        Ok(())
    })?;
    for sighting in sightings {
        let seen = Seen {
            site: sighting.site.clone(),
            serial: sighting.serial.clone(),
            fingerprint: sighting.fingerprint,
            uid: sighting.uid.clone(),
        };
        if let Some(what) = given_out(tables, &seen)? {
            findings.push(Finding {
                about: format!("token {}", seen.fingerprint),
                what,
            });
        }
        look(seen, &mut findings);
    }
    Ok(findings)
}

/// Says what is wrong with a token that another site uses and no unit has here.
fn given_out(tables: &dyn Tables, seen: &Seen) -> Result<Option<String>, LedgerError> {
    let Some(token) = tables.token(&seen.fingerprint)? else {
        return Ok(None);
    };
    Ok(match token.state {
        TokenState::Free | TokenState::Void => {
            Some(format!("it is {} here, and {}", token.state, seen.named()))
        }
        // A part or a lost ledger may have used it; a unit here is compared by itself.
        TokenState::CheckedOut
        | TokenState::Quarantined
        | TokenState::Bound
        | TokenState::ClaimedElsewhere => None,
    })
}
