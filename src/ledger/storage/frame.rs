//! Who has a ledger open.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::rows::UnitRow;
use super::tables::Tables;
#[cfg(feature = "seal")]
use crate::ledger::Simulated;
use crate::ledger::{Identity, Scope};

/// Who has a ledger open, and for what.
#[derive(Debug)]
pub struct Frame {
    /// Its tokens and units.
    pub scope: Scope,
    /// Who has it open.
    pub identity: Identity,
    /// This opening's own name; empty for one that only looks.
    pub run: String,
    /// The run's lock, where it has one.
    lock: Weak<File>,
    /// The units that this run has in hand.
    holds: Mutex<HashMap<i64, Weak<()>>>,
    /// All parts up to this one came back or were burnt: that never changes.
    ended: AtomicI64,
}

impl Frame {
    /// Makes the frame of one opening.
    #[must_use]
    pub fn new(scope: &Scope, identity: Identity, run: String) -> Self {
        Self {
            scope: scope.clone(),
            identity,
            run,
            lock: Weak::new(),
            holds: Mutex::default(),
            ended: AtomicI64::default(),
        }
    }

    /// Makes the frame of one that only looks.
    #[cfg(feature = "seal")]
    pub(crate) fn looking(scope: &Scope) -> Self {
        let identity = Identity {
            station: String::new(),
            simulated: Simulated::No,
        };
        Self::new(scope, identity, String::new())
    }

    /// Takes the lock by which others know that the run lives.
    #[cfg(feature = "seal")]
    pub(crate) fn with_lock(mut self, lock: Weak<File>) -> Self {
        self.lock = lock;
        self
    }

    /// Returns that lock, to be held by what works on a unit.
    pub(crate) fn lock(&self) -> Weak<File> {
        Weak::clone(&self.lock)
    }

    /// Notes that this run has a unit in hand until the answer is dropped.
    pub(crate) fn take(&self, unit: i64) -> Arc<()> {
        let hold = Arc::new(());
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        // Clearing up now and then keeps the cost of one small, however large the group.
        if holds.len() == holds.capacity() {
            holds.retain(|_, hold| hold.strong_count() > 0);
        }
        holds.insert(unit, Arc::downgrade(&hold));
        hold
    }

    /// Notes that all parts up to one have ended, as a transaction that changes no part saw it.
    pub(crate) fn note_ended(&self, part: i64) {
        self.ended.fetch_max(part, Ordering::Relaxed);
    }

    /// Returns the part up to which all have ended, as far as is known.
    pub(crate) fn ended(&self) -> i64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Returns whether a live run has the unit in hand, this one included.
    pub(crate) fn in_hand(&self, tables: &dyn Tables, unit: &UnitRow) -> bool {
        if !unit.pending {
            return false;
        }
        if unit.run != self.run {
            return tables.alive(&unit.run);
        }
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds
            .get(&unit.id)
            .is_some_and(|hold| hold.strong_count() > 0)
    }
}
