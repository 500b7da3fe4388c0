//! Intel HEX: text records to load addresses, and the digits of a byte back.
//!
//! Source: Intel, "Hexadecimal Object File Format Specification", revision A, 1988. Types 00
//! to 05 are read. Others are checked for shape and sum and stay as they are: symbol records
//! (FE), and those of a micro:bit universal HEX (0A to 0E), whose second firmware (0D) is
//! therefore not loaded. Blank lines and lines that start with `;` or `#`, which some compilers
//! write around the records, stay too. Nothing here re-encodes a record.

mod records;

pub(super) use records::Records;

use std::ops::Range;

use super::{Address, Extent, Format, ImageError, Span};
use records::Piece;

/// Bytes of a record beside its data: length, address, type, sum.
const FRAME_BYTES: usize = 5;
/// Addresses of a segment, and from one linear base to the next.
const SEGMENT: u64 = 64 * 1024;
/// Addresses of the 32-bit format.
const SPACE: u64 = SEGMENT * SEGMENT;

/// A HEX as it is loaded.
#[derive(Debug)]
pub(super) struct Decoded {
    pub extents: Vec<Extent>,
    pub bytes: Vec<u8>,
    pub records: Records,
}

/// Reads every record of `container`.
///
/// # Errors
/// Each of the `Hex…` variants of [`ImageError`], and [`ImageError::NothingLoaded`].
pub(super) fn read(container: &[u8]) -> Result<Decoded, ImageError> {
    let mut reader = Reader::default();
    let mut data = Vec::new();
    for (number, range) in lines(container) {
        let line = container.get(range.clone()).unwrap_or_default();
        let text = line.trim_ascii();
        reader.line = number;
        if text.is_empty() || text.starts_with(b";") || text.starts_with(b"#") {
            continue;
        }
        if let Some(end) = reader.end {
            return Err(ImageError::HexAfterEnd { line: number, end });
        }
        let record = decode(text, number, &mut data)?;
        let indent = line.len().saturating_sub(line.trim_ascii_start().len());
        reader.take(record, &data, range.start.saturating_add(indent))?;
        if reader.lower.is_none() {
            reader.lower = text
                .iter()
                .find(|digit| digit.is_ascii_alphabetic())
                .map(u8::is_ascii_lowercase);
        }
    }
    if reader.end.is_none() {
        return Err(ImageError::HexNoEnd { line: reader.line });
    }
    reader.finish(container)
}

/// Length, address and type of a record.
struct Head {
    len: u8,
    offset: u16,
    kind: u8,
}

/// Checks one record's shape and sum, and puts its data bytes into `data`.
fn decode(text: &[u8], line: usize, data: &mut Vec<u8>) -> Result<Head, ImageError> {
    let Some(digits) = text.strip_prefix(b":") else {
        return Err(ImageError::HexStart {
            line,
            found: first_char(text),
        });
    };
    data.clear();
    let mut sum = 0u8;
    for pair in digits.chunks(2) {
        let mut byte = 0u8;
        for (at, digit) in pair.iter().enumerate() {
            let Some(value) = value_of(*digit) else {
                return Err(ImageError::HexDigit {
                    line,
                    found: first_char(pair.get(at..).unwrap_or_default()),
                });
            };
            byte = byte << 4 | value;
        }
        sum = sum.wrapping_add(byte);
        data.push(byte);
    }
    if digits.len() % 2 != 0 {
        return Err(ImageError::HexOdd {
            line,
            digits: digits.len(),
        });
    }
    let says = data.first().copied().unwrap_or_default();
    let wanted = usize::from(says).saturating_add(FRAME_BYTES);
    let found = data.len();
    let [len, high, low, kind, ..] = **data else {
        return Err(ImageError::HexLength {
            line,
            found,
            wanted,
        });
    };
    if found != wanted {
        return Err(ImageError::HexLength {
            line,
            found,
            wanted,
        });
    }
    let stored = data.pop().unwrap_or_default();
    if sum != 0 {
        return Err(ImageError::HexSum {
            line,
            found: stored,
            wanted: stored.wrapping_sub(sum),
        });
    }
    data.drain(..4);
    Ok(Head {
        len,
        offset: u16::from_be_bytes([high, low]),
        kind,
    })
}

/// What the last address record says.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// Type 04, and the state before any: offsets run on into the next 64 KiB.
    Linear(u64),
    /// Type 02: offsets wrap inside the 64 KiB of the segment.
    Segment(u64),
}

/// What has been read so far.
struct Reader {
    line: usize,
    end: Option<usize>,
    base: Base,
    lower: Option<bool>,
    /// In the order of the file, each with where its bytes stand in `raw`.
    pieces: Vec<(Piece, usize)>,
    raw: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            line: 0,
            end: None,
            base: Base::Linear(0),
            lower: None,
            pieces: Vec::new(),
            raw: Vec::new(),
        }
    }
}

impl Reader {
    /// Takes one good record, whose colon stands at `colon`.
    fn take(&mut self, head: Head, data: &[u8], colon: usize) -> Result<(), ImageError> {
        let wanted = match head.kind {
            1 => Some(0),
            2 | 4 => Some(2),
            3 | 5 => Some(4),
            _ => None,
        };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != head.len) {
            return Err(ImageError::HexType {
                line: self.line,
                kind: head.kind,
                found: head.len,
                wanted,
            });
        }
        match (head.kind, data) {
            (0, data) => self.data(&head, data, colon)?,
            (1, _) => self.end = Some(self.line),
            (2, [high, low]) => {
                self.base = Base::Segment(u64::from(u16::from_be_bytes([*high, *low])) * 16);
            }
            (4, [high, low]) => {
                self.base = Base::Linear(u64::from(u16::from_be_bytes([*high, *low])) * SEGMENT);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a data record.
    ///
    /// Addresses wrap at the end of a segment, as the specification says under "Data Record". It
    /// has linear ones wrap at 4 GiB too; tools differ there and no memory does, so that is refused.
    fn data(&mut self, head: &Head, data: &[u8], colon: usize) -> Result<(), ImageError> {
        let offset = u64::from(head.offset);
        let len = u64::from(head.len);
        let (address, room, wrapped) = match self.base {
            Base::Linear(base) if base + offset + len > SPACE => {
                let start = Address::new(base + offset);
                return Err(ImageError::Wraps { start, len });
            }
            Base::Linear(base) => (base + offset, len, 0),
            Base::Segment(base) => (base + offset, SEGMENT - offset, base),
        };
        let first = u8::try_from(room).map_or(head.len, |room| room.min(head.len));
        let raw = self.raw.len();
        self.raw.extend_from_slice(data);
        let first_piece = Piece {
            address,
            colon,
            skip: 0,
            len: first,
        };
        let rest = Piece {
            address: wrapped,
            colon,
            skip: first,
            len: head.len - first,
        };
        for piece in [first_piece, rest] {
            if piece.len > 0 {
                self.pieces
                    .push((piece, raw.saturating_add(usize::from(piece.skip))));
            }
        }
        Ok(())
    }

    /// Puts the pieces in order of address and joins what touches.
    fn finish(mut self, container: &[u8]) -> Result<Decoded, ImageError> {
        self.pieces
            .sort_by_key(|(piece, _)| (piece.address, piece.colon));
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
                        return Err(self.conflict(container, address, piece.colon));
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
        let extents: Vec<Extent> = extents
            .into_iter()
            .filter_map(|(range, at)| {
                let span = Span::between(Address::new(range.start), Address::new(range.end))?;
                let len = usize::try_from(span.len()).ok()?;
                let at = at..at.checked_add(len)?;
                Some(Extent { span, at })
            })
            .collect();
        if extents.is_empty() {
            let format = Format::Hex;
            return Err(ImageError::NothingLoaded { format });
        }
        let mut pieces: Vec<Piece> = self.pieces.into_iter().map(|(piece, _)| piece).collect();
        pieces.shrink_to_fit();
        let lower = self.lower.unwrap_or(false);
        Ok(Decoded {
            extents,
            bytes,
            records: Records { pieces, lower },
        })
    }

    /// Names both lines that give `address` a value; `colon` belongs to one of them.
    fn conflict(&self, container: &[u8], address: u64, colon: usize) -> ImageError {
        let other = self
            .pieces
            .iter()
            .map(|(piece, _)| piece)
            .find(|it| it.address <= address && address < it.end() && it.colon != colon)
            .map_or(colon, |it| it.colon);
        let line_at = |colon: usize| {
            lines(container)
                .find(|(_, range)| colon < range.end)
                .map_or(0, |(number, _)| number)
        };
        ImageError::HexConflict {
            address: Address::new(address),
            first: line_at(other.min(colon)),
            second: line_at(other.max(colon)),
        }
    }
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
fn first_char(text: &[u8]) -> char {
    let head = text.get(..text.len().min(4)).unwrap_or_default();
    String::from_utf8_lossy(head)
        .chars()
        .next()
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests;
