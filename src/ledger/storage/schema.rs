//! What both servers' schemas have in common: their numbers, and what a new ledger begins with.

use super::keys;
use super::notary::Notary;
use super::sql::{Sql, values};
use crate::ledger::rules::facts::BEGUN;
use crate::ledger::{LedgerError, OpenError};
use crate::vault::crypto::{Key, random};
use crate::vault::seed::Seed;

/// The first schema that this version reads: those before were in no release.
pub const OLDEST: i64 = 4;

const ADD_FACT: &str = "INSERT INTO facts (number, name, value, mark) VALUES (?1, ?2, ?3, ?4)";

/// Whether there was a ledger before the one that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It is the first.
    None,
    /// It stands in the place of a lost one: so it says from its first moment.
    #[cfg(feature = "postgres")]
    Lost,
}

/// Returns the newest schema that this version knows.
pub fn known(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).map_or(i64::MAX, |count| OLDEST - 1 + count)
}

/// Refuses the schemas of other versions.
///
/// # Errors
/// [`OpenError::SchemaOlder`], [`OpenError::SchemaNewer`]
pub fn check(found: i64, known: i64) -> Result<(), LedgerError> {
    if found < OLDEST {
        return Err(LedgerError::Open(OpenError::SchemaOlder {
            found,
            oldest: OLDEST,
        }));
    }
    if found > known {
        return Err(LedgerError::Open(OpenError::SchemaNewer { found, known }));
    }
    Ok(())
}

/// Gives a new ledger its key and its number, which is made up unless it is given.
pub fn found(
    sql: &dyn Sql,
    key: &Key,
    number: Option<&str>,
    past: Past,
) -> Result<(), LedgerError> {
    let mut made_up = [0; 16];
    random(&mut made_up)?;
    let number = number.map_or_else(|| crate::unit::hex(&made_up), str::to_owned);
    let seed = Seed::make()?;
    let notary = Notary::of(&seed, &number)?;
    keys::enter(sql, key, &seed)?;
    let add = |place: i64, name: &str, value: &str| {
        let mark = notary.mark("fact", values![place, name, value]);
        sql.change(ADD_FACT, values![place, name, value, &mark])
    };
    add(1, "ledger", &number)?;
    if past != Past::None {
        add(2, BEGUN, "")?;
    }
    Ok(())
}
