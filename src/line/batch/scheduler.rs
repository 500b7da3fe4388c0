//! Claims groups of units, hands them out, and records what came of them; the only one that sees the
//! ledger.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::job::{Answer, Came, Job, Outcome, Place, Step};
use crate::ledger::{Attempt, Claim, Ledger, LedgerError};
use crate::line::bench::{Attempted, Made, Passed, record, without_file};
use crate::line::error::LineError;
use crate::master::Master;

/// Units per transaction. Larger groups amortise the commit, but a power cut costs more work.
const GROUP: usize = 128;

/// Groups between claim and outcome: one is written while another is claimed or labelled.
const IN_FLIGHT: usize = 3;

/// What is done for a unit that is finished.
#[derive(Debug, Clone, Copy)]
enum Finish {
    /// Its file is looked at.
    Verify,
    /// Its file is gone, and its board stands: another file is made.
    Copy,
}

/// The groups between their claim and their last label, in order.
#[derive(Default)]
struct Groups {
    waiting: VecDeque<Group>,
    /// Number of the first group.
    first: usize,
}

impl Groups {
    fn get_mut(&mut self, number: usize) -> Option<&mut Group> {
        self.waiting.get_mut(number.checked_sub(self.first)?)
    }

    /// Adds a group and returns its number.
    fn push(&mut self, group: Group) -> usize {
        self.waiting.push_back(group);
        self.first + self.waiting.len() - 1
    }

    /// Takes the first group, if it `is_done`.
    fn pop_if(&mut self, is_done: impl Fn(&Group) -> bool) -> Option<Group> {
        self.waiting.front().filter(|group| is_done(group))?;
        self.first += 1;
        self.waiting.pop_front()
    }
}

/// A group of units between its claim and its last label.
#[derive(Default)]
struct Group {
    units: Vec<Unit>,
    /// Units that a worker still has.
    out: usize,
    /// Delivered or failed, waiting for the common transaction.
    attempted: Vec<(usize, Attempted)>,
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
    result: Option<Result<Passed, LineError>>,
    elapsed: Duration,
}

impl Unit {
    fn new(claim: Claim) -> Self {
        Self {
            claim,
            attempt: None,
            since: Instant::now(),
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
pub(super) struct Scheduler<'b> {
    master: &'b Master,
    ledger: &'b mut Ledger,
    jobs: Sender<Job>,
    groups: Groups,
    /// Units of the next group: one until a unit passed, so that what makes every unit fail
    /// claims few tokens.
    size: usize,
    /// Why the ledger is not asked any more: what it recorded is finished, and nothing else.
    lost: Option<LedgerError>,
}

impl<'b> Scheduler<'b> {
    pub fn new(master: &'b Master, ledger: &'b mut Ledger, jobs: Sender<Job>) -> Self {
        Self {
            master,
            ledger,
            jobs,
            groups: Groups::default(),
            size: 1,
            lost: None,
        }
    }

    pub fn run(
        mut self,
        claims: &mut dyn Iterator<Item = Claim>,
        answers: &Receiver<Answer>,
        each: &mut dyn FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let mut open = true;
        loop {
            while open && self.groups.waiting.len() < self.in_flight() {
                let group: Vec<Claim> = claims.take(self.size).collect();
                open = group.len() == self.size;
                if !group.is_empty() {
                    let claimed = self.claim(group);
                    self.note_fault(claimed);
                    open &= self.lost.is_none();
                }
            }
            if self.report(each).is_break() {
                open = false;
            }
            if self.groups.waiting.is_empty() {
                if open {
                    continue;
                }
                return self.lost.map_or(Ok(()), Err);
            }
            match answers.recv() {
                Ok(answer) => {
                    let taken = self.take(answer);
                    self.note_fault(taken);
                    open &= self.lost.is_none();
                }
                // Every worker has ended, which only a panic does while jobs are open.
                Err(_) => return Ok(()),
            }
        }
    }

    /// Notes the first fault of the ledger.
    fn note_fault(&mut self, done: Result<(), LedgerError>) {
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
        let mut group = Group::default();
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
        let number = self.groups.push(group);
        self.hand_out(number, &fitting, Finish::Verify)?;
        self.record(number)
    }

    /// Claims units of a group and gives them to the workers; `finish` is what a finished one needs.
    fn hand_out(
        &mut self,
        number: usize,
        units: &[usize],
        finish: Finish,
    ) -> Result<(), LedgerError> {
        let Some(group) = self.groups.get_mut(number) else {
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
            let Some(unit) = group.units.get_mut(index) else {
                continue;
            };
            let step = match attempt {
                Ok(Attempt::Go(reservation)) => {
                    unit.attempt = Some(reservation.attempt());
                    Step::Deliver(reservation)
                }
                Ok(Attempt::Done { entry, values }) => {
                    unit.attempt = Some(entry.record().attempt);
                    let made = Made { entry, values };
                    match finish {
                        Finish::Verify => Step::Verify(made),
                        Finish::Copy => {
                            let proof = self.ledger.copied(&made.entry.record().serial)?;
                            Step::Copy(made, proof)
                        }
                    }
                }
                Err(refusal) => {
                    unit.end(Err(refusal.into()));
                    continue;
                }
            };
            group.out += 1;
            let group = number;
            let place = Place { group, index };
            // Workers outlive the scheduler; a send fails only after a panic.
            let _ = self.jobs.send(Job { place, step });
        }
        Ok(())
    }

    /// Takes what a worker gives back.
    fn take(&mut self, Answer { place, came }: Answer) -> Result<(), LedgerError> {
        let Some(group) = self.groups.get_mut(place.group) else {
            return Ok(());
        };
        group.out -= 1;
        match (came, group.units.get_mut(place.index)) {
            (Came::Attempted(attempted), _) => group.attempted.push((place.index, *attempted)),
            (Came::Ended(result), Some(unit)) => unit.end(result),
            (Came::Gone, Some(unit)) => {
                unit.claim = without_file(unit.claim.clone());
                group.gone.push(place.index);
            }
            (_, None) => {}
        }
        self.record(place.group)
    }

    /// Makes a group's outcomes durable once its last unit is back, then hands out its labels.
    fn record(&mut self, number: usize) -> Result<(), LedgerError> {
        let Some(group) = self.groups.get_mut(number) else {
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
        let (places, attempted): (Vec<usize>, Vec<Attempted>) =
            std::mem::take(&mut group.attempted).into_iter().unzip();
        let mut each = |at: usize, outcome| {
            let Some(index) = places.get(at).copied() else {
                return;
            };
            match outcome {
                Ok(recorded) => {
                    group.out += 1;
                    let (group, step) = (number, Step::Label(recorded));
                    let place = Place { group, index };
                    let _ = self.jobs.send(Job { place, step });
                }
                Err(error) => {
                    if let Some(unit) = group.units.get_mut(index) {
                        unit.end(Err(error));
                    }
                }
            }
        };
        record(self.ledger, attempted, &mut each)?;
        group.recorded = true;
        Ok(())
    }

    /// Reports the finished groups at the front, in order; units whose outcome was not recorded are
    /// left out.
    fn report(&mut self, each: &mut dyn FnMut(Outcome) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        let lost = self.lost.is_some();
        let is_done = |group: &Group| group.out == 0 && (group.recorded || lost);
        while let Some(group) = self.groups.pop_if(is_done) {
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
