//! Why text is no recipe.

use thiserror::Error;

use super::{ScanError, StoreError};

/// Why text is no recipe.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "recipe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum RecipeError {
    /// No TOML, an unknown key, or a value of the wrong kind.
    #[error("{}{reason}", at(*line))]
    Syntax {
        /// Line of the text, from 1; 0 where no line is to blame.
        line: usize,
        reason: String,
    },
    /// Written for a later version.
    #[error("schema {schema} is not known; this version reads schema 1")]
    Schema { schema: u32 },
    /// The product's name is empty or has control characters.
    #[error("`product` is empty or has control characters")]
    Product,
    /// No slot takes the AuthToken.
    #[error("no [[slot]] has value = \"auth-token\"")]
    NoTokenSlot,
    /// No shared image.
    #[error(
        "[image] needs file = \"...\"; it is left out, with all of [image], where [nvs] alone makes the units' files"
    )]
    NoImage,
    /// Room is reserved in no store.
    #[error("length in nvs goes with [nvs], a store that is made from the recipe")]
    NoStore,
    /// The settings store does not fit.
    #[error("[nvs]: {reason}")]
    Store { reason: StoreError },
    /// `source = "next"` without a format.
    #[error("[serial] source = \"next\" needs format = \"...{{:06}}\"")]
    NoFormat,
    /// `source = "pool"` without a column.
    #[error("[serial] source = \"pool\" needs bind = \"<column>\" in [pool]")]
    NoBind,
    /// Units would be made whose serials nobody could scan again.
    #[error("[serial] format makes {serial}, which is refused when it is scanned: {reason}")]
    FormatRefused { serial: String, reason: ScanError },
    /// What labels that are there before the unit decide is not built yet.
    #[error(
        "[label] when = \"preprinted\" does not work yet: a unit would get the next free token, whatever its label says"
    )]
    Preprinted,
    /// A key that nothing uses.
    #[error("{key} is used by nothing: {reason}")]
    Unused {
        key: &'static str,
        reason: &'static str,
    },
    /// The commands of the line's own programmer do not fit together.
    #[error("[flash]: {reason}")]
    Program { reason: String },
    /// The nests do not fit together.
    #[error("[[nest]]: {reason}")]
    Nest { reason: String },
    /// A hook cannot be run as it stands there.
    #[error("[hook]: {reason}")]
    Hook { reason: String },
}

crate::unit::stable_name!(RecipeError);

/// Names the line that is to blame, where one is.
fn at(line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!("line {line}: "),
    }
}
