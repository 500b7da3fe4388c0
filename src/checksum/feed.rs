//! What a checksum reads: stored bytes and constants, in order, as bytes or as words.
//!
//! A feed is laid out once, against the image. Reading it puts a unit's edits in place of
//! the image's bytes, without a copy of either. Only [`Feed::each`] knows how bytes get
//! here: a checksum that follows a change ([`stamp`](super::stamp)) needs the pieces, no more.

use zeroize::Zeroizing;

use super::error::ChecksumError;
use super::range::Range;
use crate::image::{Edits, Image, ImageError, Span};
use crate::recipe::Own;

/// Most bytes that are counted without being stored: the largest flash one line sees.
const MOST_FILL: u64 = 1 << 30;

/// Bytes that are collected into words before they are fed.
const BLOCK: usize = 4096;

/// A part of what is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// The bytes at these load addresses.
    Stored(Span),
    /// One byte, many times.
    Constant {
        /// The byte.
        byte: u8,
        /// How often.
        len: u64,
    },
}

impl Piece {
    pub(super) const fn len(self) -> u64 {
        match self {
            Self::Stored(span) => span.len(),
            Self::Constant { len, .. } => len,
        }
    }

    /// Cuts it behind its first `len` bytes.
    fn split(self, len: u64) -> (Option<Self>, Option<Self>) {
        match self {
            Self::Constant { byte, len: all } => {
                let part = |len| (len > 0).then_some(Self::Constant { byte, len });
                (part(len.min(all)), part(all.saturating_sub(len)))
            }
            Self::Stored(span) => match span.start().checked_add(len) {
                Some(cut) => (
                    Span::between(span.start(), cut.min(span.end())).map(Self::Stored),
                    Span::between(cut, span.end()).map(Self::Stored),
                ),
                None => (Some(self), None),
            },
        }
    }
}

/// How bytes become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// They do not.
    Bytes,
    /// Whole words of so many bytes, as they are stored.
    Whole(u8),
    /// Whole words of so many bytes, last byte first: how a CRC unit that takes
    /// little-endian words reads memory (STM32 RM0090, "CRC calculation unit").
    Swapped(u8),
}

impl Words {
    pub(super) const fn unit(self) -> u8 {
        match self {
            Self::Bytes => 1,
            Self::Whole(unit) | Self::Swapped(unit) => unit,
        }
    }

    /// Puts whole words into the order in which they are fed.
    pub(super) fn order(self, bytes: &mut [u8]) {
        // Arrays of a known length reverse in one instruction.
        match self {
            Self::Swapped(4) => swap::<4>(bytes),
            Self::Swapped(_) => swap::<2>(bytes),
            Self::Bytes | Self::Whole(_) => {}
        }
    }
}

/// What a range of `over` is painted with.
#[derive(Clone, Copy)]
enum Paint {
    Image,
    Constant(u8),
    Nothing,
}

/// What a checksum reads.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pieces: Vec<Piece>,
    words: Words,
}

/// How the bytes inside `over` count.
pub(super) struct Rules<'a> {
    /// The stored field, and how it counts.
    pub(super) own: (Span, Own),
    /// Ranges that count as a constant.
    pub(super) except: &'a [(Span, u8)],
    /// What bytes count as that nothing stores.
    pub(super) fill: Option<u8>,
    /// How bytes become words.
    pub(super) words: Words,
}

impl Feed {
    /// Takes pieces as they are; their stored bytes are there.
    pub(super) const fn of(pieces: Vec<Piece>, words: Words) -> Self {
        Self { pieces, words }
    }

    /// Lays out what is fed for `over`.
    pub(super) fn lay(
        image: &Image,
        over: &[Range],
        rules: &Rules<'_>,
        label: &str,
    ) -> Result<Self, ChecksumError> {
        let mut pieces = Vec::new();
        for range in over {
            let laid = lay_range(image, range, rules, label)?;
            let bytes = laid.iter().map(|piece| piece.len()).sum::<u64>();
            let unit = rules.words.unit();
            if bytes % u64::from(unit.max(1)) != 0 {
                return Err(ChecksumError::Unit {
                    checksum: label.to_owned(),
                    range: range.text.clone(),
                    bytes,
                    unit,
                });
            }
            pieces.extend(laid);
        }
        let words = rules.words;
        Ok(Self { pieces, words })
    }

    /// Returns the load addresses whose bytes count.
    pub(super) fn stored(&self) -> Vec<Span> {
        let stored = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Stored(span) => Some(*span),
            Piece::Constant { .. } => None,
        });
        stored.collect()
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(super) const fn words(&self) -> Words {
        self.words
    }

    /// Cuts it behind its first `len` bytes, which are whole words.
    pub(super) fn split(&self, len: u64) -> (Self, Self) {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let mut left = len;
        for piece in &self.pieces {
            let (before, behind) = piece.split(left);
            left = left.saturating_sub(piece.len());
            head.extend(before);
            tail.extend(behind);
        }
        (Self::of(head, self.words), Self::of(tail, self.words))
    }

    /// Returns the bytes that are fed, as `image` stores them: words are not put in order.
    pub(super) fn plain(&self, image: &Image) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let plain = Self::of(self.pieces.clone(), Words::Bytes);
        plain.each(image, &Edits::new(), &mut |part| {
            bytes.extend_from_slice(part);
        })?;
        Ok(bytes)
    }

    /// Calls `take` with everything that is fed, in order; words are whole in each call.
    pub(super) fn each(
        &self,
        image: &Image,
        edits: &Edits,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ImageError> {
        let mut block = Block::new(self.words);
        for piece in &self.pieces {
            match piece {
                Piece::Stored(span) => {
                    edited(image, edits, *span, &mut |bytes| block.push(bytes, take))?;
                }
                Piece::Constant { byte, len } => {
                    let filler = [*byte; BLOCK];
                    let mut left = *len;
                    while left > 0 {
                        let len = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
                        block.push(filler.get(..len).unwrap_or_default(), take);
                        left = left.saturating_sub(u64::try_from(len).unwrap_or(left));
                    }
                }
            }
        }
        block.flush(take);
        Ok(())
    }
}

/// Collects bytes into whole words.
struct Block {
    words: Words,
    held: Zeroizing<Vec<u8>>,
}

impl Block {
    fn new(words: Words) -> Self {
        let capacity = if words == Words::Bytes { 0 } else { BLOCK };
        Self {
            words,
            held: Zeroizing::new(Vec::with_capacity(capacity)),
        }
    }

    fn push(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&[u8])) {
        if self.words == Words::Bytes {
            return take(bytes);
        }
        // A block holds a multiple of every unit.
        while !bytes.is_empty() {
            let room = BLOCK.saturating_sub(self.held.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.held.extend_from_slice(now);
            bytes = later;
            if self.held.len() == BLOCK {
                self.flush(take);
            }
        }
    }

    fn flush(&mut self, take: &mut dyn FnMut(&[u8])) {
        if self.held.is_empty() {
            return;
        }
        self.words.order(&mut self.held);
        take(&self.held);
        self.held.clear();
    }
}

/// Reverses each whole word of `N` bytes.
fn swap<const N: usize>(bytes: &mut [u8]) {
    for word in bytes.as_chunks_mut::<N>().0 {
        word.reverse();
    }
}

/// Calls `take` with the bytes at `span`: the edits' where there are some, else the image's.
fn edited(
    image: &Image,
    edits: &Edits,
    span: Span,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), ImageError> {
    for (start, mut bytes) in image.chunks(span)? {
        let mut at = start;
        for (place, new) in edits.iter() {
            let Some((skip, new)) = overlap(at, bytes, place, new) else {
                continue;
            };
            let (before, rest) = bytes.split_at_checked(skip).unwrap_or((bytes, &[]));
            take(before);
            take(new);
            bytes = rest.get(new.len()..).unwrap_or_default();
            let done = skip.saturating_add(new.len());
            at = u64::try_from(done)
                .ok()
                .and_then(|done| at.checked_add(done))
                .unwrap_or(at);
        }
        take(bytes);
    }
    Ok(())
}

/// Returns where in `bytes`, stored from `at` on, the edit `new` at `place` starts, and the
/// part of it that lies inside.
fn overlap<'a>(
    at: crate::image::Address,
    bytes: &[u8],
    place: crate::image::Address,
    new: &'a [u8],
) -> Option<(usize, &'a [u8])> {
    let skip = place.get().saturating_sub(at.get());
    let cut = at.get().saturating_sub(place.get());
    let (skip, cut) = (usize::try_from(skip).ok()?, usize::try_from(cut).ok()?);
    let room = bytes.len().checked_sub(skip).filter(|room| *room > 0)?;
    let new = new.get(cut..).filter(|new| !new.is_empty())?;
    Some((skip, new.get(..room.min(new.len()))?))
}

/// Lays out one range.
fn lay_range(
    image: &Image,
    range: &Range,
    rules: &Rules<'_>,
    label: &str,
) -> Result<Vec<Piece>, ChecksumError> {
    if image.stored_within(range.span).next().is_none() {
        return Err(ChecksumError::Outside {
            checksum: label.to_owned(),
            range: range.text.clone(),
            span: range.span,
        });
    }
    let mut painted = vec![(range.span, Paint::Image)];
    for (span, byte) in rules.except {
        painted = paint(painted, *span, Paint::Constant(*byte));
    }
    let (own, counts) = rules.own;
    painted = paint(
        painted,
        own,
        match counts {
            Own::Skip => Paint::Nothing,
            Own::As(byte) => Paint::Constant(byte),
        },
    );
    let mut pieces = Vec::new();
    for (span, paint) in painted {
        match paint {
            Paint::Nothing => {}
            Paint::Constant(byte) => pieces.push(Piece::Constant {
                byte,
                len: span.len(),
            }),
            Paint::Image => {
                let laid = filled(image, span, rules.fill);
                pieces.extend(laid.map_err(|gap| ChecksumError::Gap {
                    checksum: label.to_owned(),
                    range: range.text.clone(),
                    gap,
                })?);
            }
        }
    }
    let constant = |piece: &Piece| matches!(piece, Piece::Constant { .. }).then_some(piece.len());
    let bytes = pieces.iter().filter_map(constant).sum::<u64>();
    if bytes > MOST_FILL {
        return Err(ChecksumError::TooLong {
            checksum: label.to_owned(),
            range: range.text.clone(),
            bytes,
            most: MOST_FILL,
        });
    }
    Ok(pieces)
}

/// Paints `span` over what is there; the order stays.
fn paint(painted: Vec<(Span, Paint)>, span: Span, new: Paint) -> Vec<(Span, Paint)> {
    let mut result = Vec::with_capacity(painted.len().saturating_add(2));
    for (old, paint) in painted {
        let Some(inside) = old.intersection(span) else {
            result.push((old, paint));
            continue;
        };
        let before = Span::between(old.start(), inside.start());
        let after = Span::between(inside.end(), old.end());
        result.extend(before.map(|before| (before, paint)));
        result.push((inside, new));
        result.extend(after.map(|after| (after, paint)));
    }
    result
}

/// Returns the stored bytes of `span`, with `fill` in its gaps; the error is the first gap.
pub(super) fn filled(image: &Image, span: Span, fill: Option<u8>) -> Result<Vec<Piece>, Span> {
    let mut pieces = Vec::new();
    let mut next = span.start();
    let close = |gap: Option<Span>, pieces: &mut Vec<Piece>| match (gap, fill) {
        (None, _) => Ok(()),
        (Some(gap), None) => Err(gap),
        (Some(gap), Some(byte)) => {
            let len = gap.len();
            pieces.push(Piece::Constant { byte, len });
            Ok(())
        }
    };
    for part in image.stored_within(span) {
        close(Span::between(next, part.start()), &mut pieces)?;
        pieces.push(Piece::Stored(part));
        next = part.end();
    }
    close(Span::between(next, span.end()), &mut pieces)?;
    Ok(pieces)
}
