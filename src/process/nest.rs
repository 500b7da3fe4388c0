//! One programmer at a time on one fixture, counted with all that it started.
//!
//! What a killed run or a time-out left behind may still write: it holds the lock of its nest, and
//! no other command begins there until it has ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::unit::Digest;

/// How long the one before is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// The lock of a nest, held while this value or a command that inherited it lives.
#[derive(Debug)]
pub struct Nest {
    path: PathBuf,
    file: Option<File>,
}

impl Nest {
    /// Returns where the lock of the nest with this name is: one place for all runs of a user on
    /// this computer, whatever their recipes and ledgers.
    pub fn place(name: &str) -> PathBuf {
        let name = Digest::of(name.as_bytes()).short();
        #[cfg(unix)]
        let name = format!("{}-{name}", rustix::process::geteuid().as_raw());
        std::env::temp_dir().join(format!("eol-inject-nest-{name}"))
    }

    /// Takes the lock; `None` when another command still has it.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let file = open(path)?;
            match file.try_lock() {
                // One that was let go of meanwhile is no lock any more.
                Ok(()) if is_at(&file, path) => {
                    return Ok(Some(Self {
                        path: path.to_owned(),
                        file: Some(file),
                    }));
                }
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(POLL),
            }
        }
    }

    /// Returns the file that a command inherits.
    pub const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        drop(self.file.take());
        // It stays where a command that inherited it lives: there it still counts.
        let Ok(file) = open(&self.path) else { return };
        if file.try_lock().is_ok() && is_at(&file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Opens the file, owner-only; never what somebody linked there.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(flags.cast_signed());
    }
    options.open(path)
}

/// Returns whether `path` still leads to this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(have), Ok(there)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    (have.dev(), have.ino()) == (there.dev(), there.ino())
}

/// Elsewhere a file that is open is not removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nest_is_one_commands_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nest");
        let nest = Nest::take(&path).unwrap().unwrap();
        // What a command would inherit.
        let inherited = nest.file().unwrap().try_clone().unwrap();
        drop(nest);
        assert!(open(&path).unwrap().try_lock().is_err());
        drop(inherited);
        drop(Nest::take(&path).unwrap().unwrap());
        assert!(!path.exists());
    }
}
