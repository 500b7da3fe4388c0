//! SHA-256 digests of images, recipes and events.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Stands for the digest of what nobody knows: 32 zero bytes, which no known input gives.
    pub const UNKNOWN: Self = Self([0; 32]);

    /// Returns the first 12 hex digits, or `unknown`.
    #[must_use]
    pub fn short(&self) -> String {
        match self.known() {
            Some(digest) => digest.to_string().chars().take(12).collect(),
            None => "unknown".to_owned(),
        }
    }

    /// Returns the digest, unless it stands for what nobody knows.
    #[must_use]
    pub fn known(&self) -> Option<&Self> {
        (*self != Self::UNKNOWN).then_some(self)
    }

    /// Digests `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Digests `parts`, one behind the other.
    pub(crate) fn of_parts<'p>(parts: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut hash = Sha256::new();
        parts.for_each(|part| hash.update(part));
        Self(hash.finalize().into())
    }

    /// Takes the 32 bytes of a stored digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// All 64 hex digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self).ok_or(DigestError)
    }
}

/// Text that is no digest of 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a SHA-256 digest has 64 hex digits")]
pub struct DigestError;

/// Writes bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads pairs of hex digits, spaces around them aside.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.trim().as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Reads exactly `2 * N` hex digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
