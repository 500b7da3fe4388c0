//! Files that are opened by name: regular ones, and no more of them than a limit.
//!
//! A pipe may never be written to, and a device never ends: neither is read, whoever names it.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a regular file to read it; links to one are followed.
///
/// # Errors
/// What the system says; of anything but a regular file, what it is.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens a regular file, or makes one, with these options; links to one are followed.
pub(crate) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => check(found?.file_type())?,
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // What took its place since it was looked at is not waited for either.
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(flags.try_into().unwrap_or_default());
    }
    let file = options.open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a regular file whole.
///
/// # Errors
/// As of [`open`]; and [`io::ErrorKind::FileTooLarge`] for one of more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open(path)?, most)
}

/// Reads what is open whole, as [`read`] does.
pub(crate) fn whole(file: File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let large = |length: u64| {
        let what = format!("it has {length} bytes or more, at most {most} are read");
        io::Error::new(io::ErrorKind::FileTooLarge, what)
    };
    if length > most {
        return Err(large(length));
    }
    let mut bytes = Vec::new();
    bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
    // It may grow meanwhile.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= most => Ok(bytes),
        _ => Err(large(most.saturating_add(1))),
    }
}

/// Refuses what is no regular file.
pub(crate) fn check(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let what =
        "it is no regular file but a pipe, a socket or a device: put what it gives into a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}
