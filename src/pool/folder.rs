//! The only place where a token list is opened: a file, or the folder of an unpacked export.

// Files are this module's purpose; the rest of the stage takes bytes.
#![allow(
    clippy::disallowed_methods,
    reason = "the edge at which token lists are opened"
)]

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

#[cfg(feature = "label")]
use super::Item;
use super::{Pool, PoolError, read};
use crate::recipe::PoolSpec;
use crate::regular;
use crate::unit::Digest;

/// Most bytes that are read, in one file or in all files of a folder.
const MAX: u64 = 1024 * 1024 * 1024;
/// Most files in a folder.
#[cfg(feature = "label")]
const MAX_FILES: usize = 250_000;
/// Deepest folder.
#[cfg(feature = "label")]
const MAX_DEPTH: u64 = 8;

/// Reads a token list from a file or from the folder of an unpacked export.
///
/// # Errors
/// [`PoolError::Read`], and all that [`read`] gives.
pub fn open(path: &Path, spec: &PoolSpec) -> Result<Pool, PoolError> {
    let source = fs::metadata(path).map_err(|source| PoolError::Read { source })?;
    if source.is_dir() {
        #[cfg(feature = "label")]
        return export(path, spec);
        #[cfg(not(feature = "label"))]
        return Err(PoolError::NotBuilt { what: "folder" });
    }
    read(&file(path)?, spec)
}

/// Reads the folder of an unpacked export.
#[cfg(feature = "label")]
fn export(folder: &Path, spec: &PoolSpec) -> Result<Pool, PoolError> {
    let mut walk = Walk::default();
    walk.folder(folder, "", 0)?;
    walk.found.sort_by(|a, b| a.name.cmp(&b.name));
    super::read_items(walk.found, spec).map_err(|error| match error {
        // A link to a list is a list to whoever looks into the folder.
        PoolError::NotOneList { found: 0, there } if walk.skipped > 0 => PoolError::NotOneList {
            found: 0,
            there: there.and(walk.skipped, "link or pipe, which are left out"),
        },
        error => error,
    })
}

/// Digests the source of a token list, and how `spec` reads it.
///
/// It costs no parsing and no decoding, so that a list that was taken in is known at once.
///
/// # Errors
/// [`PoolError::Read`] and [`PoolError::TooLarge`].
pub fn source(path: &Path, spec: &PoolSpec) -> Result<Digest, PoolError> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update(Sha256::digest(bytes));
    };
    add(b"eol-inject/list/1");
    for column in [&spec.token, &spec.qr, &spec.bind] {
        add(column.as_deref().unwrap_or_default().as_bytes());
    }
    let folder = fs::metadata(path).map_err(|source| PoolError::Read { source })?;
    if folder.is_dir() {
        #[cfg(feature = "label")]
        for item in items(path)? {
            add(item.name.as_bytes());
            add(&item.bytes);
        }
    } else {
        add(&file(path)?);
    }
    Ok(Digest::from_bytes(hash.finalize().into()))
}

/// Reads one file, up to the limit.
fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>, PoolError> {
    let read = regular::read(path, MAX).map(Zeroizing::new);
    read.map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => PoolError::TooLarge {
            what: "the file holds more bytes",
            limit: MAX,
        },
        _ => PoolError::Read { source },
    })
}

/// Reads the files of an unpacked export in the order of their names, links left out.
///
/// # Errors
/// [`PoolError::Read`] and [`PoolError::TooLarge`].
#[cfg(feature = "label")]
pub fn items(folder: &Path) -> Result<Vec<Item>, PoolError> {
    let mut walk = Walk::default();
    walk.folder(folder, "", 0)?;
    walk.found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk.found)
}

/// What was read of a folder so far.
#[cfg(feature = "label")]
#[derive(Default)]
struct Walk {
    found: Vec<Item>,
    bytes: u64,
    /// What is neither a file nor a folder.
    skipped: usize,
}

#[cfg(feature = "label")]
impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: u64) -> Result<(), PoolError> {
        let broken = |source| PoolError::Read { source };
        if depth > MAX_DEPTH {
            return Err(PoolError::TooLarge {
                what: "folders stand deeper in one another",
                limit: MAX_DEPTH,
            });
        }
        for entry in fs::read_dir(folder).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let kind = entry.file_type().map_err(broken)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() && !super::pairs::is_ignored(&name) {
                self.take(name, &entry.path())?;
            } else if !kind.is_file() {
                self.skipped += 1;
            }
        }
        Ok(())
    }

    fn take(&mut self, name: String, path: &Path) -> Result<(), PoolError> {
        let large = |what, limit| Err(PoolError::TooLarge { what, limit });
        let bytes = file(path)?;
        self.bytes = self.bytes.saturating_add(length(&bytes));
        self.found.push(Item { name, bytes });
        if self.bytes > MAX {
            return large("the folder holds more bytes", MAX);
        }
        if self.found.len() > MAX_FILES {
            return large("the folder holds more files", 250_000);
        }
        Ok(())
    }
}

#[cfg(feature = "label")]
fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
