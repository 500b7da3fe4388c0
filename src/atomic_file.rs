//! A file appears under its name whole or not at all.
//!
//! It is written under a part name that follows from the final one, synced where asked, and
//! renamed. A part file that a power cut left is replaced by the next write of the same file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How far a written file has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// On the disk: it survives a power cut.
    Durable,
    /// Handed to the system; a power cut may lose it.
    Written,
}

/// Writes `bytes` to `path`, owner-only, by way of the hidden file `.<stem>.part` beside it.
///
/// Only one writer may be at work on a stem: the holder of the unit's claim.
pub(crate) fn write(path: &Path, stem: &str, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let folder = folder_of(path);
    remove_part(&part(folder, stem))?;
    // With no random characters the name is exactly the part file's; the crate opens it
    // exclusively and owner-only, and removes it again when anything below fails.
    let prefix = format!(".{stem}");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part").rand_bytes(0);
    finish(builder.tempfile_in(folder)?, path, bytes, sync)
}

/// Writes `bytes` to `path` by way of a file that no other writer has.
///
/// What a power cut leaves of it stays, so it is for files without secrets only.
#[cfg(feature = "label")]
pub(crate) fn write_shared(path: &Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let folder = folder_of(path);
    finish(builder.tempfile_in(folder)?, path, bytes, sync)
}

/// Fills a part file and gives it its name.
fn finish(mut file: NamedTempFile, path: &Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    file.write_all(bytes)?;
    if sync == Sync::Durable {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    if sync == Sync::Durable {
        sync_folder(folder_of(path))?;
    }
    Ok(())
}

/// Makes a folder and those above it; where a new name went is synced.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    sync_folder(above)
}

/// Returns the folder that a path's last name stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the part file of `stem` in `folder`.
fn part(folder: &Path, stem: &str) -> PathBuf {
    folder.join(format!(".{stem}.part"))
}

/// Removes what an earlier run left.
fn remove_part(part: &Path) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names inside `folder` survive a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows cannot open a folder as a file, and makes names durable with the file.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cut_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".GW1.part"), b"half").unwrap();
        let path = folder.path().join("GW1.bin");
        write(&path, "GW1", b"whole", Sync::Durable).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("GW1.bin");
        write(&path, "GW1", b"secret", Sync::Written).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
