//! A shift on boards without numbers: the line's program is killed at every step, its programmer
//! writes on as an orphan, and whoever stands at the line takes the next blank board or the same
//! one. No token gets onto two boards; Python judges that by the boards and the database alone.
//!
//! `EOL_INJECT_UNITS=3000` makes it a long one.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;
use std::thread;
use std::time::Duration;

use super::{RECIPE, bench, executable, run, said};
use crate::bench::Bench;
use crate::judge;
use crate::ledger::shift::Chance;

const FLASH: &str = r#"
[flash]
chip     = "demo"
program  = ["./unmarked.sh", "program", "{image}"]
readback = ["./unmarked.sh", "read", "{dump}", "{address}", "{size}"]
identify = false
timeout  = 20

[label]
dir = "labels"

[serial]
source = "scan"
"#;
/// What goes wrong with one call of the programmer.
const FATES: [&str; 6] = ["", "", "before", "after", "torn", "orphan"];
const WHO: [&str; 4] = ["--by", "ann", "--reason", "the board was marked"];

/// How many units are made in a normal check.
const UNITS: usize = 40;

fn units() -> usize {
    let text = std::env::var("EOL_INJECT_UNITS");
    text.map_or(UNITS, |text| text.parse().unwrap())
}

/// A line, and what really happened at it.
struct Shift {
    bench: Bench,
    chance: Chance,
    boards: usize,
    kills: usize,
    decisions: usize,
}

impl Shift {
    /// Returns a line whose ledger is at `place`, with tokens for many more boards than units.
    fn at(place: &str, count: usize) -> Self {
        let bench = bench(FLASH);
        let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
        let recipe = recipe.replace("../pools/blynk-export.zip", "tokens.zip");
        fs::write(bench.path(RECIPE), format!("{recipe}\n[ledger]\n{place}\n")).unwrap();
        let script = bench.path("line/unmarked.sh");
        fs::write(&script, include_str!("unmarked.sh")).unwrap();
        executable(&script);
        fs::create_dir(bench.path("line/boards")).unwrap();
        let many = (count * 8).to_string();
        bench.ok(&[
            "pool", "generate", "--recipe", RECIPE, "--count", &many, "-o", "made.zip",
        ]);
        fs::rename(bench.path("made.zip"), bench.path("line/tokens.zip")).unwrap();
        Self {
            bench,
            chance: Chance(0x9e37_79b9_7f4a_7c15),
            boards: 0,
            kills: 0,
            decisions: 0,
        }
    }

    /// Waits until nothing writes any more: a board that is changed under a writer which has left its
    /// run for good gets what that writes, and nobody can tell the two boards apart.
    fn settle(&self) {
        while self.bench.path("line/orphan.image").exists() {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Seats a board that nobody ever wrote to.
    fn seat(&mut self) -> usize {
        self.boards += 1;
        let seat = format!("{:05}\n", self.boards);
        fs::write(self.bench.path("line/seat"), seat).unwrap();
        self.boards
    }

    fn call(&self, args: &[&str]) -> Output {
        run(&self.bench, args, "")
    }

    /// Makes one unit, whatever it takes; whoever stands there does not know what was written.
    fn make(&mut self, serial: &str) {
        let mut seen = BTreeSet::from([self.seat()]);
        let mut vouched = false;
        for _ in 0..60 {
            let fate = FATES[self.chance.below(FATES.len())];
            fs::write(self.bench.path("line/fate"), fate).unwrap();
            let mut args = vec!["--serial", serial];
            if vouched {
                args.push("--same-board");
                args.extend(WHO);
            }
            let out = self.call(&args);
            vouched = false;
            match out.status.code() {
                Some(0) => return,
                None => {
                    self.kills += 1;
                    // Now and then the board is taken for a bad one.
                    if self.chance.below(2) == 0 {
                        self.settle();
                        seen.insert(self.seat());
                    }
                }
                // What the dead run started still writes.
                Some(50) => thread::sleep(Duration::from_millis(100)),
                Some(52) if seen.len() == 1 => {
                    self.decisions += 1;
                    vouched = true;
                }
                // Whose board that is nobody can say any more: its token is burnt.
                Some(52) => {
                    self.decisions += 1;
                    let swap = ["ledger", "rework", "--recipe", RECIPE, "--serial", serial];
                    let how = ["--mode", "board-swapped"];
                    // Nothing is burnt where only another unit's token lies on the board.
                    let out = self.bench.run(&[swap.as_slice(), &how, &WHO].concat());
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

    /// Makes all units, and has boards and ledger judged.
    fn work(mut self, count: usize, ledger: &[&str]) {
        for n in 1..=count {
            self.make(&format!("GW{n:06}"));
        }
        // The last orphan.
        thread::sleep(Duration::from_millis(600));
        let script = self.bench.path("unmarked.py");
        fs::write(&script, include_str!("unmarked.py")).unwrap();
        let args = [&["unmarked.py", "line/boards"], ledger].concat();
        let judged = judge::call(&self.bench.path("."), &args);
        let told = said(&judged);
        assert!(judged.status.success(), "{told}");
        assert!(told.contains(&format!("{count} units delivered")), "{told}");
        assert!(
            self.kills > count / 4 && self.decisions > 0,
            "too quiet a shift"
        );
        println!(
            "{} kills, {} decisions, {} boards: {told}",
            self.kills, self.decisions, self.boards
        );
        self.bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

#[test]
fn no_token_gets_onto_two_boards_that_have_no_number() {
    let count = units();
    let shift = Shift::at("url = \"sqlite:line.ledger\"", count);
    shift.work(count, &["sqlite", "line/line.ledger"]);
}

#[cfg(feature = "postgres")]
#[test]
fn no_token_gets_onto_two_boards_that_have_no_number_on_a_server() {
    let Some(cluster) = crate::ledger::postgres::cluster::Cluster::shared() else {
        return;
    };
    let count = units();
    let place = format!(
        "url = \"{}\"\nschema = \"unmarked\"\nkey = {{ file = \"line.key\" }}",
        cluster.url()
    );
    let shift = Shift::at(&place, count);
    shift
        .bench
        .ok(&["ledger", "key", "new", "-o", "line/line.key"]);
    shift.work(count, &["postgres", &cluster.url(), "unmarked"]);
}
