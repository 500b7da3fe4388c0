//! Classic from-file serialization of Elnec's PG4UW.
//!
//! Source: Elnec, BeeHive304 user's manual, "Classic From file serialization file format": a line is
//! `[label] addr byte0 .. byten` and, behind a comma, a second address with bytes; all numbers are
//! hexadecimal, an address has 1 to 4 bytes, an array 1 to 64, two arrays together at most 80; `;`
//! begins a comment; labels are unique without regard to case and hold neither `[` nor `]`. Data go
//! to the buffer at the address given, in the buffer's own unit: bytes here.

use zeroize::Zeroizing;

use super::HandoffError;
use super::ranges::{Room, counted, hex, pieces};
use crate::image::Address;
use crate::master::Master;
use crate::seal::Sealed;

const ROOM: Room = Room {
    most: 2,
    longest: 64,
};

/// Bytes of two arrays together.
const MOST: usize = 80;

pub fn write(
    master: &Master,
    units: &[Sealed<'_>],
    base: Address,
) -> Result<Zeroizing<Vec<u8>>, HandoffError> {
    let pieces = pieces(master, units, ROOM)?;
    let bytes: u64 = pieces.iter().map(|piece| piece.len()).sum();
    let needs = usize::try_from(bytes).unwrap_or(usize::MAX);
    if needs > MOST {
        return Err(HandoffError::Bytes { needs, most: MOST });
    }
    // Room for all of it at once: a text that grows leaves copies of secrets behind.
    let line = 80 + pieces.len() * 16 + 3 * MOST;
    let mut text = Zeroizing::new(Vec::with_capacity(units.len() * line));
    for unit in units {
        // A serial holds none of the brackets.
        text.extend_from_slice(format!("[{}]", unit.serial()).as_bytes());
        for (index, piece) in pieces.iter().enumerate() {
            let between: &[u8] = if index > 0 { b" , " } else { b" " };
            text.extend_from_slice(between);
            let at = counted(piece.start(), base)?;
            text.extend_from_slice(format!("{at:X} ").as_bytes());
            hex(&mut text, &unit.bytes(*piece)?, b" ");
        }
        text.extend_from_slice(b"\r\n");
    }
    Ok(text)
}
