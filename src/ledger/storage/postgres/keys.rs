//! The key's proof in the ledger: a wrong key is told before anything is written.

use postgres::GenericClient;

use super::Server;
use super::fault::meaning;
use crate::ledger::LedgerError;
use crate::vault::crypto::Key;
use crate::vault::key_source;
use crate::vault::keyring::{self, Ring, Stored};

const ALL: &str = "SELECT id, name, seed FROM keys ORDER BY id DESC";
const INSERT: &str = "INSERT INTO keys (name, seed) VALUES ($1, $2)";

/// Reads the ledger's key, and the next one where it waits.
pub fn bring(server: &Server) -> Result<Vec<Key>, LedgerError> {
    let mut keys = vec![key_source::read(&server.key, &server.folder)?];
    keys.extend(keyring::next(&server.base)?);
    Ok(keys)
}

/// Notes which key a new ledger has.
pub fn add(client: &mut impl GenericClient, key: &Key, seed: &[u8]) -> Result<(), postgres::Error> {
    client.execute(INSERT, &[&key.id(), &seed]).map(drop)
}

/// Returns the ledger's keys, the current one first.
pub fn stored(client: &mut impl GenericClient) -> Result<Vec<Stored>, LedgerError> {
    let rows = client.query(ALL, &[]).map_err(meaning)?;
    let read = rows.iter().map(|row| {
        Ok(Stored {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            seed: row.try_get(2)?,
        })
    });
    read.collect::<Result<_, _>>().map_err(meaning)
}

/// Returns the names of the ledger's keys, the current one first.
pub fn names(client: &mut impl GenericClient) -> Result<Vec<String>, LedgerError> {
    let stored = stored(client)?.into_iter();
    Ok(stored.map(|key| key.name).collect())
}

/// Proves that the ledger was sealed with one of `keys`, as [`bring`] returns them.
pub fn prove(
    client: &mut impl GenericClient,
    keys: &[Key],
    server: &Server,
) -> Result<Ring, LedgerError> {
    let stored = stored(client)?;
    let wants = stored.first().map(|key| key.name.clone());
    let wants = wants.ok_or_else(|| LedgerError::damaged("it does not say which key it has"))?;
    Ring::of(stored, keys).ok_or_else(|| LedgerError::KeyWrong {
        path: server.key.to_string().into(),
        has: keys.first().map(Key::id).unwrap_or_default(),
        wants,
    })
}
