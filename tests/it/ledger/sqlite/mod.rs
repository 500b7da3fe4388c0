//! What only the embedded ledger promises: files, key, schema, processes.

mod crowd;
mod files;
#[cfg(unix)]
mod giving;
mod journal;
mod lost;
pub mod secrets;
pub mod tamper;

use std::path::PathBuf;

use eol_inject::ledger::{Identity, Ledger, LedgerError, Scope, Sqlite};

use super::*;

/// In a file of its own folder.
pub struct InFile {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl InFile {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gw100.ledger");
        Self {
            _folder: folder,
            path,
        }
    }
}

impl Bench for InFile {
    fn open_for(&self, scope: &Scope, identity: Identity) -> Ledger {
        Sqlite::open(&self.path, scope, identity).unwrap()
    }

    fn mirrored(&self, folder: &std::path::Path, station: &str) -> Ledger {
        let ledger = Sqlite::open(&self.path, &scope(), identity(station)).unwrap();
        ledger.mirrored(folder).unwrap()
    }

    fn another(&self) -> Box<dyn Bench> {
        Box::new(Self::new())
    }
}

impl InFile {
    /// Takes a ledger that is there.
    pub fn at(path: &std::path::Path) -> Self {
        Self {
            _folder: tempfile::tempdir().unwrap(),
            path: path.to_owned(),
        }
    }

    /// Returns a file beside the ledger.
    pub fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }

    pub fn try_open(&self) -> Result<Ledger, LedgerError> {
        Sqlite::open(&self.path, &scope(), identity("L1"))
    }

    pub fn inspect(&self) -> Result<Ledger, LedgerError> {
        Sqlite::inspect(&self.path, &scope())
    }
}
