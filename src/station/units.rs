//! Units under way: begun, heard of, ended, judged.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::error::StationError;
use super::event::{Ended, Event, Outcome, Results, Stop, UnitEnd};
use super::job::{Previous, Request, TakeOff};
use super::message::{Message, Sign};
use super::nest::Nest;
use super::setup::{Plan, Weight};
use super::steps::Station;
use crate::recipe::SerialSource;
use crate::target::Phase;

/// How long a step waits for a sign of the nests.
const TICK: Duration = Duration::from_millis(100);

impl Station {
    pub(super) fn begin(&mut self, nest: usize, request: Request, take_off: TakeOff) {
        if let Some(place) = self.nests.get_mut(nest) {
            self.log.put(Event::Begun(nest));
            place.begin(request, take_off);
        }
    }

    /// Hears one message, or finds a nest that gives no sign any more.
    pub(super) fn hear(&mut self) {
        match self.messages.recv_timeout(TICK) {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.silence(),
        }
    }

    fn take(&mut self, Message { nest, sign }: Message) {
        let Some(place) = self.nests.get_mut(nest).filter(|place| place.alive) else {
            return;
        };
        place.sign = Some(Instant::now());
        let event = match sign {
            Sign::Event(event) => event,
            Sign::End(end) => return self.end(nest, *end),
        };
        match &event {
            Event::Waiting { .. } => place.waiting = true,
            // While it waits, it looks again and again.
            Event::Progress { .. }
            | Event::Phase {
                phase: Phase::Identify,
                ..
            } if place.waiting => return,
            _ => place.waiting = false,
        }
        if let Event::Unit { serial, .. } = &event {
            place.serial = Some(serial.clone());
        }
        self.log.put(event);
    }

    fn end(&mut self, nest: usize, unit: UnitEnd) {
        let Some(place) = self.nests.get_mut(nest) else {
            return;
        };
        (place.sign, place.waiting) = (None, false);
        // A wait that was broken off is no unit.
        if matches!(unit.result, Err(StationError::Interrupted)) {
            self.log.put(Event::BrokenOff(nest));
            return;
        }
        let uid = unit.seen.as_ref().and_then(|seen| seen.uid.clone());
        let passed = unit.result.as_ref().ok();
        let token = passed.map(|passed| passed.entry.record().fingerprint);
        if let (Some(serial), true) = (&unit.serial, uid.is_some() || token.is_some()) {
            let serial = serial.clone();
            place.previous = Some(Previous { serial, uid, token });
        }
        self.ended(unit);
    }

    /// Counts a unit, tells its end, and decides whether the loop goes on.
    pub(super) fn ended(&mut self, unit: UnitEnd) {
        let weight = unit
            .result
            .as_ref()
            .err()
            .map(|error| self.reports.weigh(error));
        // No hand scans wrong where the line chooses its units itself.
        let chooses = matches!(self.plan, Plan::Count(_));
        self.counters.count(match (&unit.result, weight) {
            (Ok(passed), _) if passed.already => Outcome::Already,
            (Ok(_), _) => Outcome::Passed,
            (Err(_), Some(Weight::Hand)) if !chooses => Outcome::Misread,
            (Err(_), _) => Outcome::Failed,
        });
        let result = self.reports.result(&unit, self.counters.seq);
        self.untold.push_back(result.clone());
        let stop = match (&unit.result, weight) {
            (Err(error), Some(weight)) => self.judge(error, weight),
            _ => None,
        };
        self.log.put(Event::Ended(Box::new(Ended {
            unit,
            result,
            counters: self.counters,
        })));
        if let Some(why) = stop.filter(|_| self.stopped.is_none()) {
            self.stop(why);
        }
    }

    fn judge(&self, error: &StationError, weight: Weight) -> Option<Stop> {
        let row = self.counters.in_a_row;
        let chooses = matches!(self.plan, Plan::Count(_));
        let by_board = self.setup.recipe.serial.source == SerialSource::ChipUid;
        match error.name() {
            _ if weight == Weight::Line => Some(Stop::Error),
            // Nor does the list know the ones that would follow.
            "unit-not-listed" if chooses => Some(Stop::NotListed),
            // It comes again with every board.
            "serial-pattern" if chooses && !by_board => Some(Stop::Refused),
            _ if self.setup.stop_after > 0 && row >= self.setup.stop_after => {
                Some(Stop::InARow(row))
            }
            _ => None,
        }
    }

    fn stop(&mut self, why: Stop) {
        self.stopped = Some(why);
        self.log.put(Event::Stopped(why));
    }

    /// Hands a result over to the factory's own system.
    pub(super) fn tell(&mut self, result: &str) {
        match self.results.tell(result) {
            Ok(came) => self.log_results(came),
            Err(error) => {
                // The unit itself is recorded; its result is in the outbox.
                self.log_results(Some(Results::Stopped(error)));
                self.stop(Stop::Results);
            }
        }
    }

    pub(super) fn log_results(&self, came: Option<Results>) {
        if let Some(came) = came {
            self.log.put(Event::Results(came));
        }
    }

    /// Takes a nest out of use that gives no sign: its unit keeps its claim, and is in doubt.
    fn silence(&mut self) {
        let limit = self.setup.limit;
        let hung = self.nests.iter().position(|nest| nest.hangs(limit));
        let Some((nest, place)) = hung.and_then(|nest| Some((nest, self.nests.get_mut(nest)?)))
        else {
            return;
        };
        place.alive = false;
        place.sign = None;
        let unit = UnitEnd {
            nest: Some(nest),
            serial: place.serial.clone(),
            seen: None,
            target: place.target,
            result: Err(StationError::NoSign {
                seconds: limit.as_secs(),
            }),
            elapsed: limit,
        };
        if self.nests.iter().all(|nest: &Nest| !nest.alive) {
            self.stop(Stop::NoNest);
        }
        self.ended(unit);
    }
}
