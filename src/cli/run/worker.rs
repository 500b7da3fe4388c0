//! One nest at work: a thread that takes one unit after the other down the line.
//!
//! It has a ledger connection of its own and tells the floor everything by messages, so that a
//! probe which hangs holds nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use eol_inject::deliver::{Phase, Seen, Watch};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Claim, Finished, Ledger, Seated};
use eol_inject::line::{self, BoardPorts, Passed};
use eol_inject::mes::Hooks;
use eol_inject::patch::Master;
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::unit::Serial;

use super::eye::Eye;
use super::fixture::{Reach, uid_serial};
use crate::cli::batch;
use crate::cli::error::{CliError, exit};
use crate::cli::gate::Asking;
use crate::cli::interrupt::Interrupt;

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
    /// The unit that was on the nest before, if its board must be taken off first.
    pub(super) before: Option<Before>,
}

/// The board that was on a nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) serial: Serial,
    pub(super) uid: String,
}

/// What a nest tells.
pub(super) enum Event {
    /// The unit is known now.
    Serial(Serial),
    /// The board of the unit before is still there.
    Waiting(Serial),
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
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) shared: Arc<Shared>,
    pub(super) messages: Sender<Message>,
}

impl Worker {
    /// Makes units until no more are asked for.
    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let end = self.unit(job);
            self.tell(Event::End(Box::new(end)));
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
        let attempt = result
            .as_ref()
            .ok()
            .map(|passed| passed.entry.record().epoch);
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
        let before = job
            .before
            .filter(|before| early.as_ref() != Some(&before.serial));
        match before {
            Some(before) if !self.reach.by_serial() => self.next_board(eye, &before)?,
            _ if early.is_none() => {
                eye.look(&shared.master, &mut self.watch())?;
            }
            _ => {}
        }
        unit.since = Instant::now();
        let serial = match early {
            Some(serial) => serial,
            None => {
                let uid = eye.seen.as_ref().and_then(|seen| seen.uid.clone());
                let serial = self.serial_of(uid.as_deref())?;
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
        let mut ports = BoardPorts {
            ledger: &mut *self.ledger,
            fixture: eye,
            labels: &shared.labels,
            watch: &mut watch,
        };
        let passed = line::run_board(&shared.master, claim, &mut ports);
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

    /// Waits until another board than `before` is there, or the same one after it was away.
    fn next_board(&self, eye: &mut Eye, before: &Before) -> Result<(), CliError> {
        let mut told = false;
        let mut away = false;
        loop {
            match eye.look(&self.shared.master, &mut self.watch()) {
                Ok(seen) if away || seen.uid.as_deref() != Some(&before.uid) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.is_empty() => away = true,
                Err(error) => return Err(error.into()),
            }
            // A board that stays is let run meanwhile.
            eye.let_go();
            if !told {
                self.tell(Event::Waiting(before.serial.clone()));
                told = true;
            }
            let until = Instant::now() + LOOK;
            while Instant::now() < until {
                if self.shared.interrupted.load(Ordering::SeqCst) {
                    return Err(interrupted());
                }
                thread::sleep(LOOK / 10);
            }
        }
    }

    /// Returns the serial of the board on the fixture: its own, or a new one.
    fn serial_of(&mut self, uid: Option<&str>) -> Result<Serial, CliError> {
        let known = match uid {
            Some(uid) => self.ledger.on_board(uid)?,
            None => None,
        };
        match (known, self.shared.recipe.serial.source, uid) {
            (Some(unit), _, _) => Ok(unit.serial),
            (None, SerialSource::ChipUid, uid) => uid_serial(&self.shared.recipe, uid),
            // What was claimed for another board is not moved to this one.
            (None, _, Some(_)) => self.new_serial(),
            (None, _, None) => self.next_serial(),
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
                self.ledger.next_serials(format, 1)?
            }
            (SerialSource::Pool, _) => {
                let serials = self.ledger.bound_serials(1)?;
                batch::taken(&self.shared.recipe, serials)?
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
