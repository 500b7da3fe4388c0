//! `label scan`: serials and labels as scanners give them.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";

/// A bench with two finished units, and what their labels say.
fn two_units() -> (Bench, [String; 2]) {
    let bench = Bench::new();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "2", "-o", "out"]);
    let codes = crate::labels::codes(&bench);
    let codes = [codes[0].clone(), codes[1].clone()];
    (bench, codes)
}

/// Scans lines.
fn scan(bench: &Bench, lines: &[u8]) -> Output {
    let mut child = bench
        .command(&["label", "scan", "--recipe", RECIPE, "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

/// Each object in short: whose, how, and what is done next.
fn told(output: &Output) -> Vec<String> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|object| {
            let serial = object["serial"].as_str().unwrap_or("?").to_owned();
            let how = match object["error"]["name"].as_str() {
                Some(name) => name.to_owned(),
                None => object["outcome"].as_str().unwrap().to_owned(),
            };
            let action = object["action"].as_str().unwrap();
            format!("{serial} {how} {action}")
        })
        .collect()
}

#[test]
fn after_a_double_scan_further_pairs_are_right() {
    let (bench, [one, two]) = two_units();
    let lines = format!("GW000001\nGW000001\n{one}\n{one}\n{two}\nGW000002\n");
    let output = scan(&bench, lines.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let wanted = [
        "GW000001 again next",
        "GW000001 pass next",
        "? again next",
        "GW000002 pass next",
    ];
    assert_eq!(told(&output), wanted);
}

#[test]
fn a_half_that_was_left_out_is_told_and_the_next_pair_is_right() {
    let (bench, [one, two]) = two_units();
    let lines = format!("GW000001\nGW000002\n{two}\n{one}\n{two}\nGW000002\nGW000001\n");
    let output = scan(&bench, lines.as_bytes());
    assert_eq!(output.status.code(), Some(61), "{}", text(&output.stderr));
    let wanted = [
        "GW000001 label-left-out retry",
        "GW000002 pass next",
        "? label-no-serial retry",
        "GW000002 pass next",
        "GW000001 label-left-out retry",
    ];
    assert_eq!(told(&output), wanted);
}

#[test]
fn a_token_is_refused_and_never_repeated() {
    let (bench, [one, _]) = two_units();
    let (_, token) = bench.tokens(RECIPE).swap_remove(0);
    let lines = format!("GW000001\n{token}\n{token}\nGW000001\n{one}\n");
    let output = scan(&bench, lines.as_bytes());
    assert_eq!(output.status.code(), Some(61), "{}", text(&output.stderr));
    let wanted = [
        "GW000001 label-auth-token quarantine",
        "? label-auth-token quarantine",
        "GW000001 pass next",
    ];
    assert_eq!(told(&output), wanted);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(!shown.contains(&token));
}

#[test]
fn what_is_neither_text_nor_label_costs_itself_only() {
    let (bench, [one, two]) = two_units();
    let mut lines = format!("GW000001\nnonsense\n{one}\n").into_bytes();
    lines.extend(b"GW\xff\n");
    lines.extend(format!("GW000009\t{two}\nGW000002,{two}\n").into_bytes());
    let output = scan(&bench, &lines);
    assert_eq!(output.status.code(), Some(61), "{}", text(&output.stderr));
    let wanted = [
        "GW000001 label-unknown retry",
        "GW000001 pass next",
        "? scan-garbled retry",
        "GW000009 label-other quarantine",
        "GW000002 pass next",
    ];
    assert_eq!(told(&output), wanted);
}

#[test]
fn labels_of_simulated_units_say_so_and_a_wrong_serial_is_told_in_words() {
    let bench = Bench::new();
    bench.ok(&["run", "--recipe", RECIPE, "--probe", "sim", "--count", "1"]);
    let code = crate::labels::codes(&bench)[0].clone();
    let output = scan(&bench, format!("GW000001\n{code}\nXY12\n").as_bytes());
    let said = text(&output.stderr);
    assert!(said.contains("PASS  GW000001  SIMULATED"), "{said}");
    assert!(said.contains("1 label right, 1 wrong"), "{said}");
    assert!(!said.contains('^'), "{said}");
    let told = text(&output.stdout);
    assert_eq!(
        told.matches("\"simulated\":true").count(),
        told.lines().count()
    );
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let error = &last["error"];
    assert!(
        error["message"].as_str().unwrap().contains("GW000001"),
        "{error}"
    );
    assert!(error["detail"].as_str().unwrap().contains("GW"), "{error}");
}

#[test]
fn what_stops_the_line_before_a_unit_has_its_next_action_too() {
    let bench = Bench::new();
    let calls: [(&[&str], &str); 3] = [
        (
            &["run", "--probe", "sim", "--count", "1", "--skip", "Z"],
            "stop",
        ),
        (&["run", "--probe", "sim", "--serial", "XY1"], "retry"),
        (&["label", "scan"], "stop"),
    ];
    for (call, action) in calls {
        let output = bench.run(&[call, &["--recipe", RECIPE, "--json"]].concat());
        let told: Value = serde_json::from_str(text(&output.stdout).trim()).unwrap();
        assert_eq!(told["action"], action, "{told}");
        let next = told["next"].as_str().unwrap();
        assert!(text(&output.stderr).trim_end().ends_with(next), "{told}");
    }
}
