//! The second reader: containers to load addresses by other libraries than the line's own.
//!
//! ELF is read with `goblin`, HEX records with `ihex`; S-records and UF2 are read here once more,
//! written apart from the line's readers. Only the address map that comes out is
//! shared with the line; how a container is taken apart is not.

mod elf;
mod error;
mod hex;
mod srec;
mod text;
mod uf2;

pub use error::ReadError;

use crate::image::{Address, Format, Hint, Image, Parts, Span};

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
