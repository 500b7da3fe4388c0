//! The loop of a station without a terminal: commands in, events out, on boards of memory.

mod events; // Numbered, each once, in order; a late view.
mod nests; // Several nests: panels, skipped ones, one that hangs.
mod stops; // When the loop ends, and what goes on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eol_inject::image::{Address, Hint, Image};
use eol_inject::label::{LabelError, Labels};
use eol_inject::ledger::{self, Entry, Seated};
use eol_inject::master::Master;
use eol_inject::mes::{Hooks, Outbox};
use eol_inject::recipe::Recipe;
use eol_inject::station::{
    Boards, Command, Event, EventLog, NestSetup, Numbered, Plan, Reports, Setup, Station,
    StationError, UnitEnd, Weight,
};
use eol_inject::target::{StandIns, Target, TargetError};
use eol_inject::unit::Serial;

use crate::ledger::{Bench as _, InMemory, stocked};

pub const SCAN: &str = "[serial]\nsource = 'scan'\npattern = '^GW[0-9]{6}$'\n";
pub const NEXT: &str = "[serial]\nsource = 'next'\nformat = 'GW{:06}'\n";

/// How boards are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each serial has its own board.
    BySerial,
    /// The one board that a hand has put there.
    ByHand,
    /// Nothing reaches them.
    Broken,
    /// They never answer.
    Silent,
}

struct Nest {
    boards: StandIns,
    way: Way,
}

impl Boards for Nest {
    fn open(&self, serial: Option<&Serial>) -> Result<Box<dyn Target>, TargetError> {
        let name = match (self.way, serial) {
            (Way::BySerial, Some(serial)) => serial.folded(),
            (Way::Broken, _) => {
                return Err(TargetError::Folder {
                    folder: "out".into(),
                    source: std::io::ErrorKind::NotFound.into(),
                });
            }
            (Way::Silent, _) => {
                std::thread::sleep(Duration::from_secs(2));
                "late".to_owned()
            }
            _ => "the board".to_owned(),
        };
        Ok(Box::new(self.boards.board(&name)))
    }

    fn target(&self) -> ledger::Target {
        ledger::Target::Probe
    }

    fn by_serial(&self) -> bool {
        self.way != Way::ByHand
    }

    fn new_number(&self) -> Option<String> {
        None
    }
}

struct NoLabels;

impl Labels for NoLabels {
    fn put(&self, _: &Entry) -> Result<bool, LabelError> {
        Ok(false)
    }
}

/// Results are told by their number alone.
struct Numbers;

impl Reports for Numbers {
    fn weigh(&self, error: &StationError) -> Weight {
        match error {
            StationError::Scanned(_) | StationError::Misread(_) | StationError::Nest(_) => {
                Weight::Hand
            }
            StationError::NoToken => Weight::Line,
            _ => Weight::Unit,
        }
    }

    fn result(&self, _: &UnitEnd, seq: u64) -> String {
        format!("{{\"seq\":{seq}}}")
    }
}

/// A station and its ledger, with a folder for the outbox.
pub struct Bench {
    pub ledger: InMemory,
    pub station: Station,
    folder: tempfile::TempDir,
}

fn master(recipe: &Recipe) -> Master {
    let hint = Hint {
        base: Some(Address::new(0)),
        ..Hint::default()
    };
    Master::prove(Image::read(vec![0; 128], hint).unwrap(), recipe).unwrap()
}

impl Bench {
    /// A station with ten tokens and nests with these names, whose recipe ends with `rest`.
    pub fn new(rest: &str, nests: &[Option<&str>], way: Way) -> Self {
        Self::with(rest, nests, way, &|_| {})
    }

    /// The same, with another setup.
    pub fn with(rest: &str, nests: &[Option<&str>], way: Way, change: &dyn Fn(&mut Setup)) -> Self {
        let named = nests.iter().flatten();
        // Nests name the probes, or [flash] does.
        let probe = match named.clone().next() {
            Some(_) => "",
            None => "probe = 'sim'",
        };
        let tables = named.map(|name| format!("[[nest]]\nname = '{name}'\nprobe = 'sim'\n"));
        let tables: String = tables.collect();
        let text = format!(
            "product = 'GW-100'\n[image]\nfile = 'gw100.bin'\n\
             [[slot]]\nvalue = 'auth-token'\naddress = 0x10\nsize = 40\n\
             [[slot]]\nvalue = 'serial'\naddress = 0x40\nsize = 32\n\
             [flash]\nchip = 'demo'\n{probe}\n{rest}{tables}"
        );
        let recipe = Arc::new(Recipe::parse(&text, Path::new(".")).unwrap());
        let ledger = InMemory::new();
        drop(stocked(&ledger, 10));
        let folder = tempfile::tempdir().unwrap();
        let mut setup = Setup {
            master: master(&recipe),
            labels: Box::new(NoLabels),
            hooks: Hooks::new(&recipe.hook, folder.path()),
            outbox: Outbox::beside(&folder.path().join("gw.ledger")),
            station: "L1".to_owned(),
            operator: None,
            order: None,
            seated: Seated::Unknown,
            stop: Arc::default(),
            stop_after: 3,
            limit: Duration::from_secs(60),
            recipe: Arc::clone(&recipe),
        };
        change(&mut setup);
        let boards = StandIns::of(&recipe).unwrap();
        let mut station = Station::new(setup, ledger.open("L1"), Arc::new(Numbers));
        for name in nests {
            station.add(NestSetup {
                name: name.map(str::to_owned),
                boards: Box::new(Nest {
                    boards: boards.clone(),
                    way,
                }),
                ledger: ledger.open("L1"),
            });
        }
        Self {
            ledger,
            station,
            folder,
        }
    }

    /// Begins a plan and goes on until a scan is taken or the loop is over.
    pub fn start(&mut self, plan: Plan) {
        self.station.start(plan).unwrap();
        self.settle();
    }

    /// Goes on until a scan is taken or the loop is over.
    pub fn settle(&mut self) {
        loop {
            self.station.step().unwrap();
            if self.station.is_over() || self.station.takes_scans() {
                return;
            }
        }
    }

    /// Scans a line, and goes on as [`settle`](Self::settle).
    pub fn scan(&mut self, line: &str) {
        self.command(scan(line));
    }

    pub fn command(&mut self, command: Command) {
        self.station.command(command).unwrap();
        self.settle();
    }

    /// The names of the events after the one of this number, but for phases, whose number is the
    /// boards' own business.
    pub fn names(&self, after: u64) -> Vec<&'static str> {
        let events = all(&self.station.log(), after);
        let names = events.iter().map(|numbered| numbered.event.name());
        names
            .filter(|name| !["phase", "progress"].contains(name))
            .collect()
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        let events = all(&self.station.log(), 0);
        events.last().map_or(0, |numbered| numbered.number)
    }

    /// How the last unit ended.
    pub fn ended(&self) -> String {
        let events = all(&self.station.log(), 0);
        let ended = events
            .iter()
            .rev()
            .find_map(|numbered| match &numbered.event {
                Event::Ended(ended) => Some(match &ended.unit.result {
                    Ok(passed) if passed.already => "already".to_owned(),
                    Ok(_) => "passed".to_owned(),
                    Err(error) => error.name().to_owned(),
                }),
                _ => None,
            });
        ended.unwrap()
    }

    /// How many tokens are free.
    pub fn free(&self) -> u64 {
        self.ledger.open("L2").stock().unwrap().free
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

pub fn scan(line: &str) -> Command {
    Command::Scan(Ok(line.to_owned().into()))
}

/// All events after the one of this number; none may be lost.
pub fn all(log: &EventLog, after: u64) -> Vec<Arc<Numbered>> {
    let since = log.after(after);
    assert_eq!(since.missed, 0);
    since.events
}
