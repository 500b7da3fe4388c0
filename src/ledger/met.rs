//! What a ledger knows of a token that a board shows.

use super::record::UnitRecord;
use crate::unit::Serial;

/// Where a token was met.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The board's own number, where it has one.
    pub uid: Option<&'a str>,
    /// The unit that was due there.
    pub due: &'a Serial,
}

/// Whose a token is that was met on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A unit has it, or had it when it was burnt.
    Unit(Box<UnitRecord>),
    /// It is this ledger's, no unit here has it, and none gets it from here on.
    Nobodys,
    /// It is none of this ledger's.
    Unknown,
}
