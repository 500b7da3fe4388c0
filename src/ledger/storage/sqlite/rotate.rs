//! Rotation of a file's key, while nobody else has the file open. The next key gets the old one's
//! place at the end. Whoever opens the ledger in between finds both keys.

use rusqlite::{OptionalExtension as _, TransactionBehavior};
use std::path::Path;

use super::connect::fault;
use super::keys::{self, KeyPlace};
use super::{Sqlite, manifest};
use crate::ledger::error::about;
use crate::ledger::rules::facts;
use crate::ledger::storage::rotate;
use crate::ledger::storage::rotate::{Next, Rotating, Step};
use crate::ledger::storage::sql::{Sql, values};
use crate::ledger::storage::view::Mode;
use crate::ledger::storage::{keys as rows, tables};
use crate::ledger::traces;
use crate::ledger::{Actor, KeyError, LedgerError, Rotation};
use crate::vault::crypto::Key;
use crate::vault::files::{read_key, sync_folder};
use crate::vault::keyring;

const SECURE: &str = "PRAGMA secure_delete = ON";
const TAKE_IN: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
const SEALED: &str = "SELECT 1 FROM facts WHERE name = ?1";

impl Rotating for Sqlite {
    fn seal(&mut self, work: Step<'_>) -> Result<u64, LedgerError> {
        self.staged(Mode::Write, work)
    }

    fn decide(&mut self, work: Step<'_>) -> Result<u64, LedgerError> {
        self.once(Mode::Write, work)
    }
}

/// Seals everything in the ledger with another key; goes on with what was begun.
pub fn rotate(
    ledger: &mut Sqlite,
    by: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<Rotation, LedgerError> {
    let path = ledger.path.clone();
    ledger.alone(&path)?;
    let names = rows::names(&ledger.conn)?;
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    let source = match keys::bring(&ledger.key_place, &path)? {
        Some(keys::Brought::Ledger(key)) => Some(key),
        _ => None,
    };
    let key = keyring::next_or_new(&path, &names, source.as_ref())?;
    tables::read(ledger, |tables| facts::not_retired(tables, &path, &key))?;
    let was = names.iter().find(|name| **name != key.id()).cloned();
    let mut rows = 0;
    if let Some(was) = &was {
        if !names.contains(&key.id()) {
            ledger.begin(&key)?;
        }
        // What is written over is zeroed: it is sealed with a key that may be known.
        let secure = ledger.conn.query_row(SECURE, [], |_| Ok(()));
        secure.optional().map_err(fault)?;
        rows = rotate::rotate(ledger, &Next { key: &key, was }, by, step)?;
        // What the old key sealed goes out of the log too.
        let taken_in = ledger.conn.query_row(TAKE_IN, [], |_| Ok(()));
        taken_in.map_err(fault)?;
    }
    let placed = ledger.key_place == KeyPlace::Beside;
    if placed {
        place(&path, &key.id())?;
    }
    Ok(Rotation {
        id: key.id(),
        was,
        rows,
        placed,
    })
}

impl Sqlite {
    /// Refuses while others work with the ledger, or a board's bytes are sealed with the key.
    fn alone(&self, path: &Path) -> Result<(), LedgerError> {
        let busy = |what: &'static str| Err(LedgerError::Key(KeyError::KeyInUse { what }));
        let sql: &dyn Sql = &self.conn;
        let sealed: Option<i64> = sql.value(SEALED, values![manifest::SEALED])?;
        if sealed.is_some() {
            return busy("it is sealed for one station: the part gets no other one");
        }
        if self.opened.runs.others(&self.opened.frame.run)? {
            return busy("another program has the ledger open: end it first");
        }
        traces::no_board_in_hand(path)
    }

    /// Gives the ledger the next key beside the one that it has.
    fn begin(&mut self, key: &Key) -> Result<(), LedgerError> {
        let ring = self
            .opened
            .key
            .as_ref()
            .map_err(|_| LedgerError::Key(KeyError::Rotated))?;
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        rows::enter(&*transaction, key, ring.seed())?;
        transaction.commit().map_err(fault)
    }
}

/// Puts the next key in the old one's place, and keeps the old one under its id: backups that
/// were made before open with it only.
fn place(path: &Path, id: &str) -> Result<(), LedgerError> {
    let (key, next) = (keys::path(path), keyring::next_path(path));
    if let Some(text) = read_key(&key)?
        && let Some(old) = Key::parse(&text).filter(|old| old.id() != id)
    {
        keyring::keep(path, &old)?;
    }
    std::fs::rename(&next, &key).map_err(about(&key))?;
    sync_folder(&key).map_err(about(&key))
}
