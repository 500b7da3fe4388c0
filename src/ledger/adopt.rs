//! Units that exist already: taken in from a mapping of serial, token and board.

use super::LedgerError;
use super::evidence::{SECRET, is_secret};
use super::record::UnitRecord;
use crate::pool::{Place, Pool, Row};
use crate::unit::{Digest, Serial};

/// Headers of the board's number, the likeliest first.
const UID: [&str; 3] = ["uid", "chip_uid", "chip uid"];
/// Header of the SHA-256 of the shared image that a unit carries.
const IMAGE: &str = "image_sha256";

/// A list of units that exist already, each with its token.
#[derive(Debug)]
pub struct Mapping {
    pub(super) pool: Pool,
    pub(super) units: Vec<Existing>,
}

/// A unit that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Existing {
    pub serial: Serial,
    pub uid: Option<String>,
    pub image: Option<Digest>,
}

impl Mapping {
    /// Takes a token list in which each row is bound to the serial that has the token already.
    ///
    /// The columns `uid` and `image_sha256` are the board's number and the digest of the shared
    /// image; the others stay with the token.
    ///
    /// # Errors
    /// [`LedgerError::Unbound`] and [`LedgerError::Row`] with the first row that tells no unit.
    pub fn of(mut pool: Pool) -> Result<Self, LedgerError> {
        let mut units = Vec::with_capacity(pool.rows.len());
        let places: Vec<Place> = (0..pool.rows.len())
            .map(|index| pool.place(index))
            .collect();
        for (place, row) in places.into_iter().zip(&mut pool.rows) {
            let unbound = LedgerError::Unbound { place };
            let serial = row.bound.take().ok_or(unbound)?;
            // The serial says which unit it is.
            let place = Place {
                fingerprint: None,
                ..place
            };
            let image = match take(row, &[IMAGE]) {
                Some(text) => Some(text.parse().map_err(|error| LedgerError::Row {
                    place,
                    serial: serial.clone(),
                    what: format!("{IMAGE}: {error}"),
                })?),
                None => None,
            };
            let uid = take(row, &UID);
            if uid.as_deref().is_some_and(is_secret) {
                return Err(LedgerError::Row {
                    place,
                    serial,
                    what: SECRET.to_owned(),
                });
            }
            // It is on a device: it is never drawn, whatever comes of the rest.
            row.claimed = true;
            units.push(Existing { serial, uid, image });
        }
        pool.source = None;
        Ok(Self { pool, units })
    }

    /// Returns how many units it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Returns whether it names no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Returns each unit with its row, and where that stands.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Place, &Existing, &Row)> {
        let rows = self.units.iter().zip(&self.pool.rows);
        (0..).zip(rows).map(|(index, (unit, row))| {
            let place = Place {
                fingerprint: None,
                ..self.pool.place(index)
            };
            (place, unit, row)
        })
    }
}

/// Takes the first of the columns with one of these headers; an empty cell says nothing.
fn take(row: &mut Row, headers: &[&str]) -> Option<String> {
    let alike = |name: &&String| {
        headers
            .iter()
            .any(|header| name.eq_ignore_ascii_case(header))
    };
    let name = row.columns.keys().find(alike)?.clone();
    let value = row.columns.remove(&name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// What an adoption did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adopted {
    /// Units that are new in the ledger, in the order of the mapping.
    pub added: Vec<UnitRecord>,
    /// Units that the ledger knew, exactly so.
    pub known: usize,
}
