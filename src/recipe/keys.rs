//! Key files that a recipe names, as they were read at the edge of the program.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

/// Contents of key files, by the recipe's words for them; zeroed on drop.
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<PathBuf, Arc<Zeroizing<Vec<u8>>>>);

impl Keys {
    /// Keeps what a file holds.
    pub fn put(&mut self, file: &Path, bytes: Zeroizing<Vec<u8>>) {
        self.0.insert(file.to_owned(), Arc::new(bytes));
    }

    /// Returns what a file holds, where it was read.
    pub(crate) fn get(&self, file: &Path) -> Option<&[u8]> {
        self.0.get(file).map(|bytes| bytes.as_slice())
    }
}

/// Shows which files were read.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
