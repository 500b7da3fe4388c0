//! Many units at once: the steps of [`mod@super`], overlapped.
//!
//! Claims and outcomes are made durable in groups, one transaction each; between the two,
//! workers stamp and write. Outcomes come back in the order of the serials.

mod job;
mod scheduler;

pub use job::Outcome;

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

use self::scheduler::Scheduler;
use super::bench::Bench;
use crate::label::Labels;
use crate::ledger::{Claim, Ledger, LedgerError};
use crate::master::Master;
use crate::target::{Target, Unwatched};

/// A batch: what all its units share.
pub struct Batch<'b, T> {
    /// The proved image.
    pub master: &'b Master,
    /// Makes claims and outcomes durable.
    pub ledger: &'b mut Ledger,
    /// Takes images to the units; each worker has a clone of its own.
    pub target: &'b T,
    /// Makes labels.
    pub labels: &'b (dyn Labels + Sync),
    /// Threads that stamp and write.
    pub workers: usize,
}

impl<T: Target + Clone> Batch<'_, T> {
    /// Takes the units of `claims` down the line and tells `each` how every one ended.
    ///
    /// When `each` breaks, units that are claimed already are finished, and no further one is.
    ///
    /// # Errors
    /// [`LedgerError`] when claims or outcomes could not be recorded. `each` was told of every unit
    /// whose outcome is known to be; the others in hand stay claimed, or are recorded if only the
    /// ledger's answer was lost, and the same serials resume them.
    pub fn run(
        &mut self,
        claims: &mut dyn Iterator<Item = Claim>,
        each: &mut dyn FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Mutex::new(queue);
        let (results, answers) = mpsc::channel();
        let (master, labels, ledger) = (self.master, self.labels, &mut *self.ledger);
        thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                let (mut target, results, queue) = (self.target.clone(), results.clone(), &queue);
                scope.spawn(move || {
                    let mut bench = Bench {
                        master,
                        target: &mut target,
                        labels,
                        watch: &mut Unwatched,
                    };
                    bench.work(queue, &results);
                });
            }
            drop(results);
            // The sender of jobs goes with the scheduler, and the workers end with it.
            Scheduler::new(master, ledger, jobs).run(claims, &answers, each)
        })
    }
}
