//! One line of the plant: a program that dies, a programmer that outlives it, and whoever stands there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::Duration;

use super::{copy, executable, said};
use crate::bench::Bench;
use crate::ledger::shift::Chance;

/// What goes wrong with one call of the programmer.
const FATES: [&str; 6] = ["", "", "before", "after", "torn", "orphan"];
const WHO: [&str; 4] = ["--by", "ann", "--reason", "the board was marked"];

/// What really happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub kills: usize,
    pub decisions: usize,
    pub boards: usize,
    pub forged: usize,
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            kills: sum.kills + one.kills,
            decisions: sum.decisions + one.decisions,
            boards: sum.boards + one.boards,
            forged: sum.forged + one.forged,
        })
    }
}

/// A line in a folder of its own.
pub struct Line {
    folder: PathBuf,
    number: usize,
    pub chance: Chance,
    pub tally: Tally,
    passes: String,
}

impl Line {
    pub fn new(folder: PathBuf, number: usize) -> Self {
        let seed = 0x9e37_79b9_7f4a_7c15_u64.rotate_left(u32::try_from(number).unwrap());
        Self {
            folder,
            number,
            chance: Chance(seed),
            tally: Tally::default(),
            passes: String::new(),
        }
    }

    pub const fn number(&self) -> usize {
        self.number
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Gives the line its recipe, its programmer and an empty shelf of boards.
    pub fn furnish(&self, master: &Path) {
        for folder in ["boards", "tmp"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        for file in ["recipe.toml", "unmarked.sh"] {
            copy(&master.join(file), &self.path(file));
        }
        executable(&self.path("unmarked.sh"));
    }

    /// Calls the program at this line's station, with a folder of its own for its nest.
    pub fn call(&self, bench: &Bench, args: &[&str]) -> Output {
        let recipe = self.path("recipe.toml");
        let mut all = args.to_vec();
        all.extend(["--recipe", recipe.to_str().unwrap()]);
        bench
            .command(&all)
            .env("EOL_STATION", format!("L{}", self.number))
            .env("TMPDIR", self.path("tmp"))
            .output()
            .unwrap()
    }

    /// Waits until nothing writes any more: a board that is changed under a writer which has left its
    /// run for good gets what that writes, and nobody can tell the two boards apart.
    pub fn settle(&self) {
        while self.path("orphan.image").exists() {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the line's day, and says what happened.
    pub fn rest(&self) -> Tally {
        self.settle();
        fs::write(self.path("passes.txt"), &self.passes).unwrap();
        self.tally
    }

    /// Seats a board that nobody ever wrote to.
    fn seat(&mut self) -> usize {
        self.tally.boards += 1;
        let seat = format!("{:05}\n", self.tally.boards);
        fs::write(self.path("seat"), seat).unwrap();
        self.tally.boards
    }

    /// Makes one unit, whatever it takes; whoever stands there does not know what was written.
    pub fn make(&mut self, bench: &Bench, serial: &str) {
        let mut seen = BTreeSet::from([self.seat()]);
        let mut vouched = false;
        for _ in 0..60 {
            let fate = FATES[self.chance.below(FATES.len())];
            fs::write(self.path("fate"), fate).unwrap();
            let mut args = vec!["run", "--serial", serial];
            if vouched {
                args.push("--same-board");
                args.extend(WHO);
            }
            let out = self.call(bench, &args);
            vouched = false;
            match out.status.code() {
                Some(0) => {
                    let line = format!("{serial} {:05}\n", self.tally.boards);
                    self.passes.push_str(&line);
                    return;
                }
                None => {
                    self.tally.kills += 1;
                    // Now and then the board is taken for a bad one.
                    if self.chance.below(2) == 0 {
                        self.settle();
                        seen.insert(self.seat());
                    }
                }
                // What the dead run started still writes.
                Some(50) => thread::sleep(Duration::from_millis(100)),
                Some(52) if seen.len() == 1 => {
                    self.tally.decisions += 1;
                    vouched = true;
                }
                // Whose board that is nobody can say any more: its token is burnt.
                Some(52) => {
                    self.tally.decisions += 1;
                    let swap = ["ledger", "rework", "--serial", serial];
                    let how = ["--mode", "board-swapped"];
                    // Nothing is burnt where only another unit's token lies on the board.
                    let out = self.call(bench, &[swap.as_slice(), &how, &WHO].concat());
                    assert!(matches!(out.status.code(), Some(0 | 50)), "{}", said(&out));
                    seen = BTreeSet::from([self.seat()]);
                }
                // The orphan wrote between this run's writing and its reading.
                Some(40 | 41) => {}
                code => panic!("{serial}: {code:?}: {}", said(&out)),
            }
        }
        panic!("{serial} is never made");
    }
}
