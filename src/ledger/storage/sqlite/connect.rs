//! Connections: how they wait, what they promise, and what their faults mean.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

use crate::ledger::error::about;
use crate::ledger::{LedgerError, OpenError, StorageError};
use crate::regular;
use crate::vault::files::beside;

/// Every commit is on the disk when it returns.
const FULL: &str = "FULL";
/// Commits are ordered, and durable with the next full one.
const NORMAL: &str = "NORMAL";

/// Pages of the log after which a commit takes it in, which may last longer than a station waits.
const LOG: &str = "8000";
/// The same for an import: it always comes first, so that its rows cost nobody else this time.
const LOG_OF_IMPORT: &str = "500";

/// How long a program waits for others that write.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long between two tries: short, so that nobody starves beside an import's short pauses.
const STEP: Duration = Duration::from_millis(1);

/// Opens a ledger for writing; the file must exist.
pub fn write(path: &Path) -> Result<Connection, LedgerError> {
    regular(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(fault)?;
    settle(&mut conn).map_err(|error| not_a_ledger(path, error))?;
    Ok(conn)
}

/// Opens a ledger for reading.
pub fn read(path: &Path) -> Result<Connection, LedgerError> {
    regular(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(fault)?;
    let looked = settle(&mut conn)
        .and_then(|()| conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())));
    match looked {
        Ok(()) => Ok(conn),
        // A folder that cannot be written has no room for the log's index. Without a log the
        // file is all there is, and nobody changes it.
        Err(error) if is_unwritable(&error) && !beside(path, "-wal").exists() => {
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            let mut conn = Connection::open_with_flags(uri(path), flags).map_err(fault)?;
            settle(&mut conn).map_err(fault)?;
            Ok(conn)
        }
        Err(error) => Err(not_a_ledger(path, error)),
    }
}

/// Refuses what SQLite would wait for without end: pipes and devices, as the file or beside it.
fn regular(path: &Path) -> Result<(), LedgerError> {
    // What is beside is looked for where a link leads.
    let path = path.canonicalize().map_err(about(path))?;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = beside(&path, suffix);
        match std::fs::metadata(&file).and_then(|found| regular::check(found.file_type())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(about(&file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the URI of a file that nobody changes.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri + "?immutable=1"
}

/// Sets what holds for every connection.
fn settle(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(128);
    conn.busy_handler(Some(wait))?;
    // Else a statement that may use a partial index is planned anew with every value.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    for (name, value) in [
        ("foreign_keys", "ON"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        ("temp_store", "MEMORY"),
        // KiB, when negative.
        ("cache_size", "-32768"),
        ("synchronous", FULL),
        ("wal_autocheckpoint", LOG),
    ] {
        conn.pragma_update(None, name, value)?;
    }
    Ok(())
}

/// Waits a little for another program; gives up after [`PATIENCE`].
fn wait(tries: i32) -> bool {
    let most = PATIENCE.as_millis() / STEP.as_millis();
    if u128::try_from(tries).is_ok_and(|tries| tries >= most) {
        return false;
    }
    std::thread::sleep(STEP);
    true
}

/// Turns the write-ahead log on.
pub fn set_log(conn: &Connection) -> Result<(), LedgerError> {
    // Two programs that turn it on at once get "busy" without any waiting.
    let mut tries = 0;
    loop {
        match conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if is_busy(&error) && wait(tries) => tries += 1,
            other => return other.map_err(fault),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Lets commits be durable only with the next full one, and take the log in often.
pub fn set_staging(conn: &Connection) -> Result<(), LedgerError> {
    set(conn, NORMAL, LOG_OF_IMPORT)
}

/// Makes every commit durable again.
pub fn set_durable(conn: &Connection) -> Result<(), LedgerError> {
    set(conn, FULL, LOG)
}

fn set(conn: &Connection, level: &str, log: &str) -> Result<(), LedgerError> {
    conn.pragma_update(None, "wal_autocheckpoint", log)
        .and_then(|()| conn.pragma_update(None, "synchronous", level))
        .map_err(fault)
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

/// Says that a file is no ledger, if that is the fault.
pub fn not_a_ledger(path: &Path, error: rusqlite::Error) -> LedgerError {
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return LedgerError::Open(OpenError::NotALedger {
            path: path.to_owned(),
        });
    }
    fault(error)
}

/// Says what a fault of SQLite means for a ledger.
pub fn fault(error: rusqlite::Error) -> LedgerError {
    // The log's index could not grow: a file of 32 KiB that nothing else keeps small.
    let index = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    if error.sqlite_error().map(|error| error.extended_code) == Some(index) {
        return LedgerError::Storage(StorageError::Full {
            source: error.into(),
        });
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            LedgerError::Storage(StorageError::Busy {
                seconds: PATIENCE.as_secs(),
            })
        }
        Some(ErrorCode::DiskFull) => LedgerError::Storage(StorageError::Full {
            source: error.into(),
        }),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            LedgerError::Storage(StorageError::ReadOnly {
                source: error.into(),
            })
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::Storage(StorageError::Damaged {
                what: "a page of its file was changed or lost".to_owned(),
                source: Some(error.into()),
            })
        }
        Some(ErrorCode::ConstraintViolation) => LedgerError::Storage(StorageError::Damaged {
            what: "a rule of its tables refused a row".to_owned(),
            source: Some(error.into()),
        }),
        Some(_) => LedgerError::storage(error),
        // No code of SQLite: a row that holds something that no program wrote.
        None => LedgerError::Storage(StorageError::Damaged {
            what: "a row cannot be read".to_owned(),
            source: Some(error.into()),
        }),
    }
}
