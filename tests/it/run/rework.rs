//! Rework on boards: the command that a refusal names settles it, mode by mode.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::{FLASH, RECIPE, SCAN, bench, objects, run, said, seat};
use crate::bench::Bench;

fn line() -> Bench {
    bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"))
}

/// Makes a unit on a board; returns what the run said of it.
fn make(bench: &Bench, board: &str, serial: &str) -> Value {
    seat(bench, "one", board);
    let output = run(bench, &["--json"], &format!("{serial}\n"));
    objects(&output).remove(0)
}

fn passes(bench: &Bench, board: &str, serial: &str) -> Value {
    let unit = make(bench, board, serial);
    assert_eq!(unit["outcome"], "pass", "{unit}");
    unit
}

/// Runs the rework command that a refusal names, word for word.
fn as_told(bench: &Bench, refused: &Value) {
    let hint = refused["error"]["hint"].as_str().unwrap();
    let command = hint.split("eol-inject ").nth(1).unwrap();
    let command = command.replace("NAME", "ann").replace("TEXT", "board");
    let args: Vec<&str> = command.split(' ').collect();
    bench.ok(&[&args[..], &["--recipe", RECIPE]].concat());
}

fn rework(bench: &Bench, serial: &str, mode: &[&str]) -> String {
    let args = [
        "ledger", "rework", "--recipe", RECIPE, "--serial", serial, "--mode",
    ];
    bench.ok(&[&args[..], mode, &["--by", "ann", "--reason", "rework"]].concat())
}

fn flash(bench: &Bench, board: &str) -> Vec<u8> {
    fs::read(bench.path(&format!("line/boards/{board}.flash"))).unwrap()
}

fn holds(bench: &Bench, board: &str, text: &str) -> bool {
    let flash = flash(bench, board);
    flash
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

fn audit(bench: &Bench) {
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_swapped_board_takes_a_new_token_by_the_command_that_the_refusal_names() {
    let bench = line();
    let first = passes(&bench, "b1", "GW000001");
    let refused = make(&bench, "b2", "GW000001");
    assert_eq!(refused["error"]["code"], 52);
    as_told(&bench, &refused);
    let second = passes(&bench, "b2", "GW000001");
    assert_ne!(first["fingerprint"], second["fingerprint"]);
    assert_ne!(first["chip_uid"], second["chip_uid"]);
    // The old board, mended, is another unit now: its burnt token is gone from it.
    let mended = passes(&bench, "b1", "GW000002");
    assert_eq!(mended["chip_uid"], first["chip_uid"]);
    let tokens: BTreeMap<String, String> = bench.tokens(RECIPE).into_iter().collect();
    assert!(holds(&bench, "b1", &tokens["GW000002"]));
    assert!(!holds(&bench, "b1", &tokens["GW000001"]));
    audit(&bench);
}

#[test]
fn a_board_that_another_unit_gave_up_is_freed_by_the_command_that_the_refusal_names() {
    let bench = line();
    passes(&bench, "b1", "GW000001");
    // Its flash was erased, so that only its number says whose it is.
    fs::remove_file(bench.path("line/boards/b1.flash")).unwrap();
    let refused = make(&bench, "b1", "GW000002");
    assert_eq!(refused["error"]["name"], "unit-board-taken", "{refused}");
    as_told(&bench, &refused);
    passes(&bench, "b1", "GW000002");
    audit(&bench);
}

#[test]
fn the_same_board_takes_another_image_with_the_token_that_it_has() {
    let bench = line();
    let first = passes(&bench, "b1", "GW000001");
    let image = bench.path("gw100/gw100.bin");
    let mut bytes = fs::read(&image).unwrap();
    // A later build, longer than the first.
    bytes.extend_from_slice(&[0xA5; 16]);
    fs::write(&image, bytes).unwrap();
    let refused = make(&bench, "b1", "GW000001");
    assert_eq!(refused["error"]["name"], "unit-finished", "{refused}");
    as_told(&bench, &refused);
    let second = passes(&bench, "b1", "GW000001");
    assert_eq!(first["fingerprint"], second["fingerprint"]);
    assert_ne!(first["image_sha256"], second["image_sha256"]);
    assert_eq!(second["already"], false);
    audit(&bench);
}

#[test]
fn a_rehoused_board_says_its_new_serial_and_keeps_its_token() {
    let bench = line();
    let first = passes(&bench, "b1", "GW000001");
    let told = rework(&bench, "GW000001", &["rehoused", "--to", "GW000101"]);
    assert!(told.contains("GW000001 is GW000101 now"), "{told}");
    assert!(!bench.path("line/labels/GW000001.png").exists());
    let second = passes(&bench, "b1", "GW000101");
    assert_eq!(first["fingerprint"], second["fingerprint"]);
    assert!(holds(&bench, "b1", "GW000101") && !holds(&bench, "b1", "GW000001"));
    assert!(bench.path("line/labels/GW000101.png").exists());
    let refused = make(&bench, "b2", "GW000001");
    assert_eq!(refused["error"]["name"], "unit-rehoused", "{refused}");
    assert_eq!(refused["error"]["code"], 50);
    audit(&bench);
}

#[test]
fn a_returned_unit_is_made_again_with_its_token() {
    let bench = line();
    let first = passes(&bench, "b1", "GW000001");
    rework(&bench, "GW000001", &["returned"]);
    let second = passes(&bench, "b1", "GW000001");
    assert_eq!(first["fingerprint"], second["fingerprint"]);
    assert_eq!(second["already"], false);
    let output = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(objects(&output)[0]["already"], true, "{}", said(&output));
    audit(&bench);
}
