//! The QR Token: what a label says. It claims a device and opens none.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::AuthToken;

/// First characters of every QR Token.
const PREFIX: &str = "sqr_";

/// `sqr_` and 32 characters, with the organisation that it belongs to.
///
/// It is kept as the text of the symbol, in one piece: lists are long.
///
/// No conversion leads here from an [`AuthToken`]: only the cloud's export ties
/// the two.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QrToken(Box<str>);

impl QrToken {
    /// Returns the token without the organisation.
    #[must_use]
    pub fn token(&self) -> &str {
        self.parts().0
    }

    /// Returns the organisation's number, where it is known.
    #[must_use]
    pub fn organisation(&self) -> Option<&str> {
        self.parts().1
    }

    /// Returns the token with its organisation set to `number`.
    ///
    /// # Errors
    /// [`QrTokenError::Organisation`] unless `number` is decimal digits.
    pub fn with_organisation(self, number: &str) -> Result<Self, QrTokenError> {
        check_organisation(number)?;
        Ok(Self(format!("{}+{number}", self.token()).into()))
    }

    /// Returns the text of the QR symbol: token, and `+` organisation where known.
    #[must_use]
    pub fn payload(&self) -> String {
        self.0.to_string()
    }

    fn parts(&self) -> (&str, Option<&str>) {
        split(&self.0)
    }
}

/// Parts token and organisation.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('+') {
        Some((token, organisation)) => (token, Some(organisation)),
        None => (text, None),
    }
}

/// Longest organisation: a number of 64 bits.
const DIGITS: usize = 20;

fn check_organisation(number: &str) -> Result<(), QrTokenError> {
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || number.len() > DIGITS || !digits {
        return Err(QrTokenError::Organisation);
    }
    Ok(())
}

impl FromStr for QrToken {
    type Err = QrTokenError;

    /// Takes `sqr_…` with or without `+organisation`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (token, organisation) = split(text);
        let body = token.strip_prefix(PREFIX).ok_or(QrTokenError::Prefix)?;
        if body.len() != AuthToken::LEN {
            return Err(QrTokenError::Length { found: body.len() });
        }
        if !body.bytes().all(AuthToken::allows) {
            return Err(QrTokenError::Character);
        }
        organisation.map_or(Ok(()), check_organisation)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for QrToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QrToken(<claims a device>)")
    }
}

/// Why text is no QR Token. The text is not repeated: it could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QrTokenError {
    /// Something else than `sqr_` in front.
    #[error("a QR Token starts with `sqr_`")]
    Prefix,
    /// Too long or too short.
    #[error("a QR Token has 32 characters behind `sqr_`, this one has {found}")]
    Length {
        /// Length behind the prefix.
        found: usize,
    },
    /// A character outside `[A-Za-z0-9_-]`.
    #[error("a QR Token has only A-Z, a-z, 0-9, `_` and `-` behind `sqr_`")]
    Character,
    /// The part behind `+` is no number.
    #[error("the organisation behind `+` is a number")]
    Organisation,
}
