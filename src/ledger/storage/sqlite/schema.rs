//! Numbered migrations. A file once released is never edited.

use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

use super::connect::{fault, not_a_ledger, set_log};
use super::keys::{self, KeyPlace};
use crate::ledger::storage::schema::{self, OLDEST, Past};
use crate::ledger::traces::{self, Base};
use crate::ledger::{LedgerError, OpenError};
use crate::vault::crypto::Key;
use crate::vault::keyring::Ring;

/// `EOLJ` in SQLite's `application_id`: whose file it is.
const APPLICATION: i64 = 0x454f_4c4a;

/// All migrations, in order; `user_version` is that of the last one that was done, from [`OLDEST`] on.
pub const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_units.sqlite.sql")];

fn known() -> i64 {
    schema::known(MIGRATIONS)
}

/// What a file says about itself.
struct Header {
    application: i64,
    version: i64,
    tables: i64,
}

impl Header {
    /// Reads all of it at one moment: another program may be making the ledger.
    fn read(conn: &Connection, path: &Path) -> Result<Self, LedgerError> {
        let not_ours = |error| not_a_ledger(path, error);
        let moment = conn.is_autocommit().then(|| conn.unchecked_transaction());
        let _moment = moment.transpose().map_err(not_ours)?;
        let number = |sql: &str| conn.query_row(sql, [], |row| row.get(0)).map_err(not_ours);
        Ok(Self {
            application: number("PRAGMA application_id")?,
            version: number("PRAGMA user_version")?,
            tables: number("SELECT count(*) FROM sqlite_schema")?,
        })
    }

    /// Refuses files of others, and ledgers of later versions; returns whether nothing is in it.
    fn check(&self, path: &Path) -> Result<bool, LedgerError> {
        let empty = self.application == 0 && self.version == 0 && self.tables == 0;
        if !empty && self.application != APPLICATION {
            return Err(LedgerError::Open(OpenError::NotALedger {
                path: path.to_owned(),
            }));
        }
        if !empty {
            schema::check(self.version, known())?;
        }
        Ok(empty)
    }
}

/// Brings a ledger's tables up to date, makes them for an empty one, and proves its key.
pub fn prepare(conn: &mut Connection, path: &Path, place: &KeyPlace) -> Result<Ring, LedgerError> {
    let empty = is_empty(conn, path, place)?;
    if !empty {
        // Before anything is written, the log included.
        keys::require(conn, path, place)?;
    }
    migrate(conn, (path, None), || keys::make(path, place))?;
    keys::require(conn, path, place)
}

/// Returns whether nothing is in the file yet; one that was emptied is told.
fn is_empty(conn: &Connection, path: &Path, place: &KeyPlace) -> Result<bool, LedgerError> {
    if !Header::read(conn, path)?.check(path)? {
        return Ok(false);
    }
    let lost = traces::refuse(path, Base::Empty, place.file().as_deref());
    // Another program may have made its tables meanwhile; they come before what it leaves beside.
    if !Header::read(conn, path)?.check(path)? {
        return Ok(false);
    }
    lost.map(|()| true)
}

/// Makes the tables of an empty ledger, with a key that is at hand.
pub fn make_with(
    conn: &mut Connection,
    path: &Path,
    (key, number): (&Key, Option<&str>),
) -> Result<(), LedgerError> {
    migrate(conn, (path, number), || Ok(key.clone()))
}

/// Makes the tables that are missing; `make_key` gives a fresh ledger its key. Its number is
/// made up unless it is given.
fn migrate(
    conn: &mut Connection,
    (path, given): (&Path, Option<&str>),
    make_key: impl FnOnce() -> Result<Key, LedgerError>,
) -> Result<(), LedgerError> {
    set_log(conn)?;
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    // Again, now that nobody else can be making it.
    let header = Header::read(&transaction, path)?;
    let empty = header.check(path)?;
    let done = usize::try_from(header.version - OLDEST + 1).unwrap_or(0);
    for sql in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(sql).map_err(fault)?;
    }
    if empty {
        schema::found(&*transaction, &make_key()?, given, Past::None)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(fault)?;
    }
    if header.version < known() {
        transaction
            .pragma_update(None, "user_version", known())
            .map_err(fault)?;
    }
    transaction.commit().map_err(fault)
}

/// Checks that a file is a ledger of this version, and reads its key if it lies there.
pub fn look(conn: &Connection, path: &Path, place: &KeyPlace) -> Result<Option<Ring>, LedgerError> {
    known_to_us(conn, path, place)?;
    keys::prove(conn, path, place)
}

/// Refuses what is no ledger, or one of a later version.
pub fn known_to_us(conn: &Connection, path: &Path, place: &KeyPlace) -> Result<(), LedgerError> {
    if is_empty(conn, path, place)? {
        return Err(LedgerError::Open(OpenError::Absent {
            path: path.to_owned(),
        }));
    }
    Ok(())
}
