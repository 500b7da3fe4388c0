//! Why a settings store cannot be made.

use std::path::PathBuf;

use thiserror::Error;

use crate::image::{Address, Format, ImageError, Span};
use crate::recipe::SlotValue;

/// Why a settings store cannot be made. No text repeats a value of the store.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "nvs-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum NvsError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", file.display())]
    File {
        /// The file, as the recipe or its table names it.
        file: PathBuf,
        reason: String,
    },
    /// The table is none that Espressif's generator takes.
    #[error("{} line {line}: {reason}", file.display())]
    Table {
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        reason: String,
    },
    /// A value is none of its kind.
    #[error("the value of {name} {reason}")]
    Value { name: String, reason: String },
    /// Two values of one name: a reader finds one of them, and which is chance.
    #[error("two values are named {name}")]
    Twice { name: String },
    /// More namespaces than the store has numbers for.
    #[error("the store has {found} namespaces, it takes {most}")]
    Namespaces { found: usize, most: usize },
    /// A value is longer than any block takes.
    #[error("the value of {name} takes {bytes} bytes, the store takes {most} at most")]
    TooLong {
        name: String,
        bytes: usize,
        most: usize,
    },
    /// The partition is too small.
    #[error("the values do not fit into {at}: {blocks} of its blocks can be written")]
    Full {
        at: Span,
        /// Pages or sectors that may be written; one stays free where the firmware writes, too.
        blocks: u64,
    },
    /// The recipe's placeholder is longer than what is reserved.
    #[error("the placeholder {text:?} for {value} has {} characters, length is {length}", text.len())]
    Placeholder {
        value: SlotValue,
        text: String,
        length: usize,
    },
    /// The shared image has something of its own there.
    #[error(
        "the image stores something else at {first}, inside of the store at {at}: where it is a store of the image's own, slots find it without [nvs]"
    )]
    Occupied {
        at: Span,
        /// The first address that is not erased.
        first: Address,
    },
    /// The shared image does not reach there.
    #[error(
        "the {format} image stores nothing at {first}, inside of the store at {at}: take a merged image, or leave [image] out, and the store is a file of its own"
    )]
    Outside {
        at: Span,
        /// The first address that is not stored.
        first: Address,
        format: Format,
    },
    /// The partition table of the image names other places.
    #[error("the image's partition table has no NVS partition at {at}: it has {known}")]
    Partition { at: Span, known: String },
    /// The shared image cannot be read or changed.
    #[error("the image takes no store")]
    Image(#[from] ImageError),
}

impl NvsError {
    /// Returns the error's stable name: the image's own, where it was refused.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Image(error) => error.name(),
            other => other.into(),
        }
    }
}
