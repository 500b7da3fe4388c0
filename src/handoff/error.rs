//! Why a block does not go into a programmer's file. No text repeats a value.

use thiserror::Error;

use crate::image::{Address, ImageError};

/// Why a block cannot be handed off.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "handoff-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum HandoffError {
    /// More places differ than a line takes.
    #[error("each unit takes {needs} patches of at most {longest} bytes, a line takes {most}")]
    Patches {
        needs: usize,
        longest: usize,
        most: usize,
    },
    /// More bytes differ than a line takes.
    #[error("each unit takes {needs} bytes, a line takes {most}")]
    Bytes { needs: usize, most: usize },
    /// The programmer does not name so high an address, or the buffer starts above it.
    #[error("{at} is not within 32 bits from {base} on")]
    Address { at: Address, base: Address },
    /// A line that was read back would not make its unit.
    #[error("line {line} of what was written does not make its unit")]
    Differs { line: usize },
    /// A place that the shared image does not store.
    #[error("the image cannot be patched")]
    Image(#[from] ImageError),
}

crate::unit::stable_name!(HandoffError);
