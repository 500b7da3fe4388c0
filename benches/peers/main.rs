//! The program beside what a line uses today, on the same work: runs take turns, and ratios are
//! those of one round, so that a machine whose speed drifts does not decide.
//!
//! ```text
//! cargo bench --no-default-features --features cli --bench peers -- [crc|esp|durable|verify]...
//!     [--units 200] [--kib 1024] [--rounds 7]
//! ```
//!
//! Peers that are not installed are left out, and named. Python is `python3`, or what
//! `EOL_INJECT_PYTHON` names; esptool and imgtool are asked of it as modules.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic
)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

/// The least that the same bytes cost: plain calls of the system.
mod floor;
/// Other programs.
mod others;
/// Images, recipes, token lists.
mod work;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use work::{Kind, Work};

/// One way to do the work.
pub struct Way {
    pub name: String,
    /// How many units one run makes.
    pub units: usize,
    /// Makes the command, with its folder empty.
    pub command: Box<dyn Fn(&Work) -> Command>,
    /// The status that means that all is well.
    pub status: i32,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "--floor") {
        return floor::run(&args[1..]);
    }
    let number = |name: &str, default: usize| {
        let at = args.iter().position(|arg| arg == name);
        at.map_or(default, |at| args[at + 1].parse().unwrap())
    };
    let (units, kib, rounds) = (
        number("--units", 200),
        number("--kib", 1024),
        number("--rounds", 7),
    );
    let suites = ["crc", "esp", "durable", "verify"];
    let asked = |suite: &&&str| args.iter().any(|arg| arg == **suite);
    let all = !suites.iter().any(|suite| asked(&suite));
    println!(
        "{units} units of {kib} KiB, {rounds} rounds, {} cores",
        cores()
    );
    for suite in suites.iter().filter(|suite| all || asked(suite)) {
        let kind = if *suite == "esp" {
            Kind::Esp
        } else {
            Kind::Crc
        };
        let work = Work::new(kind, kib * 1024, units);
        match *suite {
            "crc" => compare(suite, &work, rounds, &batch(&work, &["crc"])),
            "esp" => compare(suite, &work, rounds, &batch(&work, &["esp"])),
            "durable" => compare(suite, &work, rounds, &durable(&work)),
            _ => compare(suite, &work, rounds, &verify(&work)),
        }
    }
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `batch` to files, unsynced.
fn batch(work: &Work, kind: &[&str]) -> Vec<Way> {
    let mut ways = vec![Way {
        name: "eol-inject batch".to_owned(),
        units: work.units,
        command: Box::new(|work| work.batch(&[])),
        // There are no QR Tokens in the list: every unit passes without a label.
        status: 60,
    }];
    ways.push(floor::way("write", work, cores()));
    if kind == ["esp"] {
        ways.push(floor::way("hash", work, cores()));
    }
    ways.extend(others::ways(work));
    ways
}

fn durable(work: &Work) -> Vec<Way> {
    vec![
        Way {
            name: "eol-inject batch --durable".to_owned(),
            units: work.units,
            command: Box::new(|work| work.batch(&["--durable"])),
            status: 60,
        },
        floor::way("durable", work, 16),
    ]
}

fn verify(work: &Work) -> Vec<Way> {
    let mut batch = work.batch(&[]);
    let out = batch.get_current_dir().unwrap().join("out");
    let status = batch.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert_eq!(status.unwrap().code(), Some(60));
    let out = out.to_str().unwrap().to_owned();
    let read = floor::reading(out.clone(), work, cores());
    vec![
        Way {
            name: "eol-inject verify".to_owned(),
            units: work.units,
            command: Box::new(move |work| work.verify(&out)),
            status: 0,
        },
        read,
    ]
}

/// Runs all ways in turn and prints what a unit cost, and how often the first way fits in.
fn compare(suite: &str, work: &Work, rounds: usize, ways: &[Way]) {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    // One round that does not count.
    for round in 0..=rounds {
        for (way, times) in ways.iter().zip(&mut times) {
            let took = once(way, work);
            if round > 0 {
                times.push(took.as_secs_f64() * 1e3 / way.units as f64);
            }
        }
    }
    println!(
        "\n{suite}{:>51}{:>10}{:>24}",
        "ms a unit: min", "median", "ratio to the first"
    );
    for (way, own) in ways.iter().zip(&times) {
        let ratios: Vec<f64> = own
            .iter()
            .zip(&times[0])
            .map(|(own, first)| own / first)
            .collect();
        let ((min, median), (_, ratio)) = (figures(own), figures(&ratios));
        println!("  {:<40}{min:>13.3}{median:>10.3}{ratio:>24.2}", way.name);
    }
}

fn once(way: &Way, work: &Work) -> Duration {
    let mut command = (way.command)(work);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let since = Instant::now();
    let status = command.status().unwrap();
    let took = since.elapsed();
    assert_eq!(status.code(), Some(way.status), "{}: {command:?}", way.name);
    took
}

/// Returns the least and the one in the middle.
fn figures(values: &[f64]) -> (f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2])
}
