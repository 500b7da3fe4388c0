//! What a transaction looked up before it was asked for.

use std::collections::{HashMap, VecDeque};

use super::rows::{TokenRow, UnitRow};
use super::sql::Row;
use crate::ledger::LedgerError;
use crate::unit::Fingerprint;

/// A picture, sealed still, and the key that it is sealed with.
pub type SealedPicture = (i64, Vec<u8>);

/// What is sealed of a token, sealed still.
pub struct Sealed {
    pub print: Fingerprint,
    /// The key that it is sealed with.
    pub key: i64,
    pub token: Vec<u8>,
    pub qr: Option<Vec<u8>>,
    pub columns: Option<Vec<u8>>,
    /// Absent when it was not asked for.
    pub picture: Option<Option<SealedPicture>>,
}

impl Sealed {
    /// Reads fingerprint, and key and sealed columns, the latter from `from` on.
    pub fn read(row: &dyn Row, print: usize, from: usize) -> Result<Self, LedgerError> {
        Ok(Self {
            print: row.get(print)?,
            key: row.get(from)?,
            token: row.get(from + 1)?,
            qr: row.get(from + 2)?,
            columns: row.get(from + 3)?,
            picture: None,
        })
    }

    /// Reads a token's row with what is sealed of it from `from` on, its picture last.
    pub fn with_picture(row: &dyn Row, from: usize) -> Result<Self, LedgerError> {
        let picture = match row.get(from + 4)? {
            Some(key) => Some((key, row.get(from + 5)?)),
            None => None,
        };
        Ok(Self {
            picture: Some(picture),
            ..Self::read(row, 2, from)?
        })
    }
}

/// What was looked up before it was asked for.
#[derive(Default)]
pub struct Known {
    pub prints: HashMap<[u8; 32], Option<TokenRow>>,
    pub fixed: HashMap<String, Option<TokenRow>>,
    pub serials: HashMap<String, Option<UnitRow>>,
    pub units: HashMap<i64, UnitRow>,
    pub sealed: HashMap<i64, Sealed>,
    /// Free tokens that this transaction holds, in their order.
    pub drawn: VecDeque<TokenRow>,
    /// Whether it has drawn one.
    pub draws: bool,
}
