//! `run`: the whole line on boards, by a script that stands for the line's own programmer.

mod cuts;
mod hooks;
mod leaks;
mod nameless;
mod nests;
mod orphans;
mod program;
#[cfg(feature = "sim")]
mod rehearsed;
mod rework;
mod scans;
mod seats;
#[cfg(feature = "sim")]
mod simulated;
mod terminal;
mod unmarked;
mod views;

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::bench::{Bench, text};

/// The recipe of these tests.
pub const RECIPE: &str = "line/recipe.toml";

/// A bench with a recipe whose `[flash]`, `[serial]` and more are `tail`.
pub fn bench(tail: &str) -> Bench {
    let bench = Bench::with(&["gw100", "recipes", "pools"]);
    let folder = bench.path("line");
    fs::create_dir(&folder).unwrap();
    let text = fs::read_to_string(bench.path("recipes/gw100-bin-symbols.toml")).unwrap();
    let head = text.split("[serial]").next().unwrap();
    fs::write(bench.path(RECIPE), format!("{head}\n{tail}")).unwrap();
    let script = folder.join("programmer.sh");
    fs::write(&script, include_str!("programmer.sh")).unwrap();
    executable(&script);
    bench
}

pub fn executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `[flash]` with the script; `{probe}` names the nest.
pub const FLASH: &str = r#"
[flash]
chip     = "demo"
program  = ["./programmer.sh", "{probe}", "program", "{image}"]
readback = ["./programmer.sh", "{probe}", "read", "{dump}", "{address}", "{size}"]
identify = ["./programmer.sh", "{probe}", "identify"]
timeout  = 20
"#;

/// The same for boards without a number: only what a board holds tells it from another.
pub fn nameless() -> String {
    let command = "[\"./programmer.sh\", \"{probe}\", \"identify\"]";
    FLASH.replace(command, "false")
}

/// Serials that are counted up.
pub const NEXT: &str = "[serial]\nsource = \"next\"\nformat = \"GW{:06}\"\n";

/// Serials that are scanned.
pub const SCAN: &str = "[serial]\nsource = \"scan\"\npattern = \"^GW[0-9]{6}$\"\n";

/// Puts a board on the fixture, or a feeder of boards.
pub fn seat(bench: &Bench, nest: &str, what: &str) {
    fs::write(
        bench.path(&format!("line/seat.{nest}")),
        format!("{what}\n"),
    )
    .unwrap();
}

/// Runs `run` with `args` and what a scanner types.
pub fn run(bench: &Bench, args: &[&str], scans: &str) -> Output {
    let all = [&["run", "--recipe", RECIPE], args].concat();
    let mut child = bench
        .command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A run that stops early does not read on.
    let _ = stdin.write_all(scans.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The objects that a run printed.
pub fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// All that a run said.
pub fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
