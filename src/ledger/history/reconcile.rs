//! Reconcile: what the cloud has against what the ledger has, without a network.

use std::collections::HashMap;

use crate::ledger::TokenState;
use crate::ledger::record::{UnitRecord, UnitState};
use crate::pool::Pool;
use crate::unit::{Fingerprint, Serial};

/// What the ledger knows of a token; no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The token's fingerprint.
    pub fingerprint: Fingerprint,
    /// Its state.
    pub state: TokenState,
    /// The unit that has it, or had it when it was burnt.
    pub holder: Option<UnitRecord>,
    /// When its unit came back from a customer, if that was the last that was done with it.
    pub returned: Option<String>,
}

impl TokenRecord {
    /// Returns whether it is to be deleted in the console: it is burnt.
    #[must_use]
    pub fn is_burnt(&self) -> bool {
        self.state == TokenState::Void
    }

    /// Returns whether its customer's claim is to be undone in the console: it came back, and
    /// was not made again.
    #[must_use]
    pub fn is_to_disclaim(&self) -> bool {
        self.returned.is_some() && !self.is_made()
    }

    fn is_made(&self) -> bool {
        let state = self.holder.as_ref().map(|unit| unit.state);
        matches!(state, Some(UnitState::Delivered | UnitState::Labelled))
    }
}

/// How cloud and ledger differ about one token.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Difference {
    /// On a unit here, deleted there: the unit never connects again.
    MadeDeleted,
    /// Free here, deleted there: a unit that gets it never connects.
    FreeDeleted,
    /// Claimed there, free here: it is on a device that this ledger does not know.
    FreeClaimed,
    /// Claimed there, and here its unit is in stock: reserved or prepared, never seen on a board.
    StockClaimed,
    /// Claimed there, burnt here: somebody has a board or label that was scrapped.
    BurntClaimed,
    /// Burnt here, and still there: to be deleted.
    BurntThere,
    /// Claimed there, came back here: to be disclaimed.
    ReturnedClaimed,
    /// Claimed there, came back and was made again since: to be disclaimed unless it was sold.
    RemadeClaimed,
    /// There, and unknown here.
    UnknownHere,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// How they differ.
    pub difference: Difference,
    /// The token's fingerprint.
    pub fingerprint: Fingerprint,
    /// Its unit's serial.
    pub serial: Option<Serial>,
}

/// Compares a whole export with the ledger's tokens.
///
/// Feed it the ledger's tokens one by one, then ask for the [`rest`](Self::rest).
#[derive(Debug)]
pub struct Reconciliation {
    /// Whether each token of the cloud is claimed; what the ledger knows is taken out.
    there: HashMap<Fingerprint, bool>,
    found: Vec<Disagreement>,
}

impl Reconciliation {
    /// Takes what the cloud has.
    #[must_use]
    pub fn new(list: &Pool) -> Self {
        let rows = list.rows.iter();
        Self {
            there: rows
                .map(|row| (row.token.fingerprint(), row.claimed))
                .collect(),
            found: Vec::new(),
        }
    }

    /// Takes one token that the ledger has.
    pub fn take(&mut self, token: &TokenRecord) {
        let claimed = self.there.remove(&token.fingerprint);
        if let Some(difference) = compare(token, claimed) {
            self.found.push(Disagreement {
                difference,
                fingerprint: token.fingerprint,
                serial: token.holder.as_ref().map(|unit| unit.serial.clone()),
            });
        }
    }

    /// Returns all differences, the gravest kind first, each kind in the ledger's order.
    #[must_use]
    pub fn rest(self) -> Vec<Disagreement> {
        let mut found = self.found;
        let mut unknown: Vec<Fingerprint> = self.there.into_keys().collect();
        unknown.sort_unstable_by_key(|print| *print.as_bytes());
        found.extend(unknown.into_iter().map(|fingerprint| Disagreement {
            difference: Difference::UnknownHere,
            fingerprint,
            serial: None,
        }));
        found.sort_by_key(|one| one.difference);
        found
    }
}

/// Compares one token; `claimed` is absent for one that the cloud does not have.
fn compare(token: &TokenRecord, claimed: Option<bool>) -> Option<Difference> {
    match (token.state, claimed) {
        // A gone token is nobody's business here, and a deleted burnt one is as it should be.
        (TokenState::ClaimedElsewhere, _) | (TokenState::Void, None) => None,
        // What was split off or set aside may be used already: only that it is deleted is news.
        (TokenState::CheckedOut | TokenState::Quarantined, Some(_)) => None,
        (TokenState::Free | TokenState::CheckedOut | TokenState::Quarantined, None) => {
            Some(Difference::FreeDeleted)
        }
        (TokenState::Bound, None) => Some(Difference::MadeDeleted),
        (TokenState::Void, Some(true)) => Some(Difference::BurntClaimed),
        (TokenState::Void, Some(false)) => Some(Difference::BurntThere),
        (TokenState::Free | TokenState::Bound, Some(false)) => None,
        (TokenState::Free, Some(true)) => Some(Difference::FreeClaimed),
        (TokenState::Bound, Some(true)) => match (&token.returned, token.is_made()) {
            (Some(_), false) => Some(Difference::ReturnedClaimed),
            (Some(_), true) => Some(Difference::RemadeClaimed),
            (None, false) => Some(Difference::StockClaimed),
            (None, true) => None,
        },
    }
}
