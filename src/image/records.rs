//! Text records, as Intel HEX and S-record have them: where each loaded byte's two digits stand,
//! and the sum of their record.
//!
//! What a record means is told by [`hex`](super::hex) and [`srec`](super::srec). Nothing here
//! re-encodes one.

use std::collections::BTreeMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::extent::Extent;
use super::{Address, Edits, Format, ImageError, Patch, Span, SrecError};

/// Most data bytes of one record.
const LONGEST: u64 = 255;

/// How a record is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Colon, length, 16-bit address, type, data, sum.
    Hex,
    /// `S`, type, length of what follows, address of 2 to 4 bytes by type, data, sum.
    Srec,
}

impl Form {
    const fn format(self) -> Format {
        match self {
            Self::Hex => Format::Hex,
            Self::Srec => Format::Srec,
        }
    }

    /// Returns where the first data digit of the record at `mark` stands.
    fn data(self, container: &[u8], mark: usize) -> Option<usize> {
        let head = match (self, container.get(mark.checked_add(1)?)?) {
            (Self::Hex, _) => 9,
            (Self::Srec, b'1') => 8,
            (Self::Srec, b'2') => 10,
            (Self::Srec, b'3') => 12,
            (Self::Srec, _) => return None,
        };
        mark.checked_add(head)
    }

    /// Returns where the sum of the record at `mark` stands.
    fn sum(self, container: &[u8], mark: usize) -> Option<usize> {
        let (length, ahead) = match self {
            Self::Hex => (mark.checked_add(1)?, 9),
            Self::Srec => (mark.checked_add(2)?, 2),
        };
        let len = byte_of(container.get(length..length.checked_add(2)?)?)?;
        mark.checked_add(ahead + 2 * usize::from(len))
    }
}

/// Data bytes that stand one behind the other both in a record and in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub address: u64,
    /// Where the record's first character stands: colon or `S`.
    pub mark: usize,
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
pub(super) struct Records {
    form: Form,
    /// In order of address; they overlap where an address is given twice.
    pieces: Vec<Piece>,
    /// Whether digits that replace no letter are lower case.
    lower: bool,
}

impl Records {
    /// Returns the digits that change in `container` for `edits`; all of them are stored.
    ///
    /// Takes time for the edited bytes and a search among the records for each edit.
    pub(super) fn patches(&self, container: &[u8], edits: &Edits) -> Vec<Patch> {
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
                    let sum = sums.entry(piece.mark).or_default();
                    *sum = sum.wrapping_sub(change);
                }
            }
        }
        patches.extend(
            sums.into_iter()
                .filter_map(|(mark, change)| self.sum(container, mark, change)),
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
        let data = self.form.data(container, piece.mark)?;
        let at = data.checked_add(2 * (usize::from(piece.skip) + within))?;
        let mut text = Zeroizing::new(Vec::with_capacity(2 * new.len()));
        let mut change = 0u8;
        let old = container.get(at..at.checked_add(2 * new.len())?)?;
        for (old, new) in old.chunks_exact(2).zip(new) {
            change = change.wrapping_add(new.wrapping_sub(byte_of(old)?));
            text.extend(self.write(container, piece.mark, old, *new)?);
        }
        Some(((at, text), change))
    }

    /// Returns the digits of a record's sum that is to grow by `change`.
    ///
    /// A HEX sum is minus the sum of the bytes and an S-record's is its ones' complement, so
    /// both grow alike.
    fn sum(&self, container: &[u8], mark: usize, change: u8) -> Option<Patch> {
        let at = self.form.sum(container, mark)?;
        let old = container.get(at..at.checked_add(2)?)?;
        let sum = byte_of(old)?.wrapping_add(change);
        let text = self.write(container, mark, old, sum)?;
        Some((at, Zeroizing::new(text.to_vec())))
    }

    /// Writes `byte` over the digits `old` of the record at `mark`.
    ///
    /// A letter keeps the case of the one it replaces; else that of the record's first letter;
    /// else that of the file's.
    fn write(&self, container: &[u8], mark: usize, old: &[u8], byte: u8) -> Option<[u8; 2]> {
        let lower = || {
            container
                .get(mark + 1..)
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

/// A container of records as it is loaded.
#[derive(Debug)]
pub(super) struct Decoded {
    pub extents: Vec<Extent>,
    pub bytes: Vec<u8>,
    pub records: Records,
}

/// The data records that have been read so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// In the order of the file, each with where its bytes stand in `raw`.
    pieces: Vec<(Piece, usize)>,
    raw: Vec<u8>,
    lower: Option<bool>,
}

impl Collected {
    /// Takes the data bytes of a record, in the pieces that lie together in memory.
    pub fn take(&mut self, data: &[u8], pieces: impl IntoIterator<Item = Piece>) {
        let raw = self.raw.len();
        self.raw.extend_from_slice(data);
        for piece in pieces {
            if piece.len > 0 {
                let at = raw.saturating_add(usize::from(piece.skip));
                self.pieces.push((piece, at));
            }
        }
    }

    /// Learns the case of the file's letters from its first one; `text` follows a record's mark.
    pub fn see_case(&mut self, text: &[u8]) {
        if self.lower.is_none() {
            let letter = text.iter().find(|digit| digit.is_ascii_alphabetic());
            self.lower = letter.map(u8::is_ascii_lowercase);
        }
    }

    /// Puts the pieces in order of address and joins what touches.
    ///
    /// # Errors
    /// Where two records give one address two values, and where none loads a byte.
    pub fn finish(mut self, container: &[u8], form: Form) -> Result<Decoded, ImageError> {
        self.pieces
            .sort_by_key(|(piece, _)| (piece.address, piece.mark));
        let mut bytes: Vec<u8> = Vec::with_capacity(self.raw.len());
        let mut extents: Vec<(Range<u64>, usize)> = Vec::new();
        for (piece, raw) in &self.pieces {
            let new = raw
                .checked_add(usize::from(piece.len))
                .and_then(|end| self.raw.get(*raw..end))
                .unwrap_or_default();
            match extents.last_mut() {
                Some((range, at)) if piece.address <= range.end => {
                    let known = usize::try_from(piece.address - range.start)
                        .ok()
                        .and_then(|from| bytes.get(at.checked_add(from)?..))
                        .unwrap_or_default();
                    let differs = known.iter().zip(new).position(|(old, new)| old != new);
                    if let Some(at) = differs {
                        let at = u64::try_from(at).unwrap_or_default();
                        let address = piece.address.saturating_add(at);
                        return Err(self.conflict(container, form, address, piece.mark));
                    }
                    let fresh = new.get(known.len()..).unwrap_or_default();
                    bytes.extend_from_slice(fresh);
                    range.end = range.end.max(piece.end());
                }
                _ => {
                    extents.push((piece.address..piece.end(), bytes.len()));
                    bytes.extend_from_slice(new);
                }
            }
        }
        let extents = extents.into_iter().filter_map(|(range, at)| {
            let span = Span::between(Address::new(range.start), Address::new(range.end))?;
            let len = usize::try_from(span.len()).ok()?;
            let at = at..at.checked_add(len)?;
            Some(Extent { span, at })
        });
        let extents: Vec<Extent> = extents.collect();
        if extents.is_empty() {
            let format = form.format();
            return Err(ImageError::NothingLoaded { format });
        }
        let mut pieces: Vec<Piece> = self.pieces.into_iter().map(|(piece, _)| piece).collect();
        pieces.shrink_to_fit();
        let lower = self.lower.unwrap_or(false);
        Ok(Decoded {
            extents,
            bytes,
            records: Records {
                form,
                pieces,
                lower,
            },
        })
    }

    /// Names both lines that give `address` a value; `mark` belongs to one of them.
    fn conflict(&self, container: &[u8], form: Form, address: u64, mark: usize) -> ImageError {
        let other = self
            .pieces
            .iter()
            .map(|(piece, _)| piece)
            .find(|it| it.address <= address && address < it.end() && it.mark != mark)
            .map_or(mark, |it| it.mark);
        let line_at = |mark: usize| {
            lines(container)
                .find(|(_, range)| mark < range.end)
                .map_or(0, |(number, _)| number)
        };
        let address = Address::new(address);
        let (first, second) = (line_at(other.min(mark)), line_at(other.max(mark)));
        match form {
            Form::Hex => ImageError::HexConflict {
                address,
                first,
                second,
            },
            Form::Srec => ImageError::Srec(SrecError::Conflict {
                address,
                first,
                second,
            }),
        }
    }
}

/// What is wrong with a row of digits.
#[derive(Debug)]
pub(super) enum NoBytes {
    /// A character that is no digit.
    Digit(char),
    /// Half a byte.
    Odd(usize),
}

/// Puts the bytes that `digits` write into `bytes`.
pub(super) fn decode(digits: &[u8], bytes: &mut Vec<u8>) -> Result<(), NoBytes> {
    bytes.clear();
    for pair in digits.chunks(2) {
        let mut byte = 0u8;
        for (at, digit) in pair.iter().enumerate() {
            let Some(value) = value_of(*digit) else {
                let rest = pair.get(at..).unwrap_or_default();
                return Err(NoBytes::Digit(first_char(rest)));
            };
            byte = byte << 4 | value;
        }
        bytes.push(byte);
    }
    if digits.len().is_multiple_of(2) {
        Ok(())
    } else {
        Err(NoBytes::Odd(digits.len()))
    }
}

/// A line with something to say.
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    /// Where its first character stands.
    pub at: usize,
    /// Without blanks around it.
    pub text: &'a [u8],
}

/// Returns the lines that are neither blank nor remarks (`;`, `#`), which some compilers write
/// around the records.
pub(super) fn spoken(container: &[u8]) -> impl Iterator<Item = Line<'_>> {
    lines(container).filter_map(|(number, range)| {
        let line = container.get(range.clone())?;
        let text = line.trim_ascii();
        let indent = line.len().saturating_sub(line.trim_ascii_start().len());
        let says = !matches!(text.first(), None | Some(b';' | b'#'));
        says.then(|| Line {
            number,
            at: range.start.saturating_add(indent),
            text,
        })
    })
}

/// Returns the number of the last line.
pub(super) fn last_line(container: &[u8]) -> usize {
    lines(container).last().map_or(0, |(number, _)| number)
}

/// Returns the lines of `text`, numbered from 1, without their ends: LF, CR, or CR LF.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut at = 0;
    let mut number = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let end = match rest.get(len..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        let line = at..at + len;
        at += len + end;
        number += 1;
        Some((number, line))
    })
}

/// Returns the byte that two digits write.
fn byte_of(digits: &[u8]) -> Option<u8> {
    let [high, low] = *digits else { return None };
    Some(value_of(high)? << 4 | value_of(low)?)
}

/// Returns the value of a hexadecimal digit of either case.
fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Returns the first character of a line for a message; bytes that are no text give U+FFFD.
pub(super) fn first_char(text: &[u8]) -> char {
    let head = text.get(..text.len().min(4)).unwrap_or_default();
    String::from_utf8_lossy(head)
        .chars()
        .next()
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
