//! One command of a programmer, and the temporary files that it works on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zeroize::{Zeroize as _, Zeroizing};

use super::super::said;
use super::ProgramError;
use crate::ledger::RunLock;
use crate::own_file;
use crate::process::{self, Broken, Nest, Setting};
use crate::recipe::CommandLine;
use crate::regular;

/// Begins the name of every temporary folder; the number of its process follows.
const PREFIX: &str = "eol-inject-";

/// Bytes of the largest dump: far above the flash of any chip.
const LARGEST: u64 = 1 << 30;

/// One command, ready to be run.
pub struct Call<'c> {
    pub command: &'c CommandLine,
    pub probe: &'c str,
    pub setting: &'c Setting,
    /// Where the lock of its nest is.
    pub nest: &'c Path,
    /// What keeps the claim of the unit in hand alive.
    pub lock: &'c RunLock,
}

impl Call<'_> {
    /// Runs the command and returns its standard output.
    ///
    /// Not while one that was started before is at work on the same nest, whichever run started it.
    pub fn run(&self, value: &dyn Fn(&str) -> String) -> Result<Vec<u8>, ProgramError> {
        let command = self.command.filled(&|name| match name {
            "probe" => self.probe.to_owned(),
            other => value(other),
        });
        let program = || self.command.program().to_owned();
        let nest = Nest::take(self.nest).map_err(|source| ProgramError::Temporary { source })?;
        let Some(nest) = nest else {
            return Err(ProgramError::Busy {
                program: program(),
                lock: self.nest.to_owned(),
            });
        };
        let locks: Vec<&File> = nest.file().into_iter().chain(self.lock.file()).collect();
        let told = command.join(" ");
        let kept = |output: &[u8]| said::reason(output, &told);
        let finished =
            process::run_tied(&command, self.setting, &locks).map_err(|broken| match broken {
                Broken::Start(source) => ProgramError::Start {
                    program: program(),
                    source,
                },
                Broken::TimedOut { output } => ProgramError::TimedOut {
                    program: program(),
                    seconds: self.setting.limit.as_secs(),
                    output: kept(&output),
                },
            })?;
        tracing::debug!(
            program = self.command.program(),
            status = %finished.status,
            stderr = %kept(&finished.stderr),
            "ran"
        );
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        // Some programmers tell errors on standard output.
        let output = Zeroizing::new([finished.stdout, finished.stderr].concat());
        Err(ProgramError::Failed {
            program: program(),
            ended: process::ended(finished.status),
            output: kept(&output),
        })
    }
}

/// An owner-only folder of temporary files that is removed with this value.
pub struct Work {
    folder: TempDir,
}

impl Work {
    /// Makes one, and clears away what killed processes left.
    pub fn new() -> Result<Self, ProgramError> {
        sweep(&std::env::temp_dir());
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir();
        let folder = folder.map_err(|source| ProgramError::Temporary { source })?;
        Ok(Self { folder })
    }

    /// Returns the place of a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an owner-only file.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ProgramError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|source| ProgramError::Temporary { source })
    }

    /// Reads a file and removes it.
    pub fn take(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let read = regular::read(path, LARGEST);
        overwrite(path);
        let _ = fs::remove_file(path);
        read.map(Zeroizing::new)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What is removed is overwritten first, as far as the file system lets that reach.
        if let Ok(entries) = fs::read_dir(self.folder.path()) {
            for entry in entries.flatten() {
                overwrite(&entry.path());
            }
        }
    }
}

/// Overwrites a file of the program's own; what a link leads to is another's.
fn overwrite(path: &Path) {
    let write = || -> io::Result<()> {
        let mut file = own_file::open(path, OpenOptions::new().write(true))?;
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        let mut zeros = vec![0xFF; len];
        zeros.zeroize();
        file.write_all(&zeros)
    };
    let _ = write();
}

/// Removes the folders of processes that are dead.
fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let process = rest.split('-').next().and_then(|text| text.parse().ok());
        if process.is_some_and(is_dead) {
            // Another user's folder stays: it cannot be removed.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether no process has this number. What cannot be found out counts as alive.
fn is_dead(process: i32) -> bool {
    #[cfg(unix)]
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        let gone = rustix::io::Errno::SRCH;
        return rustix::process::test_kill_process(process) == Err(gone);
    }
    let _ = process;
    false
}
