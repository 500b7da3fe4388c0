//! One nest at work: a thread that takes one unit after the other down the line.
//!
//! It has a ledger connection of its own and tells the station everything by messages, so that a
//! probe which hangs holds nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use super::error::StationError;
use super::event::{Event, UnitEnd};
use super::identified::IdentifiedTarget;
use super::job::{Job, Request, TakeOff};
use super::message::{Sign, Teller};
use super::serials::{self, Serials};
use super::setup::{Boards, Setup};
use crate::ledger::{Claim, Finished, Ledger};
use crate::line::{self, LineError, Passed, Ports};
use crate::mes::Question;
use crate::target::Seen;
use crate::unit::Serial;

/// How often a nest is looked at while it is waited for the next board.
const LOOK: Duration = Duration::from_millis(300);

/// One nest.
pub(super) struct Worker {
    pub(super) boards: Box<dyn Boards>,
    pub(super) ledger: Ledger,
    pub(super) setup: Arc<Setup>,
    pub(super) teller: Teller,
    /// A new number that no claim has used yet.
    pub(super) drawn: Option<Serial>,
}

/// A unit under way.
struct Unit {
    serial: Option<Serial>,
    target: Option<IdentifiedTarget>,
    since: Instant,
}

impl Worker {
    /// Makes units until no more are asked for.
    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let end = self.unit(&job);
            self.teller.send(Sign::End(Box::new(end)));
        }
        self.serials().give_back();
    }

    fn serials(&mut self) -> Serials<'_> {
        Serials {
            setup: &self.setup,
            boards: &*self.boards,
            ledger: &mut self.ledger,
            drawn: &mut self.drawn,
        }
    }

    fn unit(&mut self, job: &Job) -> UnitEnd {
        let mut unit = Unit {
            serial: None,
            target: None,
            since: Instant::now(),
        };
        let result = self.make(job, &mut unit);
        self.serials().keep_number(&result);
        UnitEnd {
            nest: Some(self.teller.nest),
            serial: unit.serial,
            seen: unit.target.and_then(|target| target.seen),
            target: self.boards.target(),
            result,
            elapsed: unit.since.elapsed(),
        }
    }

    /// Takes one unit down the line, whichever it is.
    fn make(&mut self, job: &Job, unit: &mut Unit) -> Result<Passed, StationError> {
        let setup = Arc::clone(&self.setup);
        let early = match &job.request {
            Request::Serial(serial) => Some(serial.clone()),
            // A simulated board is made for its serial.
            Request::Source if self.boards.by_serial() => Some(self.serials().next()?),
            Request::Source => None,
        };
        if let Some(serial) = &early {
            self.may_begin(serial, unit)?;
        }
        let opened = self.boards.open(early.as_ref())?;
        let target = unit.target.insert(IdentifiedTarget::new(opened));
        self.seat(target, early.as_ref(), job)?;
        unit.since = Instant::now();
        let serial = match early {
            Some(serial) => serial,
            None => {
                let seen = target.seen.clone();
                let serial = self.serials().of_board(seen.as_ref())?;
                self.may_begin(&serial, unit)?;
                serial
            }
        };
        let claim = Claim {
            serial,
            uid: None,
            seated: setup.seated.clone(),
            image: setup.master.digest(),
            recipe: setup.recipe.digest,
            target: self.boards.target(),
            finished: Finished::Written,
        };
        let target = unit.target.as_mut().ok_or(LineError::NoAnswer)?;
        target.teller = Some(self.teller.clone());
        let mut ports = Ports {
            ledger: &mut self.ledger,
            target,
            labels: &*setup.labels,
            watch: &mut self.teller.clone(),
        };
        Ok(line::run_unit(&setup.master, claim, &mut ports)?)
    }

    /// Waits until the board that is meant is there, and looks at it where its serial is not known.
    fn seat(
        &self,
        target: &mut IdentifiedTarget,
        serial: Option<&Serial>,
        job: &Job,
    ) -> Result<(), StationError> {
        let by_serial = self.boards.by_serial();
        match (serial, &job.take_off) {
            (_, TakeOff::Nothing | TakeOff::Made) if by_serial => Ok(()),
            (Some(serial), TakeOff::Made) => {
                let made = |seen: &Seen| serials::made_other(&self.ledger, seen, serial);
                self.wait_for_hand(target, job, &made)
            }
            (None, TakeOff::Board(before)) => {
                let there = |seen: &Seen| Ok(before.is(seen).then(|| before.serial.clone()));
                self.wait_for_hand(target, job, &there)
            }
            (None, _) => {
                target.look(&self.setup.master, &mut self.teller.clone())?;
                Ok(())
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// Notes which unit it is, and asks the factory's system for it.
    fn may_begin(&self, serial: &Serial, unit: &mut Unit) -> Result<(), StationError> {
        unit.serial = Some(serial.clone());
        self.teller.tell(Event::Unit {
            nest: self.teller.nest,
            serial: serial.clone(),
        });
        let setup = &self.setup;
        setup.master.accept(serial)?;
        let question = Question {
            product: &setup.recipe.product,
            image: setup.master.digest(),
            station: &setup.station,
            operator: setup.operator.as_deref(),
            order: setup.order.as_deref(),
        };
        let answer = setup.hooks.may_begin(serial, &question);
        if let Some(target) = &mut unit.target {
            // The hook took its time: what is on the nest is looked at again.
            target.fresh &= !setup.hooks.asks();
        }
        Ok(answer?)
    }

    /// Waits for a hand while `still` names a unit whose board has to go; once one was away, whatever
    /// comes is meant.
    fn wait_for_hand(
        &self,
        target: &mut IdentifiedTarget,
        job: &Job,
        still: &dyn Fn(&Seen) -> Result<Option<Serial>, StationError>,
    ) -> Result<(), StationError> {
        let mut told = None;
        let mut away = false;
        loop {
            let there = match target.look(&self.setup.master, &mut self.teller.clone()) {
                Ok(_) if away => return Ok(()),
                Ok(seen) => match seen.as_ref().map(still).transpose()?.flatten() {
                    Some(unit) => Some(unit),
                    None => return Ok(()),
                },
                Err(error) if error.is_empty() => {
                    away = true;
                    None
                }
                Err(error) => return Err(error.into()),
            };
            // A board that stays is let run meanwhile.
            target.let_go();
            if told.as_ref() != Some(&there) {
                self.teller.tell(Event::Waiting {
                    nest: self.teller.nest,
                    there: there.clone(),
                    due: job.request.serial().cloned(),
                });
                told = Some(there);
            }
            let until = Instant::now() + LOOK;
            while Instant::now() < until {
                let stopped = self.setup.stop.load(Ordering::SeqCst);
                if stopped || job.cancel.load(Ordering::SeqCst) {
                    return Err(StationError::Interrupted);
                }
                thread::sleep(LOOK / 10);
            }
        }
    }
}
