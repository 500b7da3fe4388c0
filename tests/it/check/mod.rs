//! Ready means ready: what `check` says is what the next command does.

mod before;
mod findings;
mod lists;
mod places;
mod property;

use std::fs;

use serde_json::Value;

use crate::bench::{Bench, text};

/// The recipe of these tests.
pub const RECIPE: &str = "gw100/recipe.toml";

/// A bench with the demo recipe after `edits`: text in it, and what stands there instead.
pub fn bench(edits: &[(&str, &str)]) -> Bench {
    let bench = Bench::with(&["gw100", "pools", "recipes"]);
    edit(&bench, edits);
    bench
}

/// Changes the recipe.
pub fn edit(bench: &Bench, edits: &[(&str, &str)]) {
    let mut recipe = fs::read_to_string(bench.path(RECIPE)).unwrap();
    for (from, to) in edits {
        assert!(recipe.contains(from), "{from} is not in {recipe}");
        recipe = recipe.replace(from, to);
    }
    fs::write(bench.path(RECIPE), recipe).unwrap();
}

/// Writes a list of its own, and names it in the recipe.
pub fn list(bench: &Bench, csv: &str) {
    fs::write(bench.path("list.csv"), csv).unwrap();
    edit(
        bench,
        &[
            ("../pools/blynk-export.zip", "../list.csv"),
            ("token = \"Device Token\"\nqr    = \"QR Token\"\n", ""),
        ],
    );
}

/// Runs `check`; returns its exit code and what it says in JSON.
pub fn check(bench: &Bench, args: &[&str]) -> (i32, Value) {
    let all = [&["check", "--recipe", RECIPE, "--json"], args].concat();
    let output = bench.run(&all);
    let said = text(&output.stdout);
    let object = said.lines().last().unwrap_or("{}");
    let object = serde_json::from_str(object).unwrap_or_else(|_| panic!("no JSON: {said}"));
    (output.status.code().unwrap(), object)
}

/// The names of all findings, in their order.
pub fn names(object: &Value) -> Vec<&str> {
    let findings = object["findings"].as_array();
    let findings = findings.map_or(&[][..], Vec::as_slice);
    findings
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

/// Runs a command that makes units; returns its exit code and the name of its first error.
pub fn made(bench: &Bench, args: &[&str]) -> (i32, Option<String>) {
    let (code, names) = errors(bench, args);
    (code, names.into_iter().next())
}

/// Runs a command that makes units; returns its exit code and the names of all errors.
pub fn errors(bench: &Bench, args: &[&str]) -> (i32, Vec<String>) {
    let (command, rest) = args.split_first().unwrap();
    let all = [&[*command, "--recipe", RECIPE, "--json"], rest].concat();
    let output = bench.run(&all);
    let said = text(&output.stdout);
    let objects = said.lines().map(serde_json::from_str::<Value>);
    let names = objects.filter_map(|one| one.ok()?["error"]["name"].as_str().map(str::to_owned));
    (output.status.code().unwrap(), names.collect())
}

/// Whether anything of a ledger or of images is there.
pub fn traces(bench: &Bench) -> Vec<String> {
    let found = fs::read_dir(bench.path("gw100")).unwrap();
    let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| name.contains("ledger") || name == "labels")
        .collect();
    names.sort();
    names
}
