//! Files that share blocks: where the file system can, a unit's file is a clone of the shared
//! container with the changed blocks of its own (`ioctl_ficlone(2)`).
//!
//! Whether it can is tried, never assumed, and a clone that fails is written instead.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use crate::image::Rendered;

/// Containers below are written: a clone costs as much as so many bytes.
const LEAST: usize = 256 * 1024;
/// Blocks of file systems that clone; a whole one is written without being read first.
const BLOCK: usize = 4096;

/// The shared container on one folder's file system.
#[derive(Debug, Default)]
pub(super) struct Reflink {
    /// A file without a name; none where files cannot share blocks.
    source: OnceLock<Option<File>>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// It holds the content.
    Cloned,
    /// It is as it was: files cannot share blocks here.
    Untouched,
    /// It may hold anything, from its start on.
    Torn,
}

impl Reflink {
    /// Makes `file`, which is empty and lies in `folder`, a clone with `content`, where that can
    /// be.
    pub(super) fn fill(&self, file: &File, folder: &Path, content: &Rendered<'_>) -> Filled {
        let source = self.source.get_or_init(|| source(folder, content));
        let Some(source) = source else {
            return Filled::Untouched;
        };
        let mut blocks = content.changed_blocks(BLOCK).into_iter();
        let cloned = clone(file, source);
        match cloned.and_then(|()| blocks.try_for_each(|(at, block)| write_at(file, &block, at))) {
            Ok(()) => Filled::Cloned,
            Err(_) => Filled::Torn,
        }
    }
}

/// Writes the shared container where it can be cloned from.
fn source(folder: &Path, content: &Rendered<'_>) -> Option<File> {
    if content.len() < LEAST {
        return None;
    }
    let unnamed = || tempfile::tempfile_in(folder);
    let mut source = unnamed().ok()?;
    // Without a byte in it, this asks the file system only.
    clone(&unnamed().ok()?, &source).ok()?;
    source.write_all(content.shared()).ok()?;
    Some(source)
}

#[cfg(target_os = "linux")]
fn clone(file: &File, source: &File) -> io::Result<()> {
    Ok(rustix::fs::ioctl_ficlone(file, source)?)
}

#[cfg(not(target_os = "linux"))]
fn clone(_: &File, _: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: usize) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(bytes, u64::try_from(at).map_err(io::Error::other)?)
}

#[cfg(not(unix))]
fn write_at(_: &File, _: &[u8], _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
