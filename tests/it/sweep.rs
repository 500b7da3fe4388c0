//! The real program is killed at the system calls that make something durable, each in a world of its own.
//!
//! A plain test run cuts at the first, second, fourth, eighth ... of each call, a [whole](crate::support::whole) one at
//! every one.

use std::fmt;
use std::process::{Command, Stdio};

use crate::bench::{Bench, PROGRAM, has};
use crate::support::times;

/// The calls that change what a file system holds.
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

/// One moment: on entry to the `n`th `call`, after everything that came earlier.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub call: &'static str,
    pub n: usize,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.n)
    }
}

impl Cut {
    /// Runs the program and kills it at this moment; returns whether it came so far.
    pub fn strikes(self, bench: &Bench, args: &[&str]) -> bool {
        let Self { call, n } = self;
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

    /// Returns the next moment of the same call.
    fn next(self) -> Self {
        let n = self.n;
        Self {
            n: times(n + 1, n * 2),
            ..self
        }
    }
}

/// Cuts `args` at effect after effect, each in a new `world`, and looks `after` each.
pub fn sweep(world: impl Fn() -> Bench, args: &[&str], mut after: impl FnMut(&Bench, Cut)) {
    if !has("strace", "the power cut") {
        return;
    }
    let mut cuts = 0;
    for call in EFFECTS {
        let mut cut = Cut { call, n: 1 };
        loop {
            let bench = world();
            if !cut.strikes(&bench, args) {
                break;
            }
            after(&bench, cut);
            cuts += 1;
            cut = cut.next();
        }
    }
    assert!(cuts >= times(10, 4), "only {cuts} cuts");
}
