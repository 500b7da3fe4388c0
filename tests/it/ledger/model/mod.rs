//! The ledger's storage as a model, in memory: what a back end has to be, in the plainest way. Every
//! other one is held against it, and tests that need no file run on it.

mod state;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eol_inject::ledger::tables::{Frame, Look, Store, Work};
use eol_inject::ledger::{Identity, Ledger, LedgerError, Scope};

use self::state::State;
use self::view::View;

/// A ledger in memory, with the rules of every other one. Each opening is a run of its own.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

impl Memory {
    /// Makes an empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the ledger as a run of this station.
    ///
    /// # Errors
    /// [`OpenError::SimulatedMixed`]
    pub fn open(&self, scope: &Scope, identity: Identity) -> Result<Ledger, LedgerError> {
        let mut state = lock(&self.state);
        state.opened += 1;
        let run = format!("memory-{}", state.opened);
        state.runs.insert(run.clone());
        drop(state);
        Ledger::open(Opened {
            state: Arc::clone(&self.state),
            frame: Arc::new(Frame::new(scope, identity, run)),
        })
    }
}

/// One opening of it.
struct Opened {
    state: Arc<Mutex<State>>,
    frame: Arc<Frame>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        lock(&self.state).runs.remove(&self.frame.run);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Opened {
    fn frame(&self) -> &Arc<Frame> {
        &self.frame
    }

    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
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

    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        self.write(work)
    }

    fn scan(&self, work: Look<'_>) -> Result<(), LedgerError> {
        let mut state = lock(&self.state);
        work(&View {
            state: &mut state,
            scope: &self.frame.scope,
        })
    }
}
