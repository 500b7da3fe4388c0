//! The ledger's commands beside the line, by the real program, and cut at every effect.

mod clock;
mod faults;
mod keys;
mod loss;
mod parts;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::bench::Bench;

/// The recipe of the ledger at home.
const HOME: &str = "gw100/recipe.toml";

/// A bench with six tokens, in a ledger that is there.
fn home() -> Bench {
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    change(
        &bench,
        HOME,
        "../pools/blynk-export.zip",
        "../pools/unpacked",
    );
    bench.ok(&["pool", "import", "--recipe", HOME, "pools/unpacked"]);
    bench
}

/// Changes words of a recipe.
fn change(bench: &Bench, recipe: &str, from: &str, to: &str) {
    let text = fs::read_to_string(bench.path(recipe)).unwrap();
    assert!(text.contains(from), "{recipe} has no {from}");
    fs::write(bench.path(recipe), text.replace(from, to)).unwrap();
}

/// The objects that a command prints.
fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The first object of a kind that a command prints.
fn object(bench: &Bench, args: &[&str], kind: &str) -> Value {
    let mut args = args.to_vec();
    args.push("--json");
    let output = bench.run(&args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = objects(&text)
        .into_iter()
        .find(|object| object["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {text}"))
}

fn stock(bench: &Bench, recipe: &str) -> Value {
    object(bench, &["pool", "status", "--recipe", recipe], "stock")
}

fn clean(bench: &Bench, recipe: &str) {
    bench.ok(&["ledger", "audit", "--recipe", recipe]);
}

/// Makes units to files.
fn batch(bench: &Bench, recipe: &str, count: &str) {
    let out = format!("out-{}", recipe.replace('/', "-"));
    bench.ok(&["batch", "--recipe", recipe, "--count", count, "-o", &out]);
}

/// Names of the files in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Fails with this exit code and these words.
fn fails(bench: &Bench, args: &[&str], code: i32, words: &str) {
    let output = bench.run(args);
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(words), "{words} is not in:\n{told}");
}
