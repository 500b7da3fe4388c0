//! Container formats: from the bytes of a file to load addresses, and back in place.
//!
//! [`Image::read`] decides the format by content and builds the address map;
//! [`Image::render`] gives the same container with a few bytes changed. Nothing
//! here knows what a slot or a checksum is.

mod address;
mod bin;
mod blnkinf;
mod edits;
mod elf;
mod error;
mod hex;
mod names;

pub use address::{Address, AddressError, Span};
pub use blnkinf::BlnkInf;
pub use edits::Edits;
pub use error::ImageError;
pub use names::{Names, Place, Section, Symbol};

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Container formats that can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// Executable and Linkable Format, System V gABI.
    Elf,
    /// Raw bytes from a base address on.
    Bin,
    /// Intel Hexadecimal Object File Format, revision A, 1988.
    Hex,
}

/// What the reader cannot learn from the bytes themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// The format that must be found; absent, content decides.
    pub format: Option<Format>,
    /// The load address of the first byte of a BIN.
    pub base: Option<Address>,
}

/// Byte order of the machine that runs the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Endian {
    /// Least significant byte first.
    #[strum(serialize = "little-endian")]
    Little,
    /// Most significant byte first.
    #[strum(serialize = "big-endian")]
    Big,
}

/// What an ELF header says about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Address size in bits: 32 or 64.
    pub bits: u8,
    /// Byte order.
    pub endian: Endian,
    /// Name of `e_machine`, such as `ARM`; its number where it has no name here.
    pub name: String,
}

/// Bytes stored for a run of load addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    span: Span,
    /// Where they lie in `Image::stored`.
    at: Range<usize>,
}

/// A firmware image: the container as it came, and where its bytes are loaded.
#[derive(Debug, Clone)]
pub struct Image {
    format: Format,
    container: Arc<[u8]>,
    /// Loaded bytes of a text format; in the others they stand in the container.
    decoded: Option<Arc<[u8]>>,
    /// In order of address, not overlapping.
    extents: Vec<Extent>,
    names: Names,
    machine: Option<Machine>,
    /// How each loaded byte of a HEX is written.
    records: Option<hex::Records>,
}

impl Image {
    /// Reads a container.
    ///
    /// # Errors
    /// Any [`ImageError`] of reading; the bytes may be anything.
    pub fn read(bytes: Vec<u8>, hint: Hint) -> Result<Self, ImageError> {
        let extents = bin::read(&bytes, hint.base)?;
        Ok(Self {
            format: Format::Bin,
            container: bytes.into(),
            decoded: None,
            extents,
            names: Names::default(),
            machine: None,
            records: None,
        })
    }

    /// Returns the container's format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns what the header says about the machine; only ELF does.
    #[must_use]
    pub const fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Returns the container, byte for byte as it came.
    #[must_use]
    pub fn container(&self) -> &[u8] {
        &self.container
    }

    /// Returns the sections and symbols.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Returns the runs of stored load addresses, in order; runs that touch are one.
    #[must_use]
    pub fn runs(&self) -> Vec<Span> {
        let mut runs: Vec<Span> = Vec::new();
        for extent in &self.extents {
            match runs.last_mut() {
                Some(last) if last.end() == extent.span.start() => {
                    if let Some(joined) = Span::between(last.start(), extent.span.end()) {
                        *last = joined;
                    }
                }
                _ => runs.push(extent.span),
            }
        }
        runs
    }

    /// Returns the stored bytes of `span`, piece by piece in order of address.
    ///
    /// # Errors
    /// [`ImageError::Outside`] if any byte of `span` is not stored.
    pub fn chunks(&self, span: Span) -> Result<impl Iterator<Item = (Address, &[u8])>, ImageError> {
        let mut next = span.start();
        for part in self.stored_within(span) {
            if part.start() != next {
                break;
            }
            next = part.end();
        }
        if next != span.end() {
            return Err(ImageError::Outside { span, first: next });
        }
        Ok(self.pieces(span))
    }

    /// Returns the bytes of `span`, in one piece where they are stored in one.
    ///
    /// # Errors
    /// [`ImageError::Outside`] if any byte of `span` is not stored.
    pub fn bytes(&self, span: Span) -> Result<Cow<'_, [u8]>, ImageError> {
        let mut chunks = self.chunks(span)?;
        let first = chunks.next().map(|(_, bytes)| bytes).unwrap_or_default();
        let rest: Vec<&[u8]> = chunks.map(|(_, bytes)| bytes).collect();
        if rest.is_empty() {
            return Ok(Cow::Borrowed(first));
        }
        Ok(Cow::Owned([first, &rest.concat()].concat()))
    }

    /// Returns the stored parts of `span`, in order of address; gaps are left out.
    pub fn stored_within(&self, span: Span) -> impl Iterator<Item = Span> {
        let from = self
            .extents
            .partition_point(|extent| extent.span.end() <= span.start());
        self.extents
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map_while(move |extent| extent.span.intersection(span))
    }

    /// Returns the pieces of the image inside `span`; gaps are left out.
    fn pieces(&self, span: Span) -> impl Iterator<Item = (Address, &[u8])> {
        let from = self
            .extents
            .partition_point(|extent| extent.span.end() <= span.start());
        self.extents
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map_while(move |extent| Some((extent, extent.span.intersection(span)?)))
            .filter_map(|(extent, part)| {
                let skip = usize::try_from(part.start().get() - extent.span.start().get()).ok()?;
                let len = usize::try_from(part.len()).ok()?;
                let from = extent.at.start.checked_add(skip)?;
                let bytes = self.stored().get(from..from.checked_add(len)?)?;
                Some((part.start(), bytes))
            })
    }

    /// Returns the load addresses of the section called `name`.
    ///
    /// # Errors
    /// None, two, or one that is not stored or empty: each its own [`ImageError`].
    pub fn section(&self, name: &str) -> Result<Span, ImageError> {
        let _ = name;
        Err(ImageError::Empty)
    }

    /// Returns the load address of the symbol called `name`, and its size (0 where unknown).
    ///
    /// The address need not be stored: end symbols stand behind the last byte.
    ///
    /// # Errors
    /// None, two with different values, or one without a load address: each its own [`ImageError`].
    pub fn symbol(&self, name: &str) -> Result<(Address, u64), ImageError> {
        let _ = name;
        Err(ImageError::Empty)
    }

    /// Returns this image with the names of `program`, whose bytes must equal this image's
    /// wherever both store some.
    ///
    /// # Errors
    /// [`ImageError::NamesDiffer`] with the first address that differs.
    pub fn with_names(self, program: &Image) -> Result<Self, ImageError> {
        let _ = program;
        Ok(self)
    }

    /// Returns what changes in the container for `edits`: offsets and new bytes, in order.
    ///
    /// # Errors
    /// [`ImageError::Outside`] for an edit of a byte that is not stored.
    pub fn patches(&self, edits: &Edits) -> Result<Vec<(usize, Zeroizing<Vec<u8>>)>, ImageError> {
        let _ = edits;
        Ok(Vec::new())
    }

    /// Returns the container with `edits` in it: of the same length, and equal elsewhere.
    ///
    /// # Errors
    /// [`ImageError::Outside`] for an edit of a byte that is not stored.
    pub fn render(&self, edits: &Edits) -> Result<Vec<u8>, ImageError> {
        let mut bytes = self.container.to_vec();
        for (at, new) in self.patches(edits)? {
            for (old, new) in bytes.iter_mut().skip(at).zip(new.iter()) {
                *old = *new;
            }
        }
        Ok(bytes)
    }

    /// Returns the buffer that extents point into.
    fn stored(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(&self.container)
    }
}
