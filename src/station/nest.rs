//! One position of the fixture, as the station knows it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::job::{Job, Previous, Request, TakeOff};
use super::message::{Message, Teller};
use super::setup::{NestSetup, Setup};
use super::worker::Worker;
use crate::ledger::Target;
use crate::unit::Serial;

/// One nest.
pub(super) struct Nest {
    pub(super) name: Option<String>,
    pub(super) target: Target,
    by_serial: bool,
    /// Where its units go; it ends without.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// When the unit in hand gave its last sign; none in hand, none here.
    pub(super) sign: Option<Instant>,
    /// Whether it is only waiting for a hand.
    pub(super) waiting: bool,
    pub(super) serial: Option<Serial>,
    /// The board that was on it last.
    pub(super) previous: Option<Previous>,
    /// Ends its wait for a hand.
    pub(super) cancel: Arc<AtomicBool>,
    /// Whether it still answers.
    pub(super) alive: bool,
    /// Whether it is left out for now.
    pub(super) skipped: bool,
}

impl Nest {
    /// Starts the thread of the nest with this index.
    pub(super) fn start(
        given: NestSetup,
        index: usize,
        setup: &Arc<Setup>,
        messages: Sender<Message>,
    ) -> Self {
        let (jobs, queue) = mpsc::channel();
        let (target, by_serial) = (given.boards.target(), given.boards.by_serial());
        let worker = Worker {
            boards: given.boards,
            ledger: given.ledger,
            setup: Arc::clone(setup),
            teller: Teller {
                nest: index,
                messages,
            },
            drawn: None,
        };
        Self {
            name: given.name,
            target,
            by_serial,
            jobs: Some(jobs),
            thread: Some(thread::spawn(move || worker.work(&queue))),
            sign: None,
            waiting: false,
            serial: None,
            previous: None,
            cancel: Arc::default(),
            alive: true,
            skipped: false,
        }
    }

    /// Gives it a unit to make.
    pub(super) fn begin(&mut self, request: Request, take_off: TakeOff) {
        self.sign = Some(Instant::now());
        self.serial = request.serial().cloned();
        self.waiting = false;
        self.cancel = Arc::default();
        let cancel = Arc::clone(&self.cancel);
        // A nest that is gone shows as one that gives no sign.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job {
                request,
                take_off,
                cancel,
            });
        }
    }

    /// Returns whether it may get a unit, now or after the one in hand.
    pub(super) const fn is_used(&self) -> bool {
        self.alive && !self.skipped
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.is_used() && self.sign.is_none()
    }

    /// Returns whether its unit has been silent for longer than `limit`.
    pub(super) fn hangs(&self, limit: Duration) -> bool {
        let silent = self.sign.is_some_and(|sign| sign.elapsed() > limit);
        self.alive && !self.waiting && silent
    }

    /// Returns the board that has to be taken off before the next unit is begun.
    pub(super) fn previous(&self) -> TakeOff {
        let previous = self.previous.as_ref().filter(|_| !self.by_serial);
        previous.map_or(TakeOff::Nothing, |previous| {
            TakeOff::Board(previous.clone())
        })
    }

    /// Lets it put its ledger away. One that hangs is not waited for: it ends with the program.
    pub(super) fn close(&mut self) {
        self.jobs = None;
        let thread = self.thread.take();
        if let Some(thread) = thread.filter(|_| self.sign.is_none() && self.alive) {
            // A nest that panicked has ended the program already.
            let _ = thread.join();
        }
    }
}
