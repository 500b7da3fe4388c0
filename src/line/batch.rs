//! Many units at once: the stages of [`mod@super`], overlapped.
//!
//! Claims and outcomes are made durable in groups, one transaction each; between the two,
//! workers stamp and write. Outcomes come back in the order of the serials.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{LineError, Passed, Written};
use crate::label::{LabelError, Labels};
use crate::ledger::{Attempt, Claim, Entry, Ledger, LedgerError, Receipt, Reservation, Revealed};
use crate::master::Master;
use crate::target::Deliver;
use crate::unit::{Serial, Values};

/// Units per transaction. Larger groups share a commit further and lose more work to a cut.
const GROUP: usize = 128;

/// Groups between claim and outcome: one is written while another is claimed or labelled.
const IN_FLIGHT: usize = 3;

/// A batch: what all its units share.
pub struct Batch<'b> {
    /// The proved image.
    pub master: &'b Master,
    /// Makes claims and outcomes durable.
    pub ledger: &'b mut dyn Ledger,
    /// Takes images to the units.
    pub target: &'b (dyn Deliver + Sync),
    /// Makes labels.
    pub labels: &'b (dyn Labels + Sync),
    /// Threads that stamp and write.
    pub workers: usize,
}

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

impl Batch<'_> {
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
        let (results, done) = mpsc::channel();
        let worker = Worker {
            master: self.master,
            target: self.target,
            labels: self.labels,
        };
        let workers = self.workers.max(1);
        let ledger = &mut *self.ledger;
        thread::scope(|scope| {
            for _ in 0..workers {
                let (results, queue) = (results.clone(), &queue);
                scope.spawn(move || worker.work(queue, &results));
            }
            drop(results);
            // The sender of jobs goes with the foreman, and the workers end with it.
            Foreman {
                master: worker.master,
                ledger,
                jobs,
                groups: VecDeque::new(),
                first: 0,
                size: 1,
                lost: None,
            }
            .run(claims, &done, each)
        })
    }
}

/// One step for a worker.
enum Job {
    Deliver(Place, Reservation),
    Look(Place, Entry, Values),
    /// After the copy is on record.
    Copy(Place, Entry, Values, Revealed),
    Label(Place, Entry),
}

/// What is done for a unit that is finished.
#[derive(Debug, Clone, Copy)]
enum Finish {
    /// Its file is looked at.
    Look,
    /// Its file is gone, and its board stands: another file is made.
    Copy,
}

/// What a worker gives back.
enum Done {
    Delivered(Place, Box<Delivered>),
    /// A finished unit; `None`: its file is gone, or another one.
    Finished(Place, Result<Option<Passed>, LineError>),
    Labelled(Place, Entry, Option<LabelError>),
}

/// A claim, and what delivering it came to.
struct Delivered {
    reservation: Reservation,
    outcome: Result<(Receipt, Written), LineError>,
}

/// Group and index of a unit.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    index: usize,
}

/// Stamps, writes and labels; it never sees the ledger.
#[derive(Clone, Copy)]
struct Worker<'b> {
    master: &'b Master,
    target: &'b (dyn Deliver + Sync),
    labels: &'b (dyn Labels + Sync),
}

impl Worker<'_> {
    fn work(self, queue: &Mutex<Receiver<Job>>, results: &Sender<Done>) {
        loop {
            // A poisoned lock still guards a whole receiver.
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            let done = match job {
                Job::Deliver(place, reservation) => {
                    let outcome = self.deliver(reservation.values());
                    let delivered = Delivered {
                        reservation,
                        outcome,
                    };
                    Done::Delivered(place, Box::new(delivered))
                }
                Job::Look(place, entry, values) => Done::Finished(
                    place,
                    super::still_there(self.master, entry, &values, self.target, self.labels),
                ),
                Job::Copy(place, entry, values, proof) => Done::Finished(
                    place,
                    super::copy(
                        self.master,
                        (entry, &values, &proof),
                        self.target,
                        self.labels,
                    )
                    .map(Some),
                ),
                Job::Label(place, entry) => {
                    let unlabelled = self.labels.put(&entry).err();
                    Done::Labelled(place, entry, unlabelled)
                }
            };
            if results.send(done).is_err() {
                return;
            }
        }
    }

    fn deliver(self, values: &Values) -> Result<(Receipt, Written), LineError> {
        let sealed = super::seal(self.master, values)?;
        let receipt = self.target.deliver(&sealed)?;
        Ok((receipt, super::written(&sealed)))
    }
}

/// A group of units between its claim and its last label.
struct Group {
    units: Vec<Unit>,
    /// Units that a worker still has.
    out: usize,
    /// Delivered, waiting for the common transaction.
    delivered: Vec<(usize, (Reservation, Receipt), Written)>,
    /// Failed, waiting to be recorded.
    failed: Vec<(usize, Reservation, LineError)>,
    /// Finished by the record, and their file does not count: to be claimed anew.
    gone: Vec<usize>,
    recorded: bool,
}

impl Group {
    /// Returns whether every unit of a finished group passed.
    fn passed(&self) -> bool {
        let passed = |unit: &Unit| matches!(unit.result, Some(Ok(_)));
        self.units.iter().all(passed)
    }
}

struct Unit {
    claim: Claim,
    attempt: Option<i64>,
    since: Instant,
    written: Written,
    result: Option<Result<Passed, LineError>>,
    elapsed: Duration,
}

impl Unit {
    fn new(claim: Claim) -> Self {
        Self {
            claim,
            attempt: None,
            since: Instant::now(),
            written: Written::default(),
            result: None,
            elapsed: Duration::ZERO,
        }
    }

    fn end(&mut self, result: Result<Passed, LineError>) {
        self.elapsed = self.since.elapsed();
        self.result = Some(result);
    }
}

/// Claims, hands out, records; the only one that sees the ledger.
struct Foreman<'b> {
    master: &'b Master,
    ledger: &'b mut dyn Ledger,
    jobs: Sender<Job>,
    groups: VecDeque<Group>,
    /// Number of the first group in `groups`.
    first: usize,
    /// Units of the next group: one until a unit passed, so that what makes every unit fail
    /// claims few tokens.
    size: usize,
    /// Why the ledger is not asked any more: what it recorded is finished, and nothing else.
    lost: Option<LedgerError>,
}

impl Foreman<'_> {
    fn run(
        mut self,
        claims: &mut dyn Iterator<Item = Claim>,
        done: &Receiver<Done>,
        each: &mut dyn FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let mut open = true;
        loop {
            while open && self.groups.len() < self.in_flight() {
                let group: Vec<Claim> = claims.take(self.size).collect();
                open = group.len() == self.size;
                if !group.is_empty() {
                    let claimed = self.claim(group);
                    self.heed(claimed);
                    open &= self.lost.is_none();
                }
            }
            if self.report(each).is_break() {
                open = false;
            }
            if self.groups.is_empty() {
                if open {
                    continue;
                }
                return self.lost.map_or(Ok(()), Err);
            }
            match done.recv() {
                Ok(message) => {
                    let taken = self.take(message);
                    self.heed(taken);
                    open &= self.lost.is_none();
                }
                // Every worker has ended, which only a panic does while jobs are open.
                Err(_) => return Ok(()),
            }
        }
    }

    /// Notes the first fault of the ledger.
    fn heed(&mut self, done: Result<(), LedgerError>) {
        if let Err(error) = done {
            self.lost.get_or_insert(error);
        }
    }

    /// Returns how many groups may be between claim and outcome.
    const fn in_flight(&self) -> usize {
        if self.size == 1 { 1 } else { IN_FLIGHT }
    }

    /// Makes the claims of a group durable and hands the units out.
    fn claim(&mut self, claims: Vec<Claim>) -> Result<(), LedgerError> {
        let number = self.first + self.groups.len();
        let mut group = Group {
            units: Vec::with_capacity(claims.len()),
            out: 0,
            delivered: Vec::new(),
            failed: Vec::new(),
            gone: Vec::new(),
            recorded: false,
        };
        // What a serial's slot does not take must not cost a token.
        let mut fitting = Vec::with_capacity(claims.len());
        for (index, claim) in claims.into_iter().enumerate() {
            let mut unit = Unit::new(claim);
            match self.master.accept(&unit.claim.serial) {
                Ok(()) => fitting.push(index),
                Err(error) => unit.end(Err(error.into())),
            }
            group.units.push(unit);
        }
        self.groups.push_back(group);
        self.hand_out(number, &fitting, Finish::Look)?;
        self.record(number)
    }

    /// Claims units of a group and gives them to the workers; `done` is what a finished one needs.
    fn hand_out(
        &mut self,
        number: usize,
        units: &[usize],
        done: Finish,
    ) -> Result<(), LedgerError> {
        let Some(group) = number
            .checked_sub(self.first)
            .and_then(|at| self.groups.get_mut(at))
        else {
            return Ok(());
        };
        let claims: Vec<Claim> = units
            .iter()
            .filter_map(|index| group.units.get(*index))
            .map(|unit| unit.claim.clone())
            .collect();
        let attempts = self.ledger.reserve(&claims)?;
        tracing::debug!(group = number, units = claims.len(), "claims recorded");
        for (index, attempt) in units.iter().copied().zip(attempts) {
            let place = Place {
                group: number,
                index,
            };
            let Some(unit) = group.units.get_mut(index) else {
                continue;
            };
            let job = match attempt {
                Ok(Attempt::Go(reservation)) => {
                    unit.attempt = Some(reservation.epoch());
                    Job::Deliver(place, reservation)
                }
                Ok(Attempt::Done { entry, values }) => {
                    unit.attempt = Some(entry.record().epoch);
                    match done {
                        Finish::Look => Job::Look(place, entry, values),
                        Finish::Copy => {
                            let proof = self.ledger.copied(&entry.record().serial)?;
                            Job::Copy(place, entry, values, proof)
                        }
                    }
                }
                Err(refusal) => {
                    unit.end(Err(refusal.into()));
                    continue;
                }
            };
            group.out += 1;
            // Workers outlive the foreman; a send fails only after a panic.
            let _ = self.jobs.send(job);
        }
        Ok(())
    }

    /// Takes what a worker gives back.
    fn take(&mut self, done: Done) -> Result<(), LedgerError> {
        let place = match &done {
            Done::Delivered(place, ..) | Done::Finished(place, ..) | Done::Labelled(place, ..) => {
                *place
            }
        };
        let Some(group) = place
            .group
            .checked_sub(self.first)
            .and_then(|at| self.groups.get_mut(at))
        else {
            return Ok(());
        };
        group.out -= 1;
        match done {
            Done::Delivered(_, delivered) => {
                let Delivered {
                    reservation,
                    outcome,
                } = *delivered;
                match outcome {
                    Ok((receipt, written)) => {
                        let pair = (reservation, receipt);
                        group.delivered.push((place.index, pair, written));
                    }
                    Err(error) => group.failed.push((place.index, reservation, error)),
                }
            }
            Done::Finished(_, found) => match (found, group.units.get_mut(place.index)) {
                (Ok(Some(passed)), Some(unit)) => unit.end(Ok(passed)),
                (Err(error), Some(unit)) => unit.end(Err(error)),
                (Ok(None), Some(unit)) => {
                    unit.claim = super::afresh(unit.claim.clone());
                    group.gone.push(place.index);
                }
                (_, None) => {}
            },
            Done::Labelled(_, entry, unlabelled) => {
                if let Some(unit) = group.units.get_mut(place.index) {
                    let written = std::mem::take(&mut unit.written);
                    unit.end(Ok(Passed {
                        entry,
                        already: false,
                        written,
                        unlabelled,
                    }));
                }
            }
        }
        self.record(place.group)
    }

    /// Makes a group's outcomes durable once its last unit is back, then hands out its labels.
    fn record(&mut self, number: usize) -> Result<(), LedgerError> {
        let Some(group) = number
            .checked_sub(self.first)
            .and_then(|at| self.groups.get_mut(at))
        else {
            return Ok(());
        };
        if group.out > 0 || group.recorded || self.lost.is_some() {
            return Ok(());
        }
        let gone = std::mem::take(&mut group.gone);
        if !gone.is_empty() {
            self.hand_out(number, &gone, Finish::Copy)?;
            return self.record(number);
        }
        for (index, reservation, error) in std::mem::take(&mut group.failed) {
            self.ledger.fail(reservation, &error.failure())?;
            if let Some(unit) = group.units.get_mut(index) {
                unit.end(Err(error));
            }
        }
        let mut pairs = Vec::with_capacity(group.delivered.len());
        let mut places = Vec::with_capacity(group.delivered.len());
        for (index, pair, written) in std::mem::take(&mut group.delivered) {
            pairs.push(pair);
            places.push((index, written));
        }
        let entries = match pairs.is_empty() {
            true => Vec::new(),
            false => self.ledger.confirm(&pairs)?,
        };
        group.recorded = true;
        tracing::debug!(group = number, units = entries.len(), "outcomes recorded");
        for ((index, written), entry) in places.into_iter().zip(entries) {
            if let Some(unit) = group.units.get_mut(index) {
                unit.written = written;
            }
            group.out += 1;
            let place = Place {
                group: number,
                index,
            };
            let _ = self.jobs.send(Job::Label(place, entry));
        }
        Ok(())
    }

    /// Reports the finished groups at the front, in order; units whose outcome was not recorded are
    /// left out.
    fn report(&mut self, each: &mut dyn FnMut(Outcome) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        while self
            .groups
            .front()
            .is_some_and(|group| group.out == 0 && (group.recorded || self.lost.is_some()))
        {
            let Some(group) = self.groups.pop_front() else {
                break;
            };
            self.first += 1;
            // A failure may be the first of all that follow.
            self.size = if group.passed() {
                self.size.saturating_mul(16).min(GROUP)
            } else {
                1
            };
            for unit in group.units {
                // What got no claim beside the one that stopped it was not begun.
                if flow.is_break() && unit.attempt.is_none() {
                    continue;
                }
                // Nor is anything known of one whose group the ledger did not take.
                if unit.result.is_none() && !group.recorded {
                    continue;
                }
                let outcome = Outcome {
                    serial: unit.claim.serial,
                    attempt: unit.attempt,
                    result: unit.result.unwrap_or(Err(LineError::NoAnswer)),
                    elapsed: unit.elapsed,
                };
                if each(outcome).is_break() {
                    flow = ControlFlow::Break(());
                }
            }
        }
        flow
    }
}
