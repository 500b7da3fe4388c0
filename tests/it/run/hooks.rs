//! The factory's own system: asked, told, down, and told again.

use std::fs;

use super::{FLASH, RECIPE, SCAN, bench, executable, objects, run, said, seat};
use crate::bench::Bench;

/// A system that refuses GW000013, keeps results in `mes.txt`, and is down while `down` exists.
fn factory(down: &str) -> Bench {
    let hook = format!(
        "[hook]\nbefore-unit = [\"./mes.sh\", \"ask\"]\non-result = [\"./mes.sh\", \"tell\"]\n\
         mes-down = \"{down}\"\ntimeout = 5\n"
    );
    let bench = bench(&format!("{FLASH}probe = \"one\"\n{SCAN}{hook}"));
    let script = bench.path("line/mes.sh");
    let text = "#!/bin/sh\ncase $1 in\nask) if grep -q GW000013; then echo 'step SMT missing'; exit 1; fi;;\n\
                tell) [ -e down ] && { echo 'no route' >&2; exit 7; }; cat >> mes.txt;;\nesac\n";
    fs::write(&script, text).unwrap();
    executable(&script);
    bench
}

fn told(bench: &Bench) -> Vec<(String, String)> {
    let text = fs::read_to_string(bench.path("line/mes.txt")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|unit| {
            (
                unit["serial"].as_str().unwrap_or("?").to_owned(),
                unit["outcome"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn pair(serial: &str, outcome: &str) -> (String, String) {
    (serial.to_owned(), outcome.to_owned())
}

#[test]
fn the_gate_refuses_a_unit_before_it_costs_a_token() {
    let bench = factory("queue");
    seat(&bench, "one", "b1");
    let output = run(&bench, &["--json"], "GW000013\nGW000014\n");
    assert_eq!(output.status.code(), Some(54), "{}", said(&output));
    let units = objects(&output);
    assert_eq!(units[0]["outcome"], "refused");
    assert!(
        units[0]["error"]["message"]
            .as_str()
            .unwrap()
            .ends_with("step SMT missing")
    );
    assert_eq!(units[1]["outcome"], "pass");
    assert_eq!(
        told(&bench),
        [pair("GW000013", "refused"), pair("GW000014", "pass")]
    );
    let stock = bench.ok(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(stock.contains("\"free\":63"), "{stock}");
}

#[test]
fn the_gate_is_asked_for_files_too() {
    let bench = factory("queue");
    let failed = |args: &[&str]| {
        let output = bench.run(&[args, &["--recipe", RECIPE, "--json"]].concat());
        assert_eq!(output.status.code(), Some(54), "{}", said(&output));
        objects(&output)
    };
    let inject = failed(&["inject", "--serial", "GW000013", "-o", "unit.bin"]);
    assert_eq!(inject[0]["outcome"], "refused");
    assert_eq!(inject[0]["error"]["name"], "mes-refused");
    fs::write(bench.path("serials.txt"), "GW000012\nGW000013\nGW000014\n").unwrap();
    let batch = failed(&["batch", "--serials", "serials.txt", "-o", "out"]);
    let outcomes: Vec<_> = batch.iter().map(|unit| &unit["outcome"]).collect();
    assert_eq!(outcomes, ["pass", "refused", "pass"]);
    assert!(!bench.path("unit.bin").exists() && !bench.path("out/GW000013.bin").exists());
    let stock = bench.ok(&["pool", "status", "--recipe", RECIPE, "--json"]);
    assert!(stock.contains("\"free\":62"), "{stock}");
    assert!(told(&bench).is_empty(), "files are told of nobody");
}

#[test]
fn results_queue_while_the_system_is_down_and_are_sent_in_order_later() {
    let bench = factory("queue");
    fs::write(bench.path("line/down"), "").unwrap();
    seat(&bench, "one", "b1");
    let output = run(&bench, &["--json"], "GW000001\nGW000001\n");
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("results are not taken and wait in"),
        "{}",
        said(&output)
    );
    assert_eq!(told(&bench), []);
    fs::remove_file(bench.path("line/down")).unwrap();
    seat(&bench, "one", "b2");
    let output = run(&bench, &["--json"], "GW000002\n");
    assert!(output.status.success(), "{}", said(&output));
    let wanted = ["GW000001", "GW000001", "GW000002"].map(|serial| pair(serial, "pass"));
    assert_eq!(told(&bench), wanted);
}

#[test]
fn a_line_that_must_not_run_blind_stops() {
    let bench = factory("stop");
    fs::write(bench.path("line/down"), "").unwrap();
    seat(&bench, "one", "b1");
    let output = run(&bench, &["--json"], "GW000001\nGW000002\n");
    assert_eq!(output.status.code(), Some(54), "{}", said(&output));
    let units: Vec<_> = objects(&output)
        .into_iter()
        .filter(|unit| unit.get("serial").is_some())
        .collect();
    assert_eq!(units.len(), 1);
    assert_eq!(units[0]["outcome"], "pass");
    // It waits, and nothing begins before it is taken.
    let again = run(&bench, &["--json"], "GW000002\n");
    assert_eq!(again.status.code(), Some(54), "{}", said(&again));
    fs::remove_file(bench.path("line/down")).unwrap();
    seat(&bench, "one", "b2");
    let output = run(&bench, &["--json"], "GW000002\n");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        told(&bench),
        [pair("GW000001", "pass"), pair("GW000002", "pass")]
    );
}

#[test]
fn a_system_that_missed_results_catches_up_from_the_ledger() {
    let bench = factory("queue");
    seat(&bench, "one", "b1");
    run(&bench, &[], "GW000001\n");
    let all = bench.ok(&["ledger", "export", "--recipe", RECIPE, "--since", "0"]);
    let kinds: Vec<_> = all
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["imported", "reserved", "delivered"]);
    let last = bench.ok(&["ledger", "export", "--recipe", RECIPE, "--since", "2"]);
    assert_eq!(last.lines().count(), 1);
}
