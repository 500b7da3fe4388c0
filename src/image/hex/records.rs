//! The way back: where each loaded byte's two digits stand, and the sum of their record.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::value_of;
use crate::image::{Edits, Patch};

/// Digits in front of the data of a record: length, address, type.
const HEAD_DIGITS: usize = 8;
/// Most data bytes of one record.
const LONGEST: u64 = 255;

/// Data bytes that stand one behind the other both in a record and in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub address: u64,
    /// Where the record's colon stands.
    pub colon: usize,
    /// The record's data bytes in front of this piece: not 0 only where addresses wrap.
    pub skip: u8,
    pub len: u8,
}

impl Piece {
    /// The address behind the last byte.
    pub fn end(self) -> u64 {
        self.address.saturating_add(u64::from(self.len))
    }
}

/// How each loaded byte is written.
#[derive(Debug, Clone)]
pub(in crate::image) struct Records {
    /// In order of address; they overlap where an address is given twice.
    pub(super) pieces: Vec<Piece>,
    /// Whether digits that replace no letter are lower case.
    pub(super) lower: bool,
}

impl Records {
    /// Returns the digits that change in `container` for `edits`; all of them are stored.
    ///
    /// Takes time for the edited bytes and a search among the records for each edit.
    pub(in crate::image) fn patches(&self, container: &[u8], edits: &Edits) -> Vec<Patch> {
        let mut patches: Vec<Patch> = Vec::new();
        let mut sums: BTreeMap<usize, u8> = BTreeMap::new();
        for (start, new) in edits.iter() {
            let start = start.get();
            let end = start.saturating_add(u64::try_from(new.len()).unwrap_or(u64::MAX));
            let from = self
                .pieces
                .partition_point(|piece| piece.address.saturating_add(LONGEST) <= start);
            let touched = self
                .pieces
                .get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|piece| piece.address < end)
                .filter(|piece| start < piece.end());
            for piece in touched {
                if let Some((patch, change)) = self.digits(container, *piece, start, new) {
                    patches.push(patch);
                    let sum = sums.entry(piece.colon).or_default();
                    *sum = sum.wrapping_sub(change);
                }
            }
        }
        patches.extend(
            sums.into_iter()
                .filter_map(|(colon, change)| self.sum(container, colon, change)),
        );
        patches
    }

    /// Returns the digits of the part of `new`, at `start`, that stands in `piece`, and by how
    /// much the sum of the bytes grows.
    fn digits(
        &self,
        container: &[u8],
        piece: Piece,
        start: u64,
        new: &[u8],
    ) -> Option<(Patch, u8)> {
        let ahead = usize::try_from(piece.address.saturating_sub(start)).ok()?;
        let within = usize::try_from(start.saturating_sub(piece.address)).ok()?;
        let len = usize::from(piece.len).checked_sub(within)?;
        let new = new.get(ahead..)?;
        let new = new.get(..len.min(new.len()))?;
        let at = piece.colon + 1 + HEAD_DIGITS + 2 * (usize::from(piece.skip) + within);
        let mut text = Zeroizing::new(Vec::with_capacity(2 * new.len()));
        let mut change = 0u8;
        let old = container.get(at..at.checked_add(2 * new.len())?)?;
        for (old, new) in old.chunks_exact(2).zip(new) {
            change = change.wrapping_add(new.wrapping_sub(byte_of(old)?));
            text.extend(self.write(container, piece.colon, old, *new)?);
        }
        Some(((at, text), change))
    }

    /// Returns the digits of a record's sum that is to grow by `change`.
    fn sum(&self, container: &[u8], colon: usize, change: u8) -> Option<Patch> {
        let len = byte_of(container.get(colon + 1..colon + 3)?)?;
        let at = colon + 1 + HEAD_DIGITS + 2 * usize::from(len);
        let old = container.get(at..at + 2)?;
        let sum = byte_of(old)?.wrapping_add(change);
        let text = self.write(container, colon, old, sum)?;
        Some((at, Zeroizing::new(text.to_vec())))
    }

    /// Writes `byte` over the digits `old` of the record at `colon`.
    ///
    /// A letter keeps the case of the one it replaces; else that of the record's first letter;
    /// else that of the file's.
    fn write(&self, container: &[u8], colon: usize, old: &[u8], byte: u8) -> Option<[u8; 2]> {
        let lower = || {
            container
                .get(colon + 1..)
                .unwrap_or_default()
                .iter()
                .take_while(|digit| digit.is_ascii_hexdigit())
                .find(|digit| digit.is_ascii_alphabetic())
                .map_or(self.lower, u8::is_ascii_lowercase)
        };
        let digit = |old: u8, value: u8| {
            let upper = *b"0123456789ABCDEF".get(usize::from(value))?;
            let small = if old.is_ascii_alphabetic() {
                old.is_ascii_lowercase()
            } else {
                upper.is_ascii_alphabetic() && lower()
            };
            Some(if small {
                upper.to_ascii_lowercase()
            } else {
                upper
            })
        };
        let [high, low] = *old else { return None };
        Some([digit(high, byte >> 4)?, digit(low, byte & 15)?])
    }
}

/// Returns the byte that two digits write.
fn byte_of(digits: &[u8]) -> Option<u8> {
    let [high, low] = *digits else { return None };
    Some(value_of(high)? << 4 | value_of(low)?)
}
