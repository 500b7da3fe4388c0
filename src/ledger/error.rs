//! Why a ledger cannot answer, and why it refuses a unit.

use thiserror::Error;

use crate::unit::Serial;

/// Why one unit of a group was refused. The others of the group are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "unit-")]
#[non_exhaustive]
pub enum Refusal {
    /// The unit's token was burnt.
    #[error("{serial} is void since {at}: {reason}")]
    Void {
        /// The unit.
        serial: Serial,
        /// When it was voided.
        at: String,
        /// Why, in the words of who did it.
        reason: String,
    },
    /// Another live run has it in hand.
    #[error("{serial} is in work at station {station}")]
    InWork {
        /// The unit.
        serial: Serial,
        /// Which station.
        station: String,
    },
    /// The token list fixes this serial to a token that is not free.
    #[error("the token that the list fixes to {serial} is {state}")]
    BoundElsewhere {
        /// The unit.
        serial: Serial,
        /// What became of the token.
        state: &'static str,
    },
    /// Finished on a board already, with another image: only rework may deliver it again.
    #[error("{serial} was delivered already, with another image ({image})")]
    Finished {
        /// The unit.
        serial: Serial,
        /// First digits of the image's digest.
        image: String,
    },
    /// No token is left.
    #[error("no free token is left for {serial}")]
    PoolEmpty {
        /// The unit.
        serial: Serial,
    },
    /// The same serial stands twice in one group.
    #[error("{serial} is named twice")]
    Twice {
        /// The unit.
        serial: Serial,
    },
}

impl Refusal {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// Why the ledger could not do what it was asked.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum LedgerError {
    /// The format has no more numbers.
    #[error("the serial format {format} has no number left")]
    SerialsUsedUp {
        /// The format.
        format: String,
    },
    /// Something may carry the token.
    #[error("the claim of {serial} cannot be released: {reason}")]
    NotReleasable {
        /// The unit.
        serial: Serial,
        /// What may carry it.
        reason: String,
    },
    /// No such unit.
    #[error("the ledger has no unit {serial}")]
    NoUnit {
        /// The serial.
        serial: Serial,
    },
}

impl LedgerError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
