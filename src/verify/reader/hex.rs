//! HEX by way of `ihex`, one line at a time.
//!
//! `ihex` refuses record types that it does not know and knows no comments, so lines are
//! sorted out here; addresses are counted here too.

use ihex::{ReaderError, Record};

use super::error::{ReadError, wrong};
use super::text::{self, Piece, is_remark};
use crate::image::{Format, Parts};

/// Returns whether the first line with something to say is a record's.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    text::starts_with_record(bytes, b':', 8)
}

/// Reads all records.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, ReadError> {
    let mut pieces = Vec::new();
    let mut linear = true;
    let mut base = 0u64;
    let mut ended = false;
    for (number, line) in text::lines(bytes) {
        let wrong = |what: &str| wrong(Format::Hex, number, what);
        let line = std::str::from_utf8(line).map_err(|_| wrong("it is no text"))?;
        if is_remark(line.as_bytes()) {
            continue;
        }
        let record = Record::from_record_string(line);
        if ended {
            // AltOS keeps its symbols there.
            match record {
                Ok(Record::ExtendedSegmentAddress(_) | Record::ExtendedLinearAddress(_))
                | Err(ReaderError::UnsupportedRecordType(0xFE)) => continue,
                _ => return Err(wrong("it stands behind the end record")),
            }
        }
        match record {
            Ok(Record::Data { offset, value }) => {
                let start = base + u64::from(offset);
                if linear && start + u64::try_from(value.len()).unwrap_or_default() > 1 << 32 {
                    return Err(wrong("it runs over the end of the address space"));
                }
                for (address, bytes) in place(linear, start, base, value) {
                    pieces.push(Piece {
                        address,
                        line: number,
                        bytes,
                    });
                }
            }
            Ok(Record::EndOfFile) => ended = true,
            Ok(Record::ExtendedSegmentAddress(segment)) => {
                (linear, base) = (false, u64::from(segment) << 4);
            }
            Ok(Record::ExtendedLinearAddress(upper)) => {
                (linear, base) = (true, u64::from(upper) << 16);
            }
            Ok(Record::StartSegmentAddress { .. } | Record::StartLinearAddress(_))
            | Err(ReaderError::UnsupportedRecordType(_)) => {}
            Err(error) => return Err(wrong(&error.to_string())),
        }
    }
    if !ended {
        return Err(ReadError::NoEnd {
            format: Format::Hex,
        });
    }
    // Behind length, address and type.
    text::join(Format::Hex, pieces, bytes, |line| {
        (line.starts_with(b":") && line.get(7..9) == Some(b"00")).then_some(9)
    })
}

/// Places a record's bytes: what fits into a segment, and what starts it again.
fn place(linear: bool, start: u64, base: u64, mut value: Vec<u8>) -> [(u64, Vec<u8>); 2] {
    let room = base + 0x1_0000 - start;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let fits = if linear { value.len() } else { room };
    let rest = value.split_off(fits.min(value.len()));
    [(start, value), (base, rest)]
}
