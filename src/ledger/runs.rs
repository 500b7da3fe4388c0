//! Which runs live: each holds a lock on a file of its own, and the system lets go of it
//! when the process ends, however it ends, and all that it started for the run.
//!
//! Only its run ever takes a file's lock exclusively, and the file gets its final name after
//! that. Others take it shared, to see that its run is dead; a name is never used twice, so
//! what is dead stays dead, and removing its file can hit nobody.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::ledger::LedgerError;
use crate::ledger::error::about;
use crate::own_file;
use crate::vault::crypto::random;
use crate::vault::files::{create, create_folder};

/// How long a command that is just being started may hold what it does not inherit.
const PARTING: Duration = Duration::from_millis(200);

/// Suffix of a file whose lock is not taken yet.
const NEW: &str = "new";

/// One run, alive as long as this value.
#[derive(Debug)]
pub struct Run {
    id: String,
    path: PathBuf,
    /// Its lock is what others look at; what works for the run may hold it longer.
    lock: Option<Arc<File>>,
}

impl Run {
    /// Starts a run, and clears away those that died.
    pub fn start(folder: &Path) -> Result<Self, LedgerError> {
        create_folder(folder).map_err(about(folder))?;
        sweep(folder);
        loop {
            let mut number = [0; 16];
            random(&mut number)?;
            let id = crate::unit::hex(&number);
            let path = folder.join(&id);
            if let Some(lock) = lock_new(&path).map_err(about(&path))? {
                return Ok(Self {
                    id,
                    path,
                    lock: Some(Arc::new(lock)),
                });
            }
        }
    }

    /// Returns its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its lock, for what works for the run and may outlive it.
    pub fn lock(&self) -> Weak<File> {
        self.lock.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Whoever inherited the lock is still at work: the file stays until a later run sweeps it.
        drop(self.lock.take());
        let until = Instant::now() + PARTING;
        while matches!(is_locked(&self.path), Ok(true)) {
            if Instant::now() >= until {
                return;
            }
            thread::sleep(PARTING / 20);
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates a locked file; `None` when a sweep came in between.
fn lock_new(path: &Path) -> io::Result<Option<File>> {
    let new = path.with_extension(NEW);
    let file = create(&new)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    match fs::rename(&new, path) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a name is one that a run gives to its file.
fn is_runs(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let id = name.strip_suffix(NEW).and_then(|id| id.strip_suffix('.'));
    let id = id.unwrap_or(name);
    id.len() == 32
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Removes the files of dead runs. What no run made stays, as does what cannot be removed; neither
/// harms anybody.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if is_runs(&entry.file_name()) && matches!(is_locked(&path), Ok(false)) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Returns whether somebody holds the lock of a file exclusively.
fn is_locked(path: &Path) -> io::Result<bool> {
    let file = own_file::open(path, OpenOptions::new().read(true))?;
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Answers whether runs live; an answer "dead" is kept, for it never changes.
#[derive(Debug)]
pub struct Runs {
    folder: PathBuf,
    dead: Mutex<HashMap<String, ()>>,
}

impl Runs {
    /// Looks at the runs of a ledger.
    pub fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            dead: Mutex::default(),
        }
    }

    /// Returns whether another run than this one lives.
    pub fn others(&self, own: &str) -> Result<bool, LedgerError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(about(&self.folder)(error)),
        };
        for entry in entries {
            let path = entry.map_err(about(&self.folder))?.path();
            let name = path.file_name().unwrap_or_default();
            if name != own && is_runs(name) && !matches!(is_locked(&path), Ok(false)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether a run lives. What cannot be found out counts as alive: a claim that
    /// waits is better than a token on two boards.
    pub fn alive(&self, run: &str) -> bool {
        let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        if dead.contains_key(run) {
            return false;
        }
        // A run's name is hex digits; anything else was not written by a run and is no path.
        let known = run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let alive = known
            && match is_locked(&self.folder.join(run)) {
                Ok(locked) => locked,
                Err(error) => error.kind() != io::ErrorKind::NotFound,
            };
        if !alive {
            dead.insert(run.to_owned(), ());
        }
        alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lives_as_long_as_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let runs = || Runs::at(folder.path().join("runs"));
        let run = Run::start(&folder.path().join("runs")).unwrap();
        assert!(runs().alive(run.id()));
        let id = run.id().to_owned();
        drop(run);
        assert!(!runs().alive(&id));
        assert!(!runs().alive("../../etc/passwd"));
    }

    #[cfg(unix)]
    #[test]
    fn what_no_run_made_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("runs");
        drop(Run::start(&folder).unwrap());
        let names = [
            "notes.txt",
            "00ff",
            &"0F".repeat(16),
            &format!("{}.bak", "0f".repeat(16)),
        ];
        for name in names {
            fs::write(folder.join(name), "").unwrap();
        }
        // A link with a run's name leads out; neither goes.
        let target = place.path().join("target");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, folder.join("0f".repeat(16))).unwrap();
        drop(Run::start(&folder).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), names.len() + 1);
        assert!(target.exists());
        // What cannot be found out counts as alive.
        assert!(Runs::at(folder).alive(&"0f".repeat(16)));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_a_link_is_not_swept_and_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("there");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(there.join("0f".repeat(16)), "").unwrap();
        std::os::unix::fs::symlink(&there, place.path().join("runs")).unwrap();
        let error = Run::start(&place.path().join("runs")).unwrap_err();
        assert_eq!(error.name(), "ledger-file");
        assert_eq!(fs::read_dir(&there).unwrap().count(), 1);
        let mode = fs::metadata(&there).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn files_of_dead_runs_are_swept_and_those_of_live_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let live = Run::start(folder.path()).unwrap();
        fs::write(folder.path().join("0f".repeat(16)), "").unwrap();
        fs::write(folder.path().join(format!("{}.new", "1f".repeat(16))), "").unwrap();
        let other = Run::start(folder.path()).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut wanted = vec![live.id().to_owned(), other.id().to_owned()];
        wanted.sort();
        assert_eq!(names, wanted);
    }

    #[test]
    fn many_runs_start_at_once_and_each_is_alive_to_all() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let run = Run::start(folder.path()).unwrap();
                        assert!(Runs::at(folder.path().to_owned()).alive(run.id()));
                    }
                });
            }
        });
    }
}
