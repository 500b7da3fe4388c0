//! An open ledger: its storage, and the mirror that is told after each commit. The rules are methods
//! of it, each in its own file.

use std::sync::Arc;

use crate::ledger::LedgerError;
#[cfg(feature = "seal")]
use crate::ledger::history::mirror::Mirror;
use crate::ledger::rules::facts::check_simulated;
use crate::ledger::storage::tables::{self, Frame, Store, Tables};

/// An open ledger. Each call is one transaction that is durable when it returns.
///
/// A group is all or nothing for the ledger's own faults, and unit by unit for refusals. Where the
/// ledger has a mirror, a call returns after that has been told too; one that fails with
/// [`RestoreError::Mirror`](crate::ledger::RestoreError::Mirror) may have been recorded.
pub struct Ledger {
    store: Box<dyn Store>,
    #[cfg(feature = "seal")]
    mirror: Option<Mirror>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("frame", self.store.frame())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Takes a back end that somebody else brings, and that is open.
    ///
    /// # Errors
    /// [`OpenError::SimulatedMixed`](crate::ledger::OpenError::SimulatedMixed)
    pub fn open(store: impl Store + 'static) -> Result<Self, LedgerError> {
        let ledger = Self::over(store);
        let frame = ledger.frame();
        ledger.read(|tables| check_simulated(tables, &frame))?;
        Ok(ledger)
    }

    /// Takes a back end that is open and was proved.
    pub(super) fn over(store: impl Store + 'static) -> Self {
        Self {
            store: Box::new(store),
            #[cfg(feature = "seal")]
            mirror: None,
        }
    }

    /// Ties the ledger to its mirror in `folder`, and tells that what it does not have yet.
    ///
    /// # Errors
    /// [`RestoreError::Mirror`](crate::ledger::RestoreError::Mirror) when it cannot be written, [`RestoreError::MirrorGone`](crate::ledger::RestoreError::MirrorGone) when its file was
    /// there and is not, [`RestoreError::MirrorAhead`](crate::ledger::RestoreError::MirrorAhead) when it knows more than the ledger.
    #[cfg(feature = "seal")]
    pub fn mirrored(mut self, folder: &std::path::Path) -> Result<Self, LedgerError> {
        self.mirror = Some(Mirror::begin(self.store.as_mut(), folder)?);
        Ok(self)
    }

    /// Returns who has it open.
    pub(super) fn frame(&self) -> Arc<Frame> {
        Arc::clone(self.store.frame())
    }

    /// Does `work` in one transaction that is durable, and told to the mirror, when this returns.
    ///
    /// A back end may do it anew: whatever it changes outside the tables is made from scratch each time.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        #[cfg(feature = "seal")]
        if let Some(mirror) = &self.mirror {
            mirror.ready()?;
        }
        let answer = tables::write(self.store.as_mut(), work)?;
        #[cfg(feature = "seal")]
        if let Some(mirror) = &self.mirror {
            mirror.follow(self.store.as_ref())?;
        }
        Ok(answer)
    }

    /// Does `work` as [`write`](Self::write) does, and tells it who has the ledger open.
    pub(super) fn act<T>(
        &mut self,
        mut work: impl FnMut(&mut dyn Tables, &Frame) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let frame = self.frame();
        self.write(|tables| work(tables, &frame))
    }

    /// Does `work` as [`read`](Self::read) does, and tells it who has the ledger open.
    pub(super) fn ask<T>(
        &self,
        mut work: impl FnMut(&dyn Tables, &Frame) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let frame = self.frame();
        self.read(|tables| work(tables, &frame))
    }

    /// Does `work` once, in a transaction that is durable only after the next [`write`](Self::write).
    pub(super) fn stage<T>(
        &mut self,
        mut work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        tables::answer(|keep| self.store.stage(&mut |tables| keep(work(tables))))
    }

    /// Does `work` on one consistent state, and anew like [`write`](Self::write).
    pub(super) fn read<T>(
        &self,
        work: impl FnMut(&dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        tables::read(self.store.as_ref(), work)
    }

    /// Does `work` on one consistent state, once: it hands rows on as it goes.
    pub(super) fn scan<T>(
        &self,
        mut work: impl FnMut(&dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        tables::answer(|keep| self.store.scan(&mut |tables| keep(work(tables))))
    }

    /// Waits until the events that can be seen are all up to the last of them.
    pub(super) fn settle(&self) -> Result<(), LedgerError> {
        self.store.settle()
    }

    /// Seals everything in the ledger with another key; goes on with what was begun. `step` is told
    /// how many values are left.
    ///
    /// The next key is `<base>.key.next`, made now unless it waits there. Of a ledger on a server it
    /// stays there for whoever puts it where the stations take theirs from.
    ///
    /// # Errors
    /// [`KeyError::KeyInUse`](crate::ledger::KeyError::KeyInUse) and [`KeyError::RunsLive`](crate::ledger::KeyError::RunsLive) while others work with the ledger or a
    /// board is in hand; any other error leaves both keys good, and the next call goes on.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn rotate(
        &mut self,
        by: &crate::ledger::Actor,
        step: &mut dyn FnMut(u64),
    ) -> Result<crate::ledger::Rotation, LedgerError> {
        self.store.rotate(by, step)
    }
}
