//! Owner-only files beside a ledger, durable with their folder. Nothing here knows what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

use super::error::KeyError;
#[cfg(feature = "sqlite")]
use crate::own_file::Sort;
use crate::{own_file, regular};

/// Bytes of the longest file of a key.
const LONGEST_KEY: u64 = 4096;

/// Returns the path of a file beside a ledger: `<ledger><suffix>`.
pub fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Ties an error to the file that it is about.
pub fn about(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File {
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

/// Reads a key's file, which only its owner may read, who runs this program; `None` when there is
/// none. What a link leads to, or somebody else owns, is no key: others could put theirs there.
///
/// # Errors
/// [`KeyError::KeyLink`], [`KeyError::KeyForeign`], [`KeyError::Exposed`],
/// [`KeyError::KeyDamaged`]
pub fn read_key(path: &Path) -> Result<Option<Zeroizing<String>>, KeyError> {
    let damaged = || KeyError::KeyDamaged {
        path: path.to_owned(),
    };
    let named = match fs::symlink_metadata(path) {
        Ok(named) => named,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(about(path)(error)),
    };
    if named.is_symlink() {
        return Err(KeyError::KeyLink {
            path: path.to_owned(),
        });
    }
    if !named.is_file() || named.len() > LONGEST_KEY {
        return Err(damaged());
    }
    let file = regular::open(path).map_err(about(path))?;
    owned(path, &file.metadata().map_err(about(path))?, &named)?;
    let mut text = Zeroizing::new(String::with_capacity(256));
    match file.take(LONGEST_KEY).read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(damaged()),
        Err(error) => Err(about(path)(error)),
    }
}

/// Refuses an open key file of somebody else, or one that others may read.
#[cfg(unix)]
fn owned(path: &Path, open: &fs::Metadata, named: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    if (open.dev(), open.ino()) != (named.dev(), named.ino()) {
        return Err(about(path)(io::Error::other("it was replaced meanwhile")));
    }
    if open.uid() != own {
        return Err(KeyError::KeyForeign {
            path: path.to_owned(),
            owner: open.uid(),
            own,
        });
    }
    match open.mode() & 0o7777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        }),
    }
}

/// Other systems have no such owners and permissions.
#[cfg(not(unix))]
fn owned(_: &Path, _: &fs::Metadata, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
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
    match own_file::metadata(path, Sort::File)? {
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
