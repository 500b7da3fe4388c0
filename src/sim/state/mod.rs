//! A board in a file, so that it survives between commands; [`Shelf`] is a folder of them.
//!
//! The file holds what a real board keeps without power: flash, UICR or option bytes, lock, unique
//! ID. It may contain a token, so it is readable by its owner only. It must not hold faults: they
//! belong to a run, not to the board.

mod error;
mod format;
mod shelf;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::board::Board;
use crate::own_file;
pub use error::StateError;
use error::io_error;
use format::{decode, encode};
pub use shelf::{Held, Shelf};

/// Bytes of the largest file: above the flash of any chip that is simulated.
const LARGEST: u64 = 1 << 30;

impl Board {
    /// Reads a board from its file and powers it up.
    ///
    /// # Errors
    /// [`StateError::Io`] if the file cannot be read; [`StateError::Foreign`],
    /// [`StateError::Version`], [`StateError::Damaged`] or [`StateError::UnknownChip`] if it is no
    /// board of this program.
    pub fn load(path: &Path) -> Result<Board, StateError> {
        let bytes = own_file::read(path, LARGEST).map_err(io_error("read", path))?;
        decode(&bytes, path)
    }

    /// Writes the board to its file: to a new one first, which then replaces the old one.
    ///
    /// # Errors
    /// [`StateError::Io`] if any step fails; the old file is untouched then.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let write = || {
            let mut file = own_file::open(&part, private().truncate(true))?;
            file.write_all(&encode(self))?;
            file.sync_all()
        };
        write().map_err(io_error("write", &part))?;
        fs::rename(&part, path).map_err(io_error("replace", path))?;
        sync_folder(path).map_err(io_error("sync the folder of", path))
    }
}

/// Opens for writing, made readable by the owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    own_file::metadata(folder, own_file::Sort::Folder).map(drop)
}

/// Makes a rename durable; only Unix can open a folder for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
