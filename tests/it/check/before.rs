//! Nothing is begun that cannot be ended: what a command needs is looked at before it claims.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use super::{RECIPE, bench, check, edit, made, names, traces};
use crate::bench::{Bench, text};

#[test]
fn a_run_with_a_nonsense_probe_makes_no_ledger_and_takes_no_list_in() {
    let bench = bench(&[]);
    for probe in ["nonsense", "sim:ESP32"] {
        let (code, _) = made(&bench, &["run", "--count", "1", "--probe", probe]);
        assert_ne!(code, 0);
        assert!(traces(&bench).is_empty(), "{probe}: {:?}", traces(&bench));
    }
}

#[test]
fn no_unit_is_claimed_while_its_image_cannot_be_written() {
    let bench = bench(&[]);
    fs::write(bench.path("taken"), "a file").unwrap();
    for next in [
        &["batch", "--count", "5", "-o", "taken"][..],
        &["inject", "--serial", "GW000001", "-o", "taken/unit.elf"],
    ] {
        assert_eq!(made(&bench, next), (40, Some("deliver-folder".to_owned())));
        assert!(traces(&bench).is_empty(), "{:?}", traces(&bench));
    }
    assert_eq!(fs::read(bench.path("taken")).unwrap(), b"a file");
}

#[test]
fn no_unit_is_claimed_while_its_label_cannot_be_written() {
    let bench = bench(&[("dir = \"labels\"", "dir = \"taken/labels\"")]);
    fs::write(bench.path("gw100/taken"), "a file").unwrap();
    for next in [
        &["batch", "--count", "5", "-o", "out"][..],
        &["inject", "--serial", "GW000001", "-o", "unit.elf"],
        &["run", "--count", "1"],
    ] {
        assert_eq!(made(&bench, next), (40, Some("deliver-folder".to_owned())));
    }
    assert!(traces(&bench).is_empty(), "{:?}", traces(&bench));
    assert!(!bench.path("out").exists());
}

#[test]
fn trying_simulated_boards_never_uses_the_tokens_of_a_real_line() {
    let real = [("probe = \"sim\"", "probe = \"1366:1015\"")];
    let bench = bench(&real);
    let next = ["run", "--count", "1", "--probe", "sim"];
    assert_eq!(made(&bench, &next), (2, Some("run-simulated".to_owned())));
    assert!(traces(&bench).is_empty());
    let said = bench.run(&["run", "--recipe", RECIPE, "--count", "1", "--probe", "sim"]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("eol-inject run --rehearse"), "{said}");
    // A list that is taken in decides nothing yet: the ledger stays one for real units.
    bench.ok(&[
        "pool",
        "import",
        "--recipe",
        RECIPE,
        "pools/blynk-export.zip",
    ]);
    assert_eq!(made(&bench, &next), (2, Some("run-simulated".to_owned())));
    bench.ok(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "unit.elf",
    ]);
    assert_eq!(
        made(&bench, &next),
        (51, Some("ledger-simulated-mixed".to_owned()))
    );
    bench.ok(&["run", "--recipe", RECIPE, "--rehearse", "--count", "1"]);
}

#[test]
fn a_count_of_serials_takes_no_other_barcode() {
    let bench = bench(&[]);
    let barcode = "4006381333931";
    let refused =
        |next: &[&str]| assert_eq!(made(&bench, next).1.as_deref(), Some("serial-format"));
    refused(&["inject", "--serial", barcode, "-o", "unit.elf"]);
    refused(&["run", "--serial", barcode]);
    fs::write(bench.path("serials.txt"), format!("GW000001\n{barcode}\n")).unwrap();
    refused(&["batch", "--serials", "serials.txt", "-o", "out"]);
    assert!(traces(&bench).is_empty());
    assert_eq!(made(&bench, &["run", "--serial", "gw000004"]).0, 0);
}

#[test]
fn a_run_whose_numbers_are_used_up_ends_whatever_may_fail() {
    let bench = bench(&[("GW{:06}", "GW{:01}")]);
    let run = ["run", "--count", "12", "--stop-after", "0"];
    assert_eq!(
        made(&bench, &run),
        (10, Some("ledger-serials-used-up".to_owned()))
    );
    let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    assert_eq!(listed.lines().count(), 9);
}

#[test]
fn a_serial_too_long_for_its_slot_costs_no_token() {
    let bench = bench(&[(
        "source = \"next\"\nformat = \"GW{:06}\"",
        "source = \"scan\"",
    )]);
    let serial = "GW-A-SERIAL-OF-MORE-THAN-24-BYTES";
    let inject = ["inject", "--serial", serial, "-o", "unit.elf"];
    assert_eq!(
        made(&bench, &inject),
        (30, Some("slot-too-small".to_owned()))
    );
    let status = bench.ok(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(status.contains("\"bound\":0"), "{status}");
}

#[test]
fn a_batch_never_replaces_the_shared_image() {
    let bench = bench(&[(
        "source = \"next\"\nformat = \"GW{:06}\"",
        "source = \"scan\"",
    )]);
    let image = fs::read(bench.path("gw100/gw100.elf")).unwrap();
    fs::write(bench.path("serials.txt"), "gw100\n").unwrap();
    let batch = ["batch", "--serials", "serials.txt", "-o", "gw100"];
    assert_eq!(made(&bench, &batch), (2, Some("usage".to_owned())));
    assert_eq!(fs::read(bench.path("gw100/gw100.elf")).unwrap(), image);
}

#[test]
fn units_on_record_are_corrected_whatever_the_pattern_says_now() {
    let bench = bench(&[]);
    bench.ok(&["run", "--recipe", RECIPE, "--count", "6"]);
    edit(
        &bench,
        &[(
            "source = \"next\"\nformat = \"GW{:06}\"",
            "pattern = \"^XY[0-9]{4}$\"\nstrip = [\"GW\"]",
        )],
    );
    let who = ["--by", "ann", "--reason", "try"];
    let on = |command: &[&str]| bench.ok(&[command, &["--recipe", RECIPE]].concat());
    let by = |command: &[&str]| on(&[command, &who].concat());
    on(&["ledger", "show", "GW000001"]);
    by(&["ledger", "void", "--serial", "GW000001"]);
    by(&[
        "ledger",
        "rework",
        "--mode",
        "same-board",
        "--serial",
        "GW000002",
    ]);
    by(&["ledger", "resolve", "--serial", "GW000003"]);
    by(&["label", "reprint", "--serial", "GW000003"]);
    on(&[
        "verify", "--probe", "sim", "--serial", "GW000004", "--ledger",
    ]);
    let label = "GW000005\tsqr_not-this-one-but-a-label\n";
    let told = scanned(&bench, label);
    assert!(told.contains("GW000005"), "{told}");
    assert!(!told.contains("pattern"), "{told}");
    let fresh = ["inject", "--serial", "GW000009", "-o", "unit.elf"];
    assert_eq!(made(&bench, &fresh).1.as_deref(), Some("serial-pattern"));
}

/// What `label scan` says of a pair.
fn scanned(bench: &Bench, pair: &str) -> String {
    let mut command = bench.command(&["label", "scan", "--recipe", RECIPE]);
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(pair.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn check_and_its_tries_leave_nothing_behind() {
    let bench = bench(&[]);
    let before = fs::read_dir(bench.path("gw100")).unwrap().count();
    let (code, object) = check(&bench, &[]);
    assert_eq!((code, names(&object)), (0, Vec::new()));
    assert_eq!(fs::read_dir(bench.path("gw100")).unwrap().count(), before);
}
