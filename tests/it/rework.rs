//! Rework by the program: labels that count no more, and cuts on the way.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::bench::{Bench, text};
use crate::sweep::sweep;

const RECIPE: &str = "gw100/recipe.toml";

/// A bench with finished units GW000001 to GW00000n.
fn made(count: &str) -> Bench {
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    let recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    let recipe = recipe.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(bench.path(RECIPE), recipe).unwrap();
    bench.ok(&["batch", "--recipe", RECIPE, "--count", count, "-o", "out"]);
    bench
}

fn rework<'a>(serial: &'a str, mode: &'a str) -> Vec<&'a str> {
    vec![
        "ledger",
        "rework",
        "--recipe",
        RECIPE,
        "--serial",
        serial,
        "--mode",
        mode,
        "--by",
        "ann",
        "--reason",
        "board broke",
    ]
}

/// What the label of a unit says, by the drawing in the record.
fn code(bench: &Bench, serial: &str) -> String {
    let list = bench.path("pools/unpacked");
    let table = walk(&list)
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "csv"));
    let tokens: Vec<_> = bench.tokens(RECIPE);
    let (_, token) = tokens.iter().find(|(name, _)| name == serial).unwrap();
    let mut reader = csv::Reader::from_path(table.unwrap()).unwrap();
    let rows = reader.records().map(|row| row.unwrap());
    let row = rows.into_iter().find(|row| &row[0] == token).unwrap();
    row[1].to_owned()
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn scan(bench: &Bench, pairs: &str) -> (Option<i32>, String) {
    let mut child = bench
        .command(&["label", "scan", "--recipe", RECIPE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(pairs.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stdout))
}

#[test]
fn the_old_label_of_a_swapped_unit_counts_no_more() {
    let bench = made("2");
    let old = code(&bench, "GW000001");
    let label = bench.path("gw100/labels/GW000001.png");
    let first = fs::read(&label).unwrap();
    let said = bench.ok(&rework("GW000001", "board-swapped"));
    assert!(said.contains("is burnt, its label void"), "{said}");
    assert!(!label.exists() && !label.with_extension("svg").exists());

    let burnt = |serial: &str| {
        let (exit, said) = scan(&bench, &format!("{serial}\t{old}\n"));
        assert_eq!(exit, Some(61), "{said}");
        assert!(
            said.contains("the label was GW000001's, whose token was burnt"),
            "{said}"
        );
    };
    // Before the new board is there, afterwards, and on another unit.
    burnt("GW000001");
    fs::write(bench.path("again.txt"), "GW000001\n").unwrap();
    bench.ok(&[
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "again.txt",
        "-o",
        "out",
        "--force",
    ]);
    burnt("GW000001");
    burnt("GW000002");
    assert_ne!(fs::read(&label).unwrap(), first);
    let (exit, said) = scan(&bench, &format!("GW000001\t{}\n", code(&bench, "GW000001")));
    assert_eq!(exit, Some(0), "{said}");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
    bench.ok(&["verify", "--recipe", RECIPE, "--ledger", "out"]);
}

#[test]
fn a_void_units_label_is_removed_and_refused() {
    let bench = made("1");
    let old = code(&bench, "GW000001");
    bench.ok(&[
        "ledger", "void", "--recipe", RECIPE, "--serial", "GW000001", "--by", "ann", "--reason",
        "scrapped",
    ]);
    assert!(!bench.path("gw100/labels/GW000001.png").exists());
    let (exit, said) = scan(&bench, &format!("GW000001\t{old}\n"));
    assert_eq!(exit, Some(61), "{said}");
}

#[test]
fn a_serial_that_was_given_up_has_no_label_and_is_not_made() {
    let bench = made("1");
    let old = code(&bench, "GW000001");
    let said = bench.run(&[rework("GW000001", "rehoused"), vec!["--to", "GW000101"]].concat());
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert!(!bench.path("gw100/labels/GW000001.png").exists());
    let refused = bench.run(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000001", "-o", "out",
    ]);
    assert_eq!(refused.status.code(), Some(50));
    let said = text(&refused.stdout) + &text(&refused.stderr);
    assert!(said.contains("GW000001 has been GW000101 since"), "{said}");
    bench.ok(&[
        "inject", "--recipe", RECIPE, "--serial", "GW000101", "-o", "out",
    ]);
    let (exit, said) = scan(&bench, &format!("GW000101\t{old}\n"));
    assert_eq!(exit, Some(0), "{said}");
    let (exit, said) = scan(&bench, &format!("GW000001\t{old}\n"));
    assert_eq!(exit, Some(61), "{said}");
    bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
}

#[test]
fn a_cut_rework_is_done_or_not_begun_and_its_label_goes() {
    let world = made("1");
    let args = rework("GW000001", "board-swapped");
    let (mut before, mut after) = (0, 0);
    sweep(
        || world.again(),
        &args,
        |bench, cut| {
            bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
            bench.ok(&["label", "print", "--recipe", RECIPE]);
            let label = bench.path("gw100/labels/GW000001.png").exists();
            let listed = bench.ok(&["ledger", "list", "--recipe", RECIPE]);
            // The label is there exactly as long as the unit is.
            if listed.contains("superseded") {
                after += 1;
                assert!(!label, "{cut}: {listed}");
            } else {
                before += 1;
                assert!(label && listed.contains("prepared"), "{cut}: {listed}");
                bench.ok(&args);
            }
        },
    );
    assert!(before > 3 && after > 1, "{before} before, {after} after");
}
