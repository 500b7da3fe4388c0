//! Files that a person names: read up to a limit, written for their owner or for anybody.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::CliError;

/// Largest file that is read whole: far above any microcontroller's flash.
const LARGEST: u64 = 1 << 30;

/// Reads a file that a person names.
pub(crate) fn read(path: &Path, code: u8, what: &str) -> Result<Vec<u8>, CliError> {
    load(path).map_err(|reason| {
        let message = format!("cannot read {what} {}: {reason}", path.display());
        CliError::new(code, "file", message)
    })
}

/// Reads a file whole, or says why not.
///
/// A device or pipe does not tell how much it holds, so what is read is limited, too.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: io::Error| error.to_string();
    let file = File::open(path).map_err(told)?;
    let length = file.metadata().map_err(told)?.len();
    let mut bytes = Vec::new();
    if length <= LARGEST {
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
        let most = LARGEST.saturating_add(1);
        (&file).take(most).read_to_end(&mut bytes).map_err(told)?;
    }
    let length = length.max(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    if length > LARGEST {
        return Err(format!(
            "it has {length} bytes or more, at most {LARGEST} are read"
        ));
    }
    Ok(bytes)
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    /// Its owner: it holds secrets.
    Owner,
    /// Anybody the system lets.
    Anybody,
}

/// Writes a file that a person names.
pub(crate) fn write(path: &Path, bytes: &[u8], who: Writable) -> Result<(), CliError> {
    create(path, who)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(|error| CliError::file("cannot write", path, &error))
}

/// Writes a file that appears under its name whole or not at all, and survives a power cut.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], who: Writable) -> Result<(), CliError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let written = create(&part, who)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, path))
        // Windows cannot open a folder as a file, and makes names durable with the file.
        .and_then(|()| match cfg!(unix) {
            true => File::open(folder)?.sync_all(),
            false => Ok(()),
        });
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        CliError::file("cannot write", path, &error)
    })
}

/// Makes a file, or empties one.
pub(crate) fn create(path: &Path, who: Writable) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if who == Writable::Owner {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        // The mode above counts for a new file only.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        return Ok(file);
    }
    let _ = who;
    options.open(path)
}
