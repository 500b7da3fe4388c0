//! The keys of a ledger, proved against it by its own seed, which each of them sealed.
//!
//! While a rotation goes on, rows are sealed with either of two keys, and both are at hand: the one
//! that the ledger had, and the next one, in `<ledger>.key.next`.

use std::path::{Path, PathBuf};

use super::error::KeyError;
use super::seed::Seed;
use crate::unit::Fingerprint;
use crate::vault::crypto::{AFTER, Cipher, Column, Key};
use crate::vault::files::{about, beside, read_key, write_new};

/// What the seed is sealed for: no token has this fingerprint.
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
    /// The ledger's seed, sealed with it.
    pub seed: Vec<u8>,
}

/// A key that was proved against the ledger.
pub struct Ready {
    pub id: i64,
    pub cipher: Cipher,
}

/// The ledger's keys that are at hand: the current one first.
pub struct Ring {
    ready: Vec<Ready>,
    seed: Seed,
    /// Those that the ledger has and nobody brought.
    absent: Vec<Stored>,
}

/// Seals a ledger's seed: whoever opens it has the key.
pub fn sealed(seed: &Seed, key: &Key) -> Result<Vec<u8>, KeyError> {
    key.cipher().seal(&NOBODY, Column::Seed, seed.as_bytes())
}

impl Stored {
    fn open(&self, key: &Key) -> Option<Seed> {
        let opened = key.cipher().open(&NOBODY, Column::Seed, &self.seed);
        let seed = Seed::from_slice(&opened.ok()?)?;
        (key.id() == self.name).then_some(seed)
    }
}

impl Ring {
    /// Takes those of `keys` that are the ledger's; `None` when its current key, the first of
    /// `stored`, is not among them.
    pub fn of(stored: Vec<Stored>, keys: &[Key]) -> Option<Self> {
        let current = stored.first()?;
        let seed = keys.iter().find_map(|key| current.open(key))?;
        let mut ring = Self {
            ready: Vec::new(),
            seed,
            absent: Vec::new(),
        };
        for row in stored {
            match keys.iter().find(|key| row.open(key).is_some()) {
                Some(key) => ring.ready.push(Ready {
                    id: row.id,
                    cipher: key.cipher(),
                }),
                None => ring.absent.push(row),
            }
        }
        Some(ring)
    }

    /// Returns the ledger's seed.
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Returns the key that new values are sealed with.
    pub fn current(&self) -> Result<&Ready, KeyError> {
        let first = self.ready.first();
        first.ok_or_else(|| KeyError::damaged("it does not say which key it has"))
    }

    /// Returns the current key's cipher alone.
    #[cfg(feature = "sqlite")]
    pub fn into_current(self) -> Result<Cipher, KeyError> {
        let first = self.ready.into_iter().next();
        first
            .map(|ready| ready.cipher)
            .ok_or_else(|| KeyError::damaged("it does not say which key it has"))
    }

    /// Returns what opens a row.
    pub fn opener(&self, id: i64) -> Result<&Cipher, KeyError> {
        if let Some(ready) = self.ready.iter().find(|ready| ready.id == id) {
            return Ok(&ready.cipher);
        }
        match self.absent.iter().find(|stored| stored.id == id) {
            Some(stored) => Err(KeyError::KeyBefore {
                id: stored.name.clone(),
            }),
            None => Err(KeyError::Rotated),
        }
    }
}

/// Returns where the next key lies while a rotation goes on.
pub fn next_path(base: &Path) -> PathBuf {
    beside(base, ".key.next")
}

/// Reads the next key, if one waits there.
pub fn next(base: &Path) -> Result<Option<Key>, KeyError> {
    let path = next_path(base);
    let Some(text) = read_key(&path)? else {
        return Ok(None);
    };
    let key = Key::parse(&text);
    key.map(Some).ok_or(KeyError::KeyDamaged { path })
}

/// Refuses a next key that was not put there by somebody who has the present one.
fn bound(base: &Path, next: &Key, present: Option<&Key>) -> Result<(), KeyError> {
    let path = next_path(base);
    let text = read_key(&path)?.unwrap_or_default();
    let bond = text.lines().find_map(|line| line.strip_prefix(AFTER));
    let bond = bond.and_then(|bond| crate::unit::parse_hex::<32>(bond.trim()));
    if let (Some(present), Some(bond)) = (present, bond)
        && next.follows(present, &bond)?
    {
        return Ok(());
    }
    let id = next.id();
    Err(KeyError::KeyPlanted { path, id })
}

/// Reads the keys that were replaced and are kept beside the ledger.
pub fn kept(base: &Path) -> Result<Vec<Key>, KeyError> {
    let folder = match base.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let start = beside(base, ".key.");
    let start = start.file_name().unwrap_or_default().to_string_lossy();
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(about(folder))? {
        let name = entry.map_err(about(folder))?.file_name();
        let name = name.to_string_lossy();
        let id = name.strip_prefix(&*start).unwrap_or_default();
        if id.len() == 16
            && let Some(text) = read_key(&folder.join(&*name))?
        {
            keys.extend(Key::parse(&text));
        }
    }
    Ok(keys)
}

/// Returns the key to change to, for a ledger that has the keys `names`, the current one first, and
/// whose own key is `source` where the ledger looks for it.
///
/// A rotation that was begun goes on to the key that it was begun with. Else it is the key that
/// waits, or a new one, durable when this returns. One that waits and is in its place already was
/// left by a rotation that is over: it goes.
///
/// # Errors
/// [`KeyError::KeyWrong`] when the key that a rotation was begun with is not at hand.
pub fn next_or_new(base: &Path, names: &[String], source: Option<&Key>) -> Result<Key, KeyError> {
    let path = next_path(base);
    let waits = next(base)?;
    let current = names.first().cloned().unwrap_or_default();
    if names.len() > 1 {
        let has = waits.as_ref().map(Key::id).unwrap_or_default();
        let mut keys = [waits, source.cloned()].into_iter().flatten();
        let begun = keys.find(|key| key.id() == current);
        return begun.ok_or(KeyError::KeyWrong {
            path,
            has,
            wants: current,
        });
    }
    if let Some(key) = waits {
        let placed = source.is_some_and(|source| source.id() == key.id());
        if key.id() != current {
            bound(base, &key, source.filter(|source| source.id() == current))?;
            return Ok(key);
        }
        if !placed {
            return Ok(key);
        }
        std::fs::remove_file(&path).map_err(about(&path))?;
    }
    let key = Key::make()?;
    let mut text = key.to_text();
    if let Some(present) = source {
        let bond = crate::unit::hex(&key.bond(present)?);
        for part in [AFTER, &bond, "\n"] {
            text.push_str(part);
        }
    }
    write_new(&path, text.as_bytes()).map_err(about(&path))?;
    Ok(key)
}

/// Keeps a key under its id beside the ledger: what was sealed with it and not again opens with it
/// only.
pub fn keep(base: &Path, key: &Key) -> Result<(), KeyError> {
    let kept = beside(base, &format!(".key.{}", key.id()));
    match write_new(&kept, key.to_text().as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(about(&kept)(error)),
        _ => Ok(()),
    }
}

/// Makes the error of values that no token's row leads to: they cannot be sealed anew.
pub fn orphaned(left: u64) -> KeyError {
    KeyError::damaged(format!(
        "values belong to no token ({left}), and the key before cannot be given up: eol-inject ledger audit"
    ))
}
