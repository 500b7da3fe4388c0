//! Facts: what is fixed once for a ledger, by name.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::ledger::KeyError;
use crate::ledger::storage::tables::{Frame, Tables, TokenRow};
use crate::ledger::{LedgerError, OpenError};
use crate::unit::{Digest, Fingerprint};

/// Fact: whether the units are real or simulated.
pub const SIMULATED: &str = "simulated";
/// Fact: the ledger stands in the place of a lost one.
pub const BEGUN: &str = "begun";
/// Fact, and how an import says so: somebody decided that tokens of a list are on no unit.
pub const UNUSED: &str = "unused";
/// Fact: where the tokens come from.
pub const ORIGIN: &str = "origin";
/// Facts: whose tokens a product's are.
pub const ORGANISATION: &str = "organisation";
/// How the event of a merge says that the part was not closed.
pub const OPEN: &str = "open";
/// How many tokens one event names.
pub const NAMED: usize = 256;

/// Returns the ledger's own number.
pub fn ledger_number(tables: &dyn Tables) -> Result<String, LedgerError> {
    tables
        .fact("ledger")?
        .ok_or_else(|| LedgerError::damaged("it has no number of its own"))
}

/// Returns a token that an event names.
pub fn known(tables: &dyn Tables, fingerprint: &Fingerprint) -> Result<TokenRow, LedgerError> {
    tables
        .token(fingerprint)?
        .ok_or_else(|| LedgerError::damaged(format!("token {fingerprint} is missing")))
}

/// Returns how often the ledger was restored or made anew: each time its mirror begins anew.
pub fn generation(tables: &dyn Tables) -> Result<u64, LedgerError> {
    Ok(tables.generation()?.unsigned_abs())
}

/// Begins the next generation, behind those that a mirror has.
pub fn next_generation(tables: &mut dyn Tables, mirrored: u64) -> Result<(), LedgerError> {
    let mirrored = i64::try_from(mirrored).unwrap_or(i64::MAX);
    let last = tables.generation()?.max(mirrored);
    tables.add_generation(last.saturating_add(1))
}

/// Refuses to mix real and simulated units; the first unit decides.
pub fn check_simulated(tables: &dyn Tables, frame: &Frame) -> Result<bool, LedgerError> {
    let asked: &'static str = frame.identity.simulated.into();
    let Some(has) = kind(tables)? else {
        return Ok(false);
    };
    let has = has
        .parse::<crate::ledger::Simulated>()
        .map_err(|_| LedgerError::damaged("it is neither real nor simulated"))?;
    if has == frame.identity.simulated {
        return Ok(true);
    }
    Err(LedgerError::Open(OpenError::SimulatedMixed {
        has: has.into(),
        asked,
    }))
}

/// [`StorageError::Forged`] for one that has units and does not say it: the first one did.
pub fn kind(tables: &dyn Tables) -> Result<Option<String>, LedgerError> {
    if let Some(has) = tables.proved(SIMULATED)? {
        return Ok(Some(has));
    }
    let mut units = false;
    tables.scan_all_units(&mut |_| {
        units = true;
        Ok(())
    })?;
    if !units {
        return Ok(None);
    }
    // On a server somebody else may have made the first one between the two looks.
    let has = tables.proved(SIMULATED)?;
    has.map(Some)
        .ok_or_else(|| LedgerError::forged(format!("fact {SIMULATED}")))
}

/// Fact: the ledger had this key before.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub fn retired_fact(id: &str) -> String {
    format!("key {id} was replaced")
}

/// Refuses to go back to a key that the ledger had: it was replaced for a reason.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub fn not_retired(
    tables: &dyn Tables,
    base: &std::path::Path,
    key: &crate::vault::crypto::Key,
) -> Result<(), LedgerError> {
    match tables.fact(&retired_fact(&key.id()))? {
        None => Ok(()),
        Some(_) => Err(LedgerError::Key(KeyError::KeyRetired {
            path: crate::vault::keyring::next_path(base),
            id: key.id(),
        })),
    }
}

/// Returns the fact that a list was taken in.
pub fn source_fact(source: &Digest) -> String {
    format!("list {source}")
}
