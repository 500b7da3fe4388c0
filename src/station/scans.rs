//! Commands: one serial after the other, or one for every nest.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::error::{NestError, StationError};
use super::event::{Command, Event, UnitEnd, Wanted};
use super::job::{Request, TakeOff};
use super::setup::{Feed, Plan};
use super::steps::Station;
use crate::ledger::Target;
use crate::recipe::SerialSource;
use crate::scan::{Line, Misread};
use crate::unit::Serial;

impl Station {
    /// Takes a command of a view.
    ///
    /// # Errors
    /// [`StationError`]: the loop is over.
    pub fn command(&mut self, command: Command) -> Result<(), StationError> {
        let done = match command {
            _ if self.over => Ok(()),
            Command::Scan(read) => self.scan(read),
            Command::Next => self.next(),
            Command::Skip(nest) => {
                self.skip(nest);
                Ok(())
            }
            Command::Resume(nest) => {
                self.resume(nest);
                Ok(())
            }
            Command::Stop => {
                self.setup.stop.store(true, Ordering::SeqCst);
                Ok(())
            }
            Command::End => self.end_scans(),
        };
        self.over_if_failed(done)
    }

    /// Returns whether a scan would be taken now: one is asked for, or a serial may take the place of
    /// the one that waits for a hand.
    #[must_use]
    pub fn takes_scans(&self) -> bool {
        !self.over && (self.asked || self.waits() && self.instead.is_none() && !self.ended)
    }

    /// Returns whether the only nest waits for a hand, and another scan may come meanwhile.
    fn waits(&self) -> bool {
        match self.nests.as_slice() {
            [nest] => self.plan == Plan::Scans(Feed::Hand) && nest.waiting && nest.sign.is_some(),
            _ => false,
        }
    }

    /// Begins what was scanned meanwhile, or asks for the next scan.
    pub(super) fn next_scan(&mut self) -> Result<(), StationError> {
        if !self.goes_on() {
            self.finish(None);
            return Ok(());
        }
        if let Some(serial) = self.instead.take() {
            return self.start_units(vec![Request::Serial(serial)]);
        }
        if !self.asked {
            self.ask()?;
        }
        if self.ended {
            self.finish(None);
        }
        Ok(())
    }

    /// Says which scan is wanted; a panel that is complete is started.
    fn ask(&mut self) -> Result<(), StationError> {
        let spec = &self.setup.recipe.serial;
        let wanted = if self.has_names() {
            let used = self.nests.iter().filter(|nest| nest.is_used());
            let names = used.map(|nest| nest.name.clone().unwrap_or_default());
            self.panel = std::mem::take(&mut self.panel).of_nests(names.collect());
            let missing = self.panel.missing();
            if missing.is_empty() && self.panel.begun() {
                return self.start_panel();
            }
            match spec.panel {
                Some(_) => Wanted::Panel,
                None => Wanted::Nests(missing),
            }
        } else if spec.source == SerialSource::Scan {
            Wanted::Serial
        } else {
            Wanted::Next
        };
        self.asked = true;
        self.log.put(Event::Wanted(wanted));
        Ok(())
    }

    fn has_names(&self) -> bool {
        self.nests.iter().any(|nest| nest.name.is_some())
    }

    fn scan(&mut self, read: Result<Line, Misread>) -> Result<(), StationError> {
        if !self.takes_scans() {
            self.log.put(Event::Dropped);
            return Ok(());
        }
        if self.asked && self.has_names() {
            return self.scan_for_nest(read);
        }
        let serial = read.map_err(StationError::from).and_then(|line| {
            let read = self.setup.recipe.serial.read(&line);
            read.map_err(StationError::Scanned)
        });
        match serial {
            Err(error) => {
                self.misread(error);
                Ok(())
            }
            Ok(serial) if self.asked => self.start_units(vec![Request::Serial(serial)]),
            Ok(serial) => {
                self.scan_instead(serial);
                Ok(())
            }
        }
    }

    /// Takes a serial that is scanned while the nest waits for a hand: nothing was begun, so it takes
    /// the place of the one before.
    fn scan_instead(&mut self, serial: Serial) {
        let Some(nest) = self.nests.first() else {
            return;
        };
        if nest.serial.as_ref() != Some(&serial) {
            nest.cancel.store(true, Ordering::SeqCst);
            self.instead = Some(serial);
        }
    }

    fn scan_for_nest(&mut self, read: Result<Line, Misread>) -> Result<(), StationError> {
        let spec = &self.setup.recipe.serial;
        let taken = read
            .map_err(StationError::from)
            .and_then(|line| self.panel.take(spec, &line));
        match taken {
            Err(error) => self.misread(error),
            Ok(replaced) => {
                if let Some(replaced) = replaced {
                    self.log.put(replaced);
                }
            }
        }
        if self.panel.missing().is_empty() {
            return self.start_panel();
        }
        // What is missing is said again, once the result is told.
        self.asked = false;
        Ok(())
    }

    /// Starts every nest, as soon as each has its serial.
    fn start_panel(&mut self) -> Result<(), StationError> {
        let serials = std::mem::take(&mut self.panel).serials();
        let mut new = 0;
        for serial in &serials {
            new += u64::from(self.ledger.find(serial)?.is_none());
        }
        self.enough(new)?;
        self.start_units(serials.into_iter().map(Request::Serial).collect())
    }

    fn start_units(&mut self, requests: Vec<Request>) -> Result<(), StationError> {
        self.asked = false;
        let idle = (0..self.nests.len()).filter(|nest| self.is_idle(*nest));
        let idle: Vec<usize> = idle.collect();
        for (nest, request) in idle.into_iter().zip(requests) {
            let take_off = match (&self.plan, &request) {
                (Plan::Scans(Feed::Hand), Request::Serial(_)) => TakeOff::Made,
                (Plan::Scans(Feed::Hand), Request::Source) => self.previous(nest),
                _ => TakeOff::Nothing,
            };
            self.begin(nest, request, take_off);
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(), StationError> {
        if !self.asked || self.has_names() {
            return Ok(());
        }
        if self.setup.recipe.serial.source == SerialSource::Scan {
            // It is asked for again.
            return self.ask();
        }
        self.start_units(vec![Request::Source])
    }

    /// Leaves a nest out, unless it is the last one.
    fn skip(&mut self, nest: usize) {
        let used = self.nests.iter().filter(|nest| nest.is_used()).count();
        let place = self.nests.get_mut(nest).filter(|place| place.is_used());
        if let Some(place) = place.filter(|_| used > 1) {
            place.skipped = true;
            self.asked = false;
            self.log.put(Event::Skipped(nest));
        }
    }

    fn resume(&mut self, nest: usize) {
        let place = self.nests.get_mut(nest).filter(|place| place.skipped);
        if let Some(place) = place {
            place.skipped = false;
            self.asked = false;
            self.log.put(Event::Resumed(nest));
        }
    }

    fn end_scans(&mut self) -> Result<(), StationError> {
        if self.panel.begun() {
            let missing = self.panel.missing();
            return Err(NestError::NotStarted { missing }.into());
        }
        self.ended = true;
        if let Some(nest) = self.nests.first().filter(|_| self.waits()) {
            nest.cancel.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// A scan that is no serial: told, counted, and nothing is begun.
    fn misread(&mut self, error: StationError) {
        self.asked = false;
        if let StationError::Scanned(error) = &error {
            tracing::info!("{error}");
        }
        self.ended(UnitEnd {
            nest: None,
            serial: None,
            seen: None,
            target: self.nests.first().map_or(Target::Probe, |nest| nest.target),
            result: Err(error),
            elapsed: Duration::ZERO,
        });
    }
}
