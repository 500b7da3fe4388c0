//! Motorola S-record: text records to load addresses.
//!
//! Source: Motorola, "M68000 Family Programmer's Reference Manual" (1992), appendix C. S1, S2 and
//! S3 are loaded. The header (S0), counts (S5, S6) and start addresses (S7, S8, S9) are checked
//! for shape and sum, counts for their number too, and all of them stay as they are; so do
//! blank lines and lines that start with `;` or `#`. Nothing here re-encodes a record.

mod error;

pub use error::SrecError;

use super::records::{self, Collected, Decoded, Form, NoBytes, Piece};
use super::{Address, ImageError};

/// Reads every record of `container`.
///
/// # Errors
/// [`ImageError::Srec`], [`ImageError::NothingLoaded`], [`ImageError::Wraps`].
pub(super) fn read(container: &[u8]) -> Result<Decoded, ImageError> {
    let mut reader = Reader::default();
    let mut data = Vec::new();
    for line in records::spoken(container) {
        if let Some(end) = reader.end {
            let line = line.number;
            return Err(SrecError::AfterEnd { line, end }.into());
        }
        let kind = decode(line.text, line.number, &mut data)?;
        reader.take(kind, &data, &line)?;
        reader
            .collected
            .see_case(line.text.get(1..).unwrap_or_default());
    }
    if reader.end.is_none() && !reader.counted {
        let line = records::last_line(container);
        return Err(SrecError::NoEnd { line }.into());
    }
    reader.collected.finish(container, Form::Srec)
}

/// Record types, as "S-Record Types" lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// S0: a name, at an address of no meaning.
    Header,
    /// S1, S2, S3: bytes at an address of 2, 3 or 4 bytes.
    Data { address: usize },
    /// S5, S6: how many data records came before, in 2 or 3 bytes.
    Count { digits: usize },
    /// S7, S8, S9: where to start, in 4, 3 or 2 bytes; the end.
    End { address: usize },
}

impl Kind {
    fn of(letter: u8) -> Option<Self> {
        Some(match letter {
            b'0' => Self::Header,
            b'1' => Self::Data { address: 2 },
            b'2' => Self::Data { address: 3 },
            b'3' => Self::Data { address: 4 },
            b'5' => Self::Count { digits: 2 },
            b'6' => Self::Count { digits: 3 },
            b'7' => Self::End { address: 4 },
            b'8' => Self::End { address: 3 },
            b'9' => Self::End { address: 2 },
            _ => return None,
        })
    }

    /// Bytes in front of the data.
    const fn address(self) -> usize {
        match self {
            Self::Header => 2,
            Self::Data { address } | Self::End { address } => address,
            Self::Count { digits } => digits,
        }
    }

    /// Whether nothing stands between address and sum.
    const fn bare(self) -> bool {
        matches!(self, Self::Count { .. } | Self::End { .. })
    }
}

/// Checks one record's shape and sum, and puts its address and data into `data`.
fn decode(text: &[u8], line: usize, data: &mut Vec<u8>) -> Result<Kind, SrecError> {
    let Some(rest) = text.strip_prefix(b"S") else {
        let found = records::first_char(text);
        return Err(SrecError::Start { line, found });
    };
    let (letter, digits) = rest.split_first().unwrap_or((&b' ', &[]));
    let Some(kind) = Kind::of(*letter) else {
        let found = records::first_char(rest);
        return Err(SrecError::Type { line, found });
    };
    records::decode(digits, data).map_err(|fault| match fault {
        NoBytes::Digit(found) => SrecError::Digit { line, found },
        NoBytes::Odd(digits) => SrecError::Odd { line, digits },
    })?;
    let wanted = data.first().map_or(0, |count| usize::from(*count));
    let found = data.len().saturating_sub(1);
    if data.is_empty() || found != wanted {
        return Err(SrecError::Length {
            line,
            found,
            wanted,
        });
    }
    let least = kind.address() + 1;
    if found < least || (kind.bare() && found > least) {
        return Err(SrecError::Size {
            line,
            kind: char::from(*letter),
            found,
            wanted: least,
        });
    }
    let stored = data.pop().unwrap_or_default();
    let sum = !data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if stored != sum {
        return Err(SrecError::Sum {
            line,
            found: stored,
            wanted: sum,
        });
    }
    data.drain(..1);
    Ok(kind)
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    /// Line of the start record.
    end: Option<usize>,
    /// Whether the last record was a count that is right: nothing is cut off then either.
    counted: bool,
    /// Number of data records.
    records: u64,
    collected: Collected,
}

impl Reader {
    /// Takes one good record: address and data.
    fn take(&mut self, kind: Kind, bytes: &[u8], at: &records::Line<'_>) -> Result<(), ImageError> {
        let line = at.number;
        let (number, data) = bytes.split_at_checked(kind.address()).unwrap_or_default();
        let number = number
            .iter()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        self.counted = false;
        match kind {
            Kind::Header => {}
            Kind::End { .. } => self.end = Some(line),
            Kind::Count { digits } => {
                // A file of more records than the field can count has its lowest digits there.
                let wanted = self.records & ((1 << (8 * digits)) - 1);
                if number != wanted {
                    let (found, wanted) = (number, self.records);
                    return Err(SrecError::Count {
                        line,
                        found,
                        wanted,
                    }
                    .into());
                }
                self.counted = true;
            }
            Kind::Data { address } => {
                self.records += 1;
                let len = u8::try_from(data.len()).unwrap_or(u8::MAX);
                if number + u64::from(len) > 1 << (8 * address) {
                    let start = Address::new(number);
                    let len = u64::from(len);
                    return Err(ImageError::Wraps { start, len });
                }
                let piece = Piece {
                    address: number,
                    mark: at.at,
                    skip: 0,
                    len,
                };
                self.collected.take(data, [piece]);
            }
        }
        Ok(())
    }
}
