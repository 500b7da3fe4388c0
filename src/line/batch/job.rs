//! What a worker does, and what it gives back; it never sees the ledger.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ledger::{Reservation, Revealed};
use crate::line::bench::{Attempted, Bench, Made, Passed, Recorded};
use crate::line::error::LineError;
use crate::unit::Serial;

/// How one unit of a batch ended.
#[derive(Debug)]
pub struct Outcome {
    /// The unit.
    pub serial: Serial,
    /// How often it was claimed; absent when it was not.
    pub attempt: Option<i64>,
    /// The record, or why there is none.
    pub result: Result<Passed, LineError>,
    /// From the claim to the label.
    pub elapsed: Duration,
}

/// Group and index of a unit.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub group: usize,
    pub index: usize,
}

/// One step for a worker, and the unit that it is for.
pub(super) struct Job {
    pub place: Place,
    pub step: Step,
}

pub(super) enum Step {
    Deliver(Reservation),
    Verify(Made),
    /// After the copy is on record.
    Copy(Made, Revealed),
    Label(Recorded),
}

/// What a worker gives back.
pub(super) struct Answer {
    pub place: Place,
    pub came: Came,
}

/// What a step came to.
pub(super) enum Came {
    /// A delivery, to be recorded.
    Attempted(Box<Attempted>),
    /// The unit's end.
    Ended(Result<Passed, LineError>),
    /// A finished unit's file is gone, or another one.
    Gone,
}

impl Bench<'_> {
    /// Does one step after the other until there are no more.
    pub(super) fn work(&mut self, jobs: &Mutex<Receiver<Job>>, answers: &Sender<Answer>) {
        loop {
            // A poisoned lock still guards a whole receiver.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { place, step }) = job else { return };
            let came = match step {
                Step::Deliver(reservation) => Came::Attempted(Box::new(self.deliver(reservation))),
                Step::Verify(made) => match self.verify(made) {
                    Ok(None) => Came::Gone,
                    Ok(Some(passed)) => Came::Ended(Ok(passed)),
                    Err(error) => Came::Ended(Err(error)),
                },
                Step::Copy(made, proof) => Came::Ended(self.copy(made, &proof)),
                Step::Label(recorded) => Came::Ended(Ok(self.label(recorded))),
            };
            if answers.send(Answer { place, came }).is_err() {
                return;
            }
        }
    }
}
