//! The file of a part: a ledger of its own, sealed for its station, that appears whole or not
//! at all.
//!
//! Order: the tokens are away; the file is whole under a hidden name; that it leaves is on
//! record; it gets its name. So a file with its name has left once, and what a cut leaves is
//! either made anew or only renamed.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::connect::{self, fault};
use super::{KeyPlace, MAKING, Sqlite, keys, manifest, schema};
use crate::ledger::error::about;
use crate::ledger::part::{Handing, Part, PartState};
use crate::ledger::{Actor, Identity, Ledger, LedgerError, Scope, Simulated, StorageError};
use crate::vault::crypto::Key;
use crate::vault::files::{beside, create, sync_folder};

/// A part's file on its way out.
#[derive(Debug)]
pub struct PartFile {
    hidden: PathBuf,
    path: PathBuf,
}

impl PartFile {
    /// Makes the file of a part, whole and synced under a hidden name beside `path`.
    ///
    /// # Errors
    /// [`LedgerError`]; `path` must not exist.
    pub fn make(
        path: &Path,
        scope: &Scope,
        handing: &Handing,
        by: &Actor,
    ) -> Result<Self, LedgerError> {
        free(path)?;
        let this = Self::of(path, &handing.part().id);
        clear(&this.hidden)?;
        let made = this.fill(scope, handing, by);
        if made.is_err() {
            // What stays is cleared by the next try.
            let _ = clear(&this.hidden);
        }
        made.map(|()| this)
    }

    /// Finds the file of a part that was recorded as handed out and never got its name.
    ///
    /// # Errors
    /// [`StorageError::File`]
    pub fn left_over(path: &Path, parts: &[Part]) -> Result<Option<(Self, Part)>, LedgerError> {
        for part in parts.iter().filter(|part| part.state == PartState::Handed) {
            let this = Self::of(path, &part.id);
            if this.hidden.try_exists().map_err(about(&this.hidden))? {
                return Ok(Some((this, part.clone())));
            }
        }
        Ok(None)
    }

    fn of(path: &Path, id: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self {
            hidden: path.with_file_name(format!(".{name}.{id}.part")),
            path: path.to_owned(),
        }
    }

    fn fill(&self, scope: &Scope, handing: &Handing, by: &Actor) -> Result<(), LedgerError> {
        let missing = || LedgerError::damaged("nobody is known who can sign the part and open it");
        let to = handing.part().to.as_ref().ok_or_else(missing)?;
        let home = handing.home.as_ref().ok_or_else(missing)?;
        let path = &self.hidden;
        drop(create(path).map_err(about(path))?);
        let key = Key::make()?;
        let mut conn = connect::write(path)?;
        schema::make_with(&mut conn, path, (&key, None))?;
        drop(conn);
        // The key exists in memory only, and sealed in the file.
        let mut part = Sqlite::open_given(path, scope, &key, identity(handing))?;
        part.found_part(handing, by)?;
        part.write(|tables| manifest::write(tables, home, (&key, to)))?;
        drop(part);
        single(path)?;
        fs::remove_dir_all(beside(path, ".runs")).map_err(about(path))?;
        sync_folder(path).map_err(about(path))
    }

    /// Gives the file its name, after [`Ledger::handed`].
    ///
    /// # Errors
    /// [`StorageError::File`]; the file keeps its hidden name, and the next split finds it.
    pub fn release(self) -> Result<(), LedgerError> {
        give_name(&self.hidden, &self.path)
    }

    /// Removes the file: its part left from elsewhere.
    pub fn discard(self) {
        let _ = clear(&self.hidden);
    }
}

/// The program's own name in the part's chain: the station's begins with its first unit.
fn identity(handing: &Handing) -> Identity {
    Identity {
        station: handing.part().station.clone(),
        simulated: Simulated::No,
    }
}

/// Refuses a name that is taken.
pub fn free(path: &Path) -> Result<(), LedgerError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        // A link that leads nowhere is somebody's too.
        Ok(_) => Err(LedgerError::Storage(StorageError::Occupied {
            path: path.to_owned(),
        })),
        Err(error) => Err(about(path)(error)),
    }
}

/// Gives a finished file its name, synced with its folder, and never replaces what has the name.
///
/// The system refuses a taken name in the same step (renameat2(2), `RENAME_NOREPLACE`). Where it or the
/// file system cannot, as on sticks with FAT, the look right before it is what there is.
pub fn give_name(hidden: &Path, path: &Path) -> Result<(), LedgerError> {
    free(path)?;
    match rename_new(hidden, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(LedgerError::Storage(StorageError::Occupied {
                path: path.to_owned(),
            }));
        }
        named => named.map_err(about(path))?,
    }
    sync_folder(path).map_err(about(path))
}

#[cfg(target_os = "linux")]
fn rename_new(hidden: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, hidden, CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::rename(hidden, path),
        named => Ok(named?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(hidden: &Path, path: &Path) -> io::Result<()> {
    fs::rename(hidden, path)
}

/// Removes what an earlier try left.
pub fn clear(path: &Path) -> Result<(), LedgerError> {
    let _making = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = beside(path, suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(about(&file)(error));
            }
            _ => {}
        }
    }
    let runs = beside(path, ".runs");
    match fs::remove_dir_all(&runs) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(about(&runs)(error)),
        _ => Ok(()),
    }
}

/// Takes the log into the file, so that the file is all there is, and syncs it.
pub fn single(path: &Path) -> Result<(), LedgerError> {
    let conn = connect::write(path)?;
    conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .map_err(fault)?;
    conn.close().map_err(|(_, error)| fault(error))?;
    let _making = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(about(path))
}

impl Sqlite {
    /// Opens a ledger with a key that is at hand.
    fn open_given(
        path: &Path,
        scope: &Scope,
        key: &Key,
        identity: Identity,
    ) -> Result<Ledger, LedgerError> {
        let conn: Connection = connect::write(path)?;
        let ring = keys::ring_of(&conn, key)?;
        Self::enter(path, scope, identity, (conn, ring, KeyPlace::Beside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_was_taken_a_moment_ago_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (hidden, path) = (folder.path().join(".part"), folder.path().join("part"));
        fs::write(&hidden, "ours").unwrap();
        fs::write(&path, "theirs").unwrap();
        // Past the look, as in a race.
        let error = rename_new(&hidden, &path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert!(matches!(
            give_name(&hidden, &path),
            Err(LedgerError::Storage(StorageError::Occupied { .. }))
        ));
        fs::remove_file(&path).unwrap();
        give_name(&hidden, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
    }
}
