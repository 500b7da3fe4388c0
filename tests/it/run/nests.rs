//! Several nests at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use serde_json::Value;

use super::{FLASH, NEXT, RECIPE, SCAN, bench, objects, run, said, seat};
use crate::bench::Bench;

const NESTS: [&str; 4] = ["A", "B", "C", "D"];

fn nests(serial: &str) -> Bench {
    let mut tail = format!("{FLASH}{serial}");
    for nest in NESTS {
        write!(tail, "[[nest]]\nname = \"{nest}\"\nprobe = \"{nest}\"\n").unwrap();
    }
    bench(&tail)
}

#[test]
fn a_start_waits_for_every_active_nest() {
    let bench = nests(SCAN);
    for nest in NESTS {
        seat(&bench, nest, &format!("b{nest}"));
    }
    let scans = "A\tGW000001\nb\tGW000002\nC\tGW000002\nE\tGW000009\nC\tGW000003\n";
    let output = run(&bench, &["--json", "--skip", "D"], scans);
    let units = objects(&output);
    let passed: BTreeSet<_> = units
        .iter()
        .filter(|unit| unit["outcome"] == "pass")
        .map(|unit| format!("{}{}", unit["nest"], unit["serial"]).replace('"', ""))
        .collect();
    let wanted = ["AGW000001", "BGW000002", "CGW000003"];
    assert_eq!(
        passed,
        wanted.map(str::to_owned).into(),
        "{}",
        said(&output)
    );
    // One serial on two nests, and a nest that is not there.
    assert_eq!(units.len(), 5);
}

#[test]
fn a_start_that_is_not_complete_does_not_begin() {
    let bench = nests(SCAN);
    let output = run(&bench, &[], "A\tGW000001\nB\tGW000002\n");
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    assert!(
        said(&output).contains("nest C, D got no serial"),
        "{}",
        said(&output)
    );
    assert!(!bench.path("line/calls.txt").exists());
}

#[test]
fn a_serial_that_takes_another_ones_place_is_told() {
    let bench = nests(SCAN);
    for nest in NESTS {
        seat(&bench, nest, &format!("b{nest}"));
    }
    let scans = "A\tGW000001\nA\tGW000001\nA\tGW000002\nB\tGW000003\n";
    let output = run(&bench, &["--skip", "C,D"], scans);
    assert!(output.status.success(), "{}", said(&output));
    let told = "nest A: GW000002 takes the place of GW000001, which is not started";
    assert_eq!(said(&output).matches("takes the place").count(), 1);
    assert!(said(&output).contains(told), "{}", said(&output));
    assert!(!said(&output).contains("GW000001  token"));
}

#[test]
fn a_panel_gives_every_nest_its_serial() {
    let bench = nests("[serial]\npanel = \"P{panel}-{nest}\"\n");
    for nest in NESTS {
        seat(&bench, nest, &format!("b{nest}"));
    }
    let output = run(&bench, &["--json"], "0042\n");
    let serials: BTreeSet<_> = objects(&output)
        .iter()
        .map(|unit| unit["serial"].as_str().unwrap().to_owned())
        .collect();
    let wanted = ["P0042-A", "P0042-B", "P0042-C", "P0042-D"];
    assert_eq!(
        serials,
        wanted.map(str::to_owned).into(),
        "{}",
        said(&output)
    );
}

#[test]
fn with_fewer_tokens_than_nests_none_starts() {
    let bench = nests(SCAN);
    let text = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let text = text.replace("blynk-export.zip", "top-up.csv");
    let text = text
        .replace("token = \"Device Token\"\n", "")
        .replace("qr    = \"QR Token\"\n", "");
    fs::write(bench.path(RECIPE), text).unwrap();
    let list = fs::read_to_string(bench.path("pools/top-up.csv")).unwrap();
    let few: Vec<&str> = list.lines().take(4).collect();
    fs::write(bench.path("pools/top-up.csv"), few.join("\n")).unwrap();
    let scans = "A\tGW000001\nB\tGW000002\nC\tGW000003\nD\tGW000004\n";
    let output = run(&bench, &[], scans);
    assert_eq!(output.status.code(), Some(53), "{}", said(&output));
    assert!(
        said(&output).contains("none is started"),
        "{}",
        said(&output)
    );
    assert!(!bench.path("line/calls.txt").exists());
}

/// Returns how many units were in work at one moment, at most.
fn at_once(units: &[Value]) -> usize {
    let spans: Vec<(i64, i64)> = units
        .iter()
        .map(|unit| {
            let end: jiff::Timestamp = unit["at"].as_str().unwrap().parse().unwrap();
            let end = end.as_millisecond();
            (end - unit["elapsed_ms"].as_i64().unwrap(), end)
        })
        .collect();
    let inside = |at: i64| {
        spans
            .iter()
            .filter(|(from, to)| (*from..*to).contains(&at))
            .count()
    };
    spans.iter().map(|(from, _)| inside(*from)).max().unwrap()
}

#[test]
fn many_units_on_four_nests_are_in_work_at_once_and_no_token_twice() {
    let bench = nests(NEXT);
    for nest in NESTS {
        seat(&bench, nest, "feeder 1");
        fs::write(bench.path(&format!("line/slow.{nest}")), "0.05").unwrap();
    }
    let output = run(&bench, &["--json", "--count", "40"], "");
    assert!(output.status.success(), "{}", said(&output));
    let units = objects(&output);
    for field in ["serial", "fingerprint", "chip_uid"] {
        let all: BTreeSet<_> = units.iter().map(|unit| unit[field].to_string()).collect();
        assert_eq!(all.len(), 40, "{field}");
    }
    // One hand for each nest: most of the time nobody waits for another.
    assert!(at_once(&units) >= 3, "{}", said(&output));
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_hanging_nest_never_holds_the_others() {
    let bench = nests(NEXT);
    let text = fs::read_to_string(bench.path(RECIPE)).unwrap();
    fs::write(
        bench.path(RECIPE),
        text.replace("timeout  = 20", "timeout  = 2"),
    )
    .unwrap();
    for nest in NESTS {
        seat(&bench, nest, "feeder 1");
    }
    fs::write(bench.path("line/slow.C"), "60").unwrap();
    let since = Instant::now();
    let output = run(
        &bench,
        &["--json", "--count", "20", "--stop-after", "0"],
        "",
    );
    assert!(since.elapsed().as_secs() < 30, "{:?}", since.elapsed());
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    let units = objects(&output);
    let passed = units
        .iter()
        .filter(|unit| unit["outcome"] == "pass")
        .count();
    assert_eq!(passed, 20);
}
