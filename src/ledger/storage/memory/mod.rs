//! A ledger in memory: for tests and dry runs. It keeps nothing.

mod state;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::State;
use self::view::View;
use crate::ledger::book::check_simulated;
use crate::ledger::storage::tables::{Frame, Store, Tables};
use crate::ledger::{Identity, LedgerError, Scope};

/// A ledger in memory, with the rules of every other one.
#[derive(Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    frame: Arc<Frame>,
}

impl Memory {
    /// Makes an empty ledger and opens it.
    #[must_use]
    pub fn new(scope: &Scope, identity: Identity) -> Self {
        Self::join(Arc::default(), scope, identity)
    }

    /// Opens the same ledger once more: another run, and perhaps another station.
    ///
    /// # Errors
    /// [`LedgerError::SimulatedMixed`]
    pub fn again(&self, scope: &Scope, identity: Identity) -> Result<Self, LedgerError> {
        let other = Self::join(Arc::clone(&self.state), scope, identity);
        let frame = Arc::clone(&other.frame);
        other.read(|tables| check_simulated(tables, &frame))?;
        Ok(other)
    }

    fn join(shared: Arc<Mutex<State>>, scope: &Scope, identity: Identity) -> Self {
        let mut state = lock(&shared);
        state.opened += 1;
        let run = format!("memory-{}", state.opened);
        state.runs.insert(run.clone());
        drop(state);
        Self {
            state: shared,
            frame: Arc::new(Frame::new(scope, identity, run)),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        lock(&self.state).runs.remove(&self.frame.run);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Memory {
    fn frame(&self) -> &Arc<Frame> {
        &self.frame
    }

    fn write<T>(
        &mut self,
        work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.stage(work)
    }

    fn stage<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut state = lock(&self.state);
        state.undo.clear();
        let answer = work(&mut View {
            state: &mut state,
            scope: &self.frame.scope,
        });
        if answer.is_err() {
            state.roll_back();
        }
        answer
    }

    fn scan<T>(
        &self,
        work: impl FnOnce(&dyn Tables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut state = lock(&self.state);
        work(&View {
            state: &mut state,
            scope: &self.frame.scope,
        })
    }
}
