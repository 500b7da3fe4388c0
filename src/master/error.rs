//! Why an image is no Master, and why values do not go into it.

use thiserror::Error;

use crate::checksum::ChecksumError;
use crate::image::{ImageError, Span};
use crate::recipe::SlotValue;
use crate::slot::SlotError;

/// Why an image is no Master for a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "master-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum MasterError {
    /// A slot is refused.
    #[error("the slot for {value} is refused")]
    Slot { value: SlotValue, source: SlotError },
    /// Two values would be written to the same bytes.
    #[error("the slots for {first} ({at}) and {second} ({other}) share bytes")]
    SlotsOverlap {
        first: SlotValue,
        second: SlotValue,
        at: Span,
        other: Span,
    },
    /// A checksum is refused.
    #[error("the checksums are refused")]
    Checksum(#[from] ChecksumError),
    /// A unit's bytes would stand where they keep a chip from starting or lock it.
    #[error(
        "{what} at {at} lies in {name} ({range}): a part may not start, or lock itself; if it is meant, write allow-protected = true below it"
    )]
    Protected {
        what: String,
        at: Span,
        name: &'static str,
        range: Span,
    },
    /// A unit's bytes would stand in the container's own headers.
    #[error(
        "{what} at {at} lies in the ELF's own headers or tables, which a segment loads at {tables}: nobody could read the unit's file; give it a place of its own in the firmware"
    )]
    OwnTables {
        what: String,
        at: Span,
        /// Where the headers or tables are loaded.
        tables: Span,
    },
    /// The image was built for another template.
    #[error("the recipe's template is {recipe}, the image says fw-type {image} in blnkinf")]
    Template { recipe: String, image: String },
    /// The container may not be changed.
    #[error("the image cannot be changed")]
    Container(#[source] ImageError),
    /// The firmware tag cannot be told.
    #[error("the firmware tag blnkinf cannot be read")]
    Tag(#[from] ImageError),
}

impl MasterError {
    /// Returns the error's stable name: the stage's own, where a stage refused.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slot { source, .. } => source.name(),
            Self::Checksum(source) => source.name(),
            Self::Tag(source) | Self::Container(source) => source.name(),
            other => other.into(),
        }
    }
}

/// Why a unit's values do not go into the slots. No text repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "patch-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum PatchError {
    /// A slot does not take its value.
    #[error("the slot does not take the unit's {value}")]
    Slot { value: SlotValue, source: SlotError },
    /// The token list has no such column.
    #[error("the token list has no column {header:?} for this unit")]
    NoColumn { header: String },
}

impl PatchError {
    /// Returns the error's stable name: the slot's own, where the slot refused.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slot { source, .. } => source.name(),
            Self::NoColumn { .. } => self.into(),
        }
    }
}
