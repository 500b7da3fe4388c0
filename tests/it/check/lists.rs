//! Token lists and the serials in them: what `check` says of them is what the makers do.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::{RECIPE, check, edit, errors, list, made, names};
use crate::bench::{Bench, text};

/// The demo recipe without boards, with serials as `[serial]` says.
fn bench(serial: &str) -> Bench {
    let bench = super::bench(&[("probe = \"sim\"\nmode  = \"full\"\n", "")]);
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let start = recipe.find("[serial]").unwrap();
    let end = start + recipe[start + 1..].find("\n[").unwrap() + 1;
    let own = format!("{}[serial]\n{serial}{}", &recipe[..start], &recipe[end..]);
    fs::write(bench.path(RECIPE), own).unwrap();
    bench
}

/// Writes a list with these serials, an empty one for none.
fn serials(bench: &Bench, serials: &[&str]) {
    let mut csv = "Device Token,QR Token,Serial\n".to_owned();
    for (row, serial) in serials.iter().enumerate() {
        writeln!(csv, "fake-TOKEN_0123456789abcdefghij{row},sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo0{row}+17,{serial}").unwrap();
    }
    list(bench, &csv);
    edit(bench, &[("[pool]\n", "[pool]\nbind = \"Serial\"\n")]);
}

fn message(object: &Value) -> &str {
    object["error"]["message"].as_str().unwrap()
}

const BATCH: &[&str] = &["batch", "--count", "1", "-o", "out/"];
const IMPORT: &[&str] = &["pool", "import"];

/// `check` and `next` say the same name.
fn same(bench: &Bench, name: &str, next: &[&str]) -> Value {
    let (code, object) = check(bench, &["--offline"]);
    assert_eq!(names(&object), [name], "{object}");
    assert_eq!(made(bench, next), (code, Some(name.to_owned())));
    object
}

fn import(bench: &Bench) -> (i32, Vec<String>) {
    let output = bench.run(&[IMPORT, &["--recipe", RECIPE, "--json"]].concat());
    let said = text(&output.stdout);
    let objects = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let names = objects.filter_map(|one| one["error"]["name"].as_str().map(str::to_owned));
    (output.status.code().unwrap(), names.collect())
}

#[test]
fn a_list_whose_serials_the_recipe_refuses_is_not_taken_in() {
    let bench = bench("source = \"pool\"\npattern = \"^GW\"\n");
    serials(&bench, &["GW1", "AB2", "GW3", "AB4"]);
    let object = same(&bench, "serial-pattern", BATCH);
    assert!(message(&object).contains("line 3 (token "), "{object}");
    assert!(message(&object).contains("line 5 (token "), "{object}");
    assert!(object["error"]["hint"].is_string(), "{object}");
    assert_eq!(import(&bench), (10, vec!["serial-pattern".to_owned()]));
}

#[test]
fn a_serial_that_the_ledger_has_from_a_list_is_held_against_the_recipe() {
    let bench = bench("source = \"pool\"\n");
    serials(&bench, &["AB1"]);
    assert_eq!(import(&bench).0, 0);
    edit(
        &bench,
        &[("source = \"pool\"", "source = \"pool\"\npattern = \"^GW\"")],
    );
    same(&bench, "serial-pattern", BATCH);
    assert!(!bench.path("out/AB1.elf").exists());
    // Nobody can scan it: its token is given to no unit, and that is said.
    edit(&bench, &[("source = \"pool\"", "source = \"scan\"")]);
    let scan = ["inject", "--serial", "GW1", "-o", "out/"];
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!(
        (code, names(&object)),
        (53, vec!["unit-pool-empty"]),
        "{object}"
    );
    assert_ne!(made(&bench, &scan).0, 0);
}

#[test]
fn a_serial_of_a_list_gets_the_case_of_one_that_is_scanned() {
    let bench = bench("source = \"pool\"\ncase = \"upper\"\n");
    serials(&bench, &["gw1", "gw2"]);
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!(code, 0, "{object}");
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "2", "-o", "out/"]);
    assert!(bench.path("out/GW1.elf").exists());
    bench.ok(&["verify", "--recipe", RECIPE, "out/"]);
}

#[test]
fn a_next_serial_that_the_list_has_a_token_for_is_ready() {
    let bench = bench("source = \"next\"\nformat = \"GW{:06}\"\n");
    serials(&bench, &["GW000001"]);
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!(code, 0, "{object}");
    assert_eq!(made(&bench, BATCH), (0, None));
    same(&bench, "unit-pool-empty", BATCH);
    let other = self::bench("source = \"next\"\nformat = \"GW{:06}\"\n");
    serials(&other, &["GW000002"]);
    same(&other, "unit-not-listed", BATCH);
}

#[test]
fn claims_that_can_be_finished_are_ready_without_a_free_token() {
    let bench = bench("source = \"next\"\nformat = \"GW{:06}\"\n");
    serials(&bench, &[""]);
    edit(&bench, &[("bind = \"Serial\"\n", "")]);
    // The claim is made, and its image cannot be written.
    bench.ok(&["ledger", "list", "--recipe", RECIPE, "--help"]);
    let part = bench.path("out");
    fs::create_dir(&part).unwrap();
    fs::create_dir(part.join("GW000001.elf")).unwrap();
    let (code, _) = errors(
        &bench,
        &["inject", "--serial", "GW000001", "-o", "out/", "--force"],
    );
    assert_ne!(code, 0);
    fs::remove_dir(part.join("GW000001.elf")).unwrap();
    let open = text(
        &bench
            .run(&["pool", "status", "--recipe", RECIPE, "--json"])
            .stdout,
    );
    assert!(open.contains("\"free\":0"), "{open}");
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!(code, 0, "{object}");
    let said = bench.run(&["check", "--recipe", RECIPE, "--offline"]);
    let said = text(&said.stderr);
    assert!(
        said.contains("1 unit that this station began can be finished"),
        "{said}"
    );
    assert_eq!(made(&bench, BATCH), (0, None));
}

#[test]
fn a_row_without_a_serial_is_told() {
    let bench = bench("source = \"pool\"\n");
    serials(&bench, &["GW1", "", "GW3"]);
    for call in [&["check", "--offline"][..], IMPORT] {
        let out = bench.run(&[call, &["--recipe", RECIPE]].concat());
        let said = text(&[out.stdout, out.stderr].concat());
        assert!(said.contains("line 3 (token "), "{call:?}: {said}");
        assert!(said.contains("names no serial"), "{call:?}: {said}");
    }
}

#[test]
fn every_faulty_row_of_a_list_is_told_and_nothing_else() {
    let bench = bench("source = \"scan\"\n");
    let mut csv = "Device Token\n".to_owned();
    for row in 0..15 {
        writeln!(csv, "short{row}").unwrap();
    }
    csv.push_str("fake-TOKEN_0123456789abcdefghij0\n");
    list(&bench, &csv);
    edit(
        &bench,
        &[("[pool]\n", "[pool]\ntoken = \"Device Token\"\n")],
    );
    let scan = ["inject", "--serial", "GW1", "-o", "out/"];
    let object = same(&bench, "pool-bad-token", &scan);
    for wanted in ["line 2 ", "line 11 ", "and 5 more rows are wrong"] {
        assert!(message(&object).contains(wanted), "{object}");
    }
    assert!(object["error"]["hint"].is_string(), "{object}");
    assert_eq!(import(&bench), (10, vec!["pool-bad-token".to_owned()]));
}

#[test]
fn a_list_that_is_not_where_the_recipe_says_is_named() {
    let bench = bench("source = \"scan\"\n");
    edit(
        &bench,
        &[("../pools/blynk-export.zip", "../pools/blynk-exprot.zip")],
    );
    let scan = ["inject", "--serial", "GW1", "-o", "out/"];
    let object = same(&bench, "unit-pool-empty", &scan);
    assert!(
        message(&object).contains("blynk-exprot.zip is not here"),
        "{object}"
    );
    let hint = object["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("file = under [pool]"), "{object}");
}

#[test]
fn a_wrong_argument_is_told_before_the_list_is_taken_in() {
    let bench = bench("source = \"scan\"\n");
    assert_eq!(made(&bench, BATCH), (2, Some("usage".to_owned())));
    assert!(super::traces(&bench).is_empty());
}

#[test]
fn no_number_is_used_up_by_an_image_of_somebody_else() {
    let bench = bench("source = \"next\"\nformat = \"GW{:06}\"\n");
    fs::create_dir(bench.path("out")).unwrap();
    fs::write(bench.path("out/GW000002.elf"), "of somebody else").unwrap();
    let two = ["batch", "--count", "2", "-o", "out/"];
    for _ in 0..2 {
        assert_eq!(made(&bench, &two).1.as_deref(), Some("deliver-foreign"));
    }
    fs::remove_file(bench.path("out/GW000002.elf")).unwrap();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", "1", "-o", "out/"]);
    assert!(bench.path("out/GW000001.elf").exists());
}

#[test]
fn labels_without_the_organisation_are_not_ready_where_they_are_wanted() {
    let bench = bench("source = \"scan\"\n");
    let row = "fake-TOKEN_0123456789abcdefghij0,sqr_gCCsLSydh3d0ArmZj50l9zr79JXVoo00\n";
    list(&bench, &format!("Device Token,QR Token\n{row}"));
    let scan = ["inject", "--serial", "GW1", "-o", "out/"];
    let (code, object) = check(&bench, &["--offline"]);
    assert_eq!(
        (code, names(&object)),
        (60, vec!["label-no-organisation"]),
        "{object}"
    );
    for label in ["organisation = \"optional\"", "when = \"none\""] {
        let other = self::bench("source = \"scan\"\n");
        list(&other, &format!("Device Token,QR Token\n{row}"));
        edit(&other, &[("[label]\n", &format!("[label]\n{label}\n"))]);
        for call in [&["check", "--offline"][..], IMPORT] {
            let out = other.run(&[call, &["--recipe", RECIPE]].concat());
            let said = text(&[out.stdout, out.stderr].concat());
            assert_eq!(out.status.code(), Some(0), "{label} {call:?}: {said}");
            assert!(!said.contains("organisation"), "{label} {call:?}: {said}");
        }
    }
    assert_eq!(
        made(&bench, &scan),
        (60, Some("label-no-organisation".to_owned()))
    );
}

#[test]
fn no_part_is_split_off_by_a_recipe_that_makes_no_unit() {
    let bench = bench("source = \"scan\"\n");
    bench.ok(&["pool", "import", "--recipe", RECIPE]);
    edit(&bench, &[("[label]\n", "[label]\nwhen = \"preprinted\"\n")]);
    let split = bench.run(&[
        "ledger",
        "split",
        "--recipe",
        RECIPE,
        "--station",
        "S1",
        "--to",
        "none.pub",
        "--count",
        "1",
        "-o",
        "s1.ledger",
        "--json",
    ]);
    let said = text(&split.stdout);
    assert!(
        said.contains("recipe-preprinted"),
        "{said} {}",
        text(&split.stderr)
    );
}
