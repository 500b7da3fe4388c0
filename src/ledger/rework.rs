//! Rework: a unit that was made is worked on once more, and what stays of it.

use super::record::UnitRecord;
use crate::unit::Serial;

/// What is done with a unit. Its row ends as superseded in every case.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Rework {
    /// The same board is delivered again, with another image perhaps. Token and label stay.
    SameBoard,
    /// Another board takes the serial. The token is burnt and its label with it; the serial
    /// starts anew with the next claim.
    BoardSwapped,
    /// Board and token get another serial. QR Token and token stay, the label is made again.
    Rehoused {
        /// The new serial. The old one is not made any more.
        to: Serial,
        /// What the new serial means for what is on the board.
        content: Content,
    },
    /// It came back from a customer and goes out again. Token and QR Token stay, the cloud's
    /// claim is to be undone, the label is read again.
    Returned,
}

impl Rework {
    /// Returns the mode's stable name.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        self.into()
    }
}

/// Whether what is on a board is right under another serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// It is: the image does not hold the serial.
    Stays,
    /// It is not: the image holds the serial, and the board is delivered again.
    Changes,
}

/// What became of a reworked unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworked {
    /// The row that ended.
    pub before: UnitRecord,
    /// The row in its place; none for a swapped board, whose serial starts anew.
    pub after: Option<UnitRecord>,
}
