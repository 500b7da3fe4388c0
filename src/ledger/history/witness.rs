//! Witnesses: heads and events that others keep, held against the chains.

use std::collections::HashMap;

use crate::ledger::history::restore::Witnessed;
use crate::ledger::storage::tables::{Order, Tables};
use crate::ledger::{Finding, Ledger, LedgerError};
use crate::unit::Digest;

impl Ledger {
    /// Returns which heads and events that others keep are not in this ledger.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn compare(&self, seen: &[Witnessed]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| compare(tables, seen))
    }
}

/// Lists what witnesses saw and the ledger does not have.
pub fn compare(tables: &dyn Tables, seen: &[Witnessed]) -> Result<Vec<Finding>, LedgerError> {
    let mut by_hash: HashMap<Digest, bool> =
        seen.iter().map(|witness| (witness.event, false)).collect();
    let mut by_link: HashMap<(String, i64), bool> = HashMap::new();
    for witness in seen {
        if let Some((station, link)) = &witness.link {
            by_link.insert((station.clone(), *link), false);
        }
    }
    tables.scan_events(Order::Chain, &mut |row| {
        if let Some(found) = by_hash.get_mut(&row.event.hash) {
            *found = true;
        }
        if let Some(found) = by_link.get_mut(&(row.event.station, row.link)) {
            *found = true;
        }
        Ok(())
    })?;
    let mut findings = Vec::new();
    // Of each station the first that is missing tells where the two went apart.
    let mut told: HashMap<&str, ()> = HashMap::new();
    for witness in seen {
        if by_hash.get(&witness.event) == Some(&true) {
            continue;
        }
        let Some((station, link)) = &witness.link else {
            findings.push(Finding {
                about: witness.place.clone(),
                what: format!("event {} is not in this ledger", short(&witness.event)),
            });
            continue;
        };
        if told.insert(station, ()).is_some() {
            continue;
        }
        let what = if by_link.get(&(station.clone(), *link)) == Some(&true) {
            "is another one in this ledger: an older copy of it was used further"
        } else {
            "is not in this ledger: its end was cut off, or an older copy is in use"
        };
        findings.push(Finding {
            about: format!("station {station}"),
            what: format!(
                "event {link} of its chain, {}, which {} has, {what}",
                short(&witness.event),
                witness.place
            ),
        });
    }
    Ok(findings)
}

fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}
