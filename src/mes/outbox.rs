//! Results that the factory's system did not take yet: owner-only JSON Lines beside the ledger.
//!
//! A result is appended and synced before its hook is called, and taken away after the hook took
//! it; so it reaches the system at least once, in order, whatever is killed when. Objects carry
//! `event`, by which a system knows one that it has.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{HookError, Hooks};
use crate::own_file;

/// A line that says: the oldest result above was taken.
const TAKEN: &str = "taken";

/// The outbox of a ledger.
#[derive(Debug, Clone)]
pub struct Outbox {
    path: PathBuf,
}

/// How far a sending came.
#[derive(Debug)]
pub struct Sent {
    /// Results that were taken.
    pub taken: usize,
    /// Results that still wait.
    pub waiting: usize,
    /// Why the first of them was not taken.
    pub error: Option<HookError>,
}

impl Outbox {
    /// Takes the outbox of the ledger in this file.
    #[must_use]
    pub fn beside(ledger: &Path) -> Self {
        let mut name = ledger.as_os_str().to_owned();
        name.push(".outbox");
        Self { path: name.into() }
    }

    /// Returns its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a result in, durably.
    ///
    /// # Errors
    /// [`OutboxError`]: the result is not safe.
    pub fn put(&self, result: &str) -> Result<(), OutboxError> {
        let mut file = self.open().map_err(self.failed())?;
        append(&mut file, result.trim_end())
            .and_then(|()| file.sync_all())
            .map_err(self.failed())
    }

    /// Sends what waits, oldest first, and stops at the first that is not taken.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox cannot be read or written; a hook that fails is no error.
    pub fn send(&self, hooks: &Hooks) -> Result<Sent, OutboxError> {
        let mut sent = Sent {
            taken: 0,
            waiting: 0,
            error: None,
        };
        if !self.path.exists() {
            return Ok(sent);
        }
        let mut file = self.open().map_err(self.failed())?;
        let results = waiting(&mut file).map_err(self.failed())?;
        let mut left: &[String] = &results;
        while let Some((line, rest)) = left.split_first() {
            if let Err(error) = hooks.tell(line) {
                sent.error = Some(error);
                break;
            }
            left = rest;
            sent.taken += 1;
            // Each is taken away at once: a kill repeats one result, not all of them.
            take(&mut file, left.len()).map_err(self.failed())?;
        }
        sent.waiting = left.len();
        Ok(sent)
    }

    /// Returns how many results wait.
    ///
    /// # Errors
    /// [`OutboxError`]
    pub fn waiting(&self) -> Result<usize, OutboxError> {
        if !self.path.exists() {
            return Ok(0);
        }
        let mut file = self.open().map_err(self.failed())?;
        Ok(waiting(&mut file).map_err(self.failed())?.len())
    }

    /// Opens the file, owner-only, and waits until no other run has it.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = own_file::open(&self.path, &mut options)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => file.lock()?,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    }

    fn failed(&self) -> impl Fn(io::Error) -> OutboxError + use<> {
        let path = self.path.clone();
        move |source| OutboxError {
            path: path.clone(),
            source,
        }
    }
}

/// Returns whether the file is empty or ends with a whole line.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// Reads the results that wait; what a cut left of a line is no result.
fn waiting(file: &mut File) -> io::Result<Vec<String>> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    let taken = text.lines().filter(|line| *line == TAKEN).count();
    let whole = |line: &&str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let results = text.lines().filter(|line| *line != TAKEN).filter(whole);
    Ok(results.skip(taken).map(str::to_owned).collect())
}

/// Notes that the oldest result was taken; nothing is written over, so a cut loses nothing.
fn take(file: &mut File, left: usize) -> io::Result<()> {
    if left == 0 {
        file.set_len(0)?;
    } else {
        append(file, TAKEN)?;
    }
    file.sync_all()
}

fn append(file: &mut File, line: &str) -> io::Result<()> {
    // What a cut left without its end is no line, and must not swallow this one.
    let start = if ends_whole(file)? { "" } else { "\n" };
    file.seek(SeekFrom::End(0))?;
    file.write_all(format!("{start}{line}\n").as_bytes())
}

/// The outbox cannot be read or written.
#[derive(Debug, Error)]
#[error("the outbox {} cannot be used", path.display())]
pub struct OutboxError {
    /// Its file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl OutboxError {
    /// Returns the error's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        "mes-outbox"
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::recipe::HookSpec;

    /// Hooks that keep every result in `taken`, and fail while `down` is there.
    fn hooks(folder: &Path) -> Hooks {
        let spec: HookSpec =
            toml::from_str("on-result = ['sh', '-c', 'test ! -e down && cat >> taken']").unwrap();
        Hooks::new(&spec, folder)
    }

    #[test]
    fn what_was_not_taken_waits_and_keeps_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::beside(&folder.path().join("gw.ledger"));
        let hooks = hooks(folder.path());
        fs::write(folder.path().join("down"), "").unwrap();
        for number in 0..3 {
            outbox.put(&format!("{{\"n\":{number}}}")).unwrap();
            let sent = outbox.send(&hooks).unwrap();
            assert_eq!((sent.taken, sent.waiting), (0, number + 1));
            let error = sent.error.unwrap().to_string();
            assert_eq!(error, "the hook sh ended with exit status 1");
        }
        fs::remove_file(folder.path().join("down")).unwrap();
        let sent = outbox.send(&hooks).unwrap();
        assert_eq!((sent.taken, sent.waiting), (3, 0));
        let taken = fs::read_to_string(folder.path().join("taken")).unwrap();
        assert_eq!(taken, "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
        assert_eq!(fs::metadata(outbox.path()).unwrap().len(), 0);
    }

    #[test]
    fn a_torn_line_is_no_result_and_harms_none() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::beside(&folder.path().join("gw.ledger"));
        outbox.put("{\"n\":0}").unwrap();
        let mut file = OpenOptions::new().append(true).open(outbox.path()).unwrap();
        file.write_all(b"{\"n\":1,\"ser").unwrap();
        outbox.put("{\"n\":2}").unwrap();
        assert_eq!(outbox.waiting().unwrap(), 2);
    }

    #[test]
    fn it_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::beside(&folder.path().join("gw.ledger"));
        outbox.put("{}").unwrap();
        let mode = fs::metadata(outbox.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
