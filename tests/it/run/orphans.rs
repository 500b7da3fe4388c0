//! What a run started and did not live to see end: it may still write, so it counts as the run.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::{FLASH, RECIPE, SCAN, bench, objects, run, said, seat};
use crate::bench::Bench;

fn line(more: &str) -> Bench {
    let probe = format!("probe = \"one\"\n{SCAN}");
    let bench = bench(&format!("{FLASH}{probe}").replace("timeout  = 20", more));
    seat(&bench, "one", "b1");
    bench
}

fn wait_for(path: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    while !path.exists() {
        assert!(Instant::now() < until, "{}", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_killed_run_left_writes_no_other_units_board() {
    let bench = line("timeout  = 20");
    fs::write(bench.path("line/linger"), "die").unwrap();
    let killed = run(&bench, &[], "GW000001\n");
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    // The claim is alive as long as its writer.
    let void = ["ledger", "void", "--recipe", RECIPE, "--serial", "GW000001"];
    let who = ["--by", "ann", "--reason", "killed"];
    let void = bench.run(&[void.as_slice(), who.as_slice()].concat());
    assert_eq!(void.status.code(), Some(50), "{}", said(&void));
    assert!(said(&void).contains("in work"), "{}", said(&void));
    seat(&bench, "one", "b2");
    let other = run(&bench, &["--json"], "GW000002\n");
    assert_eq!(other.status.code(), Some(40), "{}", said(&other));
    assert_eq!(objects(&other)[0]["error"]["name"], "program-busy");
    fs::write(bench.path("line/go"), "").unwrap();
    wait_for(&bench.path("line/gone"));
    thread::sleep(Duration::from_millis(200));
    // It wrote a board that nobody had begun, and that board is known as the first unit's.
    let refused = run(&bench, &["--json"], "GW000002\n");
    assert_eq!(refused.status.code(), Some(52), "{}", said(&refused));
    seat(&bench, "one", "b3");
    let passed = run(&bench, &["--json"], "GW000002\n");
    assert!(passed.status.success(), "{}", said(&passed));
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    assert_eq!(fs::read_dir(bench.temporary()).unwrap().count(), 0);
}

#[test]
fn what_left_its_group_keeps_the_nest_after_a_time_out() {
    let bench = line("timeout  = 2");
    fs::write(bench.path("line/linger"), "stay").unwrap();
    let output = run(&bench, &["--json"], "GW000001\nGW000002\nGW000003\n");
    let units = objects(&output);
    assert_eq!(units[0]["error"]["name"], "program-timed-out");
    assert_eq!(units[1]["error"]["name"], "program-busy");
    // No other unit would fare better.
    assert_eq!(units.len(), 2, "{}", said(&output));
    fs::write(bench.path("line/go"), "").unwrap();
    wait_for(&bench.path("line/gone"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_programmer_dies_with_the_run_that_started_it() {
    let bench = line("timeout  = 20");
    fs::write(bench.path("line/spin"), "").unwrap();
    let mut child = bench
        .command(&["run", "--recipe", RECIPE, "--serial", "GW000001"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&bench.path("line/spinning"));
    child.kill().unwrap();
    child.wait().unwrap();
    thread::sleep(Duration::from_millis(500));
    fs::write(bench.path("line/go"), "").unwrap();
    thread::sleep(Duration::from_millis(500));
    let board = fs::read(bench.path("line/boards/b1.flash")).unwrap();
    assert!(board.iter().all(|byte| *byte == 0xFF));
}
