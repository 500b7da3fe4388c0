//! Intel HEX: text records to load addresses, and the digits of a byte back.
//!
//! Source: Intel, "Hexadecimal Object File Format Specification", revision A, 1988. Types 00
//! to 05 are read. Others are checked for shape and sum and stay as they are: symbol records
//! (FE), and those of a micro:bit universal HEX (0A to 0E), whose second firmware (0D) is
//! therefore not loaded. Blank lines and lines that start with `;` or `#`, which some compilers
//! write around the records, stay too. Nothing here re-encodes a record.

pub(super) mod write;

use super::records::{self, Collected, Decoded, Form, NoBytes, Piece};
use super::{Address, ImageError};

/// Bytes of a record beside its data: length, address, type, sum.
const FRAME_BYTES: usize = 5;
/// Types of records that load nothing and start nothing: bases and symbols.
const SAYS_NOTHING: [u8; 3] = [0x02, 0x04, 0xFE];
/// Addresses of a segment, and from one linear base to the next.
const SEGMENT: u64 = 64 * 1024;
/// Addresses of the 32-bit format.
const SPACE: u64 = SEGMENT * SEGMENT;

/// Reads every record of `container`.
///
/// # Errors
/// Each of the `Hex…` variants of [`ImageError`], and [`ImageError::NothingLoaded`].
pub(super) fn read(container: &[u8]) -> Result<Decoded, ImageError> {
    let mut reader = Reader::default();
    let mut data = Vec::new();
    for line in records::spoken(container) {
        reader.line = line.number;
        let record = decode(line.text, line.number, &mut data)?;
        if let Some(end) = reader.end {
            // Symbol records, and the bases that they count from, may follow (AltOS).
            if SAYS_NOTHING.contains(&record.kind) {
                reader.collected.see_case(line.text);
                continue;
            }
            let line = line.number;
            return Err(ImageError::HexAfterEnd { line, end });
        }
        reader.take(record, &data, line.at)?;
        reader.collected.see_case(line.text);
    }
    if reader.end.is_none() {
        return Err(ImageError::HexNoEnd {
            line: records::last_line(container),
        });
    }
    reader.collected.finish(container, Form::Hex)
}

/// Returns how many data records of a second firmware `container` has: those of a micro:bit universal
/// HEX that are meant for another board (type 0D).
pub(super) fn other_board(container: &[u8]) -> usize {
    records::spoken(container)
        .filter(|line| {
            line.text
                .get(7..9)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"0D"))
        })
        .count()
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
            found: records::first_char(text),
        });
    };
    records::decode(digits, data).map_err(|fault| match fault {
        NoBytes::Digit(found) => ImageError::HexDigit { line, found },
        NoBytes::Odd(digits) => ImageError::HexOdd { line, digits },
    })?;
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
    let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
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
    collected: Collected,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            line: 0,
            end: None,
            base: Base::Linear(0),
            collected: Collected::default(),
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
        let piece = |address, skip, len| Piece {
            address,
            mark: colon,
            skip,
            len,
        };
        let pieces = [
            piece(address, 0, first),
            piece(wrapped, first, head.len - first),
        ];
        self.collected.take(data, pieces);
        Ok(())
    }
}
