//! What others say of units: the log of a programmer, and a list of results. Both are taken whole,
//! or refused with their line.
//!
//! Bytes come in, [`Evidence`](crate::ledger::Evidence) goes out. Whether a ledger takes it, nothing here knows.

mod list;
mod log;

pub use list::list;
pub use log::{Block, Log, PatternError};

use thiserror::Error;

use crate::pool::SheetError;
use crate::recipe::ScanError;
use crate::unit::Serial;

/// Why a file is no witness. No text here repeats a cell that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "confirm-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum WitnessError {
    /// It is no table.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// Its header lacks columns.
    #[error("the first line names no columns {wanted}")]
    Columns { wanted: &'static str },
    /// A serial that is none.
    #[error("line {line}")]
    Serial { line: u32, source: ScanError },
    /// A unit is spoken of twice.
    #[error("line {line}: {serial} stands in line {first} too")]
    Twice {
        line: u32,
        serial: Serial,
        first: u32,
    },
    /// A result in other words.
    #[error("line {line}: the result of {serial} is neither pass nor fail")]
    Result { line: u32, serial: Serial },
    /// A fingerprint or a digest that is none.
    #[error("line {line}: {what}")]
    Cell { line: u32, what: String },
    /// A row of a block that names no unit.
    #[error("line {line} is none of a block")]
    NoUnit { line: u32 },
    /// Two rows of a block are the same unit.
    #[error("line {line}: unit {unit} of the block stands there twice")]
    UnitTwice {
        line: u32,
        /// The unit's number in the block.
        unit: u64,
    },
    /// A log counts further than its block.
    #[error("line {line}: the block has no line of this number")]
    NotInBlock { line: u32 },
    /// Nothing in a log says that a unit passed.
    #[error("no line fits the pattern")]
    NoLine,
}

crate::unit::stable_name!(WitnessError);
