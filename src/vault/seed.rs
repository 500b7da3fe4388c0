//! A ledger's own secret, from which all of its other secrets come.

use hmac::Mac as _;
use zeroize::Zeroizing;

use super::crypto::random;
use super::error::KeyError;
use super::home::HomeKey;
use crate::vault::crypto::keyed;

/// Domain of the secret that a ledger signs with.
const SIGNS: &[u8] = b"eol-inject/home signs/1\0";

/// A ledger's own secret, made with it and sealed with its key: it stays when the key changes.
/// Zeroed on drop.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Makes one from the system's random numbers.
    pub fn make() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Takes 32 bytes; `None` when there are more or fewer.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        if bytes.len() != seed.len() {
            return None;
        }
        seed.copy_from_slice(bytes);
        Some(Self(seed))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns what the ledger signs its parts with.
    pub fn home(&self) -> Result<HomeKey, KeyError> {
        Ok(HomeKey::from_secret(&self.derive(SIGNS)?))
    }

    /// Returns a secret for one purpose.
    pub fn derive(&self, domain: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let mut hmac = keyed(self.0.as_ref())?;
        hmac.update(domain);
        Ok(Zeroizing::new(hmac.finalize().into_bytes().into()))
    }
}
