//! Why the second reader rejects an image.

use thiserror::Error;

use crate::image::{Address, Format, Span};

/// Why the second reader rejects an image.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "read-")]
#[non_exhaustive]
pub enum ReadError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// A BIN does not say where it is loaded.
    #[error("a BIN file does not say where it is loaded")]
    NoBase,
    /// The content is of another format than asked for.
    #[error("the file is {found}, not {wanted}")]
    OtherFormat {
        /// What the content is.
        found: Format,
        /// What was asked for.
        wanted: Format,
    },
    /// Bytes beyond the highest address.
    #[error("{len} bytes from {start} on run over the end of the address space")]
    Wraps {
        /// The first address.
        start: Address,
        /// Number of bytes.
        len: u64,
    },
    /// A container without a loaded byte.
    #[error("the {format} file loads no byte")]
    NothingLoaded {
        /// What the content is.
        format: Format,
    },
    /// An ELF that cannot be followed.
    #[error("the ELF file cannot be read: {what}")]
    Elf {
        /// What is wrong.
        what: String,
    },
    /// Two segments load one address, or one byte of the file twice.
    #[error("segments load {first} and {second}, which share bytes")]
    Shared {
        /// One segment.
        first: Span,
        /// The other.
        second: Span,
    },
    /// A line that is no record, or stands behind the end.
    #[error("line {line} of the {format} file: {what}")]
    Record {
        /// What the content is.
        format: Format,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Text records without an end.
    #[error("the {format} file has no end record")]
    NoEnd {
        /// What the content is.
        format: Format,
    },
    /// A UF2 that is not whole, or leaves open which firmware is meant.
    #[error("the uf2 file cannot be read: {what}")]
    Uf2 {
        /// What is wrong.
        what: String,
    },
    /// Two records give one address two values.
    #[error("lines {first} and {second} of the {format} file give {address} different values")]
    Conflict {
        /// What the content is.
        format: Format,
        /// The address.
        address: Address,
        /// Where it has one value.
        first: usize,
        /// Where it has the other.
        second: usize,
    },
}

impl ReadError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// Says what is wrong with a line.
pub(super) fn wrong(format: Format, line: usize, what: &str) -> ReadError {
    let what = what.to_owned();
    ReadError::Record { format, line, what }
}
