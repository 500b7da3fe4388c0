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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> SerialError {
        text.parse::<Serial>().unwrap_err()
    }

    #[test]
    fn serials_are_equal_after_folding() {
        let (upper, lower) = ("GW0001".parse::<Serial>(), "gw0001".parse::<Serial>());
        assert_eq!(upper.unwrap().folded(), lower.unwrap().folded());
    }

    #[test]
    fn a_serial_is_never_a_path() {
        assert_eq!(error("../GW1"), SerialError::Character { index: 2 });
        assert_eq!(error("GW\\1"), SerialError::Character { index: 2 });
        assert_eq!(error(".."), SerialError::Edge);
        assert_eq!(error("GW1."), SerialError::Edge);
        assert_eq!(error("nul.txt"), SerialError::Reserved);
        assert_eq!(error("COM7"), SerialError::Reserved);
        assert!("COMET".parse::<Serial>().is_ok());
    }

    #[test]
    fn what_a_shell_would_run_is_no_serial() {
        for (text, index) in [
            ("GW1;reboot", 3),
            ("GW$(id)", 2),
            ("GW`id`", 2),
            ("GW 1", 2),
            ("GW'1", 2),
            ("GW&1", 2),
            ("GW%1", 2),
            ("GW=1", 2),
        ] {
            assert_eq!(error(text), SerialError::Character { index });
        }
        assert_eq!(error("-GW1"), SerialError::Edge);
        assert_eq!(error("--help"), SerialError::Edge);
        assert!("24:0A:C4".parse::<Serial>().is_err());
        assert!("GW-1_2.3+4".parse::<Serial>().is_ok());
    }

    #[test]
    fn a_scanned_token_is_refused_without_echo() {
        let text = "n5x628GDTFMk0hNa-69lhHK94hPSYX_a";
        assert_eq!(error(text), SerialError::Token);
        assert!(!error(text).to_string().contains(text));
        assert_eq!(error("sqr_gCCsL"), SerialError::Token);
    }

    #[test]
    fn an_empty_or_endless_scan_is_refused() {
        assert_eq!(error(""), SerialError::Empty);
        assert_eq!(error(&"A".repeat(65)), SerialError::Long { found: 65 });
    }
}
