//! A shift on boards without numbers: several lines on one ledger, and a station with a part of it. Each
//! line's program is killed at every step, its programmer writes on as an orphan, and whoever stands there
//! takes the next blank board or the same one. Now and then somebody puts a forged part in the place of
//! the station's, and at the end a return from which a unit was taken out. No token gets onto two boards;
//! Python judges that by the boards and the database alone.
//!
//! `EOL_INJECT_UNITS=1500` makes it a long one.

mod line;
mod station;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use self::line::{Line, Tally};
use super::{RECIPE, bench, executable, said};
use crate::bench::Bench;
use crate::judge;
use crate::support::times;

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

fn units() -> usize {
    let text = std::env::var("EOL_INJECT_UNITS");
    text.map_or_else(|_| times(40, 12), |text| text.parse().unwrap())
}

/// A plant: its lines, and the ledger that they share.
struct Shift {
    bench: Bench,
    lines: Vec<Line>,
    /// Units a line.
    share: usize,
}

impl Shift {
    /// Returns lines whose ledger is at `place`, with tokens for many more boards than units.
    fn at(place: &str, count: usize) -> Self {
        let bench = bench(FLASH);
        let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
        let recipe = recipe.replace("../pools/blynk-export.zip", "../tokens.zip");
        fs::write(bench.path(RECIPE), format!("{recipe}\n[ledger]\n{place}\n")).unwrap();
        let script = bench.path("line/unmarked.sh");
        fs::write(&script, include_str!("unmarked.sh")).unwrap();
        executable(&script);
        let many = (count * 8).to_string();
        bench.ok(&[
            "pool", "generate", "--recipe", RECIPE, "--count", &many, "-o", "made.zip",
        ]);
        fs::rename(bench.path("made.zip"), bench.path("tokens.zip")).unwrap();
        // The last one is the station with a part.
        let lines = (count / 150).clamp(3, 8);
        let made = |n| Line::new(bench.path(&format!("line{n}")), n);
        Self {
            lines: (1..=lines).map(made).collect(),
            share: count / lines,
            bench,
        }
    }

    /// Makes all units, and has boards and ledger judged.
    fn work(mut self, ledger: &[&str]) {
        self.bench.ok(&["pool", "import", "--recipe", RECIPE]);
        for line in &self.lines {
            line.furnish(&self.bench.path("line"));
        }
        let mut station = self.lines.pop().unwrap();
        let share = self.share;
        let home = PathBuf::from(RECIPE);
        let lost = station::Part::handed(&self.bench, &home, &station, share * 8);
        let all: Tally = thread::scope(|scope| {
            let away = scope.spawn(|| {
                for n in 0..share {
                    lost.maybe_forged(&self.bench, &mut station);
                    station.make(&self.bench, &format!("GW{:06}", 900_000 + n));
                }
                station.rest()
            });
            let lines = self.lines.iter_mut().map(|line| {
                let bench = &self.bench;
                scope.spawn(move || {
                    for n in 0..share {
                        line.make(bench, &format!("GW{:06}", line.number() * 10_000 + n));
                    }
                    line.rest()
                })
            });
            // All of them are begun before the first is waited for.
            let lines: Vec<_> = lines.collect();
            let done = lines.into_iter().chain([away]);
            done.map(|line| line.join().unwrap()).sum()
        });
        lost.bring_back(&self.bench, &home);
        self.judge(&all, ledger);
    }

    fn judge(&self, all: &Tally, ledger: &[&str]) {
        let count = self.share * (self.lines.len() + 1);
        let script = self.bench.path("unmarked.py");
        fs::write(&script, include_str!("unmarked.py")).unwrap();
        let folders = (1..=self.lines.len() + 1).map(|n| format!("line{n}"));
        let folders: Vec<String> = folders.collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let args = [&["unmarked.py"], ledger, &folders].concat();
        let judged = judge::call(&self.bench.path("."), &args);
        let told = said(&judged);
        println!("{all:?}: {told}");
        assert!(judged.status.success(), "{told}");
        assert!(told.contains(&format!("{count} units delivered")), "{told}");
        assert!(
            all.kills > count / 4 && all.decisions > 0 && all.forged > 0,
            "too quiet a shift"
        );
        self.bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

/// Copies a file that is there.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

#[test]
fn no_token_gets_onto_two_boards_that_have_no_number() {
    let shift = Shift::at("url = \"sqlite:../home.ledger\"", units());
    shift.work(&["sqlite", "home.ledger"]);
}

#[cfg(feature = "postgres")]
#[test]
fn no_token_gets_onto_two_boards_that_have_no_number_on_a_server() {
    let Some(cluster) = crate::ledger::postgres::cluster::Cluster::shared() else {
        return;
    };
    let place = format!(
        "url = \"{}\"\nschema = \"unmarked\"\nkey = {{ file = \"../home.key\" }}",
        cluster.url()
    );
    let shift = Shift::at(&place, units());
    shift.bench.ok(&["ledger", "key", "new", "-o", "home.key"]);
    shift.work(&["postgres", &cluster.url(), "unmarked"]);
}
