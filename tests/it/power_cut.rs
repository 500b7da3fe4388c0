//! The real process is killed at every system call that makes something durable, one by one;
//! the next run finishes the same serials with the tokens that they first got.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::bench::Bench;
use crate::sweep::sweep;

const RECIPE: &str = "gw100/recipe.toml";

/// Returns every file below `folder` that holds one of `tokens`.
fn holders(folder: &Path, tokens: &BTreeMap<String, String>, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holders(&path, tokens, found);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for (serial, token) in tokens {
            if bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes())
            {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push((name, serial.clone()));
            }
        }
    }
}

/// The demo product with six tokens: a cut is about the order of effects, not about many.
pub fn small() -> Bench {
    let bench = Bench::with(&["gw100", "recipes", "pools/unpacked"]);
    let recipe = bench.path(RECIPE);
    let text = fs::read_to_string(&recipe).unwrap();
    let text = text.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(&recipe, text).unwrap();
    bench
}

/// Cuts `args` at effect after effect, and finishes each time.
fn survives(args: &[&str], serials: &[&str]) {
    let world = || {
        let bench = small();
        fs::write(bench.path("serials.txt"), serials.join("\n")).unwrap();
        fs::create_dir(bench.path("out")).unwrap();
        bench
    };
    sweep(world, args, |bench, cut| {
        // What the ledger had promised before the cut.
        let list = ["ledger", "list", "--recipe", RECIPE, "--json"];
        let promised = prints(&bench.run(&list).stdout);
        bench.ok(args);
        bench.ok(&["ledger", "audit", "--recipe", RECIPE]);
        let listed = prints(bench.ok(&list).as_bytes());
        assert_eq!(listed.len(), serials.len(), "{cut}");
        for (serial, print) in promised {
            assert_eq!(listed.get(&serial), Some(&print), "{cut}: another token");
        }
        let tokens: BTreeMap<String, String> = bench.tokens(RECIPE).into_iter().collect();
        let mut found = Vec::new();
        for place in ["out", "gw100"] {
            holders(&bench.path(place), &tokens, &mut found);
        }
        found.sort();
        let wanted = serials.iter();
        let wanted: Vec<_> = wanted
            .map(|serial| (format!("{serial}.elf"), (*serial).to_owned()))
            .collect();
        assert_eq!(found, wanted, "{cut}: each token stands in its own file");
        bench.ok(&["verify", "--recipe", RECIPE, "--ledger", "out"]);
        for serial in serials {
            for end in ["png", "svg"] {
                let label = bench.path(&format!("gw100/labels/{serial}.{end}"));
                assert!(label.exists(), "{cut}: no label {}", label.display());
            }
        }
    });
}

/// Serial and fingerprint of every unit that `ledger list --json` names.
pub fn prints(json: &[u8]) -> BTreeMap<String, String> {
    String::from_utf8_lossy(json)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|unit| {
            let serial = unit.get("serial")?.as_str()?.to_owned();
            Some((serial, unit.get("fingerprint")?.as_str()?.to_owned()))
        })
        .collect()
}

#[test]
fn inject_survives_a_cut_at_every_effect() {
    let args = [
        "inject", "--recipe", RECIPE, "--serial", "GW000007", "-o", "out",
    ];
    survives(&args, &["GW000007"]);
}

#[test]
fn a_durable_batch_survives_a_cut_at_every_effect() {
    let args = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "--durable",
        "--jobs",
        "2",
        "-o",
        "out",
    ];
    survives(&args, &["GW000001", "GW000002", "GW000003"]);
}

#[test]
fn a_batch_survives_a_cut_at_every_effect() {
    let args = [
        "batch",
        "--recipe",
        RECIPE,
        "--serials",
        "serials.txt",
        "--jobs",
        "1",
        "-o",
        "out",
    ];
    survives(&args, &["GW000001", "GW000002"]);
}
