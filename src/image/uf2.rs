//! UF2: blocks of 512 bytes that each bring their address.
//!
//! Source: Microsoft, "USB Flashing Format (UF2)", with its flags, extension tags and MD5. Blocks
//! stand in any order. Those not meant for flash, and those of a file container, stay as they
//! are; so do those of other families than the one that is meant, whose addresses may be the
//! same. The MD5s in the container are no checksums of loaded bytes: they are made true here.

mod block;
mod blocks;
mod digest;
mod error;
mod numbers;

pub(super) use block::MAGIC;
pub(super) use blocks::Blocks;
pub use blocks::Md5;
pub use error::Uf2Error;

use block::{BLOCK, Block, MD5, block};

use super::extent::Extent;
use super::{Edits, Format, Image, ImageError, Patch};

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
