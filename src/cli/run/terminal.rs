//! The terminal's view of a station: keys become commands, and events become lines.

use std::sync::Arc;

use eol_inject::station::{Command, Ended, Event, Plan, Results, Station, Stop, Wanted};
use eol_inject::unit::Serial;

use super::args::RunArgs;
use super::screen::Screen;
use super::words::Words;
use crate::cli::error::CliError;
use crate::cli::interrupt::Interrupt;
use crate::cli::output::count;
use crate::cli::scan::{Scan, Scans, bell};

/// The view.
pub(super) struct Terminal<'t> {
    screen: Screen<'t>,
    words: Arc<Words>,
    station: Station,
    interrupt: Arc<Interrupt>,
    scans: Option<Scans>,
    /// The number of the last event that is drawn.
    drawn: u64,
    /// Whether a prompt stands on the last line.
    prompt: bool,
    /// Whether a unit was begun since the last prompt: what is typed meanwhile is dropped.
    begun: bool,
    /// Why scans cannot be read any more.
    broken: Option<CliError>,
    told: Told,
}

/// What is said at the end.
#[derive(Default)]
struct Told {
    /// The exit code.
    code: u8,
    /// Why no further unit was begun.
    stopped: Option<String>,
    /// The unit that passed last, and its nest.
    last_good: Option<(Serial, usize)>,
    /// What the last failure says of the whole line.
    stops: Option<&'static str>,
}

impl<'t> Terminal<'t> {
    pub(super) fn new(
        screen: Screen<'t>,
        words: Arc<Words>,
        station: Station,
        interrupt: Arc<Interrupt>,
    ) -> Self {
        Self {
            screen,
            words,
            station,
            interrupt,
            scans: None,
            drawn: 0,
            prompt: false,
            begun: false,
            broken: None,
            told: Told::default(),
        }
    }

    /// Shows the loop until it is over.
    ///
    /// # Errors
    /// What stops the line before or between units.
    pub(super) fn run(&mut self, plan: Plan) -> Result<(), CliError> {
        let scanned = matches!(plan, Plan::Scans(_));
        let mut done = self.station.start(plan);
        if done.is_ok() && scanned {
            self.scans = Some(Scans::start());
        }
        self.draw();
        while done.is_ok() && !self.station.is_over() {
            done = self.station.step();
            self.draw();
            if let Some(command) = self.read().filter(|_| done.is_ok()) {
                done = self.station.command(command);
                self.draw();
            }
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        done.map_err(|error| self.words.error(&error))?;
        let typed = self.scans.as_ref().is_some_and(Scans::is_terminal);
        if typed && self.prompt {
            self.screen.output.note("");
        }
        Ok(())
    }

    /// Lets the nests go, and says what came of it.
    pub(super) fn close(&mut self, args: &RunArgs) {
        self.station.close();
        let output = self.screen.output;
        output.done();
        let counters = self.station.counters();
        let left = self.station.ledger().stock();
        let left = left.map_or_else(|_| "?".to_owned(), |stock| stock.free.to_string());
        let units = count(usize::try_from(counters.seq).unwrap_or(usize::MAX), "unit");
        let already = match counters.already {
            0 => String::new(),
            already => format!(" ({already} done already)"),
        };
        output.good(format_args!(
            "{units}: {} passed{already}, {} failed; {left} tokens left",
            counters.passed, counters.failed,
        ));
        if let Some(why) = &self.told.stopped {
            output.say(format_args!("stopped: {why}"));
        }
        let recipe = args.recipe.recipe.display();
        if let Some((serial, nest)) = &self.told.last_good
            && counters.failed == 0
            && !args.rehearse
        {
            // A programmer that no probe is named for is the recipe's own.
            let probe = match self.words.probes.get(*nest).map_or("", String::as_str) {
                "" => String::new(),
                probe => format!(" {probe}"),
            };
            output.note(format_args!(
                "next: eol-inject verify --recipe {recipe} --probe{probe} --serial {serial}\n\
                 \x20     eol-inject label scan --recipe {recipe}"
            ));
        }
    }

    /// Returns the exit code.
    pub(super) const fn code(&self) -> u8 {
        self.told.code
    }

    /// Reads what is typed, as long as the station takes it.
    fn read(&mut self) -> Option<Command> {
        let scans = self.scans.as_ref();
        match scans.filter(|_| self.station.takes_scans())?.next() {
            Scan::Line(Ok(line)) if line.trim().is_empty() => Some(Command::Next),
            Scan::Line(read) => Some(Command::Scan(read)),
            Scan::Nothing => None,
            Scan::End => Some(Command::End),
            Scan::Broken(error) => {
                self.broken = Some(error);
                Some(Command::End)
            }
        }
    }

    /// Draws what happened since.
    fn draw(&mut self) {
        let since = self.station.log().after(self.drawn);
        let Some(last) = since.events.last() else {
            return;
        };
        self.drawn = last.number;
        for numbered in &since.events {
            self.event(&numbered.event);
        }
        let name = |serial: Option<&Serial>| match serial {
            Some(serial) => serial.to_string(),
            None => "the unit on the fixture".to_owned(),
        };
        self.interrupt
            .holds(self.station.in_hand().map(name).collect());
    }

    fn event(&mut self, event: &Event) {
        let is_single = |nest: &usize| self.words.nest(Some(*nest)).is_none();
        match event {
            Event::Wanted(wanted) => self.ask(wanted),
            Event::Replaced {
                nest,
                serial,
                before,
            } => {
                self.screen.output.warning(format_args!(
                    "nest {nest}: {serial} takes the place of {before}, which is not started"
                ));
                bell();
            }
            Event::Begun(_) => (self.begun, self.prompt) = (true, false),
            Event::Waiting { there, due, .. } => self.screen.waiting(there.as_ref(), due.as_ref()),
            Event::Seen { nest, seen } if is_single(nest) => self.screen.seen(seen),
            Event::Phase { nest, phase, total } if is_single(nest) => {
                self.screen.begin(*phase, *total);
            }
            Event::Progress { nest, bytes } if is_single(nest) => self.screen.advance(*bytes),
            Event::Ended(ended) => self.ended(ended),
            Event::Results(results) => self.results(results),
            Event::Stopped(why) => self.told.stopped = Some(self.why(*why)),
            _ => {}
        }
    }

    fn ask(&mut self, wanted: &Wanted) {
        let Some(scans) = &self.scans else {
            return;
        };
        if std::mem::take(&mut self.begun) {
            match scans.drop_typed() {
                0 => {}
                1 => self.screen.aside("1 scan dropped: a unit was in hand"),
                dropped => self
                    .screen
                    .aside(format_args!("{dropped} scans dropped: a unit was in hand")),
            }
        }
        match wanted {
            Wanted::Serial => scans.ask("serial"),
            Wanted::Next => scans.ask("Enter for the next unit"),
            Wanted::Panel => scans.ask("panel"),
            Wanted::Nests(missing) => scans.ask(&missing.join(" ")),
        }
        self.prompt = true;
    }

    fn ended(&mut self, ended: &Ended) {
        let unit = &ended.unit;
        let result = self.words.result(unit);
        let shown = self.words.ended(unit, &result);
        self.screen.output.told(&ended.result);
        self.screen.end(&shown, self.words.nest(unit.nest));
        self.prompt = false;
        let told = &mut self.told;
        told.code = shown.code_after(told.code);
        told.stops = shown.result.err().and_then(|error| error.next().stops());
        if let (Ok(_), Some(serial), Some(nest)) = (shown.result, &unit.serial, unit.nest) {
            told.last_good = Some((serial.clone(), nest));
        }
    }

    fn results(&mut self, results: &Results) {
        match results {
            Results::Sent { taken } => self.screen.output.note(format_args!(
                "the factory's system answers again: {} sent",
                count(*taken, "result")
            )),
            Results::Waiting {
                waiting,
                file,
                error,
            } => self.screen.output.warning(format_args!(
                "results are not taken and wait in {} ({}): {}",
                file.display(),
                count(*waiting, "result"),
                CliError::from(error)
            )),
            Results::Stopped(error) => {
                let error = self.words.error(error);
                self.screen.output.error(&error);
                if self.told.code == 0 {
                    self.told.code = error.code;
                }
            }
        }
    }

    fn why(&self, why: Stop) -> String {
        match why {
            Stop::Error => self.told.stops.unwrap_or_default(),
            Stop::NotListed => "the list has no token for the serials that follow",
            Stop::Refused => "the recipe refuses the next serial of its list",
            Stop::InARow(row) => return format!("{row} failures in a row"),
            Stop::NoNest => "no nest is left",
            Stop::Results => "the factory's system does not take results",
        }
        .to_owned()
    }
}
