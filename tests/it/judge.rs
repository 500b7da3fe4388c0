//! Other people's tools in Python, called as judges.
//!
//! `EOL_INJECT_PYTHON` names a Python that has them; else `python3` is it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn python() -> String {
    std::env::var("EOL_INJECT_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Runs Python in `folder`.
pub fn call(folder: &Path, args: &[&str]) -> Output {
    Command::new(python())
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        // Words wrap in narrow terminals.
        .env("COLUMNS", "200")
        .output()
        .unwrap()
}

/// Returns whether the modules are here. Without them the test says so loudly, and fails where
/// `.ci/run` asks for everything.
pub fn has(what: &str, modules: &[&str]) -> bool {
    let modules = modules.join(", ");
    let found = Command::new(python())
        .args(["-c", &format!("import {modules}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(
            std::env::var_os("EOL_INJECT_REQUIRE_TOOLS").is_none(),
            "{} lacks one of {modules}, and every check is required",
            python()
        );
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "\n*** LEFT OUT: {what}: {} lacks one of {modules} ***\n",
            python()
        );
    }
    found
}
