//! Owner-only files beside a ledger, durable with their folder. Nothing here knows what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::LedgerError;
use crate::own_file;
#[cfg(feature = "sqlite")]
use crate::own_file::Sort;

/// Returns the path of a file beside a ledger: `<ledger><suffix>`.
pub fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Ties an error to the file that it is about.
pub fn about(path: &Path) -> impl FnOnce(io::Error) -> LedgerError {
    move |source| LedgerError::File {
        path: path.to_owned(),
        source,
    }
}

/// Creates a file that only its owner may open, from its first byte; it must not exist.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Creates a folder that only its owner may enter, or takes the one that is there back from others.
pub fn create_folder(path: &Path) -> io::Result<()> {
    own_file::folder(path)
}

/// Makes the names in a file's folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folder as a file; there the file system orders its names itself.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Writes a file that must not exist, whole or not at all, synced with its folder.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = beside(path, ".part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    // A rename would replace what is there; a link does not.
    let linked = fs::hard_link(&part, path);
    fs::remove_file(&part)?;
    linked?;
    sync_folder(path)
}

/// Returns the permissions of a file that others than its owner have; 0 where there are none.
#[cfg(unix)]
pub fn exposed(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok(if mode & 0o077 == 0 { 0 } else { mode })
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
pub fn exposed(path: &Path) -> io::Result<u32> {
    fs::metadata(path).map(|_| 0)
}

/// Takes a file's permissions back from all but its owner; a file that is not there is fine, one
/// that is not this user's own is refused.
#[cfg(feature = "sqlite")]
pub fn close_to_others(path: &Path) -> io::Result<()> {
    match own_file::look(path, Sort::File)? {
        Some(_) if exposed(path)? != 0 => restrict(path, 0o600),
        _ => Ok(()),
    }
}

#[cfg(all(feature = "sqlite", unix))]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(all(feature = "sqlite", not(unix)))]
fn restrict(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
