//! The record tells of the file that is there, whatever was run before.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";

fn bench(serials: &str) -> Bench {
    let bench = Bench::with(&["gw100", "pools"]);
    fs::write(bench.path("serials.txt"), serials).unwrap();
    bench
}

fn batch(bench: &Bench, more: &[&str]) {
    let args = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "-o",
        "out",
    ];
    bench.ok(&[&args, more].concat());
}

fn shown(bench: &Bench, serial: &str) -> Value {
    let json = bench.ok(&["ledger", "show", "--recipe", RECIPE, serial, "--json"]);
    serde_json::from_str(json.lines().next().unwrap()).unwrap()
}

fn sha256(bench: &Bench, file: &str) -> String {
    eol_inject::unit::Digest::of(&fs::read(bench.path(file)).unwrap()).to_string()
}

#[test]
fn durable_is_made_true_for_files_that_were_only_written() {
    let bench = bench("GW000001\n");
    batch(&bench, &[]);
    assert_eq!(shown(&bench, "GW000001")["durable"], false);
    batch(&bench, &["--durable"]);
    let unit = shown(&bench, "GW000001");
    assert_eq!(
        (&unit["durable"], &unit["epoch"]),
        (&true.into(), &2.into())
    );
    // A lesser wish changes nothing.
    batch(&bench, &[]);
    assert_eq!(shown(&bench, "GW000001")["epoch"], 2);
}

#[test]
fn a_file_written_again_is_no_longer_called_durable() {
    let bench = bench("GW000001\n");
    batch(&bench, &["--durable"]);
    fs::remove_file(bench.path("out/GW000001.elf")).unwrap();
    batch(&bench, &[]);
    assert_eq!(shown(&bench, "GW000001")["durable"], false);
    batch(&bench, &["--durable"]);
    assert_eq!(shown(&bench, "GW000001")["durable"], true);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn the_digest_on_record_is_that_of_the_last_file() {
    let bench = bench("");
    let inject = [
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out/", "--digest",
    ];
    bench.ok(&inject);
    assert_eq!(
        shown(&bench, "GW000001")["sha256"],
        sha256(&bench, "out/GW000001.elf")
    );
    bench.ok(&[&inject[..], &["--format", "hex"]].concat());
    assert_eq!(
        shown(&bench, "GW000001")["sha256"],
        sha256(&bench, "out/GW000001.hex")
    );
}

#[test]
fn another_recipe_is_put_on_record() {
    let bench = bench("GW000001\n");
    batch(&bench, &[]);
    let first = shown(&bench, "GW000001")["recipe_sha256"].clone();
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    fs::write(bench.path(RECIPE), recipe + "# changed\n").unwrap();
    batch(&bench, &[]);
    assert_ne!(shown(&bench, "GW000001")["recipe_sha256"], first);
}

#[test]
fn two_runs_over_the_same_finished_units_leave_every_file_whole() {
    let serials: String = (1..=60).map(|n| format!("GW{n:06}\n")).collect();
    let bench = bench(&serials);
    batch(&bench, &[]);
    fs::remove_dir_all(bench.path("out")).unwrap();
    fs::remove_dir_all(bench.path("gw100/labels")).unwrap();
    let args = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "-o",
        "out",
    ];
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let mut command = bench.command(&args);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        // A unit in another run's hand is refused, and never failed.
        assert!(matches!(output.status.code(), Some(0 | 50)), "{said}");
    }
    batch(&bench, &[]);
    for n in 1..=60 {
        for end in ["png", "svg"] {
            assert!(bench.path(&format!("gw100/labels/GW{n:06}.{end}")).exists());
        }
    }
    bench.ok(&["verify", "--recipe", RECIPE, "--ledger", "out"]);
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn what_makes_every_unit_fail_costs_few_tokens() {
    let serials: String = (1..=1000).map(|n| format!("GW{n:06}\n")).collect();
    let bench = bench(&serials);
    // A folder is where each unit's file should go.
    for n in 1..=1000 {
        fs::create_dir_all(bench.path(&format!("file/GW{n:06}.elf"))).unwrap();
    }
    let args = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "-o",
        "file",
    ];
    let output = bench.run(&args);
    assert_eq!(output.status.code(), Some(40));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("was not made for this unit"), "{said}");
    let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE, "--json"]);
    assert_eq!(listed.lines().count(), 0);
}

#[cfg(unix)]
#[test]
fn parts_that_killed_runs_left_go_with_the_next_one() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, SystemTime};
    let bench = Bench::new();
    let put = |name: &str, mode: u32, age: u64| {
        let path = bench.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"half").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age))
            .unwrap();
    };
    let gone = ["out/.GW000099.part", "gw100/labels/.aB3x9Z.part"];
    put(gone[0], 0o600, 4000);
    put(gone[1], 0o644, 4000);
    // Another program's, and one that somebody may be writing.
    let kept = [
        "out/.download.part",
        "out/.GW000098.part",
        "gw100/labels/.mine.part",
    ];
    put(kept[0], 0o644, 4000);
    put(kept[1], 0o600, 60);
    put(kept[2], 0o644, 4000);
    bench.ok(&[
        "batch",
        "--recipe",
        "gw100/recipe.toml",
        "--count",
        "1",
        "-o",
        "out",
    ]);
    for name in gone {
        assert!(!bench.path(name).exists(), "{name}");
    }
    for name in kept {
        assert!(bench.path(name).exists(), "{name}");
    }
}
