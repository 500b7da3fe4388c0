//! The seal of secret columns: XChaCha20-Poly1305 under a key that lies beside the ledger.
//!
//! A sealed value opens only for the token and column that it was sealed for: fingerprint and
//! column are its associated data. Nothing here knows tables.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::KeyError;
use crate::unit::Fingerprint;

/// Domain of what a value is sealed for.
const SEAL: &[u8] = b"eol-inject/seal/1\0";
/// Domain of a key's id.
const KEY: &[u8] = b"eol-inject/key/1\0";
/// First line of a key file.
const HEADER: &str = "eol-inject ledger key 1";
/// What the line begins with that ties a next key to the present one.
pub const AFTER: &str = "after ";
/// Domain of what ties a next key to the present one.
const BOND: &[u8] = b"eol-inject/next key/1\0";
/// Length of a nonce in bytes (draft-irtf-cfrg-xchacha-03, section 2).
const NONCE: usize = 24;

/// Which value of a token is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The AuthToken.
    Token,
    /// The QR Token.
    Qr,
    /// The exported picture.
    Picture,
    /// The other columns of the list.
    Columns,
    /// The ledger's own secret; the fingerprint is nobody's.
    Seed,
    /// What a board held of its own; the fingerprint is that of the board's number.
    Board,
}

impl Column {
    /// Returns its name, as it is sealed and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "AuthToken",
            Self::Qr => "QR Token",
            Self::Picture => "picture",
            Self::Columns => "list columns",
            Self::Seed => "seed",
            Self::Board => "bytes of a board",
        }
    }
}

/// A ledger's key. Zeroed on drop.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LedgerKey(<secret>)")
    }
}

impl Key {
    /// Makes a key from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Storage`] when the system has none.
    pub fn make() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Reads the text of a key file, or its digits alone; `None` when it holds no key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(HEADER).unwrap_or(text).trim().lines();
        let digits = lines.next()?.trim();
        // What ties it to the key before is nobody's concern any more when it is in its place.
        if lines.any(|line| !line.starts_with(AFTER)) {
            return None;
        }
        crate::unit::parse_hex(digits).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Takes the 32 bytes of a key; `None` when there are more or fewer.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Returns the 32 bytes.
    #[cfg(feature = "sqlite")]
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the text of a key file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(96));
        text.push_str(HEADER);
        text.push('\n');
        let digits = Zeroizing::new(crate::unit::hex(self.0.as_ref()));
        text.push_str(&digits);
        text.push('\n');
        text
    }

    /// Returns what only somebody who has the present key can say of the next one.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn bond(&self, present: &Self) -> Result<[u8; 32], KeyError> {
        Ok(self.bonding(present)?.finalize().into_bytes().into())
    }

    /// Returns whether somebody who has the present key made it the next one.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn follows(&self, present: &Self, bond: &[u8; 32]) -> Result<bool, KeyError> {
        Ok(self.bonding(present)?.verify_slice(bond).is_ok())
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn bonding(&self, present: &Self) -> Result<Hmac<Sha256>, KeyError> {
        let mut hmac = keyed(present.0.as_ref())?;
        hmac.update(BOND);
        hmac.update(self.0.as_ref());
        Ok(hmac)
    }

    /// Returns what tells keys apart and helps nobody to open anything.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(KEY);
        hash.update(self.0.as_ref());
        let digest: [u8; 32] = hash.finalize().into();
        crate::unit::hex(&digest).chars().take(16).collect()
    }

    /// Returns what seals and opens with it.
    pub(crate) fn cipher(&self) -> Cipher {
        let key: &[u8; 32] = &self.0;
        Cipher(XChaCha20Poly1305::new(key.into()))
    }
}

/// Seals and opens values.
pub struct Cipher(XChaCha20Poly1305);

impl Cipher {
    /// Seals a value: nonce, then ciphertext and tag.
    pub fn seal(
        &self,
        fingerprint: &Fingerprint,
        column: Column,
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let aad = purpose(fingerprint, column);
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyError::damaged("a value is too long to be sealed"))?;
        let mut blob = Vec::with_capacity(NONCE + sealed.len());
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Opens a value that was sealed for this token and column.
    pub fn open(
        &self,
        fingerprint: &Fingerprint,
        column: Column,
        blob: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let unsealed = || KeyError::Unsealed {
            fingerprint: *fingerprint,
            column: column.name(),
        };
        let (nonce, sealed) = blob.split_at_checked(NONCE).ok_or_else(unsealed)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| unsealed())?;
        let aad = purpose(fingerprint, column);
        let payload = Payload {
            msg: sealed,
            aad: &aad,
        };
        let plain = self.0.decrypt(&XNonce::from(nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| unsealed())
    }
}

/// Returns what a value is sealed for.
fn purpose(fingerprint: &Fingerprint, column: Column) -> Vec<u8> {
    [
        SEAL,
        column.name().as_bytes(),
        b"\0",
        fingerprint.as_bytes(),
    ]
    .concat()
}

/// Fills `bytes` from the system's random numbers.
pub fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|error| KeyError::Storage {
        source: error.into(),
    })
}

/// Returns HMAC-SHA256 with a key.
pub fn keyed(key: &[u8]) -> Result<Hmac<Sha256>, KeyError> {
    // A key of any length is one.
    Hmac::new_from_slice(key).map_err(|error| KeyError::Storage {
        source: error.to_string().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let cipher = Key::make().unwrap().cipher();
        let (one, two) = (
            Fingerprint::from_bytes([1; 32]),
            Fingerprint::from_bytes([2; 32]),
        );
        let blob = cipher.seal(&one, Column::Token, b"secret").unwrap();
        assert_eq!(
            cipher.open(&one, Column::Token, &blob).unwrap().as_slice(),
            b"secret"
        );
        assert!(cipher.open(&two, Column::Token, &blob).is_err());
        assert!(cipher.open(&one, Column::Qr, &blob).is_err());
        assert!(cipher.open(&one, Column::Token, &blob[..20]).is_err());
        let other = Key::make().unwrap().cipher();
        assert!(other.open(&one, Column::Token, &blob).is_err());
    }

    #[test]
    fn a_key_reads_back_from_its_file() {
        let key = Key::make().unwrap();
        let text = key.to_text();
        assert_eq!(Key::parse(&text).unwrap().id(), key.id());
        let next = format!("{}{AFTER}00\n", &*text);
        assert_eq!(Key::parse(&next).unwrap().id(), key.id());
        assert!(Key::parse(&format!("{}and more\n", &*text)).is_none());
        assert!(Key::parse(&text[..40]).is_none());
        assert!(Key::parse("").is_none());
    }
}
