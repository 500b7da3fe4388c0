//! What `verify` compares, and that it says so.

use std::fs;

use serde_json::Value;

use crate::bench::{Bench, text};

const RECIPE: &str = "gw100/recipe.toml";

/// A bench with the images of two units on record.
fn bench() -> Bench {
    let bench = Bench::with(&["gw100", "pools", "recipes", "images", "golden"]);
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "2", "-o", "out"]);
    bench
}

/// Runs `verify` and returns its code, its output, and its objects.
fn verify(bench: &Bench, args: &[&str]) -> (Option<i32>, String, Vec<Value>) {
    let all = [&["verify", "--recipe", RECIPE][..], args].concat();
    let output = bench.run(&all);
    let json = bench.run(&[&all[..], &["--json"]].concat());
    let objects = text(&json.stdout);
    let objects = objects
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said, objects.collect())
}

fn compared(objects: &[Value]) -> &Value {
    objects
        .iter()
        .find(|object| object["kind"] == "compared")
        .unwrap()
}

#[test]
fn the_ledger_that_is_here_is_asked_and_named() {
    let bench = bench();
    let (code, said, objects) = verify(&bench, &["out/GW000001.elf"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("GW000001.elf  serial GW000001  token "),
        "{said}"
    );
    assert!(
        said.contains("and the record in sqlite:gw100.ledger"),
        "{said}"
    );
    assert_eq!(compared(&objects)["records"], "sqlite:gw100.ledger");
    let (code, said, objects) = verify(&bench, &["out/GW000001.elf", "--no-ledger"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("no record was asked (--no-ledger)"), "{said}");
    assert_eq!(compared(&objects)["no_records"], "--no-ledger");
}

#[test]
fn an_image_that_no_record_names_is_wrong_where_there_are_records() {
    let bench = bench();
    let (code, said, _) = verify(&bench, &["golden/gw100.elf"]);
    assert_eq!(code, Some(41), "{said}");
    let (code, said, _) = verify(
        &bench,
        &["golden/gw100.elf", "--no-ledger", "--serial", "GW000001"],
    );
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn another_units_dump_is_told_by_its_token() {
    let bench = bench();
    let recipe = "recipes/gw100-bin.toml";
    let ledger = "sqlite:../gw100/gw100.ledger";
    let old = fs::read_to_string(bench.path(recipe)).unwrap();
    fs::write(
        bench.path(recipe),
        old.replace("sqlite:gw100-bin.ledger", ledger),
    )
    .unwrap();
    let batch = [
        "batch", "--recipe", RECIPE, "--count", "2", "-o", "bins", "--format", "bin",
    ];
    bench.ok(&batch);
    fs::rename(bench.path("bins/GW000003.bin"), bench.path("dump.bin")).unwrap();
    let (code, said, _) = verify(&bench, &["--dump", "0", "dump.bin"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("serial GW000003"), "{said}");
    let (code, said, _) = verify(&bench, &["--dump", "0", "--serial", "GW000004", "dump.bin"]);
    assert_eq!(code, Some(41), "{said}");
    assert!(said.contains("wanted GW000004"), "{said}");
}

#[test]
fn a_path_that_is_not_there_is_no_bad_unit() {
    let bench = bench();
    let (code, said, _) = verify(&bench, &["nowhere.elf"]);
    assert_eq!(code, Some(20), "{said}");
    let (code, said, _) = verify(&bench, &["out", "nowhere"]);
    assert_eq!(code, Some(20), "{said}");
}

#[test]
fn several_files_and_folders_are_judged_in_one_go() {
    let bench = bench();
    let (code, said, _) = verify(&bench, &["out/GW000001.elf", "out/GW000002.elf"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 images   2 right, 0 wrong"), "{said}");
    fs::create_dir(bench.path("more")).unwrap();
    fs::copy(
        bench.path("out/GW000001.elf"),
        bench.path("more/GW000001.elf"),
    )
    .unwrap();
    let (code, said, _) = verify(&bench, &["out", "more"]);
    assert_eq!(code, Some(41), "{said}");
    assert!(said.contains("is in more/GW000001.elf too"), "{said}");
}

#[test]
fn a_dump_at_a_decimal_address_is_told_where_the_image_lies() {
    let bench = Bench::with(&["gw100", "pools", "recipes", "images", "golden"]);
    let recipe = "recipes/stm-bin.toml";
    let output = bench.run(&[
        "verify",
        "--recipe",
        recipe,
        "--dump",
        "8000000",
        "golden/stm.bin",
    ]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("write the dump's base with 0x"), "{said}");
    assert!(said.contains("0x08000000.."), "{said}");
}

#[test]
#[cfg(feature = "sim")]
fn a_look_at_a_board_that_was_never_there_makes_none() {
    let bench = Bench::with(&["gw100", "pools"]);
    let args = ["--probe", "sim", "--serial", "GW000009"];
    let (code, said, _) = verify(&bench, &args);
    assert_eq!(code, Some(40), "{said}");
    assert!(
        said.contains("no simulated board of GW000009 was made here"),
        "{said}"
    );
    assert!(!bench.path("gw100/gw100.ledger.boards").exists());
}

#[test]
fn a_bin_whose_crc_was_added_after_linking_keeps_the_names_of_its_elf() {
    let bench = Bench::with(&["gw100", "pools", "recipes"]);
    let recipe = "recipes/gw100-bin-symbols.toml";
    // As the linker leaves it: the field still erased.
    let bin = fs::read(bench.path("gw100/gw100.bin")).unwrap();
    let (crc, at) = (bin[0x1040..0x1044].to_vec(), bench.path("gw100/gw100.elf"));
    let mut elf = fs::read(&at).unwrap();
    let places: Vec<usize> = (0..elf.len() - 4)
        .filter(|at| elf[*at..at + 4] == crc[..])
        .collect();
    assert_eq!(places.len(), 1);
    elf[places[0]..places[0] + 4].fill(0xFF);
    fs::write(&at, &elf).unwrap();
    let said = bench.ok(&["check", "--recipe", recipe]);
    assert!(said.contains("BIN with the names of an ELF32"), "{said}");
    bench.ok(&[
        "inject", "--recipe", recipe, "--serial", "GW000001", "-o", "u.bin",
    ]);
    bench.ok(&[
        "verify", "--recipe", recipe, "--serial", "GW000001", "u.bin",
    ]);
    // Any other byte is of another build.
    elf[places[0] - 0x100] ^= 1;
    fs::write(&at, &elf).unwrap();
    let output = bench.run(&["check", "--recipe", recipe]);
    assert_eq!(output.status.code(), Some(20));
    assert!(text(&output.stderr).contains("only fields of a [[checksum]] may differ"));
}
