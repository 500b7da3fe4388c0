//! Why the second reader rejects an image.

use thiserror::Error;

use crate::image::{Address, Format, Span};

/// Why the second reader rejects an image.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "read-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ReadError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// A BIN does not say where it is loaded.
    #[error("a BIN file does not say where it is loaded")]
    NoBase,
    /// The content is of another format than asked for.
    #[error("the file is {found}, not {wanted}")]
    OtherFormat { found: Format, wanted: Format },
    /// Bytes beyond the highest address.
    #[error("{len} bytes from {start} on run over the end of the address space")]
    Wraps { start: Address, len: u64 },
    /// A container without a loaded byte.
    #[error("the {format} file loads no byte")]
    NothingLoaded { format: Format },
    /// An ELF that cannot be followed.
    #[error("the ELF file cannot be read: {what}")]
    Elf { what: String },
    /// Two segments load one address, or one byte of the file twice.
    #[error("segments load {first} and {second}, which share bytes")]
    Shared { first: Span, second: Span },
    /// A line that is no record, or stands behind the end.
    #[error("line {line} of the {format} file: {what}")]
    Record {
        format: Format,
        /// Where, counted from 1.
        line: usize,
        what: String,
    },
    /// Text records without an end.
    #[error("the {format} file has no end record")]
    NoEnd { format: Format },
    /// A UF2 that is not whole, or leaves open which firmware is meant.
    #[error("the uf2 file cannot be read: {what}")]
    Uf2 { what: String },
    /// Two records give one address two values.
    #[error("lines {first} and {second} of the {format} file give {address} different values")]
    Conflict {
        format: Format,
        address: Address,
        first: usize,
        second: usize,
    },
}

crate::unit::stable_name!(ReadError);

/// Says what is wrong with a line.
pub(super) fn wrong(format: Format, line: usize, what: &str) -> ReadError {
    let what = what.to_owned();
    ReadError::Record { format, line, what }
}
