//! What a ledger signs of a part: who it is for, the key that it is sealed with, and its tokens. The
//! station works on a part only if the ledger that its recipe calls home signed it.
//!
//! The signature is looked at before the key is unsealed. What the key then vouches for (facts, events,
//! sealed values) needs no signature of its own: the key itself is signed.

use serde::{Deserialize, Serialize};

use crate::ledger::history::audit::tokens_digest;
use crate::ledger::rules::facts::ORIGIN;
use crate::ledger::rules::parts::PART_OF;
use crate::ledger::storage::sql::{Sql, values};
use crate::ledger::storage::tables::Tables;
use crate::ledger::{LedgerError, PartError};
use crate::recipe::HomeId;
use crate::vault::crypto::Key;
use crate::vault::home::{Home, HomeKey, Signature};
use crate::vault::recipient::{Recipient, StationKey};

/// Domain of what is signed.
const DOMAIN: &[u8] = b"eol-inject/part manifest/1\0";

/// Fact of a part: what its home signed.
const MANIFEST: &str = "manifest";
/// Fact of a part: its home's signature.
const SIGNATURE: &str = "manifest signature";
/// Fact of a part: its key, sealed for its station.
pub const SEALED: &str = "sealed key";

const FACT: &str = "SELECT value FROM facts WHERE name = ?1";

/// What is signed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    v: u32,
    /// Who signs: the public key.
    home: String,
    /// The station's public key.
    to: String,
    /// The part's own number.
    number: String,
    /// The part's key, sealed for the station.
    key: String,
    /// Which part of which ledger, with its numbers.
    part: String,
    origin: Option<String>,
    /// SHA-256 over all tokens with the serials that they are fixed to.
    tokens: String,
}

/// Writes the sealed key of a part that is whole, and has its home sign it.
pub fn write(
    tables: &mut dyn Tables,
    home: &HomeKey,
    (key, to): (&Key, &Recipient),
) -> Result<(), LedgerError> {
    let number = fact(tables, "ledger")?;
    tables.set_fact(SEALED, &to.seal(key, &number)?)?;
    let manifest = Manifest {
        home: crate::unit::hex(home.home().as_bytes()),
        to: to.to_hex(),
        ..found(tables)?
    };
    let text = serde_json::to_string(&manifest).map_err(LedgerError::storage)?;
    tables.set_fact(MANIFEST, &text)?;
    let signature = home.sign(&message(&text));
    tables.set_fact(SIGNATURE, &signature.to_string())
}

/// Returns what the part's tables say of what is signed.
fn found(tables: &dyn Tables) -> Result<Manifest, LedgerError> {
    Ok(Manifest {
        v: 1,
        home: String::new(),
        to: String::new(),
        number: fact(tables, "ledger")?,
        key: fact(tables, SEALED)?,
        part: fact(tables, PART_OF)?,
        origin: tables.fact(ORIGIN)?,
        tokens: tokens_digest(tables)?.to_string(),
    })
}

fn fact(tables: &dyn Tables, name: &str) -> Result<String, LedgerError> {
    let missing = || {
        LedgerError::Part(PartError::PartForged {
            what: format!("its {name} is missing"),
        })
    };
    tables.fact(name)?.ok_or_else(missing)
}

fn message(text: &str) -> Vec<u8> {
    [DOMAIN, text.as_bytes()].concat()
}

/// Opens the key of a part for its station, if home signed it; `None` for a ledger that is no part.
pub fn unseal(
    sql: &dyn Sql,
    key: &StationKey,
    pinned: Option<&HomeId>,
) -> Result<Option<Key>, LedgerError> {
    let fact =
        |name: &str| -> Result<Option<String>, LedgerError> { sql.value(FACT, values![name]) };
    let Some(sealed) = fact(SEALED)? else {
        return Ok(None);
    };
    let (Some(text), Some(signature)) = (fact(MANIFEST)?, fact(SIGNATURE)?) else {
        return Err(LedgerError::Part(PartError::PartUnsigned));
    };
    let manifest = signed(&text, &signature, pinned)?;
    let own = key.recipient()?;
    match Recipient::from_hex(&manifest.to) {
        Some(to) if to == own => {}
        Some(to) => {
            return Err(LedgerError::Part(PartError::PartForStation {
                to: to.id(),
                has: own.id(),
            }));
        }
        None => return Err(forged("it names no station")),
    }
    let number = fact("ledger")?.unwrap_or_default();
    if manifest.number != number || manifest.key != sealed {
        return Err(forged("its sealed key is another one"));
    }
    let opened = key.open(&sealed, &number)?;
    opened
        .map(Some)
        .ok_or_else(|| forged("its sealed key does not open"))
}

/// Reads what home signed; any other signer is refused by name.
fn signed(text: &str, signature: &str, pinned: Option<&HomeId>) -> Result<Manifest, LedgerError> {
    let manifest: Manifest = serde_json::from_str(text).map_err(|_| forged("its manifest"))?;
    let home = crate::unit::parse_hex(&manifest.home).map(Home::from_bytes);
    let signature = Signature::parse(signature);
    let (Some(home), Some(signature)) = (home, signature) else {
        return Err(forged("its signature"));
    };
    if !home.signed(&message(text), &signature) {
        return Err(forged("its manifest was changed"));
    }
    match pinned {
        Some(pinned) if *pinned == home.id() => Ok(manifest),
        Some(pinned) => Err(LedgerError::Part(PartError::HomeOther {
            home: home.id().to_string(),
            pinned: pinned.to_string(),
        })),
        None => Err(LedgerError::Part(PartError::HomeUnknown {
            home: home.id().to_string(),
        })),
    }
}

/// Compares the part's tables with what home signed; nothing to do for a ledger that is no part.
pub fn check(tables: &dyn Tables) -> Result<(), LedgerError> {
    let Some(text) = tables.proved(MANIFEST)? else {
        return Ok(());
    };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| forged("its manifest"))?;
    let found = Manifest {
        home: manifest.home.clone(),
        to: manifest.to.clone(),
        ..found(tables)?
    };
    match found == manifest {
        true => Ok(()),
        false => Err(forged("its tokens, serials or facts are others")),
    }
}

fn forged(what: &str) -> LedgerError {
    LedgerError::Part(PartError::PartForged {
        what: what.to_owned(),
    })
}
