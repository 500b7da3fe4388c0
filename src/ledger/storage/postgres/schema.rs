//! Numbered migrations. A file once released is never edited.

use postgres::error::SqlState;
use postgres::{Client, GenericClient};

use super::fault::meaning;
use super::keys;
use crate::ledger::LedgerError;
use crate::ledger::rules::facts::BEGUN;
use crate::ledger::storage::notary::{Notary, Row};
use crate::recipe::SchemaName;
use crate::vault::crypto::{Key, random};
use crate::vault::keyring;
use crate::vault::seed::Seed;

/// All migrations, in order; `versions` has a row for each that was done, from [`OLDEST`] on.
pub const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_units.postgres.sql")];

const VERSIONS: &str = "CREATE TABLE versions (version bigint PRIMARY KEY, \
     at timestamptz NOT NULL DEFAULT now())";
const FIND: &str = "SELECT to_regclass($1) IS NOT NULL";
const LAST: &str = "SELECT coalesce(max(version), 0) FROM versions";
const ADD: &str = "INSERT INTO versions (version) VALUES ($1)";
const ADD_LEDGER: &str =
    "INSERT INTO facts (number, name, value, mark) VALUES (1, 'ledger', $1, $2)";

const ADD_BEGUN: &str = "INSERT INTO facts (number, name, value, mark) VALUES (2, $1, '', $2)";

/// Whether there was a ledger before the one that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It is the first.
    None,
    /// It stands in the place of a lost one: so it says from its first moment.
    Lost,
}

/// The first schema that this version reads: those before marked no token, and were in no release.
const OLDEST: i64 = 3;

/// What came of an attempt to bring a schema up to date.
pub enum Prepared {
    Done,
    /// Another program did it at the same time.
    Raced,
}

/// Returns the newest schema that this version knows.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).map_or(i64::MAX, |count| OLDEST - 1 + count)
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
    if version < OLDEST {
        return Err(LedgerError::SchemaOlder {
            found: version,
            oldest: OLDEST,
        });
    }
    if version > known() {
        return Err(LedgerError::SchemaNewer {
            found: version,
            known: known(),
        });
    }
    Ok(Some(version))
}

/// Brings a ledger's tables up to date, or makes them with the key given.
///
/// Two programs that do so at once collide in the catalogue: one of them is done anew.
pub fn prepare(
    client: &mut Client,
    schema: &SchemaName,
    keys: &[Key],
    past: Past,
) -> Result<Prepared, LedgerError> {
    if version(client, schema)? == Some(known()) {
        return Ok(Prepared::Done);
    }
    let key = keys
        .first()
        .ok_or_else(|| LedgerError::damaged("there is no key to make it with"))?;
    match migrate(client, schema, (key, past))? {
        Ok(()) => Ok(Prepared::Done),
        Err(error) if is_race(&error) => Ok(Prepared::Raced),
        Err(error) => Err(meaning(error)),
    }
}

fn migrate(
    client: &mut Client,
    schema: &SchemaName,
    (key, past): (&Key, Past),
) -> Result<Result<(), postgres::Error>, LedgerError> {
    let mut number = [0; 16];
    random(&mut number)?;
    let (seed, number) = (Seed::make()?, crate::unit::hex(&number));
    let sealed = keyring::sealed(&seed, key)?;
    let notary = Notary::of(&seed, &number)?;
    let mark = notary.mark(&Row::Fact {
        number: 1,
        name: "ledger",
        value: &number,
    });
    let begun = notary.mark(&Row::Fact {
        number: 2,
        name: BEGUN,
        value: "",
    });
    let before = version(client, schema)?;
    let done = before.and_then(|done| usize::try_from(done - OLDEST + 1).ok());
    let mut all = || {
        let mut transaction = client.transaction()?;
        if before.is_none() {
            let create = format!("CREATE SCHEMA IF NOT EXISTS {}", schema.quoted());
            transaction.batch_execute(&create)?;
            transaction.batch_execute(VERSIONS)?;
        }
        for (version, sql) in (OLDEST..).zip(MIGRATIONS).skip(done.unwrap_or(0)) {
            // First, so that of two programs one waits here for the other.
            transaction.execute(ADD, &[&version])?;
            transaction.batch_execute(sql)?;
        }
        if before.is_none() {
            keys::add(&mut transaction, key, &sealed)?;
            transaction.execute(ADD_LEDGER, &[&number, &&mark[..]])?;
            if past == Past::Lost {
                transaction.execute(ADD_BEGUN, &[&BEGUN, &&begun[..]])?;
            }
        }
        transaction.commit()
    };
    Ok(all())
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
