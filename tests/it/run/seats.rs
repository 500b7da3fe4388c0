//! The wrong board for a serial, or the wrong serial for a board: what is there is named, and one
//! thing to do about it, the same on the screen and for programs.

use std::fs;

use serde_json::Value;

use super::scans::bound;
use super::{FLASH, NEXT, RECIPE, SCAN, bench, nameless, objects, run, said, seat};
use crate::bench::Bench;

fn line(flash: &str) -> Bench {
    let bench = bench(&format!("{flash}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    bench
}

/// Scans one serial; returns what programs are told, once it stands on the screen as well.
fn scanned(bench: &Bench, serial: &str) -> Value {
    let output = run(bench, &["--json"], &format!("{serial}\n"));
    let unit = objects(&output).remove(0);
    if unit["outcome"] != "pass" {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let next = unit["next"].as_str().unwrap();
        assert!(words(&said(&output)).contains(next), "{}", said(&output));
        let message = unit["error"]["message"].as_str().unwrap();
        assert!(!message.contains("rework it first"), "{message}");
    }
    unit
}

#[test]
fn a_finished_unit_left_on_the_fixture_is_named_and_the_next_board_is_asked_for() {
    for flash in [FLASH.to_owned(), nameless()] {
        let bench = line(&flash);
        assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
        let told = scanned(&bench, "GW000002");
        assert_eq!(told["error"]["name"], "unit-board-made");
        assert_eq!(told["action"], "retry");
        let next = told["next"].as_str().unwrap();
        assert!(next.contains("take GW000001 off the fixture"), "{next}");
        // However often: no unit is bad, and the line does not stop.
        let output = run(&bench, &[], &"GW000002\n".repeat(5));
        assert!(said(&output).contains("5 failed"), "{}", said(&output));
        assert!(!said(&output).contains("stopped"), "{}", said(&output));
        seat(&bench, "one", "b2");
        assert_eq!(scanned(&bench, "GW000002")["outcome"], "pass");
    }
}

#[test]
fn a_finished_serial_on_a_blank_board_says_that_it_is_made_already() {
    let bench = line(&nameless());
    scanned(&bench, "GW000001");
    seat(&bench, "one", "b2");
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "unit-made-elsewhere");
    assert_eq!(told["error"]["code"], 52);
    let next = told["next"].as_str().unwrap();
    assert!(next.contains("seat the board of GW000001"), "{next}");
    let hint = told["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("ledger rework --serial GW000001"), "{hint}");
    // Where boards have numbers, its number says so.
    let bench = line(FLASH);
    scanned(&bench, "GW000001");
    seat(&bench, "one", "b2");
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "unit-other-board");
    let next = told["next"].as_str().unwrap();
    assert!(next.contains("seat the board of GW000001"), "{next}");
}

#[test]
fn a_finished_unit_whose_board_was_erased_is_told_from_one_on_another_board() {
    let bench = line(FLASH);
    scanned(&bench, "GW000001");
    fs::remove_file(bench.path("line/boards/b1.flash")).unwrap();
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "unit-erased");
    assert_eq!(told["error"]["code"], 41);
    let hint = told["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--mode same-board"), "{hint}");
}

#[test]
fn a_board_that_is_begun_as_another_unit_says_which_serial_is_its() {
    let bench = line(FLASH);
    fs::write(bench.path("line/fail"), "").unwrap();
    scanned(&bench, "GW000001");
    fs::remove_file(bench.path("line/fail")).unwrap();
    let told = scanned(&bench, "GW000002");
    assert_eq!(told["error"]["name"], "unit-board-taken");
    assert_eq!(told["action"], "retry");
    let next = told["next"].as_str().unwrap();
    assert!(next.starts_with("scan GW000001"), "{next}");
    assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
}

#[test]
fn a_serial_that_the_list_does_not_know_is_told_first_whatever_board_is_there() {
    for flash in [FLASH.to_owned(), nameless()] {
        let bench = bound(&flash);
        assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
        let told = scanned(&bench, "GW000009");
        assert_eq!(told["error"]["name"], "unit-not-listed", "{told}");
        assert_eq!(told["error"]["code"], 50);
        // One that the list knows is not at fault.
        let told = scanned(&bench, "GW000002");
        assert_eq!(told["error"]["name"], "unit-board-made", "{told}");
    }
}

#[test]
fn a_board_that_is_changed_meanwhile_gets_no_pass_and_its_number_no_token() {
    let bench = line(FLASH);
    // Between the look and the programming: the token goes onto `b2`.
    fs::write(bench.path("line/swap-before-program"), "b2\n").unwrap();
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "program-swapped", "{told}");
    assert_eq!(told["error"]["code"], 41);
    assert_eq!(told["outcome"], "in-doubt");
    let shown = bench.ok(&["ledger", "show", "--recipe", RECIPE, "--json", "GW000001"]);
    let shown: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!(shown["chip_uid"], Value::Null, "{shown}");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    // The board that was identified gets no second copy; the one that has the token goes on.
    seat(&bench, "one", "b1");
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "unit-in-doubt", "{told}");
    seat(&bench, "one", "b2");
    assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_board_that_is_changed_before_the_read_back_is_told_from_a_bad_one() {
    let bench = line(FLASH);
    fs::write(bench.path("line/swap-after-program"), "b2\n").unwrap();
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "program-swapped", "{told}");
    assert_eq!(told["outcome"], "in-doubt");
    seat(&bench, "one", "b1");
    assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
}

#[test]
fn a_number_that_no_claim_used_is_the_next_ones() {
    let other = line(FLASH);
    scanned(&other, "GW000001");
    let stranger = fs::read(other.path("line/boards/b1.flash")).unwrap();
    for flash in [FLASH.to_owned(), nameless()] {
        let bench = bench(&format!("{flash}probe = \"one\"\n{NEXT}"));
        let made = || {
            let args = ["--json", "--count", "1", "--stop-after", "1"];
            objects(&run(&bench, &args, "")).remove(0)
        };
        // A board with a token of another ledger is refused, however often.
        seat(&bench, "one", "b1");
        fs::create_dir(bench.path("line/boards")).unwrap();
        fs::write(bench.path("line/boards/b1.flash"), &stranger).unwrap();
        for _ in 0..2 {
            let told = made();
            assert_eq!(told["error"]["name"], "unit-other-token", "{told}");
            assert_eq!(told["serial"], "GW000001");
        }
        seat(&bench, "one", "b2");
        assert_eq!(made()["serial"], "GW000001");
        // A finished board that stays is the unit that it is, and takes no number either.
        let told = made();
        assert_eq!(
            (&told["serial"], &told["already"]),
            (&"GW000001".into(), &true.into())
        );
        seat(&bench, "one", "b3");
        assert_eq!(made()["serial"], "GW000002");
    }
}

#[test]
fn a_failed_write_to_a_board_without_a_number_is_in_doubt_in_every_view() {
    let bench = line(&nameless());
    fs::write(bench.path("line/fail"), "").unwrap();
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["error"]["name"], "program-failed");
    assert_eq!(told["outcome"], "in-doubt");
    assert_eq!(told["action"], "quarantine");
    let next = told["next"].as_str().unwrap();
    assert!(next.contains("marked GW000001: it is in doubt"), "{next}");
    let hint = told["error"]["hint"].as_str().unwrap();
    let same = "eol-inject run --serial GW000001 --same-board";
    let lost = "eol-inject ledger rework --serial GW000001 --mode board-swapped";
    assert!(hint.contains(same) && hint.contains(lost), "{hint}");
    for view in ["list", "export", "show"] {
        let serial: &[&str] = match view {
            "show" => &["GW000001"],
            _ => &[],
        };
        let told = bench.ok(&[&["ledger", view, "--recipe", RECIPE], serial].concat());
        assert!(told.contains("in-doubt"), "{view}: {told}");
    }
    // A board with a number is known again.
    let bench = line(FLASH);
    fs::write(bench.path("line/fail"), "").unwrap();
    let told = scanned(&bench, "GW000001");
    assert_eq!(told["action"], "retry");
    fs::remove_file(bench.path("line/fail")).unwrap();
    assert_eq!(scanned(&bench, "GW000001")["outcome"], "pass");
}
