//! The keys of a ledger, proved against it by a known text that each of them sealed.
//!
//! While a rotation goes on, rows are sealed with either of two keys, and both are at hand: the one
//! that the ledger had, and the next one, in `<ledger>.key.next`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::LedgerError;
use super::crypto::{Cipher, Column, Key};
use super::files::{about, beside, exposed, write_new};
use crate::unit::Fingerprint;

/// What a key's proof opens to.
const PROOF: &[u8] = b"eol-inject";
/// What a key's proof is sealed for: no token has this fingerprint.
const NOBODY: Fingerprint = Fingerprint::from_bytes([0; 32]);

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The id of the key that everything is sealed with now.
    pub id: String,
    /// The id of the key before.
    pub was: Option<String>,
    /// How many values were sealed anew by this call.
    pub rows: u64,
    /// Whether the new key lies where the ledger looks for it; else it waits beside the ledger.
    pub placed: bool,
}

/// One of the ledger's keys, as stored.
pub struct Stored {
    pub id: i64,
    pub name: String,
    pub proof: Vec<u8>,
}

/// A key that was proved against the ledger.
pub struct Ready {
    pub id: i64,
    pub cipher: Cipher,
}

/// The ledger's keys that are at hand: the current one first.
pub struct Ring {
    ready: Vec<Ready>,
    /// Those that the ledger has and nobody brought.
    absent: Vec<Stored>,
}

/// Seals the known text.
pub fn proof(key: &Key) -> Result<Vec<u8>, LedgerError> {
    key.cipher().seal(&NOBODY, Column::Token, PROOF)
}

impl Stored {
    fn opens_with(&self, key: &Key) -> bool {
        let opens = key.cipher().open(&NOBODY, Column::Token, &self.proof);
        key.id() == self.name && opens.is_ok_and(|plain| plain.as_slice() == PROOF)
    }
}

impl Ring {
    /// Takes those of `keys` that are the ledger's; `None` when its current key, the first of
    /// `stored`, is not among them.
    pub fn of(stored: Vec<Stored>, keys: &[Key]) -> Option<Self> {
        let mut ring = Self {
            ready: Vec::new(),
            absent: Vec::new(),
        };
        let current = stored.first()?.id;
        for row in stored {
            match keys.iter().find(|key| row.opens_with(key)) {
                Some(key) => ring.ready.push(Ready {
                    id: row.id,
                    cipher: key.cipher(),
                }),
                None => ring.absent.push(row),
            }
        }
        (ring.ready.first()?.id == current).then_some(ring)
    }

    /// Returns the key that new values are sealed with.
    pub fn current(&self) -> Result<&Ready, LedgerError> {
        let first = self.ready.first();
        first.ok_or_else(|| LedgerError::damaged("it does not say which key it has"))
    }

    /// Returns the current key's cipher alone.
    #[cfg(feature = "sqlite")]
    pub fn into_current(self) -> Result<Cipher, LedgerError> {
        let first = self.ready.into_iter().next();
        first
            .map(|ready| ready.cipher)
            .ok_or_else(|| LedgerError::damaged("it does not say which key it has"))
    }

    /// Returns what opens a row.
    pub fn opener(&self, id: i64) -> Result<&Cipher, LedgerError> {
        if let Some(ready) = self.ready.iter().find(|ready| ready.id == id) {
            return Ok(&ready.cipher);
        }
        match self.absent.iter().find(|stored| stored.id == id) {
            Some(stored) => Err(LedgerError::KeyBefore {
                id: stored.name.clone(),
            }),
            None => Err(LedgerError::Rotated),
        }
    }
}

/// Returns where the next key lies while a rotation goes on.
pub fn next_path(base: &Path) -> PathBuf {
    beside(base, ".key.next")
}

/// Reads the next key, if one waits there.
pub fn next(base: &Path) -> Result<Option<Key>, LedgerError> {
    let path = next_path(base);
    let Some(text) = read(&path)? else {
        return Ok(None);
    };
    let key = Key::parse(&text);
    key.map(Some).ok_or(LedgerError::KeyDamaged { path })
}

/// Returns the key to change to; makes it, durable when this returns, unless one waits there.
///
/// One that is the only key of a ledger that has `names`, and `placed` where the ledger looks for
/// its key, was left by a rotation that is over.
pub fn next_or_new(
    base: &Path,
    names: &[String],
    placed: &dyn Fn(&Key) -> bool,
) -> Result<Key, LedgerError> {
    let path = next_path(base);
    if let Some(key) = next(base)? {
        if names != [key.id()] || !placed(&key) {
            return Ok(key);
        }
        std::fs::remove_file(&path).map_err(about(&path))?;
    }
    let key = Key::make()?;
    write_new(&path, key.to_text().as_bytes()).map_err(about(&path))?;
    Ok(key)
}

/// Reads an owner-only file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Zeroizing<String>>, LedgerError> {
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

/// Refuses to change the key while the bytes of a board that is in hand here are sealed with it.
pub fn no_board_in_hand(base: &Path) -> Result<(), LedgerError> {
    let journal = beside(base, ".journal");
    match std::fs::read_dir(&journal) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(LedgerError::KeyInUse {
                what: "the bytes of a board that is in hand are sealed with it: finish that first",
            }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(about(&journal)(error)),
    }
}
