//! `[pool]` and `[label]`: where tokens come from, and what is made of their pictures.

use std::path::PathBuf;

use serde::Deserialize;

/// `[pool]`: the token list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// The export: zip, folder, CSV or JSON. Imported once.
    pub file: Option<PathBuf>,
    /// Header of the AuthTokens.
    pub token: Option<String>,
    /// Header of the QR Tokens.
    pub qr: Option<String>,
    /// Header of the column that fixes which serial gets which token.
    pub bind: Option<String>,
}

/// When labels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// After the unit is confirmed.
    #[default]
    After,
    /// Before: the scanned label decides which token a unit gets.
    Preprinted,
    /// Never: the units of this product have none.
    None,
}

/// Whether a label must name the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Organisation {
    /// It must: the mobile apps read no label without it.
    #[default]
    Required,
    /// A label with the bare QR Token is wanted, too.
    Optional,
}

/// `[label]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSpec {
    /// Folder of the pictures, relative to the recipe.
    #[serde(default = "LabelSpec::folder")]
    pub dir: PathBuf,
    /// When labels are made.
    #[serde(default)]
    pub when: When,
    /// Whether a label must name the organisation.
    #[serde(default)]
    pub organisation: Organisation,
}

impl LabelSpec {
    fn folder() -> PathBuf {
        PathBuf::from("labels")
    }
}

impl Default for LabelSpec {
    fn default() -> Self {
        Self {
            dir: Self::folder(),
            when: When::default(),
            organisation: Organisation::default(),
        }
    }
}
