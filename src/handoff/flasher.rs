//! `Patches.txt` of SEGGER's stand-alone Flashers.
//!
//! Source: SEGGER Knowledge Base, "Flasher Hub - Patch data", section "Patch file support": a line
//! is `<NumPatches>` and for each patch `,<Addr>,<NumBytes>:<Data>`, all of it hexadecimal, at most
//! 4 patches of at most 0x20 bytes; the number in `Serial.txt` is the line that the next cycle
//! takes, counted from 0.

use zeroize::Zeroizing;

use super::HandoffError;
use super::ranges::{Room, counted, hex, pieces};
use crate::image::Address;
use crate::master::Master;
use crate::seal::Sealed;

const ROOM: Room = Room {
    most: 4,
    longest: 0x20,
};

pub fn write(master: &Master, units: &[Sealed<'_>]) -> Result<Zeroizing<Vec<u8>>, HandoffError> {
    let pieces = pieces(master, units, ROOM)?;
    // Room for all of it at once: a text that grows leaves copies of secrets behind.
    let line = 4 + pieces.len() * (16 + 2 * ROOM.longest);
    let mut text = Zeroizing::new(Vec::with_capacity(units.len() * line));
    for unit in units {
        text.extend_from_slice(format!("{:X}", pieces.len()).as_bytes());
        for piece in &pieces {
            let at = counted(piece.start(), Address::new(0))?;
            text.extend_from_slice(format!(",{at:X},{:X}:", piece.len()).as_bytes());
            hex(&mut text, &unit.bytes(*piece)?, b"");
        }
        text.extend_from_slice(b"\r\n");
    }
    Ok(text)
}
