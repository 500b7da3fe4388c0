//! The floor: hands units to the nests, hears how they end, and knows when to stop.

mod scans;
mod silence;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eol_inject::ledger::{Ledger, Target};
use eol_inject::recipe::SerialSource;
use eol_inject::target::Phase;
use eol_inject::unit::Serial;

use super::Nest;
use super::mes::Mes;
use super::screen::Screen;
use super::worker::{Before, End, Event, Job, Message, Off, Shared, Which, Worker};
use crate::cli::error::{CliError, exit};
use crate::cli::output::Output;
use crate::cli::unit::{Board, Ended, Place, Tally};

/// How often the floor looks up.
const TICK: Duration = Duration::from_millis(100);

/// Which units are wanted.
pub(super) enum Plan {
    /// This one.
    One(Serial),
    /// So many good ones.
    Count(u64),
    /// Those that are scanned.
    Scans,
}

impl Plan {
    /// Returns whether people want to see each unit's steps.
    pub(super) const fn is_short(&self) -> bool {
        match self {
            Self::One(_) | Self::Scans => true,
            Self::Count(count) => *count <= 20,
        }
    }
}

/// One nest, as the floor knows it.
struct Seat {
    name: Option<String>,
    probe: String,
    target: Target,
    by_serial: bool,
    /// Where its units go; it ends without.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// When the unit in hand gave its last sign; none in hand, none here.
    sign: Option<Instant>,
    /// Whether it is only waiting for a hand.
    waiting: bool,
    serial: Option<Serial>,
    /// The board that was on it last.
    before: Option<Before>,
    /// Ends its wait for a hand.
    cancel: Arc<AtomicBool>,
    /// Whether it still answers.
    alive: bool,
}

/// The floor.
pub(super) struct Floor<'f> {
    shared: &'f Arc<Shared>,
    output: &'f Output,
    pub(super) tally: Tally<'f>,
    mes: Mes<'f>,
    nests: Vec<Seat>,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    screen: Screen<'f>,
    pub(super) stop_after: u64,
    pub(super) limit: Duration,
    pub(super) steps: bool,
    /// Why no further unit is begun.
    pub(super) stopped: Option<String>,
    /// The unit that passed last, and the probe that it was on.
    pub(super) last_good: Option<(Serial, String)>,
}

impl<'f> Floor<'f> {
    pub(super) fn new(
        (shared, output): (&'f Arc<Shared>, &'f Output),
        tally: Tally<'f>,
        mes: Mes<'f>,
    ) -> Self {
        let (sender, messages) = mpsc::channel();
        Self {
            shared,
            output,
            tally,
            mes,
            nests: Vec::new(),
            messages,
            sender,
            screen: Screen::new(output, true),
            stop_after: 3,
            limit: Duration::from_secs(120),
            steps: true,
            stopped: None,
            last_good: None,
        }
    }

    /// Starts a nest.
    pub(super) fn add(&mut self, nest: Nest, ledger: Ledger) {
        let (jobs, queue) = mpsc::channel();
        let mut seat = Seat {
            name: nest.name,
            probe: nest.reach.probe().to_owned(),
            target: nest.reach.target(),
            by_serial: nest.reach.by_serial(),
            jobs: Some(jobs),
            thread: None,
            sign: None,
            waiting: false,
            serial: None,
            before: None,
            cancel: Arc::default(),
            alive: true,
        };
        let worker = Worker {
            nest: self.nests.len(),
            reach: nest.reach,
            ledger,
            shared: Arc::clone(self.shared),
            messages: self.sender.clone(),
            drawn: None,
        };
        seat.thread = Some(thread::spawn(move || worker.work(&queue)));
        self.nests.push(seat);
    }

    /// Lets every nest put its ledger away. One that hangs is not waited for: it ends with the
    /// program.
    pub(super) fn close(&mut self) {
        for nest in &mut self.nests {
            nest.jobs = None;
            if let Some(thread) = nest
                .thread
                .take()
                .filter(|_| nest.sign.is_none() && nest.alive)
            {
                // A nest that panicked has ended the program already.
                let _ = thread.join();
            }
        }
    }

    /// Makes the units of `plan`.
    ///
    /// # Errors
    /// What stops the line before or between units.
    pub(super) fn run(&mut self, plan: Plan, ledger: &Ledger) -> Result<(), CliError> {
        self.screen = Screen::new(self.output, self.steps);
        self.mes.start()?;
        match plan {
            Plan::One(serial) => {
                self.begin(0, Which::Serial(serial), Off::Nothing);
                self.finish_all()
            }
            Plan::Count(count) => self.count(count, ledger),
            Plan::Scans => self.scans(ledger),
        }
    }

    /// Makes so many good units; every nest takes the next as soon as it is free.
    fn count(&mut self, count: u64, ledger: &Ledger) -> Result<(), CliError> {
        let nests = u64::try_from(self.nests.len()).unwrap_or(u64::MAX);
        self.enough(nests.min(count), ledger)?;
        self.tally.counts = true;
        loop {
            for nest in 0..self.nests.len() {
                let wanted = count.saturating_sub(self.tally.passed);
                if self.busy() < wanted && self.goes_on() && self.is_idle(nest) {
                    let off = self.before(nest);
                    self.begin(nest, Which::Source, off);
                }
            }
            if self.busy() == 0 {
                return Ok(());
            }
            self.hear()?;
        }
    }

    /// Refuses to start nests that there are no tokens for.
    fn enough(&self, wanted: u64, ledger: &Ledger) -> Result<(), CliError> {
        let open = ledger.open_claims(&self.shared.station)?.len();
        let most = usize::try_from(wanted).unwrap_or(usize::MAX);
        let there = ledger.free(most)?.saturating_add(open);
        let there = u64::try_from(there).unwrap_or(u64::MAX);
        if there >= wanted {
            return Ok(());
        }
        Err(CliError::new(
            exit::POOL_EMPTY,
            "unit-pool-empty",
            format!(
                "{wanted} units are to be started and {there} tokens are left: none is started"
            ),
        ))
    }

    fn begin(&mut self, nest: usize, which: Which, off: Off) {
        let Some(place) = self.nests.get_mut(nest) else {
            return;
        };
        place.sign = Some(Instant::now());
        place.serial = match &which {
            Which::Serial(serial) => Some(serial.clone()),
            Which::Source => None,
        };
        place.waiting = false;
        place.cancel = Arc::default();
        let cancel = Arc::clone(&place.cancel);
        // A nest that is gone shows as one that gives no sign.
        if let Some(jobs) = &place.jobs {
            let _ = jobs.send(Job { which, off, cancel });
        }
        self.hold();
    }

    /// Says which units a second Ctrl-C would leave open.
    fn hold(&self) {
        let held = |place: &&Seat| place.sign.is_some() && !place.waiting;
        let name = |place: &Seat| match &place.serial {
            Some(serial) => serial.to_string(),
            None => "the unit on the fixture".to_owned(),
        };
        let hand = self.nests.iter().filter(held).map(name).collect();
        self.shared.interrupt.holds(hand);
    }

    /// Hears until no unit is in hand.
    fn finish_all(&mut self) -> Result<(), CliError> {
        while self.busy() > 0 {
            self.hear()?;
        }
        Ok(())
    }

    /// Hears one message, or finds a nest that gives no sign any more.
    fn hear(&mut self) -> Result<(), CliError> {
        match self.messages.recv_timeout(TICK) {
            Ok((nest, event)) => self.take(nest, event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.silence(),
        }
    }

    fn take(&mut self, nest: usize, event: Event) -> Result<(), CliError> {
        let Some(place) = self.nests.get_mut(nest).filter(|place| place.alive) else {
            return Ok(());
        };
        place.sign = Some(Instant::now());
        place.waiting = match event {
            Event::Waiting(_) => true,
            // While it waits, it looks again and again.
            Event::Begin(Phase::Identify, _) | Event::Advance(_) => place.waiting,
            _ => false,
        };
        let waits = place.waiting;
        let single = place.name.is_none();
        let known = matches!(event, Event::Serial(_) | Event::Waiting(_) | Event::Seen(_));
        match event {
            Event::Serial(serial) => place.serial = Some(serial),
            Event::Waiting(there) => self.screen.waiting(there.as_ref(), place.serial.as_ref()),
            Event::Seen(seen) if single => self.screen.seen(&seen),
            Event::Begin(phase, total) if single && !waits => self.screen.begin(phase, total),
            Event::Advance(bytes) if single && !waits => self.screen.advance(bytes),
            Event::End(end) => {
                place.sign = None;
                self.hold();
                return self.end(nest, *end);
            }
            _ => {}
        }
        if known {
            self.hold();
        }
        Ok(())
    }

    fn end(&mut self, nest: usize, end: End) -> Result<(), CliError> {
        let Some(place) = self.nests.get_mut(nest) else {
            return Ok(());
        };
        let uid = end.seen.as_ref().and_then(|seen| seen.uid.clone());
        let passed = end.result.as_ref().ok();
        let token = passed.map(|passed| passed.entry.record().fingerprint);
        if let (Some(serial), true) = (&end.serial, uid.is_some() || token.is_some()) {
            let serial = serial.clone();
            place.before = Some(Before { serial, uid, token });
        }
        let name = place.name.clone();
        let probe = place.probe.clone();
        let label = end
            .serial
            .as_ref()
            .and_then(|serial| self.shared.labels.of_unit(serial));
        let ended = Ended {
            serial: end.serial,
            attempt: end.attempt,
            result: end.result,
            elapsed: end.elapsed,
            place: Place::Board(Board {
                target: place.target,
                nest: name.clone(),
                seen: end.seen,
            }),
            label,
        };
        // A wait that was broken off is no unit.
        if ended
            .result
            .as_ref()
            .is_err_and(|error| error.code == exit::INTERRUPTED)
        {
            return Ok(());
        }
        if let (Ok(_), Some(serial)) = (&ended.result, &ended.serial) {
            self.last_good = Some((serial.clone(), probe));
        }
        self.ended(&ended, name.as_deref())
    }

    /// Tells everybody how a unit ended, and decides whether the line goes on.
    fn ended(&mut self, ended: &Ended, nest: Option<&str>) -> Result<(), CliError> {
        let told = self.tally.count(ended);
        self.screen.end(ended, nest);
        if let Err(error) = &ended.result {
            self.judge(error);
        }
        if let Err(error) = self.mes.tell(&told) {
            // The unit itself is recorded; its result is in the outbox.
            self.stopped = Some("the factory's system does not take results".to_owned());
            self.output.error(&error);
            if self.tally.code == 0 {
                self.tally.code = error.code;
            }
        }
        Ok(())
    }

    fn judge(&mut self, error: &CliError) {
        let row = self.tally.in_a_row;
        let why = match error.next().stops() {
            Some(why) => why.to_owned(),
            // Nor does the list know the ones that would follow.
            None if self.tally.counts && error.name == "unit-not-listed" => {
                "the list has no token for the serials that follow".to_owned()
            }
            // It comes again with every board.
            None if self.tally.counts && error.name == "serial-pattern" && !self.by_board() => {
                "the recipe refuses the next serial of its list".to_owned()
            }
            None if self.stop_after > 0 && row >= self.stop_after => {
                format!("{row} failures in a row")
            }
            None => return,
        };
        self.stopped.get_or_insert(why);
    }

    /// Returns whether each board says which serial it has.
    fn by_board(&self) -> bool {
        self.shared.recipe.serial.source == SerialSource::ChipUid
    }

    fn busy(&self) -> u64 {
        let busy = self.nests.iter().filter(|nest| nest.sign.is_some());
        u64::try_from(busy.count()).unwrap_or(u64::MAX)
    }

    fn is_idle(&self, nest: usize) -> bool {
        let place = self.nests.get(nest);
        place.is_some_and(|nest| nest.alive && nest.sign.is_none())
    }

    /// Returns the board that has to be taken off a nest before the next unit is begun.
    fn before(&self, nest: usize) -> Off {
        let place = self.nests.get(nest).filter(|nest| !nest.by_serial);
        let before = place.and_then(|place| place.before.clone());
        before.map_or(Off::Nothing, Off::Board)
    }

    fn goes_on(&self) -> bool {
        self.stopped.is_none() && !self.shared.interrupted.load(Ordering::SeqCst)
    }
}
