//! The key's proof in the ledger: a wrong key is told before anything is written.

use postgres::GenericClient;

use super::super::LedgerError;
use super::super::crypto::{Cipher, Column, Key};
use super::fault::meaning;
use crate::recipe::KeySource;
use crate::unit::Fingerprint;

const CURRENT: &str = "SELECT id, name, proof FROM keys ORDER BY id DESC LIMIT 1";
const INSERT: &str = "INSERT INTO keys (name, proof) VALUES ($1, $2)";

/// What a key's proof opens to.
const PROOF: &[u8] = b"eol-inject";
/// What a key's proof is sealed for: no token has this fingerprint.
const NOBODY: Fingerprint = Fingerprint::from_bytes([0; 32]);

/// A key that was proved against the ledger.
pub struct Ready {
    pub id: i64,
    pub cipher: Cipher,
}

/// Seals the known text.
pub fn proof(key: &Key) -> Result<Vec<u8>, LedgerError> {
    key.cipher().seal(&NOBODY, Column::Token, PROOF)
}

/// Notes which key a new ledger has.
pub fn add(
    client: &mut impl GenericClient,
    key: &Key,
    proof: &[u8],
) -> Result<(), postgres::Error> {
    client.execute(INSERT, &[&key.id(), &proof]).map(drop)
}

/// Proves that the ledger was sealed with `key`, which came from `source`.
pub fn prove(
    client: &mut impl GenericClient,
    key: &Key,
    source: &KeySource,
) -> Result<Ready, LedgerError> {
    let current = client.query_opt(CURRENT, &[]).map_err(meaning)?;
    let row = current.ok_or_else(|| LedgerError::damaged("it does not say which key it has"))?;
    let wants: String = row.try_get(1).map_err(meaning)?;
    let proof: &[u8] = row.try_get(2).map_err(meaning)?;
    let cipher = key.cipher();
    let opens = cipher.open(&NOBODY, Column::Token, proof);
    if key.id() == wants && opens.is_ok_and(|plain| plain.as_slice() == PROOF) {
        let id = row.try_get(0).map_err(meaning)?;
        return Ok(Ready { id, cipher });
    }
    Err(LedgerError::KeyWrong {
        path: source.to_string().into(),
        has: key.id(),
        wants,
    })
}
