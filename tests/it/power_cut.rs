//! The real process is killed at every system call that makes something durable, one by one;
//! the next run finishes the same serials with the tokens that they first got.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::{Bench, PROGRAM, has};

/// The calls that change what a file system holds. `SIGKILL` strikes on entry to one: that is
/// the cut before it, and after everything that came earlier, the making of a file included.
const EFFECTS: [&str; 14] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "ftruncate",
    "mkdir",
    "fchmod",
    "chmod",
];

/// Runs the program and kills it on entry to its `n`th `call`; returns whether it came so far.
pub fn cut(bench: &Bench, args: &[&str], (call, n): (&str, usize)) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=KILL:when={n}")])
        .arg(PROGRAM)
        .args(args)
        .current_dir(bench.path("."))
        .env("EOL_STATION", "test-station")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

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

/// Cuts `args` at effect after effect, each in a world of its own.
fn sweep(args: &[&str], serials: &[&str]) {
    if !has("strace", "the power cut") {
        return;
    }
    let mut cuts = 0;
    for call in EFFECTS {
        for n in 1.. {
            if !survives(args, serials, (call, n)) {
                break;
            }
            cuts += 1;
        }
    }
    assert!(cuts > 50, "only {cuts} cuts");
}

/// Cuts `args` at effect after effect, each in a copy of `world`, and looks `after` each.
pub fn sweep_in(world: &Bench, args: &[&str], after: impl Fn(&Bench, (&str, usize))) {
    if !has("strace", "the power cut") {
        return;
    }
    let mut cuts = 0;
    for call in EFFECTS {
        let mut n = 1;
        loop {
            let bench = world.again();
            if !cut(&bench, args, (call, n)) {
                break;
            }
            after(&bench, (call, n));
            cuts += 1;
            // A database writes page after page: of a long row of them some are enough.
            n += if n > 8 { 5 } else { 1 };
        }
    }
    assert!(cuts > 10, "only {cuts} cuts");
}

/// Cuts once, finishes, and looks at what is there; returns whether anything was cut.
fn survives(args: &[&str], serials: &[&str], cut_at: (&str, usize)) -> bool {
    let recipe = "gw100/recipe.toml";
    let bench = Bench::with(&["gw100", "pools/unpacked"]);
    // Six tokens with pictures: the cut is about the order of effects, not about many.
    let text = fs::read_to_string(bench.path(recipe)).unwrap();
    let text = text.replace("../pools/blynk-export.zip", "../pools/unpacked");
    fs::write(bench.path(recipe), text).unwrap();
    fs::write(bench.path("serials.txt"), serials.join("\n")).unwrap();
    fs::create_dir(bench.path("out")).unwrap();
    if !cut(&bench, args, cut_at) {
        return false;
    }
    // What the ledger had promised before the cut.
    let list = ["ledger", "list", "--recipe", recipe, "--json"];
    let promised = prints(&bench.run(&list).stdout);
    bench.ok(args);
    bench.ok(&["ledger", "audit", "--recipe", recipe]);
    let listed = prints(bench.ok(&list).as_bytes());
    assert_eq!(listed.len(), serials.len(), "{cut_at:?}");
    for (serial, print) in promised {
        let kept = listed.get(&serial);
        assert_eq!(kept, Some(&print), "{cut_at:?}: another token");
    }
    let tokens: BTreeMap<String, String> = bench.tokens(recipe).into_iter().collect();
    let mut found = Vec::new();
    for place in ["out", "gw100"] {
        holders(&bench.path(place), &tokens, &mut found);
    }
    found.sort();
    let wanted: Vec<(String, String)> = serials
        .iter()
        .map(|serial| (format!("{serial}.elf"), (*serial).to_owned()))
        .collect();
    assert_eq!(
        found, wanted,
        "{cut_at:?}: each token stands in its own file"
    );
    bench.ok(&["verify", "--recipe", recipe, "--ledger", "out"]);
    for serial in serials {
        for end in ["png", "svg"] {
            let label = bench.path(&format!("gw100/labels/{serial}.{end}"));
            assert!(label.exists(), "{cut_at:?}: no label {}", label.display());
        }
    }
    true
}

/// Serial and fingerprint of every unit that `ledger list --json` names.
fn prints(json: &[u8]) -> BTreeMap<String, String> {
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
    let recipe = "gw100/recipe.toml";
    let args = [
        "inject", "--recipe", recipe, "--serial", "GW000007", "-o", "out",
    ];
    sweep(&args, &["GW000007"]);
}

#[test]
fn a_durable_batch_survives_a_cut_at_every_effect() {
    let recipe = "gw100/recipe.toml";
    let args = [
        "batch",
        "--recipe",
        recipe,
        "--serials",
        "serials.txt",
        "--durable",
        "--jobs",
        "2",
        "-o",
        "out",
    ];
    sweep(&args, &["GW000001", "GW000002", "GW000003"]);
}

#[test]
fn a_batch_survives_a_cut_at_every_effect() {
    let recipe = "gw100/recipe.toml";
    let args = [
        "batch",
        "--recipe",
        recipe,
        "--serials",
        "serials.txt",
        "--jobs",
        "1",
        "-o",
        "out",
    ];
    sweep(&args, &["GW000001", "GW000002"]);
}
