//! Results for the factory's own system: into the outbox, then out of it.

use std::time::{Duration, Instant};

use super::error::StationError;
use super::event::Results;
use crate::mes::{HookError, Hooks, Outbox};
use crate::recipe::MesDown;

/// How long a system that did not answer in time is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// Hands results over.
pub(super) struct ResultQueue {
    hooks: Hooks,
    down: MesDown,
    outbox: Outbox,
    /// Since when the system does not answer.
    silent: Option<Instant>,
    /// Whether it was told that results wait.
    told: bool,
}

impl ResultQueue {
    pub(super) fn new(hooks: Hooks, down: MesDown, outbox: Outbox) -> Self {
        Self {
            hooks,
            down,
            outbox,
            silent: None,
            told: false,
        }
    }

    /// Sends what earlier runs left.
    ///
    /// # Errors
    /// The outbox cannot be used, or the system is down and the recipe says to stop then.
    pub(super) fn start(&mut self) -> Result<Option<Results>, StationError> {
        match self.hooks.tells() {
            true => self.send(),
            false => Ok(None),
        }
    }

    /// Hands a result over: into the outbox first, so that nothing is lost.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(super) fn tell(&mut self, result: &str) -> Result<Option<Results>, StationError> {
        if !self.hooks.tells() {
            return Ok(None);
        }
        self.outbox.put(result)?;
        self.send()
    }

    fn send(&mut self) -> Result<Option<Results>, StationError> {
        let resting = self.silent.is_some_and(|since| since.elapsed() < PAUSE);
        if resting && self.down == MesDown::Queue {
            return Ok(None);
        }
        let sent = self.outbox.send(&self.hooks)?;
        let told = self.told;
        let Some(error) = sent.error else {
            (self.silent, self.told) = (None, false);
            let taken = sent.taken;
            return Ok(told.then_some(Results::Sent { taken }));
        };
        self.silent = matches!(error, HookError::TimedOut { .. }).then(Instant::now);
        let waiting = sent.waiting;
        let file = self.outbox.path().to_owned();
        if self.down == MesDown::Stop {
            return Err(StationError::Untold {
                waiting,
                file,
                error,
            });
        }
        self.told = true;
        Ok((!told).then_some(Results::Waiting {
            waiting,
            file,
            error,
        }))
    }
}
