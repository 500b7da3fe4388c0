//! The second reader: containers to load addresses by other libraries than the line's own.
//!
//! ELF is read with `goblin`, HEX records with `ihex`; S-records and UF2 are read here once more,
//! written apart from the line's readers. Only the address map that comes out is
//! shared with the line; how a container is taken apart is not.

mod elf;
mod hex;
mod srec;
mod text;
mod uf2;

use thiserror::Error;

use crate::image::{Address, Format, Hint, Image, Parts, Span};

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
fn wrong(format: Format, line: usize, what: &str) -> ReadError {
    let what = what.to_owned();
    ReadError::Record { format, line, what }
}

/// Reads a container a second way.
///
/// The image that comes out answers all questions about bytes and names. In a HEX, S-record file
/// or UF2 it knows no way back into the container: `patches` and `render` give
/// [`crate::image::ImageError::ReadOnly`].
///
/// # Errors
/// Any [`ReadError`]; the bytes may be anything.
pub fn read(bytes: Vec<u8>, hint: Hint) -> Result<Image, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let found = if bytes.starts_with(&[0x7f, b'E', b'L', b'F']) {
        Format::Elf
    } else if hex::looks_like(&bytes) {
        Format::Hex
    } else if srec::looks_like(&bytes) {
        Format::Srec
    } else if uf2::looks_like(&bytes) {
        Format::Uf2
    } else {
        Format::Bin
    };
    let wanted = hint.format;
    let wanted = wanted.or(hint.base.map(|_| Format::Bin));
    let wanted = wanted.or(hint.family.map(|_| Format::Uf2));
    if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
        return Err(ReadError::OtherFormat { found, wanted });
    }
    read_as(found, bytes, hint)
}

/// Reads a container of a format that is known.
///
/// # Errors
/// Any [`ReadError`]; the bytes may be anything.
pub(super) fn read_as(format: Format, bytes: Vec<u8>, hint: Hint) -> Result<Image, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let parts = match format {
        Format::Elf => elf::read(&bytes)?,
        Format::Hex => hex::read(&bytes)?,
        Format::Srec => srec::read(&bytes)?,
        Format::Uf2 => uf2::read(&bytes, hint.family)?,
        Format::Bin => bin(&bytes, hint.base)?,
    };
    Ok(Image::from_parts(format, bytes, parts))
}

/// Takes all bytes from `base` on.
fn bin(bytes: &[u8], base: Option<Address>) -> Result<Parts, ReadError> {
    let start = base.ok_or(ReadError::NoBase)?;
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let span = Span::new(start, len).ok_or(ReadError::Wraps { start, len })?;
    Ok(Parts {
        extents: vec![(span, 0..bytes.len())],
        ..Parts::default()
    })
}
