//! A shift: many processes on one ledger, killed at random and started again until every unit is
//! delivered. Whatever a board got is written down beside the ledger, and compared with it.
//!
//! `EOL_INJECT_UNITS=5000` makes it a long one.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::support::times;

/// Says which ledger a child process works on; unset in a normal run.
const PLACE: &str = "EOL_INJECT_TEST_SHIFT";
const FOLDER: &str = "EOL_INJECT_TEST_FOLDER";
const STATION: &str = "EOL_INJECT_TEST_STATION";

pub fn units() -> usize {
    let text = std::env::var("EOL_INJECT_UNITS");
    text.map_or_else(|_| times(400, 120), |text| text.parse().unwrap())
}

fn name(n: usize) -> String {
    format!("GW{n:06}")
}

/// Numbers that look like chance, the same for the same start.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// A board on a fixture: a file that one process at a time may hold.
struct Board(File);

impl Board {
    fn seat(folder: &Path, serial: &str) -> Self {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(folder.join(serial)).unwrap();
        match file.try_lock() {
            Ok(()) => Self(file),
            Err(TryLockError::WouldBlock) => panic!("two deliver {serial} at once"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes a token; one that was there before has to be the same.
    fn deliver(&mut self, token: Fingerprint) {
        let mut had = String::new();
        self.0.read_to_string(&mut had).unwrap();
        let token = token.to_hex();
        assert!(
            had.is_empty() || token.starts_with(&had),
            "two tokens on one board"
        );
        self.0.rewind().unwrap();
        self.0.write_all(token.as_bytes()).unwrap();
    }
}

/// What one process does until no unit is left: claims, delivers, confirms, in groups of 1 to 6.
pub fn work(ledger: &mut Ledger, (boards, count): (&Path, usize), chance: &mut Chance) {
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        let from = chance.below(left.len());
        let group: Vec<usize> = left
            .iter()
            .cycle()
            .skip(from)
            .take(1 + chance.below(6))
            .copied()
            .collect();
        let group: Vec<usize> = group
            .into_iter()
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let claims: Vec<Claim> = group
            .iter()
            .map(|n| on_board(&name(*n), &name(*n)))
            .collect();
        let answers = ledger.reserve(&claims).unwrap();
        let mut done = Vec::new();
        let mut seated = Vec::new();
        for (n, answer) in group.into_iter().zip(answers) {
            match answer {
                Ok(Attempt::Go(held)) => {
                    let mut board = Board::seat(boards, &name(n));
                    board.deliver(held.fingerprint());
                    seated.push(board);
                    let receipt = receipt(&held);
                    done.push((held, receipt));
                }
                Ok(Attempt::Done { .. }) => left.retain(|other| *other != n),
                Err(Refusal::InWork { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        if chance.below(20) == 0 && !done.is_empty() {
            // A board that fails now and then.
            drop(seated);
            for (held, _) in done {
                ledger.fail(held, &failure(true)).unwrap();
            }
            continue;
        }
        // A board leaves its fixture before the outcome is told.
        drop(seated);
        ledger.confirm(&done).unwrap();
    }
}

/// What the child does; nothing in a normal run.
#[test]
fn the_other_process() {
    let (Ok(place), Ok(folder)) = (std::env::var(PLACE), std::env::var(FOLDER)) else {
        return;
    };
    let station = std::env::var(STATION).unwrap();
    let mut ledger = open(&place, &station);
    let mut chance = Chance(u64::from(std::process::id()) << 20 | 1);
    work(&mut ledger, (folder.as_ref(), units()), &mut chance);
}

fn open(place: &str, station: &str) -> Ledger {
    #[cfg(all(feature = "postgres", unix))]
    if let Some(place) = place.strip_prefix("postgres ") {
        return postgres::open_from(place, station);
    }
    #[cfg(feature = "sqlite")]
    {
        let opened = eol_inject::ledger::Sqlite::open(place.as_ref(), &scope(), identity(station));
        opened.unwrap()
    }
    #[cfg(not(feature = "sqlite"))]
    panic!("{place} at {station}")
}

fn spawn(place: &str, folder: &Path, station: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["ledger::shift::the_other_process", "--exact", "--nocapture"])
        .env(PLACE, place)
        .env(FOLDER, folder)
        .env(STATION, format!("L{station}"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a shift of so many processes at half as many stations.
pub fn shift(bench: &dyn Bench, place: &str, processes: usize) {
    let (count, boards) = (units(), tempfile::tempdir().unwrap());
    // Some more tokens than units: every one too many that is drawn shows.
    drop(stocked(bench, count + 50));
    let start = |n: usize| Some(spawn(place, boards.path(), n % processes.div_ceil(2)));
    let mut children: Vec<Option<Child>> = (0..processes).map(start).collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (began, mut kills) = (Instant::now(), 0);
    while children.iter().any(Option::is_some) {
        assert!(
            began.elapsed() < Duration::from_secs(1800),
            "the shift does not end"
        );
        std::thread::sleep(Duration::from_millis(10 + chance.below(90) as u64));
        let n = chance.below(processes);
        if let Some(child) = &mut children[n] {
            match child.try_wait().unwrap() {
                Some(status) => {
                    let mut said = String::new();
                    let mut pipe = child.stderr.take().unwrap();
                    pipe.read_to_string(&mut said).unwrap();
                    assert!(status.success(), "{said}");
                    children[n] = None;
                }
                // As many kills as a shift of this length can bear and still end.
                None if kills < count / 4 => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    kills += 1;
                    children[n] = start(n);
                }
                None => {}
            }
        }
    }
    println!(
        "{count} units, {processes} processes, {kills} kills: {:.1?}",
        began.elapsed()
    );
    check(bench, boards.path(), count);
}

/// Compares ledger and boards: every unit delivered once, each with a token of its own.
pub fn check(bench: &dyn Bench, boards: &Path, count: usize) {
    let ledger = bench.open("L0");
    let stock = ledger.stock().unwrap();
    assert_eq!(stock.delivered, count as u64);
    assert_eq!((stock.bound, stock.free), (count as u64, 50));
    assert_eq!((stock.reserved, stock.prepared, stock.labelled), (0, 0, 0));
    let mut units = HashMap::new();
    ledger
        .units(&mut |unit| {
            let before = units.insert(unit.serial.to_string(), unit.fingerprint);
            assert_eq!(before, None, "{} is in two states", unit.serial);
        })
        .unwrap();
    let prints: HashSet<Fingerprint> = units.values().copied().collect();
    assert_eq!((units.len(), prints.len()), (count, count));
    for (serial, print) in units {
        let held = std::fs::read_to_string(boards.join(serial)).unwrap();
        assert_eq!(held, print.to_hex());
    }
    assert_clean(&ledger);
}
