//! How often a transaction is done anew, and how long a lost server is waited for.

use std::time::{Duration, Instant};

use super::fault::{Cure, PATIENCE_WITH_LOCKS, cure, meaning};
use crate::ledger::{LedgerError, StorageError};

/// How often others may come in between. Each time one of those that collide gets through.
const REPEATS: u32 = 200;
/// Longest pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a server may be gone before anybody is told.
const SILENCE: Duration = Duration::from_secs(1);

/// What is left of it in one call.
pub struct Patience {
    limit: Duration,
    /// Since when the server has not been there.
    lost: Option<Instant>,
    repeats: u32,
    pause: Duration,
    /// Tells whoever waits, once.
    waiting: Option<fn(Duration)>,
}

impl Patience {
    pub const fn new(limit: Duration, waiting: fn(Duration)) -> Self {
        Self {
            limit,
            lost: None,
            repeats: 0,
            pause: Duration::from_millis(20),
            waiting: Some(waiting),
        }
    }

    /// Waits a little before the next try, or tells why there is none.
    pub fn after(&mut self, error: postgres::Error) -> Result<Cure, LedgerError> {
        match cure(&error) {
            Cure::Reconnect => {
                let since = *self.lost.get_or_insert_with(Instant::now);
                if since.elapsed() >= self.limit {
                    return Err(LedgerError::Storage(StorageError::Unreachable {
                        seconds: self.limit.as_secs(),
                        source: error.into(),
                    }));
                }
                if since.elapsed() >= SILENCE
                    && let Some(waiting) = self.waiting.take()
                {
                    waiting(self.limit);
                }
                std::thread::sleep(self.pause);
                self.pause = (self.pause * 2).min(PAUSE);
                Ok(Cure::Reconnect)
            }
            Cure::Repeat if self.repeats < REPEATS => {
                self.repeat();
                Ok(Cure::Repeat)
            }
            Cure::Repeat | Cure::None => Err(meaning(error)),
        }
    }

    /// Takes a transaction's answer: it was done, so the server is there.
    pub fn again(&mut self) -> Result<(), LedgerError> {
        if self.repeats >= REPEATS {
            return Err(LedgerError::Storage(StorageError::Busy {
                seconds: PATIENCE_WITH_LOCKS,
            }));
        }
        self.repeat();
        Ok(())
    }

    fn repeat(&mut self) {
        self.lost = None;
        self.repeats += 1;
        // Those that collided must not go on in step.
        let mut chance = [0];
        let _ = getrandom::fill(&mut chance);
        let most = self.repeats.min(16);
        std::thread::sleep(Duration::from_micros(
            u64::from(chance[0]) * 10 * u64::from(most),
        ));
    }
}
