//! The program itself, on simulated boards that are kept beside its ledger.

use std::fs;

use crate::bench::Bench;

const RECIPE: &str = "gw100/recipe.toml";

fn slot_mode(bench: &Bench) {
    let path = bench.path(RECIPE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("mode  = \"full\"", "mode  = \"slot\"")).unwrap();
}

/// Text, bytes in hex, and the words that a debug port moves.
fn forms(token: &str) -> Vec<String> {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let list = |bytes: &[u8]| {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        numbers.join(", ")
    };
    let mut forms = vec![
        token.to_owned(),
        hex(token.as_bytes()),
        list(&token.as_bytes()[..6]),
    ];
    for word in token.as_bytes().chunks(4) {
        let reversed: Vec<u8> = word.iter().rev().copied().collect();
        forms.push(hex(word));
        forms.push(hex(&reversed));
    }
    forms
}

#[test]
fn a_trace_of_everything_shows_no_token() {
    let bench = Bench::new();
    for (mode, serial) in [("full", "GW000031"), ("slot", "GW000032")] {
        if mode == "slot" {
            slot_mode(&bench);
        }
        let mut command = bench.command(&["run", "--recipe", RECIPE, "--serial", serial, "--json"]);
        let asked = "trace,probe_rs=trace,probe_rs::architecture::arm=trace";
        let output = command
            .env("EOL_LOG", asked)
            .env("RUST_LOG", "trace")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).to_lowercase();
        assert!(said.contains("flashed and read back"), "the log is on");
        for (_, token) in bench.tokens(RECIPE) {
            for form in forms(&token) {
                assert!(!said.contains(&form.to_lowercase()), "{mode}: {form}");
            }
        }
    }
}

#[test]
fn a_board_is_cut_and_finished_by_two_runs_of_the_program() {
    let bench = Bench::new();
    slot_mode(&bench);
    let run = |probe: &str| {
        let args = [
            "run", "--recipe", RECIPE, "--serial", "GW000041", "--probe", probe, "--json",
        ];
        let output = bench.run(&args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let unit: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        (output.status.code(), unit)
    };
    let (code, unit) = run("sim:nRF52840_xxAA,fault=cut-after-erase:1");
    assert_eq!(code, Some(40), "{unit}");
    let journal = bench.path("gw100/gw100.ledger.journal");
    assert_eq!(fs::read_dir(&journal).unwrap().count(), 1);
    let (code, unit) = run("sim");
    assert_eq!(code, Some(0), "{unit}");
    assert_eq!(unit["erased_sectors"], 2, "{unit}");
    assert_eq!(unit["simulated"], true);
    assert_eq!(unit["attempt"], 2);
    assert_eq!(fs::read_dir(&journal).unwrap().count(), 0);
    let (code, unit) = run("sim");
    assert_eq!((code, &unit["already"]), (Some(0), &true.into()), "{unit}");
}

#[cfg(unix)]
#[test]
fn boards_and_journal_are_their_owner_s_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    slot_mode(&bench);
    let probe = "sim:nRF52840_xxAA,fault=cut-after-erase:1";
    bench.run(&[
        "run", "--recipe", RECIPE, "--serial", "GW000051", "--probe", probe,
    ]);
    for folder in ["gw100/gw100.ledger.journal", "gw100/gw100.ledger.boards"] {
        for entry in fs::read_dir(bench.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
    }
}

#[test]
fn what_is_plugged_in_is_listed() {
    let bench = Bench::with(&[]);
    bench.ok(&["probes"]);
    bench.ok(&["probes", "--json"]);
}

#[test]
fn a_probe_that_is_not_there_stops_the_run_with_its_name() {
    let bench = Bench::new();
    let args = [
        "run",
        "--recipe",
        RECIPE,
        "--serial",
        "GW000061",
        "--probe",
        "1366:1015:1",
    ];
    let output = bench.run(&args);
    assert_eq!(output.status.code(), Some(40));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1366:1015:1"), "{said}");
}
