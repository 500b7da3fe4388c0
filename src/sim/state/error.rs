//! Why a board's file could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// The format that this program reads and writes.
pub(super) const VERSION: u32 = 1;

/// Why a board could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum StateError {
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not the state of a simulated board", path.display())]
    Foreign { path: PathBuf },
    /// The file comes from another version of this program.
    #[error("{} has format {found}, this program reads format {VERSION}", path.display())]
    Version { path: PathBuf, found: u32 },
    /// The file is cut or changed.
    #[error("{} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: &'static str },
    /// The chip has no model in this program.
    #[error("{} is a board with {found:?}, which is not simulated", path.display())]
    UnknownChip { path: PathBuf, found: String },
    /// The board carries another chip than asked for.
    #[error("{} is a board with {found}, wanted {wanted}", path.display())]
    OtherChip {
        path: PathBuf,
        found: &'static str,
        wanted: &'static str,
    },
    /// Another process has the board in its fixture.
    #[error("board {name:?} is in another process's fixture ({})", path.display())]
    Busy { name: String, path: PathBuf },
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
