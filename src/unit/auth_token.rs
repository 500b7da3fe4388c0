//! The AuthToken, and the fingerprint that stands for it wherever people look.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::digest::{hex, parse_hex};

/// Domain of the fingerprint, so that it equals no other digest of the token.
const DOMAIN: &[u8] = b"eol-inject/token/1\0";

/// What is shown in the place of what may be a token.
const HIDDEN: &str = "<hidden: it looks like a token>";
/// Length of what stands before the characters of a QR Token.
const QR: usize = 4;

/// Device credential: exactly 32 characters of `[A-Za-z0-9_-]`. Zeroed on drop.
///
/// It is neither `Clone` nor `Display`; every read of the secret is spelled
/// [`expose`](Self::expose).
pub struct AuthToken(Zeroizing<[u8; AuthToken::LEN]>);

impl AuthToken {
    /// Length in bytes, and in characters.
    pub const LEN: usize = 32;

    /// Takes a token from text that holds nothing else.
    ///
    /// # Errors
    /// [`AuthTokenError`], which never repeats the text.
    pub fn parse(text: &[u8]) -> Result<Self, AuthTokenError> {
        if let Some(index) = text.iter().position(|byte| !Self::allows(*byte)) {
            return Err(AuthTokenError::Character { index });
        }
        let bytes: [u8; Self::LEN] = text
            .try_into()
            .map_err(|_| AuthTokenError::Length { found: text.len() })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Returns whether `byte` may stand in a token.
    #[must_use]
    pub const fn allows(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    }

    /// Returns whether `text` has the shape of a token, secret or not.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        text.len() == Self::LEN && text.bytes().all(Self::allows)
    }

    /// Returns whether something with the shape of a token stands in `text`: between other
    /// characters, behind dashes, or in a longer word that looks made by chance.
    #[must_use]
    pub fn stands_in(text: &str) -> bool {
        words(text).any(is_suspect)
    }

    /// Returns `text` to be shown or recorded: what may be a token is left out of it.
    ///
    /// Hex digits stay: digests, boards' numbers and names of runs are made of them.
    #[must_use]
    pub fn hidden_in(text: &str) -> Cow<'_, str> {
        let tells = |word: &&str| is_suspect(word) && !is_hex(word) && !is_plain(word);
        if !words(text).any(|word| tells(&word)) {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        for word in words(text).filter(tells) {
            // Each word stands in what is left: they come in their order.
            if let Some((before, after)) = rest.split_once(word) {
                shown.push_str(before);
                shown.push_str(HIDDEN);
                rest = after;
            }
        }
        shown.push_str(rest);
        Cow::Owned(shown)
    }

    /// Returns the secret itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Returns what may be shown, logged and indexed in the token's place.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.expose());
        Fingerprint(hash.finalize().into())
    }
}

/// Returns the longest pieces of `text` that have the characters of a token only.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !u8::try_from(c).is_ok_and(AuthToken::allows))
        .filter(|word| word.len() >= AuthToken::LEN)
}

/// Returns whether a word may be a token, or have one in it.
fn is_suspect(word: &str) -> bool {
    // What a label says has a shape of its own, and is no secret.
    if word.len() == QR + AuthToken::LEN && word.starts_with("sqr_") {
        return false;
    }
    word.len() == AuthToken::LEN
        // A token taken for an option: some begin with a dash of their own.
        || (word.starts_with('-') && word.len() <= AuthToken::LEN + 2 && !is_plain(word))
        || word.as_bytes().windows(AuthToken::LEN).any(is_mixed)
}

/// Returns whether both cases and digits are in it: nearly every token has them, and names seldom
/// have.
fn is_mixed(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_digit)
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether it is one case of letters at most, with `-` and `_`: a rule, or words.
fn is_plain(word: &str) -> bool {
    let digits = word.bytes().any(|byte| byte.is_ascii_digit());
    let upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
    !(digits || upper && lower)
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(<secret>)")
    }
}

/// Why text is no AuthToken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthTokenError {
    /// Too long or too short.
    #[error("an AuthToken has 32 characters, this text has {found}")]
    Length {
        /// Length of the text in bytes.
        found: usize,
    },
    /// A character outside `[A-Za-z0-9_-]`.
    #[error("character {} is none of A-Z, a-z, 0-9, `_` and `-`", index + 1)]
    Character {
        /// Position of the first such byte, from 0.
        index: usize,
    },
}

/// SHA-256 of an AuthToken under a domain of its own.
///
/// A token carries 128 bits and more of chance, so the fingerprint needs no
/// key: nobody finds the token from it, and two sites compare without secrets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Takes the 32 bytes of a stored fingerprint.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns all 32 bytes, as they are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns all 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

/// The first 12 hex digits: what people compare.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: String = self.to_hex().chars().take(12).collect();
        f.pad(&short)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self).ok_or(FingerprintError)
    }
}

/// Text that is no fingerprint of 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a fingerprint has 64 hex digits")]
pub struct FingerprintError;
