//! Why a board's file could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// The format that this program reads and writes.
pub(super) const VERSION: u32 = 1;

/// Why a board could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not the state of a simulated board", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file comes from another version of this program.
    #[error("{} has format {found}, this program reads format {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The file is cut or changed.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The chip has no model in this program.
    #[error("{} is a board with {found:?}, which is not simulated", path.display())]
    UnknownChip {
        /// The file.
        path: PathBuf,
        /// The chip in the file.
        found: String,
    },
    /// The board carries another chip than asked for.
    #[error("{} is a board with {found}, wanted {wanted}", path.display())]
    OtherChip {
        /// The file.
        path: PathBuf,
        /// The chip in the file.
        found: &'static str,
        /// The chip that was asked for.
        wanted: &'static str,
    },
    /// Another process has the board in its fixture.
    #[error("board {name:?} is in another process's fixture ({})", path.display())]
    Busy {
        /// The board.
        name: String,
        /// Its lock file.
        path: PathBuf,
    },
}

/// Says what was tried with a file that the system refused.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io {
        action,
        path,
        source,
    }
}
