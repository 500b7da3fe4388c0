//! Parts: why one is not split off, made, taken back.

use thiserror::Error;

use crate::unit::Serial;

/// Why nothing is done with a part.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum PartError {
    /// Fewer tokens are free than a part should get.
    #[error("{wanted} tokens are wanted for the part, {free} can be given: nothing was split off")]
    PartShort {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        free: usize,
    },
    /// A serial cannot go into a part.
    #[error("{serial} cannot go into the part: {what}")]
    PartSerial {
        /// The unit.
        serial: Serial,
        /// Why not.
        what: String,
    },
    /// A part was begun and not finished.
    #[error(
        "part {part} for station {station}, {count} tokens, was begun and not finished: {what}"
    )]
    PartBegun {
        /// The part's number.
        part: i64,
        /// Who gets it.
        station: String,
        /// How many tokens.
        count: usize,
        /// What to do.
        what: &'static str,
    },
    /// The ledger has no such part.
    #[error("the ledger has no part {part}")]
    NoPart {
        /// The part's number.
        part: i64,
    },
    /// The part is past that.
    #[error("part {part} is {state}: {what}")]
    PartState {
        /// The part's number.
        part: i64,
        /// Its state.
        state: &'static str,
        /// What cannot be done.
        what: &'static str,
    },
    /// This ledger is a part, and its tokens come from its own ledger only.
    #[error("this ledger is part {part} of another one: {what}")]
    IsPart {
        /// The part's number.
        part: i64,
        /// What a part does not do.
        what: &'static str,
    },
    /// Nobody signed the part.
    #[error("the part carries no signature of the ledger that it is from: nothing is made with it")]
    PartUnsigned,
    /// The part is not what was signed.
    #[error("the part is not what its home signed: {what}")]
    PartForged {
        /// What differs.
        what: String,
    },
    /// The part is another station's.
    #[error("the part was made for the station key {to}, this station has {has}")]
    PartForStation {
        /// The id of the key that it is for.
        to: String,
        /// The id of the key at hand.
        has: String,
    },
    /// Somebody else signed the part.
    #[error(
        "the part is signed by the ledger {home}, and the recipe's home is {pinned}: it is forged, or of another line"
    )]
    HomeOther {
        /// Who signed.
        home: String,
        /// Whom the recipe names.
        pinned: String,
    },
    /// Nobody said who home is.
    #[error("the part is signed by the ledger {home}, and the recipe names no home")]
    HomeUnknown {
        /// Who signed.
        home: String,
    },
    /// This ledger is no part.
    #[error("this ledger is no part of another one")]
    NotAPart,
    /// The part belongs to another ledger.
    #[error("the part belongs to the ledger {wants}, this one is {has}")]
    PartOther {
        /// The ledger that the part names, first digits.
        wants: String,
        /// This ledger, first digits.
        has: String,
    },
    /// The part contradicts the ledger or itself; nothing was merged.
    #[error("part {part} was not merged: {first} ({} in all)", findings.len())]
    PartConflict {
        /// The part's number.
        part: i64,
        /// The first finding.
        first: String,
        /// What is wrong.
        findings: Vec<crate::ledger::Finding>,
    },
}
