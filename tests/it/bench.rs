//! A temporary copy of the fixtures, and the real program to run on it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::fixtures;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_eol-inject");

/// A folder of its own, with the fixtures in it: ledgers and labels land there.
pub struct Bench {
    folder: tempfile::TempDir,
    /// Temporary files: programmers' nests are told apart there, and those of other benches are not these.
    temporary: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(&["gw100", "images", "recipes", "pools", "golden"])
    }

    /// Takes only some of the fixtures, where many benches are made.
    pub fn with(parts: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in parts {
            copy(&fixtures().join(part), &folder.path().join(part));
        }
        Self::of(folder)
    }

    fn of(folder: tempfile::TempDir) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder, temporary }
    }

    /// Where the program makes its temporary files.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Takes a copy of all that is in this one.
    pub fn again(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_all(self.folder.path(), folder.path());
        Self::of(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("EOL_STATION", "test-station")
            .env("TMPDIR", self.temporary.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Removes the ledgers and labels of a folder: the next recipe there has the same list for its own,
    /// and beside another ledger's units it would be refused.
    pub fn begin_anew(&self, folder: &str) {
        for entry in fs::read_dir(self.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if name == "labels" || name.contains(".ledger") => fs::remove_dir_all(path),
                false if name.contains(".ledger") => fs::remove_file(path),
                _ => Ok(()),
            }
            .unwrap();
        }
    }

    /// Runs the program, and fails unless it exits with 0.
    pub fn ok<S: AsRef<OsStr>>(&self, args: &[S]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{:?} ended with {}:\n{}{}",
            args.iter().map(|arg| arg.as_ref()).collect::<Vec<_>>(),
            output.status,
            text(&output.stdout),
            text(&output.stderr),
        );
        text(&output.stdout)
    }

    /// Returns serial and AuthToken of every unit, as the program reveals them.
    pub fn tokens(&self, recipe: &str) -> Vec<(String, String)> {
        let file = self.path("revealed.csv");
        let _ = fs::remove_file(&file);
        self.ok(&[
            "ledger",
            "export",
            "--recipe",
            recipe,
            "--reveal",
            "--by",
            "test",
            "--reason",
            "to compare",
            "-o",
            "revealed.csv",
        ]);
        let mut reader = csv::Reader::from_path(&file).unwrap();
        reader
            .records()
            .map(|row| row.unwrap())
            .map(|row| (row[0].to_owned(), row[3].to_owned()))
            .collect()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn copy(from: &Path, to: &Path) {
    copy_some(from, to, &is_left_over);
}

/// Copies a folder whole.
pub fn copy_all(from: &Path, to: &Path) {
    copy_some(from, to, &|_| false);
}

fn copy_some(from: &Path, to: &Path, left_out: &dyn Fn(&Path) -> bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if left_out(&entry.path()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_some(&entry.path(), &target, left_out);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a run beside the committed recipes left is no fixture.
fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.contains(".ledger") || name == "labels" || name == "out"
}

/// Returns whether a tool is here. A test that leaves something out says so loudly, and fails
/// where `.ci/run` asks for everything.
pub fn has(tool: &str, what: &str) -> bool {
    let found = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        assert!(
            std::env::var_os("EOL_INJECT_REQUIRE_TOOLS").is_none(),
            "{tool} is missing, and every check is required"
        );
        // Straight to the terminal: the test harness keeps `eprintln!` of passing tests.
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "\n*** LEFT OUT: {what}: {tool} is not installed ***\n"
        );
    }
    found
}
