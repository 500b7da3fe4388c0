//! A token list: its rows, where they come from, and what a person should know of it.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::error::{Place, PoolError};
use super::shown::Headers;
use crate::unit::{AuthToken, Digest, QrToken};

/// A token list in which every row was checked.
#[derive(Debug, Default)]
pub struct Pool {
    /// The rows, in the order of the list.
    pub rows: Vec<Row>,
    /// The line in which each row begins; empty where lines say nothing, as in JSON.
    pub lines: Vec<u32>,
    /// Where the tokens come from: an export, or a trial list made here.
    pub origin: Origin,
    /// Digest of the list's source and of how it was read, where the caller wants it
    /// remembered: the same source needs no second reading.
    pub source: Option<Digest>,
    /// What is said of devices that no ledger here knows.
    pub elsewhere: Elsewhere,
    /// What a person should know about the list; no reason to refuse it.
    pub notes: Vec<Note>,
}

impl Pool {
    /// Names the row at `index` without its token.
    #[must_use]
    pub fn place(&self, index: usize) -> Place {
        place(&self.rows, &self.lines, index)
    }

    /// Says that all its tokens are on devices already.
    #[must_use]
    pub fn used(mut self) -> Self {
        for row in &mut self.rows {
            row.claimed = true;
        }
        Self {
            elsewhere: Elsewhere::Used,
            // The same list without these words is another one.
            source: None,
            ..self
        }
    }

    /// Says, for the record, that none of its tokens is on a device.
    #[must_use]
    pub fn unused(self) -> Self {
        Self {
            elsewhere: Elsewhere::Unused,
            ..self
        }
    }
}

/// What is said of a list's tokens and of devices that no ledger here knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Elsewhere {
    /// Nothing: a ledger that stands in the place of a lost one does not draw them.
    #[default]
    Unsaid,
    /// They are on such devices: none is ever drawn.
    Used,
    /// They are on none, somebody decided.
    Unused,
}

/// Where tokens come from. A ledger never mixes the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Origin {
    /// The cloud.
    #[default]
    Export,
    /// `pool generate`: for trials, and clouds that accept a list.
    Generated,
}

impl Origin {
    /// Header of the column that marks a generated list.
    pub(super) const HEADER: &str = "Origin";
    /// What every row of a generated list has in it.
    pub(super) const MARK: &str = "eol-inject generate";
    /// Name of the file that marks a generated archive, whatever becomes of the column.
    #[cfg(feature = "label")]
    pub(super) const FILE: &str = "GENERATED-BY-EOL-INJECT.txt";
}

/// One token with all that belongs to it.
pub struct Row {
    /// The device's secret.
    pub token: AuthToken,
    /// What the label says, where the list or its picture tells.
    pub qr: Option<QrToken>,
    /// The exported picture (PNG), byte for byte.
    pub picture: Option<Vec<u8>>,
    /// The serial that this token is fixed to.
    pub bound: Option<crate::unit::Serial>,
    /// The other columns, by header.
    pub columns: BTreeMap<String, Zeroizing<String>>,
    /// Whether the cloud says that a device already has it.
    pub claimed: bool,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("token", &self.token.fingerprint())
            .finish_non_exhaustive()
    }
}

/// What a person should know about a list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The pages of the platform API are not all there.
    Part {
        /// Rows in the file.
        rows: usize,
        /// Rows in the cloud.
        total: u64,
    },
    /// Fields of rows that hold no text, in JSON.
    LeftOut {
        /// Their names.
        fields: Headers,
    },
    /// Rows whose serial is left out, beside others that have one.
    NoSerial {
        /// The first one.
        first: Place,
        /// How many there are.
        rows: usize,
    },
    /// No row has a QR Token: no labels can be made.
    NoQr,
    /// Neither pictures nor list name the organisation: drawn labels hold the bare QR Token.
    NoOrganisation,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part { rows, total } => {
                write!(f, "the file holds {rows} of the {total} rows in the cloud")
            }
            Self::LeftOut { fields } => {
                write!(f, "{fields} hold no text and are left out of every row")
            }
            Self::NoSerial { first, rows: 1 } => write!(
                f,
                "{first} names no serial, and other rows do: source = \"pool\" makes no unit of it"
            ),
            Self::NoSerial { first, rows } => write!(
                f,
                "{rows} rows name no serial, the first {first}, and other rows do: source = \"pool\" makes no \
                 unit of them"
            ),
            Self::NoQr => f.write_str("no row has a QR Token: no label can be made"),
            Self::NoOrganisation => f.write_str(
                "neither list nor pictures name the organisation: labels would hold the bare QR Token, which the mobile apps do not read",
            ),
        }
    }
}

/// Counts for people; no list that fits memory reaches the end.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Most rows of one list: twice what a large plant takes in at once, and still no strain on memory.
pub(super) const ROWS: usize = 2_000_000;

/// Refuses a row more than a list may have.
pub(super) fn room(rows: usize) -> Result<(), PoolError> {
    match rows < ROWS {
        true => Ok(()),
        false => Err(PoolError::TooLarge {
            what: "the token list has more rows",
            limit: 2_000_000,
        }),
    }
}

/// Names a row without its token: by its line, or else by its number.
fn place(rows: &[Row], lines: &[u32], index: usize) -> Place {
    let place = match lines.get(index) {
        Some(line) => Place::line(*line),
        None => Place::row(number(index.saturating_add(1))),
    };
    Place {
        fingerprint: rows.get(index).map(|row| row.token.fingerprint()),
        ..place
    }
}

/// Rows of a list before they are compared with one another.
pub(super) struct List {
    pub rows: Vec<Row>,
    /// The line in which each begins, where lines say something.
    pub lines: Vec<u32>,
    pub origin: Origin,
    pub notes: Vec<Note>,
}

impl List {
    /// Names the row at `index` without its token.
    pub fn place(&self, index: usize) -> Place {
        place(&self.rows, &self.lines, index)
    }
}
