//! UF2: blocks of 512 bytes that each bring their address.
//!
//! Source: Microsoft, "USB Flashing Format (UF2)", with its flags, extension tags and MD5. Blocks
//! stand in any order. Those not meant for flash, and those of a file container, stay as they
//! are; so do those of other families than the one that is meant, whose addresses may be the
//! same. The MD5s in the container are no checksums of loaded bytes: they are made true here.

mod digest;
mod error;
mod numbers;

pub use digest::Md5;
pub use error::Uf2Error;

use std::ops::Range;

use super::{Address, Edits, Extent, Format, Image, ImageError, Patch, Span};

/// First two words of a block.
pub(super) const MAGIC: &[u8] = b"UF2\n\x57\x51\x5d\x9e";
/// Last word of a block.
const MAGIC_END: &[u8] = &0x0AB1_6F30u32.to_le_bytes();
/// Bytes of a block.
const BLOCK: usize = 512;
/// Where a block's data lies; the payload is its start.
const DATA: Range<usize> = 32..508;

/// "Not main flash": to be skipped by the device.
const NOT_FLASH: u32 = 0x1;
/// "File container": a file's bytes, at offsets in it.
const FILE: u32 = 0x1000;
/// The family stands where the file size would.
const FAMILY: u32 = 0x2000;
/// An MD5 stands behind the payload or at the end of the data.
const MD5: u32 = 0x4000;
/// Extension tags stand behind the payload.
const TAGS: u32 = 0x8000;

/// Tag with the SHA-2 of the firmware.
const TAG_SHA2: u32 = 0xB46DB0;
/// Addresses that a block can name.
const SPACE: u64 = 1 << 32;

/// One block, as its header says.
#[derive(Debug)]
struct Block {
    /// Its position in the file, from 0.
    index: usize,
    /// Where it starts in the file.
    at: usize,
    flags: u32,
    address: u32,
    payload: usize,
    number: u32,
    blocks: u32,
    family: Option<u32>,
    /// Whether a tag says that the firmware has a SHA-2.
    sha2: bool,
    /// Whether it is only there for a fault of a boot ROM.
    dummy: bool,
}

impl Block {
    /// Returns whether its payload goes to flash.
    const fn loads(&self) -> bool {
        self.flags & (NOT_FLASH | FILE) == 0 && !self.dummy
    }

    /// Returns where its payload goes to and where it stands.
    fn extent(&self) -> Result<Option<Extent>, ImageError> {
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

/// What stands beside the loaded bytes of a UF2.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// The family that is loaded.
    family: Option<u32>,
    /// All families of the file, in order.
    families: Vec<u32>,
    /// Blocks with an MD5, of the family that is loaded: where each starts, and its payload.
    digested: Vec<(usize, usize)>,
    md5s: Vec<Md5>,
    /// The block that says that the firmware has a SHA-2.
    sha2: Option<usize>,
}

/// Reads every block of `container`; of several families, `family` is loaded.
///
/// # Errors
/// [`ImageError::Uf2`], [`ImageError::Wraps`], [`ImageError::NothingLoaded`].
pub(super) fn read(
    container: &[u8],
    family: Option<u32>,
) -> Result<(Vec<Extent>, Blocks), ImageError> {
    if !container.len().is_multiple_of(BLOCK) {
        let size = container.len();
        return Err(Uf2Error::Length { size }.into());
    }
    let blocks = container.chunks_exact(BLOCK).enumerate();
    let blocks: Vec<Block> = blocks
        .map(|(index, bytes)| block(index, bytes))
        .collect::<Result<_, _>>()?;
    numbers::check(&blocks)?;
    let family = chosen(&blocks, family)?;
    let loaded = || blocks.iter().filter(|it| it.loads() && it.family == family);
    let mut extents = Vec::new();
    for block in loaded() {
        extents.extend(block.extent()?.map(|extent| (extent, block.index)));
    }
    extents.sort_by_key(|(extent, _)| extent.span);
    let pairs = extents.iter().zip(extents.iter().skip(1));
    for ((first, index), (second, other)) in pairs {
        if second.span.start() < first.span.end() {
            return Err(Uf2Error::Overlap {
                first: *index.min(other),
                second: *index.max(other),
                at: second.span.start(),
            }
            .into());
        }
    }
    if extents.is_empty() {
        let format = Format::Uf2;
        return Err(ImageError::NothingLoaded { format });
    }
    let mut families: Vec<u32> = blocks.iter().filter_map(|block| block.family).collect();
    families.sort_unstable();
    families.dedup();
    let beside = Blocks {
        family,
        families,
        digested: loaded()
            .filter(|block| block.flags & MD5 != 0)
            .map(|block| (block.at, block.payload))
            .collect(),
        md5s: Vec::new(),
        sha2: loaded().find(|block| block.sha2).map(|block| block.index),
    };
    let extents = extents.into_iter().map(|(extent, _)| extent);
    Ok((extents.collect(), beside))
}

/// Reads one block's header and checks what it says about the block itself.
fn block(index: usize, bytes: &[u8]) -> Result<Block, Uf2Error> {
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
    let word = |at| word(bytes, at).unwrap_or_default();
    let flags = word(8);
    let payload = usize::try_from(word(16)).unwrap_or(usize::MAX);
    let room = DATA.len() - if flags & MD5 == 0 { 0 } else { digest::LEN };
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
        let head = word(bytes.get(..DATA.end)?, at)?;
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

/// Decides which family is loaded.
fn chosen(blocks: &[Block], wanted: Option<u32>) -> Result<Option<u32>, Uf2Error> {
    let mut families: Vec<Option<u32>> = Vec::new();
    for block in blocks.iter().filter(|block| block.loads()) {
        if !families.contains(&block.family) {
            families.push(block.family);
        }
    }
    match (wanted, families.as_slice()) {
        (Some(wanted), _) if !families.contains(&Some(wanted)) => {
            Err(Uf2Error::NoFamily { wanted, families })
        }
        (Some(wanted), _) => Ok(Some(wanted)),
        (None, [only]) => Ok(*only),
        (None, []) => Ok(None),
        (None, _) => Err(Uf2Error::Families { families }),
    }
}

impl Blocks {
    /// Finds out which MD5s are right, and where each stands.
    pub(super) fn checked(mut self, image: &Image) -> Self {
        let found = |(at, payload): &(usize, usize)| digest::find(image, *at, *payload);
        self.md5s = self.digested.iter().map(found).collect();
        self
    }

    /// Returns the MD5s that change for `edits`: those over changed bytes that were right.
    pub(super) fn patches(&self, image: &Image, edits: &Edits) -> Result<Vec<Patch>, ImageError> {
        if let Some(index) = self.sha2.filter(|_| edits.spans().next().is_some()) {
            return Err(Uf2Error::Sha2 { index }.into());
        }
        let mut patches = Vec::new();
        for md5 in self.md5s.iter().filter(|md5| md5.right) {
            let Some(span) = md5.over else { continue };
            if edits.spans().any(|edit| edit.intersection(span).is_some()) {
                patches.push((md5.at, digest::of(image, span, edits)?));
            }
        }
        Ok(patches)
    }
}

impl Image {
    /// Returns the MD5s in a UF2's blocks of the family that is loaded, in the order of the file.
    #[must_use]
    pub fn md5s(&self) -> &[Md5] {
        self.blocks.as_ref().map_or(&[], |blocks| &blocks.md5s)
    }

    /// Returns the family of a UF2 that is loaded.
    #[must_use]
    pub fn family(&self) -> Option<u32> {
        self.blocks.as_ref().and_then(|blocks| blocks.family)
    }

    /// Returns all families that the blocks of a UF2 name, in order.
    #[must_use]
    pub fn families(&self) -> &[u32] {
        self.blocks.as_ref().map_or(&[], |blocks| &blocks.families)
    }

    /// Checks that bytes may change at all.
    ///
    /// # Errors
    /// [`ImageError::Uf2`] for a UF2 that names a digest over nobody knows what.
    pub fn changeable(&self) -> Result<(), ImageError> {
        match self.blocks.as_ref().and_then(|blocks| blocks.sha2) {
            Some(index) => Err(Uf2Error::Sha2 { index }.into()),
            None => Ok(()),
        }
    }
}

/// Returns the little-endian word at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests;
