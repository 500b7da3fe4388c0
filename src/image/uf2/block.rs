//! One block of 512 bytes, as its header says.

use std::ops::Range;

use super::error::Uf2Error;
use crate::image::extent::Extent;
use crate::image::structure::word_at;
use crate::image::{Address, ImageError, Span};

/// First two words of a block.
pub(in crate::image) const MAGIC: &[u8] = b"UF2\n\x57\x51\x5d\x9e";
/// Last word of a block.
pub(super) const MAGIC_END: &[u8] = &0x0AB1_6F30u32.to_le_bytes();
/// Bytes of a block.
pub(super) const BLOCK: usize = 512;
/// Where a block's data lies; the payload is its start.
pub(super) const DATA: Range<usize> = 32..508;

/// "Not main flash": to be skipped by the device.
pub(super) const NOT_FLASH: u32 = 0x1;
/// "File container": a file's bytes, at offsets in it.
pub(super) const FILE: u32 = 0x1000;
/// The family stands where the file size would.
pub(super) const FAMILY: u32 = 0x2000;
/// An MD5 stands behind the payload or at the end of the data.
pub(super) const MD5: u32 = 0x4000;
/// Extension tags stand behind the payload.
pub(super) const TAGS: u32 = 0x8000;

/// Tag with the SHA-2 of the firmware.
pub(super) const TAG_SHA2: u32 = 0xB46DB0;
/// Addresses that a block can name.
pub(super) const SPACE: u64 = 1 << 32;
/// Bytes of an MD5 that a block brings: address, length and digest.
pub(super) const MD5_BYTES: usize = 24;

/// One block, as its header says.
#[derive(Debug)]
pub(super) struct Block {
    /// Its position in the file, from 0.
    pub(super) index: usize,
    /// Where it starts in the file.
    pub(super) at: usize,
    pub(super) flags: u32,
    pub(super) address: u32,
    pub(super) payload: usize,
    pub(super) number: u32,
    pub(super) blocks: u32,
    pub(super) family: Option<u32>,
    /// Whether a tag says that the firmware has a SHA-2.
    pub(super) sha2: bool,
    /// Whether it is only there for a fault of a boot ROM.
    pub(super) dummy: bool,
}

impl Block {
    /// Returns whether its payload goes to flash.
    pub(super) const fn loads(&self) -> bool {
        self.flags & (NOT_FLASH | FILE) == 0 && !self.dummy
    }

    /// Returns where its payload goes to and where it stands.
    pub(super) fn extent(&self) -> Result<Option<Extent>, ImageError> {
        let start = Address::new(u64::from(self.address));
        let len = u64::try_from(self.payload).unwrap_or(u64::MAX);
        if start.get().saturating_add(len) > SPACE {
            return Err(ImageError::Wraps { start, len });
        }
        let from = self.at.saturating_add(DATA.start);
        let at = from..from.saturating_add(self.payload);
        Ok(Span::new(start, len).map(|span| Extent { span, at }))
    }
}

/// Reads one block's header and checks what it says about the block itself.
pub(super) fn block(index: usize, bytes: &[u8]) -> Result<Block, Uf2Error> {
    if !bytes.starts_with(MAGIC) {
        return Err(Uf2Error::Magic {
            index,
            place: "start",
        });
    }
    if !bytes.ends_with(MAGIC_END) {
        return Err(Uf2Error::Magic {
            index,
            place: "end",
        });
    }
    let word = |at| word_at(bytes, at).unwrap_or_default();
    let flags = word(8);
    let payload = usize::try_from(word(16)).unwrap_or(usize::MAX);
    let room = DATA.len() - if flags & MD5 == 0 { 0 } else { MD5_BYTES };
    if payload > room {
        return Err(Uf2Error::Payload {
            index,
            found: word(16),
            most: room,
        });
    }
    let mut block = Block {
        index,
        at: index.saturating_mul(BLOCK),
        flags,
        address: word(12),
        payload,
        number: word(20),
        blocks: word(24),
        family: (flags & FAMILY != 0).then(|| word(28)),
        sha2: false,
        dummy: false,
    };
    block.sha2 = flags & TAGS != 0 && tags(bytes, payload).any(|tag| tag == TAG_SHA2);
    block.dummy = is_dummy(&block, bytes);
    Ok(block)
}

/// Returns the extension tags behind a payload of that length.
///
/// Each has its length in bytes, with the four of its head, and 3 bytes of type; it starts at a
/// multiple of 4. A length of 0 ends them.
fn tags(bytes: &[u8], payload: usize) -> impl Iterator<Item = u32> {
    let mut at = DATA.start.saturating_add(payload.next_multiple_of(4));
    std::iter::from_fn(move || {
        let head = word_at(bytes.get(..DATA.end)?, at)?;
        let len = usize::try_from(head & 0xFF).ok()?;
        if len < 4 {
            return None;
        }
        at = at.checked_add(len.next_multiple_of(4))?;
        Some(head >> 8)
    })
}

/// Returns whether `block` is the one that `picotool` puts in front for RP2350's erratum E10:
/// block 0 of 2, alone, of the family "absolute", filled with 0xEF; the boot ROM drops it.
fn is_dummy(block: &Block, bytes: &[u8]) -> bool {
    const ABSOLUTE: u32 = 0xE48B_FF57;
    let data = bytes.get(DATA).unwrap_or_default();
    let payload = data.get(..block.payload).unwrap_or_default();
    block.family == Some(ABSOLUTE)
        && (block.number, block.blocks) == (0, 2)
        && payload.iter().all(|byte| *byte == 0xEF)
}
