//! What lies beside a ledger and says that it was there. Nothing here opens one.
//!
//! A ledger that is begun is first an empty file, then has a key, then its rows, and then a run:
//! so a cut of its making leaves nothing that [`Base::Gone`] or [`Base::Empty`] would call a trace.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::ledger::error::about;
use crate::ledger::{KeyError, LedgerError, OpenError};
use crate::vault::files::{beside, create_folder, sync_folder};

/// What only a ledger that was whole has beside it.
const WHOLE: [&str; 5] = [".runs", ".journal", ".outbox", ".key.next", BEFORE];
/// What a ledger's file has beside it as soon as it is there.
const BEGUN: [&str; 4] = [".key", "-wal", "-shm", "-journal"];
/// The folder that traces of a lost ledger are moved to.
const BEFORE: &str = ".before";
/// Start of the names of replaced keys; their ids follow.
const KEPT: &str = ".key.";

/// What there is of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// No file.
    Gone,
    /// A file, or a schema of a server, without any table.
    Empty,
}

/// Returns what says that the ledger at `base` was there; `own` is its key's file if that is
/// brought and not made.
pub fn of(base: &Path, found: Base, own: Option<&Path>) -> Result<Vec<PathBuf>, LedgerError> {
    let begun: &[&str] = match found {
        Base::Gone => &BEGUN,
        Base::Empty => &[],
    };
    let mut traces = Vec::new();
    for suffix in WHOLE.iter().chain(begun) {
        let path = beside(base, suffix);
        if own != Some(&*path) && is_there(&path)? {
            traces.push(path);
        }
    }
    traces.extend(kept_keys(base)?);
    Ok(traces)
}

/// Refuses to begin a ledger where another one was.
pub fn refuse(base: &Path, found: Base, own: Option<&Path>) -> Result<(), LedgerError> {
    let traces = of(base, found, own)?;
    match traces.is_empty() {
        true => Ok(()),
        false => Err(LedgerError::Open(OpenError::Lost {
            path: base.to_owned(),
            traces,
        })),
    }
}

/// Moves all traces, and what is left of the ledger itself, into a folder of their own; returns
/// where they lie now. The folder is a trace as well until there is a ledger again.
pub fn set_aside(base: &Path, traces: &[PathBuf]) -> Result<Vec<PathBuf>, LedgerError> {
    let before = beside(base, BEFORE);
    let moved: Vec<&PathBuf> = traces.iter().filter(|path| **path != before).collect();
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    create_folder(&before).map_err(about(&before))?;
    let folder = numbered(&before).map_err(about(&before))?;
    let mut now = Vec::new();
    for path in moved {
        let to = folder.join(path.file_name().unwrap_or_default());
        fs::rename(path, &to).map_err(about(path))?;
        now.push(to);
    }
    sync_folder(&folder.join("."))
        .and_then(|()| sync_folder(&folder))
        .and_then(|()| sync_folder(&before))
        .map_err(about(&folder))?;
    Ok(now)
}

/// Makes the first folder `1`, `2`, ... that is not there.
fn numbered(folder: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let path = folder.join(number.to_string());
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|()| path),
        }
    }
}

/// Returns keys that were replaced: `<base>.key.<id>`.
fn kept_keys(base: &Path) -> Result<Vec<PathBuf>, LedgerError> {
    let folder = match base.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let start = beside(base, KEPT);
    let start = start.file_name().unwrap_or_default().to_string_lossy();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(about(folder)(error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let name = entry.map_err(about(folder))?.file_name();
        let name = name.to_string_lossy();
        let id = name.strip_prefix(&*start).unwrap_or_default();
        if id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            keys.push(beside(base, &format!("{KEPT}{id}")));
        }
    }
    Ok(keys)
}

/// Returns whether a name is taken, by a link that leads nowhere as well.
fn is_there(path: &Path) -> Result<bool, LedgerError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(about(path)(error)),
    }
}

/// Refuses to change the key while the bytes of a board that is in hand here are sealed with it.
pub fn no_board_in_hand(base: &Path) -> Result<(), LedgerError> {
    let journal = beside(base, ".journal");
    match fs::read_dir(&journal) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(LedgerError::Key(KeyError::KeyInUse {
                what: "the bytes of a board that is in hand are sealed with it: finish that first",
            })),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(about(&journal)(error)),
    }
}
