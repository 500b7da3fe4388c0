//! The keys that a ledger has, by which others are proved. The keys themselves are never in here.

use super::sql::{Query, Sql, values};
use crate::ledger::LedgerError;
use crate::vault::crypto::Key;
use crate::vault::keyring::{self, Stored};
use crate::vault::seed::Seed;

const ALL: &str = "SELECT id, name, seed FROM keys ORDER BY id DESC";
const ADD: &str = "INSERT INTO keys (name, seed) VALUES (?1, ?2)";

/// Returns the ledger's keys, the current one first.
pub fn stored(sql: &dyn Sql) -> Result<Vec<Stored>, LedgerError> {
    sql.all(ALL, &[], |row| {
        Ok(Stored {
            id: row.get(0)?,
            name: row.get(1)?,
            seed: row.get(2)?,
        })
    })
}

/// Keeps others from beginning or ending a rotation, and runs from beginning.
pub fn hold(sql: &dyn Sql) -> Result<(), LedgerError> {
    sql.rows(Query::holding(ALL, " FOR UPDATE"), &[], &mut |_| Ok(()))
}

/// Returns the numbers and names of the ledger's keys, the current one first.
pub fn names(sql: &dyn Sql) -> Result<Vec<(i64, String)>, LedgerError> {
    let stored = stored(sql)?.into_iter();
    Ok(stored.map(|key| (key.id, key.name)).collect())
}

/// Adds a key to those of the ledger; from here on it is the current one.
pub fn enter(sql: &dyn Sql, key: &Key, seed: &Seed) -> Result<(), LedgerError> {
    let sealed = keyring::sealed(seed, key)?;
    sql.change(ADD, values![&key.id(), &sealed]).map(drop)
}
