//! Numbered migrations. A file once released is never edited.

use postgres::error::SqlState;
use postgres::{Client, GenericClient, Transaction};

use super::fault::meaning;
use super::link::Link;
use super::session::{Sending, Session};
use crate::ledger::LedgerError;
use crate::ledger::storage::schema::{self, OLDEST, Past};
use crate::recipe::SchemaName;
use crate::vault::crypto::Key;

/// All migrations, in order; `versions` has a row for each that was done, from [`OLDEST`] on.
pub const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_units.postgres.sql")];

const VERSIONS: &str = "CREATE TABLE versions (version bigint PRIMARY KEY, \
     at timestamptz NOT NULL DEFAULT now())";
const FIND: &str = "SELECT to_regclass($1) IS NOT NULL";
const LAST: &str = "SELECT coalesce(max(version), 0) FROM versions";
const ADD: &str = "INSERT INTO versions (version) VALUES ($1)";

/// What came of an attempt to bring a schema up to date.
pub enum Prepared {
    Done,
    /// Another program did it at the same time.
    Raced,
}

fn known() -> i64 {
    schema::known(MIGRATIONS)
}

/// Returns the version of the schema; `None` where there is no ledger.
pub fn version(
    client: &mut impl GenericClient,
    schema: &SchemaName,
) -> Result<Option<i64>, LedgerError> {
    let table = format!("{}.versions", schema.quoted());
    let found = client.query_one(FIND, &[&table]).map_err(meaning)?;
    if !found.try_get::<_, bool>(0).map_err(meaning)? {
        return Ok(None);
    }
    let last = client.query_one(LAST, &[]).map_err(meaning)?;
    let version = last.try_get(0).map_err(meaning)?;
    schema::check(version, known())?;
    Ok(Some(version))
}

/// Brings a ledger's tables up to date, or makes them with the key given.
///
/// Two programs that do so at once collide in the catalogue: one of them is done anew.
pub fn prepare(link: &mut Link, keys: &[Key], past: Past) -> Result<Prepared, LedgerError> {
    let name = link.schema().clone();
    let (client, statements) = link.connected().map_err(meaning)?;
    let before = version(client, &name)?;
    if before == Some(known()) {
        return Ok(Prepared::Done);
    }
    let key = keys
        .first()
        .ok_or_else(|| LedgerError::damaged("there is no key to make it with"))?;
    let transaction = match migrate(client, &name, before) {
        Ok(transaction) => transaction,
        Err(error) if is_race(&error) => return Ok(Prepared::Raced),
        Err(error) => return Err(meaning(error)),
    };
    let session = Session::new((transaction, statements), Sending::AtOnce);
    if before.is_none() {
        let founded = schema::found(&session, key, None, past);
        if let Some(trouble) = session.trouble() {
            return Err(trouble.meaning());
        }
        founded?;
    }
    match session.into_transaction()?.commit() {
        Ok(()) => Ok(Prepared::Done),
        Err(error) if is_race(&error) => Ok(Prepared::Raced),
        Err(error) => Err(meaning(error)),
    }
}

/// Makes the tables that are missing.
fn migrate<'a>(
    client: &'a mut Client,
    name: &SchemaName,
    before: Option<i64>,
) -> Result<Transaction<'a>, postgres::Error> {
    let mut transaction = client.transaction()?;
    if before.is_none() {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", name.quoted());
        transaction.batch_execute(&create)?;
        transaction.batch_execute(VERSIONS)?;
    }
    let done = before.and_then(|done| usize::try_from(done - OLDEST + 1).ok());
    for (version, sql) in (OLDEST..).zip(MIGRATIONS).skip(done.unwrap_or(0)) {
        // First, so that of two programs one waits here for the other.
        transaction.execute(ADD, &[&version])?;
        transaction.batch_execute(sql)?;
    }
    Ok(transaction)
}

/// Returns whether another program made the same at the same time.
fn is_race(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [
            SqlState::UNIQUE_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_SCHEMA,
            SqlState::DUPLICATE_OBJECT,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ]
        .contains(code)
    })
}
