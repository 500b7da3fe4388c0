//! What only the embedded ledger promises: files, key, schema, processes.

use std::path::{Path, PathBuf};

use eol_inject::ledger::{Identity, Ledger, Scope, Sqlite};

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
    fn open_for(&self, scope: &Scope, identity: Identity) -> Box<dyn Ledger> {
        Box::new(Sqlite::open(&self.path, scope, identity).unwrap())
    }
}
