//! The token list: what the cloud exported, checked and paired.
//!
//! Readers take bytes and give a [`Pool`]; nothing here draws a token.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::unit::{AuthToken, QrToken};

/// A token list in which every row was checked.
#[derive(Debug, Default)]
pub struct Pool {
    /// The rows, in the order of the list.
    pub rows: Vec<Row>,
    /// Where the tokens come from: an export, or a trial list made here.
    pub origin: Origin,
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

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row")
            .field("token", &self.token.fingerprint())
            .finish_non_exhaustive()
    }
}
