//! Units: why one cannot be claimed, confirmed or changed.

use thiserror::Error;

use crate::unit::{Fingerprint, Serial, SerialError};

/// Why the ledger does not do that to a unit.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum UnitError {
    /// Fewer numbers are left than were asked for; none was taken.
    #[error(
        "{}the serial format {format} has {} left",
        part.map(|part| format!("in part {part} ")).unwrap_or_default(),
        match left { 0 => "no number".to_owned(), 1 => "1 number".to_owned(), _ => format!("{left} numbers") },
    )]
    SerialsUsedUp {
        /// The format.
        format: String,
        /// The part that was given them, where this ledger is one.
        part: Option<i64>,
        /// How many are left.
        left: usize,
    },
    /// The format makes no serials.
    #[error("the serial format {format} makes no serial")]
    SerialFormat {
        /// The format.
        format: String,
        /// Why not.
        source: SerialError,
    },
    /// Something may carry the token.
    #[error("the claim of {serial} cannot be released: {reason}")]
    NotReleasable {
        /// The unit.
        serial: Serial,
        /// What may carry it, and what to do.
        reason: String,
    },
    /// The token cannot be burnt now.
    #[error("{serial} cannot be voided: {reason}")]
    NotVoidable {
        /// The unit.
        serial: Serial,
        /// Why not.
        reason: String,
    },
    /// The unit cannot be reworked this way.
    #[error("{serial} cannot be reworked: {reason}")]
    NotReworkable {
        /// The unit.
        serial: Serial,
        /// What hinders it.
        reason: String,
    },
    /// A label was read for a unit that has no image yet.
    #[error("{serial} cannot be labelled: it is {state}")]
    NotLabelled {
        /// The unit.
        serial: Serial,
        /// Its state.
        state: &'static str,
    },
    /// No such unit.
    #[error("the ledger has no unit {serial}")]
    NoUnit {
        /// The serial.
        serial: Serial,
    },
    /// Somebody else claimed the unit after this run did.
    #[error(
        "the claim of {serial} is stale: this run holds epoch {held}, station {station} has claimed epoch {current}; read the unit before it moves on"
    )]
    Stale {
        /// The unit.
        serial: Serial,
        /// The epoch of the reservation.
        held: i64,
        /// The epoch in the ledger.
        current: i64,
        /// Who claimed it last.
        station: String,
    },
    /// The receipt is about another unit or token.
    #[error("the receipt is of {found}, the claim of {serial} with token {fingerprint}")]
    WrongReceipt {
        /// The unit of the claim.
        serial: Serial,
        /// The token of the claim.
        fingerprint: Fingerprint,
        /// What the receipt says.
        found: String,
    },
}
