//! Why bytes are no UF2 that can be patched.

use std::fmt;

use thiserror::Error;

use crate::image::Address;

/// Why a UF2 is rejected. Blocks are counted from 0, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "image-uf2-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum Uf2Error {
    /// Part of a block.
    #[error("the UF2 image has {size} bytes, its blocks have 512 each")]
    Length { size: usize },
    /// A block without its marks.
    #[error("block {index} of the UF2 image has no UF2 magic at its {place}")]
    Magic { index: usize, place: &'static str },
    /// A payload longer than a block has room for.
    #[error("block {index} of the UF2 image says {found} bytes of payload, it has room for {most}")]
    Payload {
        index: usize,
        found: u32,
        /// What fits, with the MD5 behind it where there is one.
        most: usize,
    },
    /// Two blocks that count other numbers of blocks.
    #[error("block {index} of the UF2 image says {found} blocks, block {first} says {wanted}")]
    Count {
        index: usize,
        found: u32,
        /// The first block of its family.
        first: usize,
        wanted: u32,
    },
    /// A number that the count does not reach.
    #[error("block {index} of the UF2 image has the number {number}, of {blocks} blocks")]
    Number {
        index: usize,
        /// Its number, from 0.
        number: u32,
        /// How many blocks it says there are.
        blocks: u32,
    },
    /// One number for two blocks.
    #[error("blocks {first} and {second} of the UF2 image both have the number {number}")]
    Twice {
        number: u32,
        first: usize,
        second: usize,
    },
    /// A number that no block has.
    #[error("the UF2 image lacks the block number {number} of {blocks}")]
    Missing {
        /// The first such number, from 0.
        number: u32,
        /// How many blocks there should be.
        blocks: u32,
    },
    /// Two blocks load one address.
    #[error("blocks {first} and {second} of the UF2 image both load {at}")]
    Overlap {
        first: usize,
        second: usize,
        at: Address,
    },
    /// Several firmwares, and nothing says which one.
    #[error(
        "the UF2 image holds {} families: {}; say which is meant",
        families.len(), Families(families)
    )]
    Families {
        /// In the order of the file; `None` for blocks that name none.
        families: Vec<Option<u32>>,
    },
    /// A family that is not there.
    #[error(
        "the UF2 image has no block of the family 0x{wanted:08x}; it has {}",
        Families(families)
    )]
    NoFamily {
        wanted: u32,
        /// In the order of the file.
        families: Vec<Option<u32>>,
    },
    /// A digest of the firmware over bytes that the tag does not name.
    #[error(
        "block {index} of the UF2 image has a tag with the firmware's SHA-2, which does not say \
         what it covers and cannot be made true again"
    )]
    Sha2 { index: usize },
}

/// Families in a row.
struct Families<'a>(&'a [Option<u32>]);

impl fmt::Display for Families<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, family) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match family {
                Some(family) => write!(f, "0x{family:08x}")?,
                None => f.write_str("none named")?,
            }
        }
        f.write_str(if self.0.is_empty() { "none" } else { "" })
    }
}
