//! What a scanner may send: the wrong serial, bytes that are no text, a line without end.

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use super::{FLASH, RECIPE, SCAN, bench, objects, said, seat};
use crate::bench::Bench;

/// Runs `run --json` with bytes from a scanner.
fn scanned(bench: &Bench, bytes: &[u8]) -> Output {
    let mut child = bench
        .command(&["run", "--recipe", RECIPE, "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    // A run that stops early does not read on.
    let _ = keys.write_all(bytes);
    drop(keys);
    child.wait_with_output().unwrap()
}

fn one_nest() -> Bench {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    bench
}

/// A line whose list fixes a token to each of two serials.
pub fn bound(flash: &str) -> Bench {
    let bench = bench(&format!("{flash}probe = \"one\"\n{SCAN}"));
    seat(&bench, "one", "b1");
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let head = recipe.split("[pool]").next().unwrap();
    let tail = recipe.split("[flash]").nth(1).unwrap();
    let pool = "[pool]\nfile = \"bound.csv\"\ntoken = \"Device Token\"\nbind = \"Serial\"\n";
    fs::write(bench.path(RECIPE), format!("{head}{pool}\n[flash]{tail}")).unwrap();
    let list = "Device Token,Serial\n-fake-TOKEN_0123456789abcdefghij,GW000001\n\
                _fake-TOKEN_0123456789abcdefghij,GW000002\n";
    fs::write(bench.path("line/bound.csv"), list).unwrap();
    bench
}

#[test]
fn a_serial_that_the_list_does_not_know_costs_nothing_and_never_stops_the_line() {
    let bench = bound(FLASH);
    let scans = b"GW000009\nGW000008\nGW000007\nGW000006\nGW000001\n";
    let output = scanned(&bench, scans);
    assert_eq!(output.status.code(), Some(50), "{}", said(&output));
    let units = objects(&output);
    assert_eq!(units.len(), 5, "{}", said(&output));
    for unit in &units[..4] {
        assert_eq!(unit["error"]["name"], "unit-not-listed");
        assert_eq!(unit["action"], "retry");
        assert_eq!(unit["next"], "scan the right serial: nothing was begun");
    }
    assert_eq!(units[4]["outcome"], "pass", "{}", said(&output));
    assert!(said(&output).contains("1 tokens left"), "{}", said(&output));
    // The last token, and then the pool is empty: that stops the line.
    seat(&bench, "one", "b2");
    scanned(&bench, b"GW000002\n");
    seat(&bench, "one", "b3");
    let output = scanned(&bench, b"GW000009\nGW000008\n");
    assert_eq!(output.status.code(), Some(53), "{}", said(&output));
    assert_eq!(objects(&output).len(), 1);
}

#[test]
fn bytes_that_are_no_text_are_a_mis_scan_and_the_next_serial_is_taken() {
    let bench = one_nest();
    let output = scanned(&bench, b"GW00\xff001\nGW000002\n");
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let units = objects(&output);
    assert_eq!(units[0]["error"]["name"], "scan-garbled");
    assert_eq!(units[0]["action"], "retry");
    assert_eq!(units[1]["serial"], "GW000002");
    assert_eq!(units[1]["outcome"], "pass");
}

#[test]
fn a_line_without_end_is_a_mis_scan_and_is_not_kept() {
    let bench = one_nest();
    let mut scans = vec![b'x'; 64 * 1024 * 1024];
    scans.extend(b"\nGW000002\n");
    // The program may have 80 MB of memory of its own.
    let limited = format!("ulimit -d 80000; exec \"$0\" run --recipe {RECIPE} --json");
    let mut child = std::process::Command::new("sh")
        .args(["-c", &limited, crate::bench::PROGRAM])
        .current_dir(bench.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    let _ = keys.write_all(&scans);
    drop(keys);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let units = objects(&output);
    assert_eq!(units[0]["error"]["name"], "scan-long");
    assert_eq!(units[1]["outcome"], "pass");
}

#[test]
fn a_list_of_serials_names_its_line_that_is_no_text() {
    let bench = one_nest();
    fs::write(bench.path("serials.txt"), b"GW000001\nGW\xff\n").unwrap();
    let output = bench.run(&[
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "-o",
        "out",
    ]);
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let wanted = "serials.txt line 2: what was scanned is no text";
    assert!(said(&output).contains(wanted), "{}", said(&output));
    fs::write(
        bench.path("line/list.csv"),
        b"serial,result\nGW000001,pass\nGW\xff,pass\n",
    )
    .unwrap();
    let output = bench.run(&[
        "ledger",
        "confirm",
        "--recipe",
        RECIPE,
        "--list",
        "line/list.csv",
        "--by",
        "ann",
        "--reason",
        "shift",
    ]);
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let wanted = "line/list.csv: line 3 is not UTF-8 text";
    assert!(said(&output).contains(wanted), "{}", said(&output));
}

#[test]
fn an_input_that_cannot_be_read_is_told() {
    let bench = one_nest();
    let mut command = bench.command(&["run", "--recipe", RECIPE]);
    let folder = fs::File::open(bench.path("line")).unwrap();
    let output = command.stdin(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    assert!(said(&output).contains("cannot read -"), "{}", said(&output));
}
