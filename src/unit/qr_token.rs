//! The QR Token: what a label says. It claims a device and opens none.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::AuthToken;

/// First characters of every QR Token.
const PREFIX: &str = "sqr_";

/// `sqr_` and 32 characters, with the organisation that it belongs to.
///
/// No conversion leads here from an [`AuthToken`]: only the cloud's export ties
/// the two.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QrToken {
    token: String,
    organisation: Option<String>,
}

impl QrToken {
    /// Returns the token without the organisation.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the organisation's number, where it is known.
    #[must_use]
    pub fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    /// Returns the token with its organisation set to `number`.
    ///
    /// # Errors
    /// [`QrTokenError::Organisation`] unless `number` is decimal digits.
    pub fn with_organisation(self, number: &str) -> Result<Self, QrTokenError> {
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(QrTokenError::Organisation);
        }
        Ok(Self {
            organisation: Some(number.to_owned()),
            ..self
        })
    }

    /// Returns the text of the QR symbol: token, and `+` organisation where known.
    #[must_use]
    pub fn payload(&self) -> String {
        match &self.organisation {
            Some(organisation) => format!("{}+{organisation}", self.token),
            None => self.token.clone(),
        }
    }
}

impl FromStr for QrToken {
    type Err = QrTokenError;

    /// Takes `sqr_…` with or without `+organisation`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (token, organisation) = match text.split_once('+') {
            Some((token, organisation)) => (token, Some(organisation)),
            None => (text, None),
        };
        let body = token.strip_prefix(PREFIX).ok_or(QrTokenError::Prefix)?;
        if body.len() != AuthToken::LEN {
            return Err(QrTokenError::Length { found: body.len() });
        }
        if !body.bytes().all(AuthToken::allows) {
            return Err(QrTokenError::Character);
        }
        let bare = Self {
            token: token.to_owned(),
            organisation: None,
        };
        match organisation {
            Some(number) => bare.with_organisation(number),
            None => Ok(bare),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR";

    #[test]
    fn the_payload_carries_the_organisation() {
        let token: QrToken = format!("{TEXT}+17").parse().unwrap();
        assert_eq!(token.token(), TEXT);
        assert_eq!(token.organisation(), Some("17"));
        assert_eq!(token.payload(), format!("{TEXT}+17"));
    }

    #[test]
    fn an_auth_token_is_no_qr_token() {
        let error = "gCCsLSydh3d0ArmZj50l9zr79JXVooBR".parse::<QrToken>();
        assert_eq!(error, Err(QrTokenError::Prefix));
    }

    #[test]
    fn an_organisation_is_a_number() {
        let error = format!("{TEXT}+").parse::<QrToken>();
        assert_eq!(error, Err(QrTokenError::Organisation));
    }
}
