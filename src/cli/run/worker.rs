//! One nest at work: a thread that takes one unit after the other down the line.
//!
//! It has a ledger connection of its own and tells the floor everything by messages, so that a
//! probe which hangs holds nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Claim, Finished, Ledger, Seated, UnitRecord, UnitState};
use eol_inject::line::{self, Passed, Ports};
use eol_inject::master::Master;
use eol_inject::mes::Hooks;
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::target::{Phase, Seen, Watch};
use eol_inject::unit::{Fingerprint, Serial};

use super::eye::Eye;
use super::fixture::{Reach, uid_serial};
use crate::cli::error::{CliError, exit};
use crate::cli::gate::Asking;
use crate::cli::interrupt::Interrupt;
use crate::cli::serials;

/// How often a fixture is looked at while it is waited for the next board.
const LOOK: Duration = Duration::from_millis(300);

/// What all nests share.
pub(super) struct Shared {
    pub(super) recipe: Recipe,
    pub(super) master: Master,
    pub(super) labels: LabelFolder,
    pub(super) hooks: Hooks,
    pub(super) station: String,
    pub(super) operator: Option<String>,
    pub(super) order: Option<String>,
    /// What is said of the board on the fixture.
    pub(super) seated: Seated,
    pub(super) interrupted: Arc<AtomicBool>,
    pub(super) interrupt: Arc<Interrupt>,
}

/// Which unit is wanted.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// This one.
    Serial(Serial),
    /// What the recipe's source gives.
    Source,
}

/// One unit to make.
pub(super) struct Job {
    pub(super) which: Which,
    pub(super) off: Off,
    /// Ends the wait for a hand: something else is wanted.
    pub(super) cancel: Arc<AtomicBool>,
}

/// What a hand must have taken off the fixture before the unit is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Off {
    /// Nothing: what is there is meant.
    Nothing,
    /// Whatever other unit is made.
    Made,
    /// The board that was there before.
    Board(Before),
}

/// The board that was on a nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) serial: Serial,
    pub(super) uid: Option<String>,
    /// The token that the board shows, where it was made.
    pub(super) token: Option<Fingerprint>,
}

impl Before {
    /// Returns whether what is seen is that board, as far as anything tells.
    fn is(&self, seen: &Seen) -> bool {
        match (&self.uid, &seen.uid) {
            (Some(before), Some(now)) => before == now,
            _ => self.token.is_some() && self.token == seen.token(),
        }
    }
}

/// What a nest tells.
pub(super) enum Event {
    /// The unit is known now.
    Serial(Serial),
    /// The board of another unit is still there; without a name, none is.
    Waiting(Option<Serial>),
    /// A board was seen.
    Seen(Seen),
    /// A phase begins.
    Begin(Phase, u64),
    /// So many bytes more are done.
    Advance(u64),
    /// The unit's end.
    End(Box<End>),
}

/// How a unit ended.
pub(super) struct End {
    pub(super) serial: Option<Serial>,
    pub(super) seen: Option<Seen>,
    pub(super) attempt: Option<i64>,
    pub(super) result: Result<Passed, CliError>,
    /// From the board's first sign to the label.
    pub(super) elapsed: Duration,
}

/// A nest's message: which nest, and what.
pub(super) type Message = (usize, Event);

/// One nest.
pub(super) struct Worker {
    pub(super) nest: usize,
    pub(super) reach: Reach,
    pub(super) ledger: Ledger,
    pub(super) shared: Arc<Shared>,
    pub(super) messages: Sender<Message>,
    /// A new number that no claim has used yet.
    pub(super) drawn: Option<Serial>,
}

impl Worker {
    /// Makes units until no more are asked for.
    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let end = self.unit(job);
            self.tell(Event::End(Box::new(end)));
        }
        let format = self.shared.recipe.serial.format.as_ref();
        if let (Some(serial), Some(format)) = (&self.drawn, format) {
            // A number that does not get back is a gap, and nothing else.
            let _ = self.ledger.give_back(format, serial);
        }
    }

    fn tell(&self, event: Event) {
        // The floor outlives its nests, but for the end of the program.
        let _ = self.messages.send((self.nest, event));
    }

    fn unit(&mut self, job: Job) -> End {
        let mut unit = Unit {
            serial: None,
            eye: None,
            since: Instant::now(),
        };
        let result = self.line(job, &mut unit);
        self.keep_number(&result);
        let attempt = result
            .as_ref()
            .ok()
            .map(|passed| passed.entry.record().attempt);
        End {
            seen: unit.eye.and_then(|eye| eye.seen),
            serial: unit.serial,
            attempt,
            result,
            elapsed: unit.since.elapsed(),
        }
    }

    /// Takes one unit down the line, whichever it is.
    fn line(&mut self, job: Job, unit: &mut Unit) -> Result<Passed, CliError> {
        let shared = Arc::clone(&self.shared);
        let early = match job.which {
            Which::Serial(serial) => Some(serial),
            // A simulated board is made for its serial.
            Which::Source if self.reach.by_serial() => Some(self.next_serial()?),
            Which::Source => None,
        };
        if let Some(serial) = &early {
            self.known(serial, unit)?;
        }
        let fixture = self.reach.open(&shared.recipe, early.as_ref())?;
        let eye = unit.eye.insert(Eye::new(fixture));
        match (&early, &job.off) {
            (_, Off::Nothing | Off::Made) if self.reach.by_serial() => {}
            (Some(serial), Off::Made) => {
                let made = |seen: &Seen| self.made_other(seen, serial);
                self.taken_off(eye, &job.cancel, &made)?;
            }
            (None, Off::Board(before)) => {
                let there = |seen: &Seen| Ok(before.is(seen).then(|| before.serial.clone()));
                self.taken_off(eye, &job.cancel, &there)?;
            }
            (None, _) => {
                eye.look(&shared.master, &mut self.watch())?;
            }
            (Some(_), _) => {}
        }
        unit.since = Instant::now();
        let serial = match early {
            Some(serial) => serial,
            None => {
                let seen = eye.seen.clone();
                let serial = self.serial_of(seen.as_ref())?;
                self.known(&serial, unit)?;
                serial
            }
        };
        let claim = Claim {
            serial,
            uid: None,
            seated: shared.seated.clone(),
            image: shared.master.digest(),
            recipe: shared.recipe.digest,
            target: self.reach.target(),
            finished: Finished::Written,
        };
        let Some(eye) = &mut unit.eye else {
            return Err(CliError::usage("no fixture"));
        };
        let mut watch = self.watch();
        eye.tell = Some(self.messages.clone());
        eye.nest = self.nest;
        let mut ports = Ports {
            ledger: &mut self.ledger,
            target: eye,
            labels: &shared.labels,
            watch: &mut watch,
        };
        let passed = line::run_unit(&shared.master, claim, &mut ports);
        passed.map_err(CliError::from)
    }

    /// Notes which unit it is, and asks the factory's system for it.
    fn known(&self, serial: &Serial, unit: &mut Unit) -> Result<(), CliError> {
        unit.serial = Some(serial.clone());
        self.tell(Event::Serial(serial.clone()));
        self.shared.master.accept(serial)?;
        let asking = Asking {
            hooks: &self.shared.hooks,
            recipe: &self.shared.recipe,
            master: &self.shared.master,
            station: &self.shared.station,
            operator: self.shared.operator.as_deref(),
            order: self.shared.order.as_deref(),
        };
        let said = asking.may_begin(serial);
        if let Some(eye) = &mut unit.eye {
            // The hook took its time: what is on the fixture is looked at again.
            eye.fresh &= !self.shared.hooks.asks();
        }
        said
    }

    /// Waits for a hand while `still` names a unit whose board has to go; once one was away, whatever
    /// comes is meant.
    fn taken_off(
        &self,
        eye: &mut Eye,
        cancel: &AtomicBool,
        still: &dyn Fn(&Seen) -> Result<Option<Serial>, CliError>,
    ) -> Result<(), CliError> {
        let mut told = None;
        let mut away = false;
        loop {
            let there = match eye.look(&self.shared.master, &mut self.watch()) {
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
            eye.let_go();
            if told.as_ref() != Some(&there) {
                self.tell(Event::Waiting(there.clone()));
                told = Some(there);
            }
            let until = Instant::now() + LOOK;
            while Instant::now() < until {
                if self.shared.interrupted.load(Ordering::SeqCst) || cancel.load(Ordering::SeqCst) {
                    return Err(interrupted());
                }
                thread::sleep(LOOK / 10);
            }
        }
    }

    /// Returns the live unit that a board is: by its number, or else by the token that it shows.
    fn unit_on(&self, seen: &Seen) -> Result<Option<UnitRecord>, CliError> {
        let unit = match (&seen.uid, seen.token()) {
            (Some(uid), _) => self.ledger.on_board(uid)?,
            (None, Some(token)) => self.ledger.holder(&token)?,
            (None, None) => None,
        };
        let burnt =
            |unit: &UnitRecord| matches!(unit.state, UnitState::Void | UnitState::Superseded);
        Ok(unit.filter(|unit| !burnt(unit)))
    }

    /// Returns the finished unit that the board is, if it is another one than was scanned.
    fn made_other(&self, seen: &Seen, serial: &Serial) -> Result<Option<Serial>, CliError> {
        let made = |unit: &UnitRecord| {
            matches!(unit.state, UnitState::Delivered | UnitState::Labelled)
                && seen.token() == Some(unit.fingerprint)
                && unit.serial.folded() != serial.folded()
        };
        let unit = self.unit_on(seen)?.filter(made);
        Ok(unit.map(|unit| unit.serial))
    }

    /// Returns the serial of the board on the fixture: its own, or a new one.
    fn serial_of(&mut self, seen: Option<&Seen>) -> Result<Serial, CliError> {
        let known = seen.map(|seen| self.unit_on(seen)).transpose()?.flatten();
        let uid = seen.and_then(|seen| seen.uid.as_deref());
        match (known, self.shared.recipe.serial.source, uid) {
            (Some(unit), _, _) => Ok(unit.serial),
            (None, SerialSource::ChipUid, uid) => uid_serial(&self.shared.recipe, uid),
            // What was claimed for another board is not moved to this one.
            (None, _, Some(_)) => self.new_serial(),
            (None, _, None) => self.next_serial(),
        }
    }

    /// Keeps a new number that no claim used for the next unit, unless the factory's system does not
    /// take that number.
    fn keep_number(&mut self, result: &Result<Passed, CliError>) {
        let Some(serial) = &self.drawn else {
            return;
        };
        let unused = match result {
            Err(error) if error.name != "mes-refused" => {
                matches!(self.ledger.find(serial), Ok(None))
            }
            _ => false,
        };
        if !unused {
            self.drawn = None;
        }
    }

    /// Returns this station's oldest open claim, or a new serial.
    fn next_serial(&mut self) -> Result<Serial, CliError> {
        for serial in self.ledger.open_claims(&self.shared.station)? {
            // What was claimed for a board with a number waits for that board.
            let record = self.ledger.find(&serial)?;
            if self.reach.by_serial() || record.is_none_or(|record| record.uid.is_none()) {
                return Ok(serial);
            }
        }
        self.new_serial()
    }

    fn new_serial(&mut self) -> Result<Serial, CliError> {
        let spec = &self.shared.recipe.serial;
        let serials = match (spec.source, &spec.format) {
            // A simulated board is made for its serial, and so its number before it.
            (SerialSource::ChipUid, _) if self.reach.by_serial() => {
                let number = self.reach.new_number(&self.shared.recipe);
                vec![uid_serial(&self.shared.recipe, number.as_deref())?]
            }
            (SerialSource::Next, Some(format)) => {
                if self.ledger.free(1)? == 0 {
                    return Err(empty());
                }
                if let Some(kept) = &self.drawn {
                    return Ok(kept.clone());
                }
                let drawn = self.ledger.next_serials(format, 1)?;
                self.drawn = drawn.first().cloned();
                drawn
            }
            (SerialSource::Pool, _) => {
                let serials = self.ledger.bound_serials(1)?;
                serials::shaped(&self.shared.recipe, serials)?
            }
            (source, _) => {
                return Err(CliError::usage(format!(
                    "[serial] source is \"{source}\": name the unit, or use source = \"next\", \
                     \"pool\" or \"chip-uid\""
                )));
            }
        };
        serials.into_iter().next().ok_or_else(empty)
    }

    fn watch(&self) -> Telling {
        Telling {
            nest: self.nest,
            messages: self.messages.clone(),
        }
    }
}

/// A unit under way.
struct Unit {
    serial: Option<Serial>,
    eye: Option<Eye>,
    since: Instant,
}

/// Tells the floor how far a delivery is.
struct Telling {
    nest: usize,
    messages: Sender<Message>,
}

impl Watch for Telling {
    fn begin(&mut self, phase: Phase, total: u64) {
        let _ = self.messages.send((self.nest, Event::Begin(phase, total)));
    }

    fn advance(&mut self, bytes: u64) {
        let _ = self.messages.send((self.nest, Event::Advance(bytes)));
    }

    /// A unit in hand is finished.
    fn stop(&self) -> bool {
        false
    }
}

fn empty() -> CliError {
    CliError::new(exit::POOL_EMPTY, "unit-pool-empty", "no free token is left")
}

fn interrupted() -> CliError {
    CliError::new(
        exit::INTERRUPTED,
        "interrupted",
        "interrupted before the next board was there",
    )
}
