//! Why a block does not go into a programmer's file. No text repeats a value.

use thiserror::Error;

use crate::image::{Address, ImageError};

/// Why a block cannot be handed off.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "handoff-")]
#[non_exhaustive]
pub enum HandoffError {
    /// More places differ than a line takes.
    #[error("each unit takes {needs} patches of at most {longest} bytes, a line takes {most}")]
    Patches {
        /// How many a unit needs.
        needs: usize,
        /// The longest that the programmer takes, in bytes.
        longest: usize,
        /// How many a line takes.
        most: usize,
    },
    /// More bytes differ than a line takes.
    #[error("each unit takes {needs} bytes, a line takes {most}")]
    Bytes {
        /// How many a unit needs.
        needs: usize,
        /// How many a line takes.
        most: usize,
    },
    /// The programmer does not name so high an address, or the buffer starts above it.
    #[error("{at} is not within 32 bits from {base} on")]
    Address {
        /// Where a patch would start.
        at: Address,
        /// What the programmer counts from.
        base: Address,
    },
    /// A line that was read back would not make its unit.
    #[error("line {line} of what was written does not make its unit")]
    Differs {
        /// The line, as the programmer counts.
        line: usize,
    },
    /// A place that the shared image does not store.
    #[error("the image cannot be patched")]
    Image(#[from] ImageError),
}

crate::unit::stable_name!(HandoffError);
