//! The program's words and exit codes: one case per file in `tests/cli`.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Copies a folder without what a run of the program left beside a recipe.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.contains(".ledger") || name == "labels" || name == "out" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The cases, beside clean fixtures: the README's example leaves a ledger in the committed ones.
fn cases() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // New words are written into the cases themselves.
    if std::env::var_os("TRYCMD").is_some() {
        return root.join("tests/cli");
    }
    let clean = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    let _ = fs::remove_dir_all(&clean);
    copy(&root.join("fixtures"), &clean.join("fixtures"));
    copy(&root.join("tests/cli"), &clean.join("tests/cli"));
    clean.join("tests/cli")
}

#[test]
fn cli() {
    trycmd::TestCases::new()
        .env("EOL_STATION", "test-station")
        .env("NO_COLOR", "1")
        .case(format!("{}/*.toml", cases().display()));
}
