//! One board after the other, by the line's own programmer.

use std::collections::BTreeSet;
use std::fs;

use super::{FLASH, NEXT, RECIPE, SCAN, bench, objects, run, said, seat};

fn one() -> String {
    format!("{}probe = \"one\"\n{SCAN}", FLASH)
}

#[test]
fn a_scanned_unit_passes_and_the_board_holds_its_image() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    let output = run(&bench, &["--json", "--order", "O-7"], "GW000019\n");
    assert!(output.status.success(), "{}", said(&output));
    let objects = objects(&output);
    let unit = &objects[0];
    assert_eq!(unit["serial"], "GW000019");
    assert_eq!(unit["outcome"], "pass");
    assert_eq!(unit["target"], "program");
    assert_eq!(unit["chip"], "demo");
    assert_eq!(unit["order"], "O-7");
    assert_eq!(unit["simulated"], false);
    assert_eq!(unit["chip_uid"].as_str().unwrap().len(), 16);
    assert_eq!(unit["event"].as_str().unwrap().len(), 64);
    assert!(bench.path("line/labels/GW000019.png").exists());
    bench.ok(&[
        "verify",
        "--recipe",
        RECIPE,
        "--serial",
        "GW000019",
        "--dump",
        "0",
        "line/boards/b1.flash",
    ]);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_finished_unit_is_verified_again_and_not_written() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    run(&bench, &[], "GW000019\n");
    fs::remove_file(bench.path("line/calls.txt")).unwrap();
    let output = run(&bench, &["--json"], "GW000019\n");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(objects(&output)[0]["already"], true);
    let calls = fs::read_to_string(bench.path("line/calls.txt")).unwrap();
    assert!(!calls.contains("program "), "{calls}");
}

#[test]
fn an_empty_fixture_costs_no_token() {
    let bench = bench(&one());
    let output = run(&bench, &["--json"], "GW000019\n");
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    let error = objects(&output)[0]["error"]["message"].to_string();
    assert!(
        error.contains("ended with exit status 2: no target"),
        "{error}"
    );
    let stock = bench.ok(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(stock.contains("\"free\":64"), "{stock}");
}

#[test]
fn another_board_under_the_same_serial_and_another_serial_on_the_same_board_are_refused() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    run(&bench, &[], "GW000001\n");
    seat(&bench, "one", "b2");
    let output = run(&bench, &["--json"], "GW000001\n");
    assert_eq!(output.status.code(), Some(52), "{}", said(&output));
    assert_eq!(objects(&output)[0]["outcome"], "refused");
    seat(&bench, "one", "b1");
    let output = run(&bench, &[], "GW000002\n");
    assert_eq!(output.status.code(), Some(52), "{}", said(&output));
}

#[test]
fn a_failed_unit_keeps_its_token_and_what_the_tool_said_shows_none() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/fail"), "").unwrap();
    let failed = run(&bench, &["--json"], "GW000003\n");
    assert_eq!(failed.status.code(), Some(40), "{}", said(&failed));
    let shown = said(&failed);
    assert!(
        shown.contains("ended with exit status 3: flash is write-protected"),
        "{shown}"
    );
    fs::remove_file(bench.path("line/fail")).unwrap();
    let passed = run(&bench, &["--json"], "GW000003\n");
    assert!(passed.status.success(), "{}", said(&passed));
    assert_eq!(objects(&passed)[0]["attempt"], 2);
    let (_, token) = bench.tokens(RECIPE).pop().unwrap();
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut places = vec![shown];
    for file in ["calls.txt", "environment.txt"] {
        places.push(fs::read_to_string(bench.path("line").join(file)).unwrap());
    }
    for place in places {
        assert!(!place.contains(&token) && !place.contains(&hex), "{place}");
    }
}

#[test]
fn a_unit_that_reads_back_differently_is_41() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/flip"), "").unwrap();
    let output = run(&bench, &["--json"], "GW000004\n");
    assert_eq!(output.status.code(), Some(41), "{}", said(&output));
    let message = objects(&output)[0]["error"]["message"].to_string();
    assert!(
        message.contains("differs from what was programmed at 0x000000c8"),
        "{message}"
    );
}

#[test]
fn a_programmer_that_hangs_is_ended_and_leaves_no_file() {
    let tail = one().replace("timeout  = 20", "timeout  = 1");
    let bench = bench(&tail);
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/slow.one"), "30").unwrap();
    let temporary = bench.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = bench
        .command(&["run", "--recipe", RECIPE, "--serial", "GW000005"])
        .env("TMPDIR", &temporary)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(40), "{}", said(&output));
    assert!(
        said(&output).contains("was not done after 1 s"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn counted_units_come_from_a_feeder_each_on_a_board_of_its_own() {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{NEXT}"));
    seat(&bench, "one", "feeder 1");
    let output = run(&bench, &["--json", "--count", "5"], "");
    assert!(output.status.success(), "{}", said(&output));
    let units = objects(&output);
    let uids: BTreeSet<_> = units
        .iter()
        .map(|unit| unit["chip_uid"].to_string())
        .collect();
    let serials: Vec<_> = units
        .iter()
        .map(|unit| unit["serial"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), 5);
    assert_eq!(
        serials,
        ["GW000001", "GW000002", "GW000003", "GW000004", "GW000005"]
    );
}

#[test]
fn from_a_pipe_every_line_counts_and_a_wrong_one_is_told() {
    let bench = bench(&one());
    seat(&bench, "one", "b1");
    let output = run(&bench, &["--json"], "XY1\nGW000001\n\nGW000001\n");
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let outcomes: Vec<_> = objects(&output)
        .iter()
        .map(|unit| unit["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["fail", "pass", "pass"]);
}

#[test]
fn the_run_stops_after_failures_in_a_row() {
    let bench = bench(&one());
    let scans = "GW000001\nGW000002\nGW000003\nGW000004\n";
    let output = run(&bench, &["--json", "--stop-after", "2"], scans);
    assert_eq!(objects(&output).len(), 2, "{}", said(&output));
    assert!(said(&output).contains("stopped: 2 failures in a row"));
}

#[test]
fn the_chips_own_number_can_be_the_serial() {
    let tail = format!("{FLASH}probe = \"one\"\n[serial]\nsource = \"chip-uid\"\n");
    let bench = bench(&tail);
    seat(&bench, "one", "feeder 1");
    let output = run(&bench, &["--json", "--count", "2"], "");
    assert!(output.status.success(), "{}", said(&output));
    for unit in objects(&output) {
        let uid = unit["chip_uid"].as_str().unwrap().to_uppercase();
        assert_eq!(unit["serial"].as_str().unwrap(), uid);
    }
}

#[test]
fn a_failed_next_serial_is_resumed_on_its_own_board_only() {
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{NEXT}"));
    seat(&bench, "one", "b1");
    fs::write(bench.path("line/fail"), "").unwrap();
    run(&bench, &["--count", "1", "--stop-after", "1"], "");
    fs::remove_file(bench.path("line/fail")).unwrap();
    seat(&bench, "one", "b2");
    let other = run(&bench, &["--json", "--count", "1"], "");
    assert_eq!(objects(&other)[0]["serial"], "GW000002", "{}", said(&other));
    seat(&bench, "one", "b1");
    let own = run(&bench, &["--json", "--count", "1"], "");
    assert_eq!(objects(&own)[0]["serial"], "GW000001", "{}", said(&own));
}

#[test]
fn a_full_trace_of_a_run_shows_no_token() {
    let bench = bench(&format!(
        "{}[hook]\non-result = [\"tee\", \"told.txt\"]\n",
        one()
    ));
    seat(&bench, "one", "b1");
    fs::write(bench.path("scans.txt"), "GW000001\nGW000001\n").unwrap();
    let scans = fs::File::open(bench.path("scans.txt")).unwrap();
    let output = bench
        .command(&["run", "--recipe", RECIPE, "--json"])
        .env("EOL_LOG", "trace")
        .env("RUST_LOG", "trace")
        .stdin(scans)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let (_, token) = bench.tokens(RECIPE).pop().unwrap();
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut places = vec![said(&output)];
    for file in ["calls.txt", "environment.txt", "told.txt"] {
        places.push(fs::read_to_string(bench.path("line").join(file)).unwrap());
    }
    for place in places {
        let lower = place.to_lowercase();
        assert!(!place.contains(&token) && !lower.contains(&hex), "{place}");
    }
    // Only the board holds it.
    let mut files = Vec::new();
    for folder in ["line", "line/labels", "line/boards"] {
        for entry in fs::read_dir(bench.path(folder)).unwrap() {
            files.push(entry.unwrap().path());
        }
    }
    for path in files.iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).unwrap();
        let holds = bytes.windows(32).any(|part| part == token.as_bytes());
        assert_eq!(
            holds,
            path.ends_with("boards/b1.flash"),
            "{}",
            path.display()
        );
    }
}

/// `check`, in JSON.
fn checked(bench: &crate::bench::Bench, variable: (&str, &std::path::Path)) -> serde_json::Value {
    let mut command = bench.command(&["check", "--recipe", RECIPE, "--json"]);
    let output = command.env(variable.0, variable.1).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_command_that_is_still_at_work_is_found_before_the_line_begins() {
    let bench = bench(&one());
    let name = eol_inject::unit::Digest::of(b"one").short();
    let user = std::os::unix::fs::MetadataExt::uid(&fs::metadata(bench.temporary()).unwrap());
    let lock = bench
        .temporary()
        .join(format!("eol-inject-nest-{user}-{name}"));
    let held = fs::File::create(&lock).unwrap();
    held.try_lock().unwrap();
    let here = ("TMPDIR", bench.temporary());
    let found = checked(&bench, here);
    assert_eq!(found["error"]["name"], "program-busy", "{found}");
    let output = run(&bench, &["--json"], "GW000019\n");
    assert_eq!(objects(&output)[0]["error"]["name"], "program-busy");
    assert!(!bench.path("line/gw100.ledger").exists());
    drop(held);
    assert_eq!(checked(&bench, here)["ready"], true);
    // Its images need a place too.
    let found = checked(&bench, ("TMPDIR", &bench.path("gone")));
    assert_eq!(found["error"]["name"], "program-temporary", "{found}");
}

#[test]
fn the_unit_is_read_again_by_the_command_that_the_run_proposes() {
    let own = FLASH.replace("{probe}", "one");
    let bench = bench(&format!("{own}{SCAN}"));
    seat(&bench, "one", "b1");
    let output = run(&bench, &[], "GW000019\n");
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    let proposed = said.split("next: eol-inject ").nth(1).unwrap();
    let proposed: Vec<&str> = proposed
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(proposed[0], "verify", "{said}");
    assert!(bench.ok(&proposed).contains("GW000019"), "{said}");
}
