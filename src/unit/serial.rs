//! The serial: a unit's name on the line, on its label and in file names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::AuthToken;

/// Longest serial in characters. With an extension it fits every file system.
const MAX: usize = 64;

/// What stands in a serial beside letters and digits: neither a file system, nor a shell, nor a
/// spreadsheet takes any of them for more than a character.
const MARKS: &[u8] = b"-_.+";

/// Names that Windows gives to devices, whatever the extension.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];

/// A unit's name: letters, digits and a few marks that are harmless wherever it is written.
///
/// Two serials that differ in case only are the same unit: compare
/// [`folded`](Self::folded).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Box<str>);

impl Serial {
    /// Returns the text as it was scanned.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is unique in a ledger.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    /// Takes a serial; white space around it is not removed here.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(SerialError::Empty);
        }
        // A label's secret half must not end up in file names and reports.
        if AuthToken::stands_in(text) || text.starts_with("sqr_") {
            return Err(SerialError::Token);
        }
        if text.len() > MAX {
            return Err(SerialError::Long { found: text.len() });
        }
        let bad = |byte: u8| !byte.is_ascii_alphanumeric() && !MARKS.contains(&byte);
        if let Some(index) = text.bytes().position(bad) {
            return Err(SerialError::Character { index });
        }
        // A tool takes what begins with a hyphen for an option.
        if text.starts_with(['.', '-', '+']) || text.ends_with('.') {
            return Err(SerialError::Edge);
        }
        if is_device(text) {
            return Err(SerialError::Reserved);
        }
        Ok(Self(text.into()))
    }
}

/// Returns whether Windows would open a device under this name.
fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or(text).to_ascii_lowercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({})", self.0)
    }
}

/// Why text is no serial. The text is never repeated: it could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SerialError {
    /// Nothing was scanned.
    #[error("the serial is empty")]
    Empty,
    /// Longer than a file name should be.
    #[error("a serial has at most 64 characters, this one has {found}")]
    Long {
        /// Length in bytes.
        found: usize,
    },
    /// Neither a letter nor a digit, nor one of `- _ . +`.
    #[error(
        "character {} of the serial is none of those that serials have: letters, digits and - _ . +",
        index + 1
    )]
    Character {
        /// Position of the first such byte, from 0.
        index: usize,
    },
    /// A mark at the start, or a dot at the end.
    #[error("a serial starts with a letter, a digit or an underscore, and ends with no dot")]
    Edge,
    /// `CON`, `NUL`, `COM1` and the like.
    #[error("the serial is the name of a device on Windows")]
    Reserved,
    /// An AuthToken or a QR Token was scanned.
    #[error("the text scanned as serial looks like a token; it is not repeated here")]
    Token,
}
