//! A file appears under its name whole or not at all.
//!
//! It is written under a part name that follows from the final one, synced where asked, and
//! renamed. A part file that a power cut left is replaced by the next write of the same file.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

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
#[cfg_attr(
    not(feature = "seal"),
    allow(dead_code, reason = "the journal alone writes so")
)]
pub(crate) fn write(path: &Path, stem: &str, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let part = part(path, stem)?;
    let written = finish(part, path, sync, &mut |file| file.write_all(bytes));
    written.and_then(|()| match sync {
        Sync::Durable => sync_folder(folder_of(path)),
        Sync::Written => Ok(()),
    })
}

/// Opens the part file of `stem` for `path`, owner-only, in place of what an earlier run left.
pub(crate) fn part(path: &Path, stem: &str) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    remove_part(folder, stem)?;
    // With no random characters the name is exactly the part file's; the crate opens it
    // exclusively and owner-only, and removes it again when anything below fails.
    let prefix = format!(".{stem}");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part").rand_bytes(0);
    builder.tempfile_in(folder)
}

/// Opens a part file for `path` that no other writer has, for anybody to read.
///
/// What a power cut leaves of it stays, so it is for files without secrets only.
#[cfg(feature = "label")]
pub(crate) fn shared_part(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let part = builder.tempfile_in(folder_of(path))?;
    // It says that its writer lives; where there are no locks, its age has to tell.
    let _ = part.as_file().try_lock();
    Ok(part)
}

/// Fills a part file and gives it its name, which a power cut may still take: the folder is not
/// synced.
pub(crate) fn finish(
    mut part: NamedTempFile,
    path: &Path,
    sync: Sync,
    fill: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    fill(part.as_file_mut())?;
    if sync == Sync::Durable {
        part.as_file().sync_all()?;
    }
    part.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes the names in one folder durable for many threads: one sync serves all that came while
/// the one before was at work.
#[derive(Debug, Default)]
pub(crate) struct Names {
    rounds: Mutex<Rounds>,
    ended: Condvar,
}

/// What a sync came to, once it has ended.
type Round = Arc<OnceLock<Result<(), (Option<i32>, io::ErrorKind)>>>;

#[derive(Debug, Default)]
struct Rounds {
    /// The sync that has not begun: it covers every name given so far.
    next: Round,
    running: bool,
}

impl Names {
    /// Returns when the names that `folder` has now survive a power cut.
    pub(crate) fn sync(&self, folder: &Path) -> io::Result<()> {
        let lock = || self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rounds = lock();
        let round = Arc::clone(&rounds.next);
        while rounds.running && round.get().is_none() {
            let waited = self.ended.wait(rounds);
            rounds = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if round.get().is_none() {
            rounds.running = true;
            rounds.next = Round::default();
            drop(rounds);
            let outcome = sync_folder(folder);
            let _ = round.set(outcome.map_err(|error| (error.raw_os_error(), error.kind())));
            lock().running = false;
            self.ended.notify_all();
        }
        match round.get() {
            Some(Err((Some(code), _))) => Err(io::Error::from_raw_os_error(*code)),
            Some(Err((None, kind))) => Err((*kind).into()),
            _ => Ok(()),
        }
    }
}

/// Makes sure that a file of `len` bytes can be written into `folder`, which may have to be made
/// first; nothing of it is seen and nothing stays.
pub(crate) fn try_room(folder: &Path, len: u64) -> io::Result<()> {
    let mut there = folder;
    while !there.as_os_str().is_empty() {
        match fs::metadata(there) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => there = folder_of(there),
            Err(error) => return Err(error),
            Ok(found) if found.is_dir() => break,
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
        }
    }
    let there = match there.as_os_str().is_empty() {
        true => Path::new("."),
        false => there,
    };
    // Where the system can, such a file has no name at all.
    let mut file = tempfile::tempfile_in(there)?;
    io::copy(&mut io::repeat(0).take(len), &mut file)?;
    file.flush()
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

/// Removes the part file that an earlier run left of `stem`.
pub(crate) fn remove_part(folder: &Path, stem: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(format!(".{stem}.part"))) {
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

    #[test]
    fn room_is_tried_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        try_room(&folder.path().join("to/be/made"), 100_000).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        fs::write(&file, b"x").unwrap();
        for below in [file.clone(), file.join("deeper")] {
            let error = try_room(&below, 1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        }
    }

    #[test]
    fn one_sync_serves_many_and_fails_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let names = Names::default();
        let (here, gone) = (folder.path(), folder.path().join("gone"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        names.sync(here).unwrap();
                    }
                });
            }
        });
        let missing = Names::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let error = missing.sync(&gone).unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::NotFound);
                });
            }
        });
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
