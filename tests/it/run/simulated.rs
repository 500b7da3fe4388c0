//! The line on simulated boards, by the real probe library: nothing is plugged in.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::{objects, said};
use crate::bench::{Bench, text};
use crate::power_cut::small;
use crate::sweep::sweep;

const RECIPE: &str = "gw100/recipe.toml";

fn bench() -> Bench {
    Bench::with(&["gw100", "pools"])
}

/// A bench with a list of its own and four nests.
fn nests(tokens: usize) -> Bench {
    let bench = bench();
    let count = tokens.to_string();
    bench.ok(&[
        "pool",
        "generate",
        "--recipe",
        RECIPE,
        "--count",
        &count,
        "-o",
        "trial.zip",
    ]);
    let mut recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    recipe = recipe.replace("../pools/blynk-export.zip", "../trial.zip");
    recipe = recipe.replace("probe = \"sim\"\n", "");
    for nest in ["A", "B", "C", "D"] {
        write!(recipe, "\n[[nest]]\nname = \"{nest}\"\nprobe = \"sim\"\n").unwrap();
    }
    fs::write(bench.path(RECIPE), recipe).unwrap();
    bench
}

fn run(bench: &Bench, args: &[&str]) -> std::process::Output {
    bench.run(&[&["run", "--recipe", RECIPE], args].concat())
}

/// The fingerprint of the only unit, if the ledger knows one.
fn print(bench: &Bench) -> Option<String> {
    let listed = bench.run(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    let listed = text(&listed.stdout);
    let unit: Value = serde_json::from_str(listed.lines().next()?).ok()?;
    Some(unit["fingerprint"].as_str()?.to_owned())
}

#[test]
fn the_first_command_makes_units_records_and_labels() {
    let bench = bench();
    let output = run(&bench, &["--count", "3"]);
    assert!(output.status.success(), "{}", said(&output));
    let shown = said(&output);
    for wanted in [
        "PASS  GW000001  SIMULATED  token 3ba5b6b7dbe2",
        "PASS  GW000003",
        "(SIMULATED)",
    ] {
        assert!(shown.contains(wanted), "{shown}");
    }
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    let verify = "verify --recipe gw100/recipe.toml --probe sim --serial GW000003";
    assert!(shown.contains(verify), "{shown}");
    bench.ok(&verify.split(' ').collect::<Vec<_>>());
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    assert!(bench.path("gw100/labels/GW000003.png").exists());
    let who = ["--by", "ann", "--reason", "torn"];
    let reprint = [
        "label", "reprint", "--recipe", RECIPE, "--serial", "GW000003",
    ];
    bench.ok(&[reprint.as_slice(), who.as_slice()].concat());
    // A ledger of simulated units takes no real ones.
    let real = bench.run(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out"]);
    assert_eq!(real.status.code(), Some(51), "{}", said(&real));
}

#[test]
fn programs_read_all_there_is_to_know() {
    let bench = bench();
    let output = run(&bench, &["--count", "1", "--json", "--operator", "ann"]);
    let unit = objects(&output).remove(0);
    assert_eq!(unit["target"], "probe");
    assert_eq!(unit["simulated"], true);
    assert_eq!(unit["chip"], "nRF52840_xxAA");
    assert_eq!(unit["operator"], "ann");
    assert_eq!(unit["erased_sectors"], 2);
    assert!(unit["programmed_bytes"].as_u64().unwrap() >= 4164);
    assert_eq!(unit["chip_uid"].as_str().unwrap().len(), 16);
}

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let bench = bench();
    let temporary = bench.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = bench
        .command(&[
            "run",
            "--recipe",
            RECIPE,
            "--rehearse",
            "--count",
            "2",
            "--json",
        ])
        .env("TMPDIR", &temporary)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(objects(&output).len(), 2);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!bench.path("gw100/gw100.ledger").exists());
    assert!(!bench.path("gw100/labels").exists());
}

#[test]
fn two_hundred_units_on_four_nests() {
    let bench = nests(210);
    let since = Instant::now();
    let output = run(&bench, &["--count", "200", "--json"]);
    let elapsed = since.elapsed();
    assert!(output.status.success(), "{}", said(&output));
    let units = objects(&output);
    for field in ["serial", "fingerprint", "chip_uid"] {
        let all: BTreeSet<_> = units.iter().map(|unit| unit[field].to_string()).collect();
        assert_eq!(all.len(), 200, "{field}");
    }
    // Each nest works all the time: the wall clock is near the slowest nest's own time.
    let slowest = ["A", "B", "C", "D"]
        .map(|nest| {
            let own = units.iter().filter(|unit| unit["nest"] == nest);
            own.map(|unit| unit["elapsed_ms"].as_u64().unwrap())
                .sum::<u64>()
        })
        .into_iter()
        .max()
        .unwrap();
    let wall = elapsed.as_millis();
    assert!(
        wall < u128::from(slowest) * 3 / 2 + 2000,
        "{wall} ms, slowest nest {slowest} ms"
    );
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn what_goes_wrong_on_a_probe_ends_with_its_own_words_and_is_resumed() {
    for (fault, code, words) in [
        ("unplug:3000", 40, "unplugged"),
        ("no-ack:3000", 40, "is the unit seated and powered"),
        ("cut-after-erase:1", 40, "retry: seat the unit"),
        ("cut-during-program:20", 40, "retry: seat the unit"),
    ] {
        let bench = bench();
        let probe = format!("sim:nRF52840_xxAA,fault={fault}");
        let args = ["--serial", "GW000007", "--probe", &probe];
        let failed = run(&bench, &args);
        assert_eq!(
            failed.status.code(),
            Some(code),
            "{fault}: {}",
            said(&failed)
        );
        assert!(said(&failed).contains(words), "{fault}: {}", said(&failed));
        let before = print(&bench);
        let passed = run(&bench, &["--serial", "GW000007"]);
        assert!(passed.status.success(), "{fault}: {}", said(&passed));
        if before.is_some() {
            assert_eq!(print(&bench), before, "{fault}");
        }
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    }
}

#[test]
fn two_runs_on_one_serial_make_it_once() {
    let bench = bench();
    let probe = "sim:nRF52840_xxAA,pace=real";
    let args = [
        "run", "--recipe", RECIPE, "--serial", "GW000001", "--probe", probe,
    ];
    let start = || {
        bench
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let ends = [start(), start()].map(|run| run.wait_with_output().unwrap());
    let mut codes = ends.each_ref().map(|end| end.status.code().unwrap());
    codes.sort_unstable();
    assert_eq!(codes, [0, 50], "{}{}", said(&ends[0]), said(&ends[1]));
}

#[test]
fn a_full_trace_of_a_run_shows_no_token() {
    let bench = bench();
    let output = bench
        .command(&["run", "--recipe", RECIPE, "--count", "2", "--json"])
        .env(
            "EOL_LOG",
            "trace,probe_rs=trace,probe_rs::flashing=trace,[flash]=trace",
        )
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let shown = said(&output);
    for (_, token) in bench.tokens(RECIPE) {
        let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
        let words = token.as_bytes().chunks(4).map(|word| {
            let word = u32::from_le_bytes(word.try_into().unwrap());
            format!("{word:08x}")
        });
        assert!(!shown.contains(&token) && !shown.to_lowercase().contains(&hex));
        for word in words {
            assert!(!shown.to_lowercase().contains(&word), "{word}");
        }
    }
}

#[test]
fn a_run_killed_at_every_effect_is_resumed_with_the_same_token_on_the_same_board() {
    let args = ["run", "--recipe", RECIPE, "--serial", "GW000007"];
    sweep(small, &args, |bench, cut| {
        let before = print(bench);
        let passed = run(bench, &["--serial", "GW000007", "--json"]);
        assert!(passed.status.success(), "{cut}: {}", said(&passed));
        if before.is_some() {
            assert_eq!(print(bench), before, "{cut}: another token");
        }
        bench.ok(&[
            "verify", "--recipe", RECIPE, "--probe", "sim", "--serial", "GW000007", "--ledger",
        ]);
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
        assert!(bench.path("gw100/labels/GW000007.png").exists(), "{cut}");
    });
}

#[test]
fn another_program_finds_the_served_board() {
    let bench = bench();
    let mut server = bench
        .command(&["sim", "sim:nRF52840_xxAA", "--shelf", "shelf", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let probe = told["probe"].as_str().unwrap();
    assert!(probe.starts_with("20b7:9db1:tcp:127.0.0.1:"), "{probe}");
    let address = probe.strip_prefix("20b7:9db1:tcp:").unwrap();
    std::net::TcpStream::connect(address).unwrap();
    let id = server.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(server.wait().unwrap().success());
    assert!(bench.path("shelf/board.board").exists());
}

#[test]
fn a_simulated_unit_says_so_in_every_view() {
    let bench = bench();
    let made = run(&bench, &["--serial", "GW000001"]);
    assert!(
        said(&made).contains("PASS  GW000001  SIMULATED  token"),
        "{}",
        said(&made)
    );
    let ledger =
        |args: &[&str]| bench.ok(&[&["ledger", args[0], "--recipe", RECIPE], &args[1..]].concat());
    assert!(ledger(&["list"]).trim_end().ends_with("SIMULATED"));
    assert!(ledger(&["show", "--serial", "GW000001"]).contains("delivered, SIMULATED"));
    let table = ledger(&["export", "-o", "mapping.csv"]);
    assert_eq!(table, "");
    let table = fs::read_to_string(bench.path("mapping.csv")).unwrap();
    assert!(table.trim_end().ends_with(",confirmed,true"), "{table}");
    assert!(ledger(&["export", "--format", "jsonl"]).contains("\"simulated\":true"));
    assert!(
        bench
            .ok(&["check", "--recipe", RECIPE])
            .contains("all SIMULATED")
    );
    assert!(
        bench
            .ok(&["pool", "status", "--recipe", RECIPE])
            .contains("SIMULATED")
    );
    let read = bench.ok(&[
        "verify", "--recipe", RECIPE, "--probe", "sim", "--serial", "GW000001",
    ]);
    assert!(read.contains("SIMULATED"), "{read}");
    let folder = bench.path("out");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("GW000001.bin"), b"").unwrap();
    for records in [["--mapping", "mapping.csv"].as_slice(), &["--ledger"]] {
        let args = [&["verify", "--recipe", RECIPE], records, &["out"]].concat();
        let output = bench.run(&args);
        assert!(
            said(&output).contains("units are SIMULATED"),
            "{}",
            said(&output)
        );
    }
    let scanned = bench.run(&["label", "scan", "--recipe", RECIPE]);
    assert!(said(&scanned).contains("SIMULATED"), "{}", said(&scanned));
}

#[test]
fn screen_and_json_name_the_same_next_action() {
    for (fault, action, sentence) in [
        (
            "locked",
            "quarantine",
            "set the unit aside for the line engineer",
        ),
        (
            "protected:0x0",
            "quarantine",
            "set the unit aside for the line engineer",
        ),
        ("chip:STM32F072RB", "quarantine", "set the board aside"),
        ("no-chip", "retry", "seat the unit and scan it again"),
        ("hang:1", "retry", "take the unit's power away"),
    ] {
        let bench = bench();
        let probe = format!("sim:nRF52840_xxAA,fault={fault}");
        let args = ["--serial", "GW000007", "--probe", &probe];
        let shown = run(&bench, &args);
        assert!(said(&shown).contains(sentence), "{fault}: {}", said(&shown));
        let told = run(&bench, &[&args[..], &["--json"]].concat());
        let unit = objects(&told).swap_remove(0);
        assert_eq!(unit["action"], action, "{fault}");
        let next = unit["next"].as_str().unwrap();
        assert!(next.contains(sentence), "{fault}: {next}");
    }
    let bench = bench();
    let args = [
        "--serial",
        "GW000007",
        "--probe",
        "sim:nRF52840_xxAA,fault=lokced",
    ];
    let misspelt = run(&bench, &args);
    assert!(
        !said(&misspelt).contains("seat the unit"),
        "{}",
        said(&misspelt)
    );
    assert!(said(&misspelt).contains("lokced"), "{}", said(&misspelt));
}
