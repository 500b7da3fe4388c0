//! Token lists and other tables: why nothing of one was taken in.

use thiserror::Error;

use crate::pool::Place;
use crate::unit::Serial;

/// Why nothing of a list was taken in.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum ListError {
    /// The list contradicts the ledger or itself; nothing was taken in.
    #[error("{place} of the token list: {what}")]
    ListConflict {
        /// The row, with its token.
        place: Place,
        /// What contradicts.
        what: String,
    },
    /// The ledger stands in the place of a lost one, which may have put the list's tokens on units.
    #[error(
        "this ledger stands in the place of a lost one, which may have put {} of the list on units: none is \
         taken in until somebody decides",
        match tokens { 1 => "1 token".to_owned(), _ => format!("{tokens} tokens") }
    )]
    ListUndecided {
        /// How many tokens are new here.
        tokens: usize,
    },
    /// A row of a mapping names no unit.
    #[error("{place}: no serial says which unit has it")]
    Unbound {
        /// The row, with its token.
        place: Place,
    },
    /// What a file says of a unit contradicts the ledger or itself; nothing of the file counts.
    #[error("{place}, {serial}: {what}")]
    Row {
        /// Where it stands.
        place: Place,
        /// The unit.
        serial: Serial,
        /// What contradicts.
        what: String,
    },
    /// Exported and generated tokens are never mixed.
    #[error("the ledger holds {has} tokens, the list has {list} ones: use another ledger")]
    OriginMixed {
        /// Where the ledger's tokens come from.
        has: String,
        /// Where the list's tokens come from.
        list: String,
    },
    /// One product's tokens are one organisation's.
    #[error(
        "the ledger holds tokens of organisation {has} for this product, the list is of organisation {list}: use another ledger"
    )]
    OrganisationMixed {
        /// Whose tokens the ledger holds.
        has: String,
        /// Whose tokens the list holds.
        list: String,
    },
}
