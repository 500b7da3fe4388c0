//! The line dies, is interrupted, or is started twice; the next run of the same serial on the same
//! board finishes it with the same token.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{FLASH, RECIPE, SCAN, bench, executable, objects, run, said, seat};
use crate::bench::Bench;

fn one(more: &str) -> Bench {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}{more}"));
    seat(&bench, "one", "b1");
    bench
}

/// The unit's record, as `ledger list` tells it.
fn record(bench: &Bench) -> Option<Value> {
    let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    let line = listed.lines().next()?.to_owned();
    Some(serde_json::from_str(&line).unwrap())
}

fn resolve(bench: &Bench) -> (Option<i32>, Value) {
    let who = ["--by", "ann", "--reason", "power failed"];
    let args = [
        "ledger", "resolve", "--json", "--recipe", RECIPE, "--serial", "GW000001",
    ];
    let output = bench.run(&[args.as_slice(), who.as_slice()].concat());
    let told = objects(&output).pop().unwrap_or_default();
    (output.status.code(), told)
}

#[test]
fn a_cut_at_every_step_of_the_board_is_resumed_with_the_same_token() {
    for cut in [
        "before-identify",
        "before-program",
        "after-program",
        "before-read",
    ] {
        let bench = one("");
        // The first read looks at the board before the claim.
        fs::write(bench.path(&format!("line/cut-{cut}")), "").unwrap();
        let killed = run(&bench, &[], "GW000001\n");
        assert_eq!(killed.status.code(), None, "{cut}: {}", said(&killed));
        let before = fs::metadata(bench.path("line/eol-inject.ledger"))
            .is_ok()
            .then(|| record(&bench))
            .flatten();
        let claimed = before.as_ref().map(|unit| unit["fingerprint"].clone());
        assert_eq!(claimed.is_some(), cut.ends_with("program"), "{cut}");
        let passed = run(&bench, &["--json"], "GW000001\n");
        assert!(passed.status.success(), "{cut}: {}", said(&passed));
        let now = record(&bench).unwrap();
        assert_eq!(now["state"], "delivered");
        if let Some(claimed) = claimed {
            assert_eq!(now["fingerprint"], claimed, "{cut}");
        }
        let dump = ["--dump", "0", "line/boards/b1.flash"];
        let verify = ["verify", "--recipe", RECIPE, "--serial", "GW000001"];
        bench.ok(&[verify.as_slice(), dump.as_slice()].concat());
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

#[test]
fn a_unit_in_doubt_is_settled_by_its_board() {
    for (cut, tear, settled) in [
        ("cut-after-program", false, "delivered"),
        ("cut-after-program", true, "torn"),
        ("cut-before-program", false, "blank"),
    ] {
        let bench = one("");
        fs::write(bench.path(&format!("line/{cut}")), "").unwrap();
        if tear {
            fs::write(bench.path("line/tear"), "").unwrap();
        }
        run(&bench, &[], "GW000001\n");
        let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "GW000001", "--json"]);
        assert!(shown.contains("in-doubt") || !shown.is_empty(), "{shown}");
        let (code, told) = resolve(&bench);
        assert_eq!(
            (code, told["settled"].as_str()),
            (Some(0), Some(settled)),
            "{told}"
        );
        let state = record(&bench).unwrap()["state"].clone();
        let wanted = if settled == "delivered" {
            "delivered"
        } else {
            "reserved"
        };
        assert_eq!(state, wanted);
        let passed = run(&bench, &["--json"], "GW000001\n");
        assert!(passed.status.success(), "{}", said(&passed));
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

#[test]
fn another_units_board_does_not_settle_a_unit() {
    let bench = one("");
    run(&bench, &[], "GW000002\n");
    seat(&bench, "one", "b2");
    fs::write(bench.path("line/cut-after-program"), "").unwrap();
    run(&bench, &[], "GW000001\n");
    seat(&bench, "one", "b1");
    let (code, _) = resolve(&bench);
    assert_eq!(code, Some(52));
}

#[test]
fn verify_reads_a_board_and_tells_a_foreign_byte() {
    let bench = one("");
    run(&bench, &[], "GW000001\n");
    let verify = [
        "verify", "--recipe", RECIPE, "--probe", "one", "--serial", "GW000001", "--ledger",
    ];
    bench.ok(&verify);
    let board = bench.path("line/boards/b1.flash");
    let mut bytes = fs::read(&board).unwrap();
    bytes[300] ^= 1;
    fs::write(&board, bytes).unwrap();
    let output = bench.run(&verify);
    assert_eq!(output.status.code(), Some(41), "{}", said(&output));
    assert!(said(&output).contains("0x0000012c"), "{}", said(&output));
}

fn started(bench: &Bench, args: &[&str]) -> Child {
    let all = [&["run", "--recipe", RECIPE, "--json"], args].concat();
    bench
        .command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn two_runs_on_one_serial_make_it_once() {
    let bench = one("");
    // The list is in, so that the two meet at the claim.
    bench.ok(&[
        "pool",
        "import",
        "--recipe",
        RECIPE,
        "pools/blynk-export.zip",
    ]);
    fs::write(bench.path("line/slow.one"), "0.4").unwrap();
    let runs = [(); 2].map(|()| started(&bench, &["--serial", "GW000001"]));
    let ends = runs.map(|run| run.wait_with_output().unwrap());
    let mut codes = ends.each_ref().map(|end| end.status.code().unwrap());
    codes.sort_unstable();
    // The other one is refused, or waits for the nest and finds the unit done.
    let both = said(&ends[0]) + &said(&ends[1]);
    assert!(codes == [0, 50] || codes == [0, 0], "{codes:?} {both}");
    let made = r#""outcome":"pass","already":false"#;
    assert_eq!(both.matches(made).count(), 1, "{both}");
}

#[test]
fn ctrl_c_finishes_the_unit_in_hand() {
    let bench = one("");
    fs::write(bench.path("line/slow.one"), "0.4").unwrap();
    let mut child = started(&bench, &[]);
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"GW000001\nGW000001\nGW000001\n").unwrap();
    wait_for(|| bench.path("line/calls.txt").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let units = objects(&output);
    assert_eq!(units.len(), 1);
    assert_eq!(units[0]["outcome"], "pass");
    drop(stdin);
}

#[test]
fn ctrl_c_ends_a_wait_for_the_next_scan() {
    let bench = one("");
    let mut child = started(&bench, &[]);
    let stdin = child.stdin.take().unwrap();
    thread::sleep(Duration::from_millis(800));
    let since = Instant::now();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(since.elapsed() < Duration::from_secs(2));
    drop(stdin);
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
}

fn wait_for(there: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !there() {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_result_that_was_being_told_when_the_line_died_is_told_again() {
    let bench = one("[hook]\non-result = [\"./mes.sh\"]\n");
    let script = bench.path("line/mes.sh");
    let text = "#!/bin/sh\n[ -e die ] && { rm die; kill -KILL $PPID; exit 1; }\ncat >> mes.txt\n";
    fs::write(&script, text).unwrap();
    executable(&script);
    fs::write(bench.path("line/die"), "").unwrap();
    let killed = run(&bench, &[], "GW000001\n");
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    assert!(!bench.path("line/mes.txt").exists());
    seat(&bench, "one", "b2");
    let output = run(&bench, &[], "GW000002\n");
    assert!(output.status.success(), "{}", said(&output));
    let told = fs::read_to_string(bench.path("line/mes.txt")).unwrap();
    let serials: Vec<_> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["serial"].clone())
        .collect();
    assert_eq!(serials, ["GW000001", "GW000002"]);
}
