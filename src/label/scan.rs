//! What a scanner read, against the record.

use std::fmt;

use super::{LabelError, code, same};
use crate::ledger::Entry;
use crate::scan::bare;
use crate::unit::{AuthToken, QrToken};

/// What a scan turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[must_use]
pub enum Scan {
    /// The unit's own label.
    Matches,
    /// Another unit's label.
    DoesNotMatch,
    /// Something else: another code, a torn label.
    NotALabel,
    /// An AuthToken. Nobody should be able to scan one.
    Secret,
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matches => "the label is the right one",
            Self::DoesNotMatch => "the label belongs to another unit",
            Self::NotALabel => "the scan is no label",
            Self::Secret => "the scan looks like an AuthToken; it is not repeated here",
        })
    }
}

/// Compares what was scanned with a unit's record.
///
/// CR, LF, Tab, GS, spaces and the scanner's `]Q1` are left out; the QR Token counts with and
/// without its organisation.
///
/// # Errors
/// [`LabelError::NoQr`] and [`LabelError::NotFinished`]: the record cannot tell.
pub fn scan(entry: &Entry, text: &str) -> Result<Scan, LabelError> {
    let wanted = code(entry)?;
    let text = bare(text);
    Ok(match text.parse::<QrToken>() {
        Ok(found) if same(wanted, &found) => Scan::Matches,
        Ok(_) => Scan::DoesNotMatch,
        Err(_) if AuthToken::looks_like(text) => Scan::Secret,
        Err(_) => Scan::NotALabel,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CODE, OTHER, entry};
    use super::*;

    fn verdict(text: &str) -> Scan {
        scan(&entry(Some(CODE), None), text).unwrap()
    }

    #[test]
    fn a_label_counts_with_and_without_organisation() {
        assert_eq!(verdict(CODE), Scan::Matches);
        let (bare, _) = CODE.split_once('+').unwrap();
        assert_eq!(verdict(bare), Scan::Matches);
        assert_eq!(verdict(&format!("]Q1{CODE}\u{1d}\r\n")), Scan::Matches);
        assert_eq!(verdict(&format!("\t{bare}+4")), Scan::DoesNotMatch);
    }

    #[test]
    fn another_label_and_no_label_differ() {
        assert_eq!(verdict(OTHER), Scan::DoesNotMatch);
        assert_eq!(verdict("GW000001"), Scan::NotALabel);
        assert_eq!(verdict(""), Scan::NotALabel);
        assert_eq!(verdict("]Q"), Scan::NotALabel);
    }

    #[test]
    fn a_scanned_secret_is_its_own_verdict() {
        assert_eq!(verdict("]Q3-fake-TOKEN_0123456789abcdefghij"), Scan::Secret);
    }

    #[test]
    fn a_record_without_code_cannot_tell() {
        let error = scan(&entry(None, None), CODE).unwrap_err();
        assert_eq!(error.name(), "label-no-qr");
    }
}
