//! What is in doubt says so wherever the record is looked at.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{FLASH, RECIPE, SCAN, bench, said, seat};
use crate::bench::{Bench, text};

/// A line whose run was killed while the programmer wrote `GW000001`.
fn killed() -> Bench {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/slow.one"), "1").unwrap();
    let mut child = bench
        .command(&["run", "--recipe", RECIPE, "--serial", "GW000001"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let programs = || {
        let calls = fs::read_to_string(bench.path("line/calls.txt")).unwrap_or_default();
        calls.contains("program")
    };
    while !programs() {
        assert!(Instant::now() < until);
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What the run started ends by itself.
    thread::sleep(Duration::from_millis(1500));
    bench
}

#[test]
fn a_unit_in_doubt_is_listed_as_such_in_every_view() {
    let bench = killed();
    let ledger =
        |args: &[&str]| bench.ok(&[&["ledger", args[0], "--recipe", RECIPE], &args[1..]].concat());
    let listed = ledger(&["list", "--state", "in-doubt"]);
    assert!(listed.contains("GW000001"), "{listed}");
    assert!(ledger(&["list"]).contains(" in-doubt "));
    assert!(ledger(&["list", "--state", "reserved"]).contains("GW000001"));
    assert!(!ledger(&["list", "--state", "delivered"]).contains("GW000001"));
    let shown = ledger(&["show", "--serial", "GW000001"]);
    assert!(shown.contains("state          in-doubt"), "{shown}");
    // As it was called before.
    assert_eq!(ledger(&["show", "GW000001"]), shown);
    let object: Value =
        serde_json::from_str(&ledger(&["show", "--serial", "GW000001", "--json"])).unwrap();
    assert_eq!(
        (&object["state"], &object["outcome"]),
        (&"reserved".into(), &"in-doubt".into())
    );
    let table = ledger(&["export"]);
    assert!(
        table
            .lines()
            .next()
            .unwrap()
            .ends_with("at,event,outcome,simulated"),
        "{table}"
    );
    assert!(table.contains(",in-doubt,false"), "{table}");
    assert!(
        bench
            .ok(&["check", "--recipe", RECIPE])
            .contains("1 reserved (1 in doubt)")
    );
}

#[test]
fn a_state_that_there_is_not_is_told_with_those_that_there_are() {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    let output = bench.run(&["ledger", "list", "--recipe", RECIPE, "--state", "foo"]);
    assert_eq!(output.status.code(), Some(2));
    let states = "reserved, in-doubt, in-work, prepared, delivered, labelled, void, superseded";
    let said = said(&output);
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words.join(" ").contains(states), "{said}");
}

#[test]
fn quiet_tells_what_failed_only_and_colour_is_as_asked() {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    let run = |args: &[&str], scans: &str| super::run(&bench, args, scans);
    let good = run(&["-q"], "GW000001\n");
    assert!(good.status.success());
    assert_eq!(said(&good), "");
    let bad = run(&["--quiet"], "nonsense\n");
    assert!(said(&bad).starts_with("FAIL  ?"), "{}", said(&bad));
    // One message, wrapped, and one next action.
    assert!(said(&bad).ends_with("\n      scan again: nothing was begun\n"));
    assert_eq!(said(&bad).lines().count(), 3, "{}", said(&bad));
    // What is asked for is told.
    assert!(
        text(
            &bench
                .run(&["ledger", "list", "-q", "--recipe", RECIPE])
                .stdout
        )
        .contains("GW000001")
    );
    let plain = run(&["--color", "auto"], "GW000001\n");
    assert!(!said(&plain).contains('\u{1b}'));
    let coloured = run(&["--color", "always"], "GW000001\n");
    assert!(said(&coloured).contains("\u{1b}["), "{}", said(&coloured));
}

#[test]
fn verbose_shows_what_happens_inside_and_no_token() {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    let output = super::run(&bench, &["-vv"], "GW000001\n");
    assert!(said(&output).contains("DEBUG"), "{}", said(&output));
    for (_, token) in bench.tokens(RECIPE) {
        assert!(!said(&output).contains(&token));
    }
}
