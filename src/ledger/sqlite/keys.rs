//! The key beside the ledger: read, checked against the ledger, made once for an empty one.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use super::super::LedgerError;
use super::super::crypto::{Cipher, Column, Key};
use super::super::files::{about, beside, exposed, write_new};
use super::connect::fault;
use crate::unit::Fingerprint;

const CURRENT: &str = "SELECT id, name, proof FROM keys ORDER BY id DESC LIMIT 1";
const INSERT: &str = "INSERT INTO keys (name, proof) VALUES (?1, ?2)";

/// What a key's proof opens to.
const PROOF: &[u8] = b"eol-inject";
/// What a key's proof is sealed for: no token has this fingerprint.
const NOBODY: Fingerprint = Fingerprint::from_bytes([0; 32]);

/// A key that was proved against the ledger.
pub struct Ready {
    pub id: i64,
    pub cipher: Cipher,
}

/// Returns where a ledger's key lies.
pub fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".key")
}

/// Reads the key file; `None` when there is none.
fn load(path: &Path) -> Result<Option<Key>, LedgerError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(LedgerError::KeyDamaged {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(about(path)(error)),
    };
    let mode = exposed(path).map_err(about(path))?;
    if mode != 0 {
        return Err(LedgerError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let key = Key::parse(&text).ok_or_else(|| LedgerError::KeyDamaged {
        path: path.to_owned(),
    })?;
    Ok(Some(key))
}

/// Takes the key of a ledger that is being made: the one that lies there, else a new one.
///
/// The caller holds the ledger's write lock. The key is durable before any row.
pub fn make(conn: &Connection, ledger: &Path) -> Result<(), LedgerError> {
    let path = path(ledger);
    let key = match load(&path)? {
        Some(key) => key,
        None => {
            let key = Key::make()?;
            write_new(&path, key.to_text().as_bytes()).map_err(about(&path))?;
            key
        }
    };
    let proof = key.cipher().seal(&NOBODY, Column::Token, PROOF)?;
    conn.execute(INSERT, (key.id(), proof)).map_err(fault)?;
    Ok(())
}

/// Reads the key and proves that the ledger was sealed with it; `None` when it is not there.
pub fn prove(conn: &Connection, ledger: &Path) -> Result<Option<Ready>, LedgerError> {
    let path = path(ledger);
    let current: Option<(i64, String, Vec<u8>)> = conn
        .query_row(CURRENT, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .map_err(fault)?;
    let (id, wants, proof) =
        current.ok_or_else(|| LedgerError::damaged("it does not say which key it has"))?;
    let Some(key) = load(&path)? else {
        return Ok(None);
    };
    let cipher = key.cipher();
    let opens = cipher.open(&NOBODY, Column::Token, &proof);
    if key.id() == wants && opens.is_ok_and(|plain| plain.as_slice() == PROOF) {
        return Ok(Some(Ready { id, cipher }));
    }
    Err(LedgerError::KeyWrong {
        path,
        has: key.id(),
        wants,
    })
}

/// Like [`prove`], for those who cannot go on without.
pub fn require(conn: &Connection, ledger: &Path) -> Result<Ready, LedgerError> {
    prove(conn, ledger)?.ok_or_else(|| LedgerError::KeyMissing { path: path(ledger) })
}
