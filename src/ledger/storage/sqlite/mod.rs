//! The embedded ledger: one SQLite file, its key and its runs beside it, all owner-only.
//!
//! Rules are not in here: this stores and finds rows for [`book`](crate::ledger::book).

mod audit;
mod backup;
mod connect;
mod giving;
mod keys;
mod manifest;
mod part;
mod restore;
mod rotate;
mod schema;
mod session;

use crate::ledger::OpenError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

pub use self::keys::KeyPlace;
pub use self::part::PartFile;
pub use self::restore::Remaking;

use self::connect::fault;
use crate::ledger::error::about;
use crate::ledger::rules::facts::check_simulated;
use crate::ledger::runs::{Run, Runs};
use crate::ledger::storage::keys as rows;
use crate::ledger::storage::tables::{Frame, Look, Store, Work};
use crate::ledger::storage::tokens;
use crate::ledger::storage::view::{Backend, Mode, NoKey, Opened, View};
use crate::ledger::traces::{self, Base};
use crate::ledger::{Actor, Identity, Ledger, LedgerError, Rotation, Scope};
use crate::own_file::{self, Sort};
use crate::vault::files::{beside, close_to_others, create, sync_folder};
use crate::vault::keyring::Ring;

/// One program writes at a time, and file locks tell who lives.
static BACKEND: Backend = Backend {
    shared: false,
    step: 64,
    next_unit: "SELECT coalesce(max(id), 0) + 1 FROM units",
    next_scope: "SELECT coalesce(max(id), 0) + 1 FROM scopes",
    drawing: tokens::BY_COLUMN,
    alive: |view, run| Ok(view.opened.runs.alive(run)),
    // A ledger that is made anew has a hidden name until then.
    refuse_other_runs: |_| Ok(()),
    skip_unit_numbers: None,
    integrity: audit::integrity,
};

/// A ledger in a SQLite file. Every opening for writing is a run of its own.
///
/// One host only: whether a run lives is told by file locks, and the write-ahead log needs
/// memory that all its programs share. A network share offers neither.
pub struct Sqlite {
    path: PathBuf,
    conn: Connection,
    opened: Opened,
    /// Where the key comes from.
    key_place: KeyPlace,
    /// Dropped last: while it lives, this run's claims are in work.
    _run: Option<Run>,
}

impl Sqlite {
    /// Opens the ledger at `path` as a new run; makes ledger and key if there are none, and there
    /// were none.
    ///
    /// Permissions of the ledger that are too wide are narrowed; a key that others can read is
    /// refused.
    ///
    /// # Errors
    /// [`OpenError::Lost`] where another one was; a missing, damaged, exposed or wrong key is said
    /// here too, with nothing written.
    pub fn open(path: &Path, scope: &Scope, identity: Identity) -> Result<Ledger, LedgerError> {
        Self::create_keyed(path, scope, identity, &KeyPlace::Beside)
    }

    /// Opens the ledger at `path` as a new run; there must be one.
    ///
    /// # Errors
    /// [`OpenError::Absent`], and those of [`open`](Self::open)
    pub fn open_existing(
        path: &Path,
        scope: &Scope,
        identity: Identity,
    ) -> Result<Ledger, LedgerError> {
        Self::open_keyed(path, scope, identity, &KeyPlace::Beside)
    }

    /// Makes the ledger at `path` unless there is one; its key comes from `place`.
    ///
    /// # Errors
    /// Those of [`open`](Self::open)
    pub fn create_keyed(
        path: &Path,
        scope: &Scope,
        identity: Identity,
        place: &KeyPlace,
    ) -> Result<Ledger, LedgerError> {
        if *place != KeyPlace::Beside {
            // A source that has no key leaves no empty file behind.
            keys::bring(place, path)?;
        }
        match present(path, place) {
            Err(LedgerError::Open(OpenError::Absent { .. })) => {}
            other => other?,
        }
        make(path).map_err(about(path))?;
        Self::open_keyed(path, scope, identity, place)
    }

    /// Opens the ledger at `path` as [`open_existing`](Self::open_existing) does; its key comes
    /// from `place`.
    ///
    /// # Errors
    /// Those of [`open_existing`](Self::open_existing)
    pub fn open_keyed(
        path: &Path,
        scope: &Scope,
        identity: Identity,
        place: &KeyPlace,
    ) -> Result<Ledger, LedgerError> {
        present(path, place)?;
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let file = beside(path, suffix);
            close_to_others(&file).map_err(about(&file))?;
        }
        let mut conn = connect::write(path)?;
        let key = schema::prepare(&mut conn, path, place)?;
        let opening = (conn, key, place.clone());
        Self::enter(path, scope, identity, opening)
    }

    /// Begins a run in a ledger that is open and proved.
    fn enter(
        path: &Path,
        scope: &Scope,
        identity: Identity,
        (mut conn, key, key_place): (Connection, Ring, KeyPlace),
    ) -> Result<Ledger, LedgerError> {
        let run = Run::start(&folder(path))?;
        let frame = Frame::new(scope, identity, run.id().to_owned());
        let frame = Arc::new(frame.with_lock(run.lock()));
        let runs = Runs::at(folder(path));
        let mut opened = Opened::new(&BACKEND, Arc::clone(&frame), runs, Ok(key));
        opened.settle(opened.look(&conn)?)?;
        if opened.scope == 0 {
            let transaction = conn
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(fault)?;
            opened.enter(&*transaction)?;
            transaction.commit().map_err(fault)?;
            opened.settle(opened.look(&conn)?)?;
        }
        let ledger = Ledger::over(Self {
            path: path.to_owned(),
            conn,
            opened,
            key_place,
            _run: Some(run),
        });
        ledger.read(|tables| {
            tables.proved("ledger")?;
            manifest::check(tables)?;
            check_simulated(tables, &frame)
        })?;
        Ok(ledger)
    }

    /// Opens the ledger at `path` to look at it: nothing is made, and no claim is held.
    ///
    /// Without its key all but secrets, pictures and the audit can be seen.
    ///
    /// # Errors
    /// [`OpenError::Absent`], and those of [`open`](Self::open)
    pub fn inspect(path: &Path, scope: &Scope) -> Result<Ledger, LedgerError> {
        Self::inspect_keyed(path, scope, &KeyPlace::Beside)
    }

    /// Opens the ledger at `path` to look at it, as [`inspect`](Self::inspect) does; its key
    /// comes from `place`.
    ///
    /// # Errors
    /// Those of [`inspect`](Self::inspect)
    pub fn inspect_keyed(
        path: &Path,
        scope: &Scope,
        place: &KeyPlace,
    ) -> Result<Ledger, LedgerError> {
        present(path, place)?;
        let conn = connect::read(path)?;
        let key = schema::look(&conn, path, place)?;
        Self::look(path, scope, (conn, key, place.clone()))
    }

    /// Opens the ledger at `path` to look at what is not sealed: whoever brought it here, it is a
    /// regular file.
    ///
    /// # Errors
    /// Those of [`inspect`](Self::inspect)
    pub fn inspect_sealed(path: &Path, scope: &Scope) -> Result<Ledger, LedgerError> {
        if !path.try_exists().map_err(about(path))? {
            return Err(LedgerError::Open(OpenError::Absent {
                path: path.to_owned(),
            }));
        }
        let conn = connect::read(path)?;
        schema::known_to_us(&conn, path, &KeyPlace::Beside)?;
        Self::look(path, scope, (conn, None, KeyPlace::Beside))
    }

    fn look(
        path: &Path,
        scope: &Scope,
        (conn, key, key_place): (Connection, Option<Ring>, KeyPlace),
    ) -> Result<Ledger, LedgerError> {
        let frame = Arc::new(Frame::looking(scope));
        let missing = || NoKey::Missing {
            path: keys::named(&key_place, path),
        };
        let runs = Runs::at(folder(path));
        let mut opened = Opened::new(&BACKEND, frame, runs, key.ok_or_else(missing));
        opened.settle(opened.look(&conn)?)?;
        Ok(Ledger::over(Self {
            path: path.to_owned(),
            conn,
            opened,
            key_place,
            _run: None,
        }))
    }

    /// Returns the ids of the keys that the ledger at `path` is sealed with, the current one
    /// first; more than one while a rotation goes on.
    ///
    /// # Errors
    /// Those of [`inspect`](Self::inspect); no key is needed.
    pub fn key_ids(path: &Path) -> Result<Vec<String>, LedgerError> {
        present(path, &KeyPlace::Beside)?;
        let conn = connect::read(path)?;
        schema::known_to_us(&conn, path, &KeyPlace::Beside)?;
        let names = rows::names(&conn)?.into_iter();
        Ok(names.map(|(_, name)| name).collect())
    }

    /// Returns where a ledger's key lies.
    #[must_use]
    pub fn key_path(path: &Path) -> PathBuf {
        keys::path(path)
    }
}

/// Returns what seals and opens with the keys of the ledger at `path`.
pub(in crate::ledger) fn ring(path: &Path, place: &KeyPlace) -> Result<Ring, LedgerError> {
    present(path, place)?;
    let conn = connect::read(path)?;
    keys::require(&conn, path, place)
}

/// Held while a ledger's file is open other than by SQLite: closing it would drop the locks
/// that another thread's connection has on it (`fcntl(2)`, "Advisory record locking").
static MAKING: Mutex<()> = Mutex::new(());

/// Creates an empty file for a ledger, unless there is a file.
fn make(path: &Path) -> std::io::Result<()> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match create(path) {
        Ok(file) => {
            file.sync_all()?;
            drop(file);
            sync_folder(path)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses a ledger that is not there, and tells one that was.
fn present(path: &Path, place: &KeyPlace) -> Result<(), LedgerError> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    // What others laid there is no ledger of this user, not even to look at.
    let own = |suffix| {
        let file = beside(path, suffix);
        own_file::metadata(&file, Sort::File).map_err(about(&file))
    };
    let is_there = || own("").map(|found| found.is_some());
    if is_there()? {
        for suffix in ["-wal", "-shm", "-journal"] {
            own(suffix)?;
        }
        return Ok(());
    }
    let lost = traces::refuse(path, Base::Gone, place.file().as_deref());
    // Another program may have begun it meanwhile; its file came first.
    if is_there()? {
        return Ok(());
    }
    lost?;
    Err(LedgerError::Open(OpenError::Absent {
        path: path.to_owned(),
    }))
}

/// Returns the folder of a ledger's runs.
fn folder(path: &Path) -> PathBuf {
    beside(path, ".runs")
}

impl Store for Sqlite {
    fn frame(&self) -> &Arc<Frame> {
        &self.opened.frame
    }

    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        self.once(Mode::Write, |view| work(view))
    }

    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError> {
        self.staged(Mode::Stage, |view| work(view))
    }

    fn scan(&self, work: Look<'_>) -> Result<(), LedgerError> {
        let transaction = self.conn.unchecked_transaction().map_err(fault)?;
        work(&View::new(&*transaction, &self.opened, Mode::Read))
    }

    fn rotate(&mut self, by: &Actor, step: &mut dyn FnMut(u64)) -> Result<Rotation, LedgerError> {
        rotate::rotate(self, by, step)
    }
}

impl Sqlite {
    /// Does `work` in one transaction.
    fn once<T>(
        &mut self,
        mode: Mode,
        work: impl FnOnce(&mut View<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        let answer = work(&mut View::new(&*transaction, &self.opened, mode))?;
        transaction.commit().map_err(fault)?;
        Ok(answer)
    }

    /// Does `work` in one transaction that is durable with the next full commit: that one syncs the
    /// whole log.
    fn staged<T>(
        &mut self,
        mode: Mode,
        work: impl FnOnce(&mut View<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        connect::set_staging(&self.conn)?;
        let answer = self.once(mode, work);
        connect::set_durable(&self.conn)?;
        answer
    }
}
