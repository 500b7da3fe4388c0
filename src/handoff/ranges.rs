//! The ranges that every line of a block writes: where any of its units differs from the Master.

use zeroize::Zeroizing;

use super::HandoffError;
use crate::image::{Address, Image, ImageError, Span};
use crate::master::Master;
use crate::seal::Sealed;

/// How many patches a line takes, and how long each may be in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub most: usize,
    pub longest: usize,
}

/// Returns the pieces that each line writes, in order of address.
pub fn pieces(
    master: &Master,
    units: &[Sealed<'_>],
    room: Room,
) -> Result<Vec<Span>, HandoffError> {
    let mut ranges = Vec::new();
    for span in master.changes() {
        ranges.extend(differing(master.image(), units, span)?);
    }
    while count(&ranges, room) > room.most {
        let joined = join(master.image(), &ranges, room);
        ranges = joined.ok_or_else(|| HandoffError::Patches {
            needs: count(&ranges, room),
            longest: room.longest,
            most: room.most,
        })?;
    }
    Ok(ranges
        .into_iter()
        .flat_map(|span| cut(span, room))
        .collect())
}

/// Returns the part of `span` outside of which no unit differs from the Master.
fn differing(image: &Image, units: &[Sealed<'_>], span: Span) -> Result<Option<Span>, ImageError> {
    let old = image.bytes(span)?;
    let mut ends: Option<(usize, usize)> = None;
    for unit in units {
        let new = unit.bytes(span)?;
        let differs = |index: &usize| old.get(*index) != new.get(*index);
        let first = (0..old.len()).find(differs);
        let last = (0..old.len()).rev().find(differs);
        if let (Some(first), Some(last)) = (first, last) {
            let (low, high) = ends.unwrap_or((first, last));
            ends = Some((low.min(first), high.max(last)));
        }
    }
    Ok(ends.and_then(|(first, last)| {
        let start = span.start().checked_add(u64::try_from(first).ok()?)?;
        Span::new(start, u64::try_from(last - first + 1).ok()?)
    }))
}

/// Counts the pieces of ranges.
fn count(ranges: &[Span], room: Room) -> usize {
    ranges.iter().map(|span| cut(*span, room).count()).sum()
}

/// Cuts a range into pieces that are not too long.
fn cut(span: Span, room: Room) -> impl Iterator<Item = Span> {
    let longest = u64::try_from(room.longest).unwrap_or(u64::MAX).max(1);
    let starts = (0..span.len()).step_by(room.longest.max(1));
    starts.filter_map(move |skip| {
        let start = span.start().checked_add(skip)?;
        Span::new(start, longest.min(span.len() - skip))
    })
}

/// Joins the two neighbours with the least between them whose joining saves a piece; what lies
/// between is the Master's, and the same in every unit.
fn join(image: &Image, ranges: &[Span], room: Room) -> Option<Vec<Span>> {
    let pairs = ranges.windows(2).enumerate().filter_map(|(index, pair)| {
        let [one, other] = pair else { return None };
        let both = Span::between(one.start(), other.end())?;
        image.require(both).ok()?;
        let saved = count(&[both], room) < count(pair, room);
        let gap = other.start().get().checked_sub(one.end().get())?;
        saved.then_some((gap, index, both))
    });
    let (_, at, both) = pairs.min_by_key(|(gap, ..)| *gap)?;
    let mut joined = ranges.to_vec();
    joined.splice(at..at + 2, [both]);
    Some(joined)
}

/// Returns an address as the programmer counts from `base`: 32 bits.
pub fn counted(at: Address, base: Address) -> Result<u32, HandoffError> {
    let from = at.get().checked_sub(base.get());
    from.and_then(|from| u32::try_from(from).ok())
        .ok_or(HandoffError::Address { at, base })
}

/// Adds bytes as two capital hex digits each, with `between` in between.
pub fn hex(text: &mut Zeroizing<Vec<u8>>, bytes: &[u8], between: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.extend_from_slice(between);
        }
        for nibble in [byte >> 4, byte & 15] {
            text.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}
