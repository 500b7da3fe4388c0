//! HEX by way of `ihex`, one line at a time.
//!
//! `ihex` refuses record types that it does not know and knows no comments, so lines are
//! sorted out here; addresses are counted here too.

use ihex::{ReaderError, Record};

use super::ReadError;
use crate::image::{Address, Format, Parts, Span};

/// Returns whether the first line with something to say is a record's.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .map(<[u8]>::trim_ascii)
        .find(|line| !is_remark(line))
        .is_some_and(|line| {
            line.len() > 8
                && line.first() == Some(&b':')
                && line.iter().skip(1).take(8).all(u8::is_ascii_hexdigit)
        })
}

/// Blank lines and comments say nothing.
fn is_remark(line: &[u8]) -> bool {
    matches!(line.first(), None | Some(b';' | b'#'))
}

/// Bytes of one record at their addresses.
struct Piece {
    address: u64,
    line: usize,
    bytes: Vec<u8>,
}

/// Reads all records.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::Hex {
        line: count_lines(bytes.get(..error.valid_up_to()).unwrap_or_default()),
        what: "it is no text".to_owned(),
    })?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut pieces = Vec::new();
    let mut linear = true;
    let mut base = 0u64;
    let mut ended = false;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim_matches(|c: char| c.is_ascii_whitespace());
        if is_remark(line.as_bytes()) {
            continue;
        }
        let wrong = |what: String| ReadError::Hex { line: number, what };
        if ended {
            return Err(wrong("it stands behind the end record".to_owned()));
        }
        match Record::from_record_string(line) {
            Ok(Record::Data { offset, value }) => {
                let start = base + u64::from(offset);
                if linear && start + u64::try_from(value.len()).unwrap_or_default() > 1 << 32 {
                    return Err(wrong(
                        "it runs over the end of the address space".to_owned(),
                    ));
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
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    if !ended {
        return Err(ReadError::NoEnd);
    }
    join(pieces)
}

/// Places a record's bytes: what fits into a segment, and what starts it again.
fn place(linear: bool, start: u64, base: u64, mut value: Vec<u8>) -> [(u64, Vec<u8>); 2] {
    let room = base + 0x1_0000 - start;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let fits = if linear { value.len() } else { room };
    let rest = value.split_off(fits.min(value.len()));
    [(start, value), (base, rest)]
}

/// Lays pieces out by address in one buffer.
fn join(mut pieces: Vec<Piece>) -> Result<Parts, ReadError> {
    pieces.retain(|piece| !piece.bytes.is_empty());
    pieces.sort_by_key(|piece| piece.address);
    let mut decoded: Vec<u8> = Vec::new();
    // For each run: its first address, and where it starts in the buffer.
    let mut runs: Vec<(u64, usize)> = Vec::new();
    let mut next = 0u64;
    for (index, piece) in pieces.iter().enumerate() {
        if runs.is_empty() || piece.address > next {
            runs.push((piece.address, decoded.len()));
            next = piece.address;
        }
        let again = usize::try_from(next - piece.address).unwrap_or(usize::MAX);
        let (known, new) = piece.bytes.split_at(again.min(piece.bytes.len()));
        let from = decoded.len().saturating_sub(again);
        let stored = decoded.iter().skip(from);
        if let Some(at) = known.iter().zip(stored).position(|(a, b)| a != b) {
            let address = piece.address + u64::try_from(at).unwrap_or_default();
            let before = pieces.get(..index).unwrap_or_default();
            let other = before
                .iter()
                .find(|it| {
                    let len = u64::try_from(it.bytes.len()).unwrap_or_default();
                    (it.address..it.address + len).contains(&address)
                })
                .map_or(piece.line, |it| it.line);
            return Err(ReadError::Conflict {
                address: Address::new(address),
                first: other.min(piece.line),
                second: other.max(piece.line),
            });
        }
        decoded.extend_from_slice(new);
        next += u64::try_from(new.len()).unwrap_or_default();
    }
    let ends = runs.iter().skip(1).map(|run| run.1).chain([decoded.len()]);
    let extents: Vec<_> = runs
        .iter()
        .zip(ends)
        .filter_map(|((address, at), end)| {
            let len = u64::try_from(end.checked_sub(*at)?).ok()?;
            Some((Span::new(Address::new(*address), len)?, *at..end))
        })
        .collect();
    if extents.is_empty() {
        let format = Format::Hex;
        return Err(ReadError::NothingLoaded { format });
    }
    Ok(Parts {
        extents,
        decoded: Some(decoded),
        ..Parts::default()
    })
}

/// Counts lines as [`read`] does.
fn count_lines(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let ends = text.replace("\r\n", "\n").replace('\r', "\n");
    1 + ends.matches('\n').count()
}
