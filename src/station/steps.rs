//! A station at work, step by step.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};

use super::error::StationError;
use super::event::{Counters, Event, Stop};
use super::job::{Request, TakeOff};
use super::log::EventLog;
use super::message::Message;
use super::nest::Nest;
use super::panel::Panel;
use super::results::ResultQueue;
use super::setup::{NestSetup, Plan, Reports, Setup};
use crate::ledger::Ledger;
use crate::unit::Serial;

/// A station at work.
pub struct Station {
    pub(super) setup: Arc<Setup>,
    pub(super) ledger: Ledger,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) results: ResultQueue,
    pub(super) log: EventLog,
    pub(super) nests: Vec<Nest>,
    pub(super) messages: Receiver<Message>,
    pub(super) sender: Sender<Message>,
    pub(super) plan: Plan,
    pub(super) counters: Counters,
    /// Results that are on no record of the factory's own system yet.
    pub(super) untold: VecDeque<String>,
    /// Why no further unit is begun.
    pub(super) stopped: Option<Stop>,
    /// Whether a scan is asked for.
    pub(super) asked: bool,
    /// What was scanned for the next start of several nests.
    pub(super) panel: Panel,
    /// A serial that takes the place of the one that waits for a hand.
    pub(super) instead: Option<Serial>,
    /// Whether no more scans come.
    pub(super) ended: bool,
    pub(super) over: bool,
}

impl Station {
    /// Sets a station up; it has no nest yet.
    #[must_use]
    pub fn new(setup: Setup, ledger: Ledger, reports: Arc<dyn Reports>) -> Self {
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
    pub(super) fn enough(&self, wanted: u64) -> Result<(), StationError> {
        let open = self.ledger.open_claims(&self.setup.station)?.len();
        let most = usize::try_from(wanted).unwrap_or(usize::MAX);
        let left = self.ledger.free(most)?.saturating_add(open);
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        match left >= wanted {
            true => Ok(()),
            false => Err(StationError::FewTokens { wanted, left }),
        }
    }

    pub(super) fn over_if_failed(
        &mut self,
        done: Result<(), StationError>,
    ) -> Result<(), StationError> {
        if let Err(error) = &done {
            self.finish(Some(error.name()));
        }
        done
    }

    pub(super) fn finish(&mut self, error: Option<&'static str>) {
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
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
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

    pub(super) fn busy(&self) -> u64 {
        let busy = self.nests.iter().filter(|nest| nest.sign.is_some());
        u64::try_from(busy.count()).unwrap_or(u64::MAX)
    }

    pub(super) fn is_idle(&self, nest: usize) -> bool {
        self.nests.get(nest).is_some_and(Nest::is_idle)
    }

    /// Returns the board that has to be taken off a nest before the next unit is begun.
    pub(super) fn previous(&self, nest: usize) -> TakeOff {
        let nest = self.nests.get(nest);
        nest.map_or(TakeOff::Nothing, Nest::previous)
    }

    pub(super) fn goes_on(&self) -> bool {
        self.stopped.is_none() && !self.setup.stop.load(Ordering::SeqCst)
    }
}
