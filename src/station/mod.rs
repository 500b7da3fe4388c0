//! The loop of a station: units to nests, scans in, results out, and when to stop.
//!
//! Commands go in, typed events come out: numbered, each once and in order, kept in a log from which
//! any view goes on. Whoever owns the station calls [`step`](Station::step) again and again and gives
//! it what its views ask for by [`command`](Station::command). No word for people is made here, and no
//! terminal is known.

mod error;
mod event;
mod identified;
mod log;
mod message;
mod nest;
mod panel;
mod results;
mod scans;
mod serials;
mod units;
mod worker;

pub use error::{NestError, StationError};
pub use event::{Command, Counters, Ended, Event, Outcome, Results, Stop, UnitEnd, Wanted};
pub use log::{EventLog, KEPT, Numbered, Since};
pub use nest::NestSetup;
pub use serials::uid_serial;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use self::message::Message;
use self::nest::Nest;
use self::panel::Panel;
use self::results::ResultQueue;
use self::worker::{Request, TakeOff};
use crate::label::Labels;
use crate::ledger::{Ledger, Seated, Target};
use crate::master::Master;
use crate::mes::{Hooks, Outbox};
use crate::recipe::Recipe;
use crate::target::{DeliverError, Fixture};
use crate::unit::Serial;

/// How a nest reaches its boards.
pub trait Boards: Send {
    /// Opens the board for one unit.
    ///
    /// # Errors
    /// [`DeliverError`] where nothing reaches it.
    fn open(&self, serial: Option<&Serial>) -> Result<Box<dyn Fixture>, DeliverError>;

    /// Returns how records call the way.
    fn target(&self) -> Target;

    /// Returns whether the serial decides which board is there, instead of a hand.
    fn by_serial(&self) -> bool;

    /// Returns the number of a simulated chip that nobody has seen yet, where boards have numbers.
    fn new_number(&self) -> Option<String>;
}

/// What an error means for the units that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// No other unit would fare better.
    Line,
    /// The unit is at fault, or nobody knows.
    Unit,
    /// Only the hand was, that scanned or seated.
    Hand,
}

/// Who words results for the factory's own system, and weighs errors by the same table of next actions.
pub trait Reports: Send + Sync {
    /// Returns what an error means for the units that follow.
    fn weigh(&self, error: &StationError) -> Weight;

    /// Returns a unit's result as one line of JSON; `seq` counts the units of this loop.
    fn result(&self, unit: &UnitEnd, seq: u64) -> String;
}

/// What all nests share.
pub struct Setup {
    /// The product's recipe.
    pub recipe: Arc<Recipe>,
    /// Its proved image.
    pub master: Master,
    /// Where labels go.
    pub labels: Box<dyn Labels + Send + Sync>,
    /// The factory's own system.
    pub hooks: Hooks,
    /// Results that wait for it.
    pub outbox: Outbox,
    /// The station's name in the record.
    pub station: String,
    /// Who is at work.
    pub operator: Option<String>,
    /// The order that the units are made for.
    pub order: Option<String>,
    /// What is said of the board on the nest.
    pub seated: Seated,
    /// Set from outside, it ends the loop as [`Command::Stop`] does.
    pub stop: Arc<AtomicBool>,
    /// The loop stops after so many failures in a row; 0 never stops it.
    pub stop_after: u64,
    /// A nest whose unit gives no sign for longer is out of use.
    pub limit: Duration,
}

/// Which units are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// This one.
    One(Serial),
    /// So many good ones.
    Count(u64),
    /// Those that are scanned.
    Scans(Feed),
}

/// Where scans come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// A hand, which changes the board before it scans, or forgets to: what was made has to be taken
    /// off first, and another scan meanwhile takes the place of the one before.
    Hand,
    /// A program: what comes is what is meant.
    Pipe,
}

/// A station at work.
pub struct Station {
    setup: Arc<Setup>,
    ledger: Box<dyn Ledger>,
    reports: Arc<dyn Reports>,
    results: ResultQueue,
    log: EventLog,
    nests: Vec<Nest>,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    plan: Plan,
    counters: Counters,
    /// Results that are on no record of the factory's own system yet.
    untold: VecDeque<String>,
    /// Why no further unit is begun.
    stopped: Option<Stop>,
    /// Whether a scan is asked for.
    asked: bool,
    /// What was scanned for the next start of several nests.
    panel: Panel,
    /// A serial that takes the place of the one that waits for a hand.
    instead: Option<Serial>,
    /// Whether no more scans come.
    ended: bool,
    over: bool,
}

impl Station {
    /// Sets a station up; it has no nest yet.
    #[must_use]
    pub fn new(setup: Setup, ledger: Box<dyn Ledger>, reports: Arc<dyn Reports>) -> Self {
        let (sender, messages) = mpsc::channel();
        let down = setup.recipe.hook.mes_down;
        let results = ResultQueue::new(setup.hooks.clone(), down, setup.outbox.clone());
        Self {
            setup: Arc::new(setup),
            ledger,
            reports,
            results,
            log: EventLog::default(),
            nests: Vec::new(),
            messages,
            sender,
            plan: Plan::Count(0),
            counters: Counters::default(),
            untold: VecDeque::new(),
            stopped: None,
            asked: false,
            panel: Panel::default(),
            instead: None,
            ended: false,
            over: false,
        }
    }

    /// Starts a nest; its index is how many there are before it.
    pub fn add(&mut self, nest: NestSetup) {
        let index = self.nests.len();
        let nest = Nest::start(nest, index, &self.setup, self.sender.clone());
        self.nests.push(nest);
    }

    /// Begins with the units of `plan`, after results that earlier loops left.
    ///
    /// # Errors
    /// [`StationError`]: the loop is over before its first unit.
    pub fn start(&mut self, plan: Plan) -> Result<(), StationError> {
        self.plan = plan;
        let begun = self.begin_plan();
        self.over_if_failed(begun)
    }

    fn begin_plan(&mut self) -> Result<(), StationError> {
        let sent = self.results.start()?;
        self.log_results(sent);
        match &self.plan {
            Plan::One(serial) => {
                let request = Request::Serial(serial.clone());
                self.begin(0, request, TakeOff::Nothing);
            }
            Plan::Count(count) => {
                let nests = u64::try_from(self.nests.len()).unwrap_or(u64::MAX);
                self.enough(nests.min(*count))?;
            }
            Plan::Scans(_) => {}
        }
        Ok(())
    }

    /// Goes on by one step: a result is handed over, a unit begun, a nest heard for a moment, or a
    /// scan asked for.
    ///
    /// # Errors
    /// [`StationError`]: the loop is over.
    pub fn step(&mut self) -> Result<(), StationError> {
        let done = self.advance();
        self.over_if_failed(done)
    }

    fn advance(&mut self) -> Result<(), StationError> {
        if self.over {
            return Ok(());
        }
        // In a step of its own: a view shows the unit's end before the factory's system is told.
        if let Some(result) = self.untold.pop_front() {
            self.tell(&result);
            return Ok(());
        }
        if let Plan::Count(count) = self.plan {
            self.assign(count);
        }
        if self.busy() > 0 {
            self.hear();
            return Ok(());
        }
        match self.plan {
            Plan::Scans(_) => self.next_scan(),
            Plan::One(_) | Plan::Count(_) => {
                self.finish(None);
                Ok(())
            }
        }
    }

    /// Gives every free nest a unit, as long as good ones are wanted.
    fn assign(&mut self, count: u64) {
        for nest in 0..self.nests.len() {
            let wanted = count.saturating_sub(self.counters.passed);
            if self.busy() < wanted && self.goes_on() && self.is_idle(nest) {
                let take_off = self.previous(nest);
                self.begin(nest, Request::Source, take_off);
            }
        }
    }

    /// Refuses to start nests that there are no tokens for.
    fn enough(&self, wanted: u64) -> Result<(), StationError> {
        let open = self.ledger.open_claims(&self.setup.station)?.len();
        let most = usize::try_from(wanted).unwrap_or(usize::MAX);
        let left = self.ledger.free(most)?.saturating_add(open);
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        match left >= wanted {
            true => Ok(()),
            false => Err(StationError::FewTokens { wanted, left }),
        }
    }

    fn over_if_failed(&mut self, done: Result<(), StationError>) -> Result<(), StationError> {
        if let Err(error) = &done {
            self.finish(Some(error.name()));
        }
        done
    }

    fn finish(&mut self, error: Option<&'static str>) {
        if !self.over {
            self.over = true;
            self.log.put(Event::Over { error });
        }
    }

    /// Lets every nest put its ledger away. One that hangs is not waited for: it ends with the
    /// program.
    pub fn close(&mut self) {
        self.nests.iter_mut().for_each(Nest::close);
    }

    /// Returns the log, for any view.
    #[must_use]
    pub fn log(&self) -> EventLog {
        self.log.clone()
    }

    /// Returns whether the loop is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Returns what was counted.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Returns the station's own connection to the ledger.
    #[must_use]
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    /// Returns the units in hand; `None` is one that is not known yet. One whose board is waited for
    /// is not in hand.
    pub fn in_hand(&self) -> impl Iterator<Item = Option<&Serial>> {
        let held = |nest: &&Nest| nest.sign.is_some() && !nest.waiting;
        self.nests
            .iter()
            .filter(held)
            .map(|nest| nest.serial.as_ref())
    }

    fn busy(&self) -> u64 {
        let busy = self.nests.iter().filter(|nest| nest.sign.is_some());
        u64::try_from(busy.count()).unwrap_or(u64::MAX)
    }

    fn is_idle(&self, nest: usize) -> bool {
        self.nests.get(nest).is_some_and(Nest::is_idle)
    }

    /// Returns the board that has to be taken off a nest before the next unit is begun.
    fn previous(&self, nest: usize) -> TakeOff {
        let nest = self.nests.get(nest);
        nest.map_or(TakeOff::Nothing, Nest::previous)
    }

    fn goes_on(&self) -> bool {
        self.stopped.is_none() && !self.setup.stop.load(Ordering::SeqCst)
    }
}
