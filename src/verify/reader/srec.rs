//! S-records, line by line, with numbers read by the standard library.

use super::error::{ReadError, wrong};
use super::text::{self, Piece, is_remark};
use crate::image::{Format, Parts};

/// Returns whether the first line with something to say is a record's.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    text::starts_with_record(bytes, b'S', 9)
}

/// Returns how many digits of address a data record of that type has.
fn width(kind: u8) -> Option<usize> {
    match kind {
        b'1' => Some(4),
        b'2' => Some(6),
        b'3' => Some(8),
        _ => None,
    }
}

/// Reads all records.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, ReadError> {
    let mut pieces = Vec::new();
    let mut seen = 0u64;
    let mut ended = false;
    let mut counted = false;
    for (line, text) in text::lines(bytes).filter(|(_, line)| !is_remark(line)) {
        let wrong = |what: &str| wrong(Format::Srec, line, what);
        if ended {
            return Err(wrong("it stands behind the end record"));
        }
        let text = std::str::from_utf8(text).map_err(|_| wrong("it is no text"))?;
        let (kind, body) = text
            .strip_prefix('S')
            .and_then(|rest| rest.split_at_checked(1))
            .ok_or_else(|| wrong("it starts with no S and type"))?;
        let body =
            bytes_of(body).ok_or_else(|| wrong("it has other characters than pairs of digits"))?;
        let total = body
            .iter()
            .fold(0u64, |total, byte| total + u64::from(*byte));
        if total & 0xFF != 0xFF {
            return Err(wrong("its sum is wrong"));
        }
        let says = body.first().map_or(0, |says| usize::from(*says));
        if body.len() != says + 1 {
            return Err(wrong("it is longer or shorter than it says"));
        }
        let inner = body.get(1..says).unwrap_or_default();
        counted = false;
        match (kind, inner.len()) {
            ("0", 2..) => {}
            ("1" | "2" | "3", len) => {
                seen += 1;
                let width = kind.bytes().next().and_then(width).unwrap_or_default() / 2;
                if len < width {
                    return Err(wrong("it has no whole address"));
                }
                let (address, data) = inner.split_at(width);
                let address = number(address);
                let end = address + u64::try_from(data.len()).unwrap_or_default();
                if end > 1 << (8 * width) {
                    return Err(wrong("it runs over the end of the address space"));
                }
                let bytes = data.to_vec();
                pieces.push(Piece {
                    address,
                    line,
                    bytes,
                });
            }
            ("5", 2) if number(inner) == seen % (1 << 16) => counted = true,
            ("6", 3) if number(inner) == seen % (1 << 24) => counted = true,
            ("5" | "6", 2..=3) => return Err(wrong("it counts other records than there are")),
            ("7", 4) | ("8", 3) | ("9", 2) => ended = true,
            _ => return Err(wrong("it is of no known type and size")),
        }
    }
    if !ended && !counted {
        let format = Format::Srec;
        return Err(ReadError::NoEnd { format });
    }
    // Behind `S`, type, length and address.
    text::join(Format::Srec, pieces, bytes, |line| match line {
        [b'S', kind, ..] => Some(width(*kind)? + 4),
        _ => None,
    })
}

/// Returns the bytes that pairs of digits write.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let starts = (0..digits.len()).step_by(2);
    starts
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

/// Returns the number that bytes give, highest first.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number * 256 + u64::from(*byte))
}
