//! The key of a ledger in a file: read, checked against the ledger, made once for an empty one.
//!
//! While a rotation goes on, rows are sealed with either of two keys, and both are at hand.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use super::super::LedgerError;
use super::super::crypto::{Cipher, Column, Key};
use super::super::files::{about, beside, exposed, write_new};
use super::super::key_source;
use super::super::recipient::StationKey;
use super::connect::fault;
use crate::recipe::KeySource;
use crate::unit::Fingerprint;

const ALL: &str = "SELECT id, name, proof FROM keys ORDER BY id DESC";
const INSERT: &str = "INSERT INTO keys (name, proof) VALUES (?1, ?2)";
const FACT: &str = "SELECT value FROM facts WHERE name = ?1";

/// Fact of a part: its key, sealed for its station.
pub const SEALED: &str = "sealed key";

/// What a key's proof opens to.
const PROOF: &[u8] = b"eol-inject";
/// What a key's proof is sealed for: no token has this fingerprint.
const NOBODY: Fingerprint = Fingerprint::from_bytes([0; 32]);

/// Where the key of a ledger in a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyPlace {
    /// `<ledger>.key`, made together with the ledger.
    #[default]
    Beside,
    /// A source, whose paths are relative to the folder; a key is never made there.
    From(KeySource, PathBuf),
}

/// A key that somebody brings: a ledger's own, or the key of the station that a part is for.
pub enum Brought {
    Ledger(Key),
    Station(StationKey),
}

/// A key that was proved against the ledger.
pub struct Ready {
    pub id: i64,
    pub cipher: Cipher,
}

/// All keys that rows are sealed with: the current one first.
pub struct Ring(Vec<Ready>);

impl Ring {
    /// Returns the key that new values are sealed with.
    pub fn current(&self) -> Result<&Ready, LedgerError> {
        self.0
            .first()
            .ok_or_else(|| LedgerError::damaged("it does not say which key it has"))
    }

    /// Returns the current key's cipher alone.
    pub fn into_current(self) -> Result<Cipher, LedgerError> {
        let first = self.0.into_iter().next();
        first
            .map(|ready| ready.cipher)
            .ok_or_else(|| LedgerError::damaged("it does not say which key it has"))
    }

    /// Returns what opens a row.
    pub fn opener(&self, id: i64) -> Result<&Cipher, LedgerError> {
        let found = self.0.iter().find(|ready| ready.id == id);
        found.map(|ready| &ready.cipher).ok_or(LedgerError::Rotated)
    }
}

/// Returns where a ledger's key lies.
pub fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".key")
}

/// Returns where the next key lies while a rotation goes on.
pub fn next_path(ledger: &Path) -> PathBuf {
    beside(ledger, ".key.next")
}

/// Returns how a place is named in messages.
pub fn named(place: &KeyPlace, ledger: &Path) -> PathBuf {
    match place {
        KeyPlace::Beside => path(ledger),
        KeyPlace::From(source, _) => source.to_string().into(),
    }
}

/// Reads what lies at a place; `None` when there is nothing beside the ledger.
pub fn bring(place: &KeyPlace, ledger: &Path) -> Result<Option<Brought>, LedgerError> {
    let text = match place {
        KeyPlace::Beside => match from_file(&path(ledger))? {
            Some(text) => text,
            None => return Ok(None),
        },
        KeyPlace::From(source, folder) => key_source::text(source, folder)?,
    };
    let brought = match StationKey::parse(&text) {
        Some(key) => Some(Brought::Station(key)),
        None => Key::parse(&text).map(Brought::Ledger),
    };
    brought.map(Some).ok_or_else(|| LedgerError::KeyDamaged {
        path: named(place, ledger),
    })
}

/// Reads an owner-only file; `None` when there is none.
pub fn from_file(path: &Path) -> Result<Option<Zeroizing<String>>, LedgerError> {
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
    match exposed(path).map_err(about(path))? {
        0 => Ok(Some(text)),
        mode => Err(LedgerError::Exposed {
            path: path.to_owned(),
            mode,
        }),
    }
}

/// Takes the key of a ledger that is being made: the one that lies there, else a new one.
///
/// The caller holds the ledger's write lock. The key is durable before any row.
pub fn make(conn: &Connection, ledger: &Path, place: &KeyPlace) -> Result<(), LedgerError> {
    let key = match bring(place, ledger)? {
        Some(Brought::Ledger(key)) => key,
        // A station's key opens parts; a ledger of its own has a key of its own.
        Some(Brought::Station(_)) => {
            return Err(LedgerError::KeyDamaged {
                path: named(place, ledger),
            });
        }
        None => {
            let path = path(ledger);
            let key = Key::make()?;
            write_new(&path, key.to_text().as_bytes()).map_err(about(&path))?;
            key
        }
    };
    enter(conn, &key).map(drop)
}

/// Adds a key to those of the ledger; from here on it is the current one.
pub fn enter(conn: &Connection, key: &Key) -> Result<i64, LedgerError> {
    let proof = key.cipher().seal(&NOBODY, Column::Token, PROOF)?;
    conn.execute(INSERT, (key.id(), proof)).map_err(fault)?;
    Ok(conn.last_insert_rowid())
}

/// Returns the ring of a ledger that has one key, which is at hand.
pub fn ring_of(conn: &Connection, key: &Key) -> Result<Ring, LedgerError> {
    let rows = rows(conn)?;
    let ready = rows
        .iter()
        .filter(|row| row.opens_with(key))
        .map(|row| Ready {
            id: row.id,
            cipher: key.cipher(),
        });
    Ok(Ring(ready.collect()))
}

/// One of the ledger's keys, as stored.
struct Row {
    id: i64,
    name: String,
    proof: Vec<u8>,
}

impl Row {
    fn opens_with(&self, key: &Key) -> bool {
        let opens = key.cipher().open(&NOBODY, Column::Token, &self.proof);
        key.id() == self.name && opens.is_ok_and(|plain| plain.as_slice() == PROOF)
    }
}

fn rows(conn: &Connection) -> Result<Vec<Row>, LedgerError> {
    let mut statement = conn.prepare(ALL).map_err(fault)?;
    let rows = statement.query_map([], |row| {
        Ok(Row {
            id: row.get(0)?,
            name: row.get(1)?,
            proof: row.get(2)?,
        })
    });
    rows.map_err(fault)?
        .collect::<Result<_, _>>()
        .map_err(fault)
}

/// Returns the names of the ledger's keys, the current one first.
pub fn names(conn: &Connection) -> Result<Vec<(i64, String)>, LedgerError> {
    let rows = rows(conn)?.into_iter();
    Ok(rows.map(|row| (row.id, row.name)).collect())
}

/// Reads the key and proves that the ledger was sealed with it; `None` when it is not there.
pub fn prove(
    conn: &Connection,
    ledger: &Path,
    place: &KeyPlace,
) -> Result<Option<Ring>, LedgerError> {
    let rows = rows(conn)?;
    let wants = match rows.first() {
        Some(row) => row.name.clone(),
        None => return Err(LedgerError::damaged("it does not say which key it has")),
    };
    let mut keys = Vec::new();
    match bring(place, ledger)? {
        Some(Brought::Ledger(key)) => keys.push(key),
        Some(Brought::Station(key)) => match unseal(conn, &key)? {
            Some(key) => keys.push(key),
            None => {
                return Err(LedgerError::KeyWrong {
                    path: named(place, ledger),
                    has: key.recipient()?.id(),
                    wants,
                });
            }
        },
        None => {}
    }
    if let Some(text) = from_file(&next_path(ledger))? {
        keys.extend(Key::parse(&text));
    }
    let ring: Vec<Ready> = rows
        .iter()
        .filter_map(|row| {
            let key = keys.iter().find(|key| row.opens_with(key))?;
            Some(Ready {
                id: row.id,
                cipher: key.cipher(),
            })
        })
        .collect();
    let current = rows.first().map(|row| row.id);
    if ring.first().map(|ready| ready.id) == current {
        return Ok(Some(Ring(ring)));
    }
    match keys.first() {
        Some(key) => Err(LedgerError::KeyWrong {
            path: named(place, ledger),
            has: key.id(),
            wants,
        }),
        None => Ok(None),
    }
}

/// Opens the key of a part with its station's; `None` when it is another station's, or no part.
fn unseal(conn: &Connection, key: &StationKey) -> Result<Option<Key>, LedgerError> {
    let fact = |name: &str| -> Result<Option<String>, LedgerError> {
        conn.query_row(FACT, [name], |row| row.get(0))
            .optional()
            .map_err(fault)
    };
    match (fact(SEALED)?, fact("ledger")?) {
        (Some(sealed), Some(ledger)) => key.open(&sealed, &ledger),
        _ => Ok(None),
    }
}

/// Like [`prove`], for those who cannot go on without.
pub fn require(conn: &Connection, ledger: &Path, place: &KeyPlace) -> Result<Ring, LedgerError> {
    prove(conn, ledger, place)?.ok_or_else(|| LedgerError::KeyMissing {
        path: named(place, ledger),
    })
}
