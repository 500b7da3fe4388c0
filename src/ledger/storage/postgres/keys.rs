//! The key's proof in the ledger: a wrong key is told before anything is written.

use super::Server;
use crate::ledger::storage::keys::stored;
use crate::ledger::storage::sql::Sql;
use crate::ledger::{KeyError, LedgerError};
use crate::vault::crypto::Key;
use crate::vault::key_source;
use crate::vault::keyring::{self, Ring};

/// Reads the ledger's key, and the next one where it waits.
pub fn bring(server: &Server) -> Result<Vec<Key>, LedgerError> {
    let mut keys = vec![key_source::read(&server.key, &server.folder)?];
    keys.extend(keyring::next(&server.base)?);
    Ok(keys)
}

/// Proves that the ledger was sealed with one of `keys`, as [`bring`] returns them.
pub fn prove(sql: &dyn Sql, keys: &[Key], server: &Server) -> Result<Ring, LedgerError> {
    let stored = stored(sql)?;
    let wants = stored.first().map(|key| key.name.clone());
    let wants = wants.ok_or_else(|| LedgerError::damaged("it does not say which key it has"))?;
    Ring::of(stored, keys).ok_or_else(|| {
        LedgerError::Key(KeyError::KeyWrong {
            path: server.key.to_string().into(),
            has: keys.first().map(Key::id).unwrap_or_default(),
            wants,
        })
    })
}
