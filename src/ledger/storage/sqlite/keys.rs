//! The key of a ledger in a file: read, checked against the ledger, made once for an empty one.

use rusqlite::Connection;
use std::path::{Path, PathBuf};

use super::manifest;
use crate::ledger::error::about;
use crate::ledger::storage::keys::stored;
use crate::ledger::{KeyError, LedgerError};
use crate::recipe::{HomeId, KeySource};
use crate::vault::crypto::Key;
use crate::vault::files::{beside, read_key, write_new};
use crate::vault::key_source;
use crate::vault::keyring::{self, Ring};
use crate::vault::recipient::StationKey;

/// Where the key of a ledger in a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyPlace {
    /// `<ledger>.key`, made together with the ledger.
    #[default]
    Beside,
    /// A source, whose paths are relative to the folder; a key is never made there.
    From(KeySource, PathBuf),
    /// The same, for the part of a ledger: only what that one signed is opened.
    Part(KeySource, PathBuf, HomeId),
}

impl KeyPlace {
    /// Returns the file that the key is brought in, where it is one.
    pub(in crate::ledger) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::From(KeySource::File(file), folder)
            | Self::Part(KeySource::File(file), folder, _) => Some(folder.join(file)),
            _ => None,
        }
    }

    /// Returns the ledger whose parts are opened.
    const fn home(&self) -> Option<&HomeId> {
        match self {
            Self::Part(_, _, home) => Some(home),
            Self::Beside | Self::From(..) => None,
        }
    }

    /// Reads what lies there for the ledger at `ledger`; nothing at all beside it is no fault, as a
    /// key is made there.
    ///
    /// # Errors
    /// [`KeyError::KeyUnread`], [`KeyError::KeyDamaged`], [`KeyError::Exposed`]
    pub fn try_read(&self, ledger: &Path) -> Result<(), LedgerError> {
        bring(self, ledger).map(drop)
    }
}

/// A key that somebody brings: a ledger's own, or the key of the station that a part is for.
pub enum Brought {
    Ledger(Key),
    Station(StationKey),
}

/// Returns where a ledger's key lies.
pub fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".key")
}

/// Returns how a place is named in messages.
pub fn named(place: &KeyPlace, ledger: &Path) -> PathBuf {
    match place {
        KeyPlace::Beside => path(ledger),
        KeyPlace::From(source, _) | KeyPlace::Part(source, _, _) => source.to_string().into(),
    }
}

/// Reads what lies at a place; `None` when there is nothing beside the ledger.
pub fn bring(place: &KeyPlace, ledger: &Path) -> Result<Option<Brought>, LedgerError> {
    let text = match place {
        KeyPlace::Beside => match read_key(&path(ledger))? {
            Some(text) => text,
            None => return Ok(None),
        },
        KeyPlace::From(source, folder) | KeyPlace::Part(source, folder, _) => {
            key_source::text(source, folder)?
        }
    };
    let brought = match StationKey::parse(&text) {
        Some(key) => Some(Brought::Station(key)),
        None => Key::parse(&text).map(Brought::Ledger),
    };
    brought.map(Some).ok_or_else(|| {
        LedgerError::Key(KeyError::KeyDamaged {
            path: named(place, ledger),
        })
    })
}

/// Takes the key of a ledger that is being made: the one that lies there, else a new one.
///
/// The caller holds the ledger's write lock. The key is durable before any row.
pub fn make(ledger: &Path, place: &KeyPlace) -> Result<Key, LedgerError> {
    let key = match bring(place, ledger)? {
        Some(Brought::Ledger(key)) => key,
        // A station's key opens parts; a ledger of its own has a key of its own.
        Some(Brought::Station(_)) => {
            return Err(LedgerError::Key(KeyError::KeyDamaged {
                path: named(place, ledger),
            }));
        }
        None => {
            let path = path(ledger);
            let key = Key::make()?;
            write_new(&path, key.to_text().as_bytes()).map_err(about(&path))?;
            key
        }
    };
    Ok(key)
}

/// Returns the ring of a ledger that has one key, which is at hand.
pub fn ring_of(conn: &Connection, key: &Key) -> Result<Ring, LedgerError> {
    let ring = Ring::of(stored(conn)?, std::slice::from_ref(key));
    ring.ok_or_else(|| LedgerError::damaged("it has another key than it was given"))
}

/// Reads the key and proves that the ledger was sealed with it; `None` when it cannot be had.
pub fn prove(
    conn: &Connection,
    ledger: &Path,
    place: &KeyPlace,
) -> Result<Option<Ring>, LedgerError> {
    let brought = match bring(place, ledger) {
        Err(LedgerError::Key(KeyError::KeyUnread { .. })) => Ok(None),
        brought => brought,
    };
    prove_with(conn, (ledger, place), brought)
}

fn prove_with(
    conn: &Connection,
    (ledger, place): (&Path, &KeyPlace),
    brought: Result<Option<Brought>, LedgerError>,
) -> Result<Option<Ring>, LedgerError> {
    let rows = stored(conn)?;
    let wants = match rows.first() {
        Some(row) => row.name.clone(),
        None => return Err(LedgerError::damaged("it does not say which key it has")),
    };
    let mut keys = Vec::new();
    match brought? {
        Some(Brought::Ledger(key)) => keys.push(key),
        Some(Brought::Station(key)) => match manifest::unseal(conn, &key, place.home())? {
            Some(key) => keys.push(key),
            None => {
                return Err(LedgerError::Key(KeyError::KeyWrong {
                    path: named(place, ledger),
                    has: key.recipient()?.id(),
                    wants,
                }));
            }
        },
        None => {}
    }
    keys.extend(keyring::next(ledger)?);
    if let Some(ring) = Ring::of(rows, &keys) {
        return Ok(Some(ring));
    }
    match keys.first() {
        Some(key) => Err(LedgerError::Key(KeyError::KeyWrong {
            path: named(place, ledger),
            has: key.id(),
            wants,
        })),
        None => Ok(None),
    }
}

/// Like [`prove`], for those who cannot go on without.
pub fn require(conn: &Connection, ledger: &Path, place: &KeyPlace) -> Result<Ring, LedgerError> {
    prove_with(conn, (ledger, place), bring(place, ledger))?.ok_or_else(|| {
        LedgerError::Key(KeyError::KeyMissing {
            path: named(place, ledger),
        })
    })
}
