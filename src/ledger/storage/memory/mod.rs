//! A ledger in memory: for tests and dry runs. It keeps nothing.

mod state;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::State;
use self::view::View;
use crate::ledger::rules::facts::check_simulated;
use crate::ledger::storage::tables::{Frame, Look, Store, Work};
use crate::ledger::{Identity, Ledger, LedgerError, Scope};

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
        let frame = Arc::new(Frame::new(scope, identity, run));
        let ledger = Ledger::over(Opened {
            state: Arc::clone(&self.state),
            frame: Arc::clone(&frame),
        });
        ledger.read(|tables| check_simulated(tables, &frame))?;
        Ok(ledger)
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
