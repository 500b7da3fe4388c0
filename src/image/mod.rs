//! Container formats: from the bytes of a file to load addresses, and back in place.
//!
//! [`Image::read`] decides the format by content and builds the address map;
//! [`Image::render`] gives the same container with a few bytes changed. Nothing
//! here knows what a slot or a checksum is.

mod address;
mod bin;
mod blnkinf;
mod convert;
mod edits;
mod elf;
mod error;
mod find;
mod hex;
mod machine;
mod map;
mod names;
mod partitions;
pub(crate) mod read;
mod records;
mod render;
mod sniff;
mod srec;
mod uf2;

pub use address::{Address, AddressError, Span};
pub use blnkinf::BlnkInf;
pub use convert::{Conversion, ConversionError};
pub use edits::Edits;
pub use error::ImageError;
pub use machine::{Endian, Machine};
pub use names::{NameKind, Names, Place, Section, Symbol};
pub use partitions::{Partition, partitions};
pub use render::{Patch, Rendered};
pub use srec::SrecError;
pub use uf2::{Md5, Uf2Error};

pub(crate) use machine::name as machine_name;

use std::ops::Range;
use std::sync::Arc;

use map::Extent;

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
    /// Motorola S-record.
    Srec,
    /// USB Flashing Format, Microsoft.
    Uf2,
}

/// What the reader cannot learn from the bytes themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// The format that must be found; absent, content decides.
    pub format: Option<Format>,
    /// The load address of the first byte of a BIN.
    pub base: Option<Address>,
    /// Which family of a UF2 is meant, where it holds several.
    pub family: Option<u32>,
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
    /// How each loaded byte of a HEX or S-record file is written.
    records: Option<records::Records>,
    /// What stands beside the loaded bytes of a UF2.
    blocks: Option<uf2::Blocks>,
    /// What the second reader saw beside loaded bytes.
    beside: Beside,
}

/// What the second reader found beside loaded bytes, in a format where these do not simply
/// stand in the container.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// The container without the bytes, sums and right digests that a patch changes.
    pub rest: Option<Arc<[u8]>>,
    /// Blocks, counted from 0, whose MD5 is not that of its bytes.
    pub stale: Vec<usize>,
}

/// What another reader found in a container.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Where bytes are loaded, and where they stand: in order of address, not overlapping.
    pub extents: Vec<(Span, Range<usize>)>,
    /// What `extents` point into, where that is not the container.
    pub decoded: Option<Vec<u8>>,
    pub names: Names,
    pub machine: Option<Machine>,
    pub beside: Beside,
}

impl Image {
    /// Puts together what another reader found; a HEX, S-record or UF2 image made like this
    /// cannot be rendered.
    pub(crate) fn from_parts(format: Format, container: Vec<u8>, parts: Parts) -> Self {
        let extents = parts.extents.into_iter();
        Self {
            format,
            container: container.into(),
            decoded: parts.decoded.map(Into::into),
            extents: extents.map(|(span, at)| Extent { span, at }).collect(),
            names: parts.names,
            machine: parts.machine,
            records: None,
            blocks: None,
            beside: parts.beside,
        }
    }

    /// Reads a container.
    ///
    /// The format is the one that content shows; what shows none is a BIN, which needs a base.
    ///
    /// # Errors
    /// Any [`ImageError`] of reading; the bytes may be anything.
    pub fn read(bytes: Vec<u8>, hint: Hint) -> Result<Self, ImageError> {
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        let format = sniff::format(&bytes, hint)?;
        let mut image = Self {
            format,
            container: bytes.into(),
            decoded: None,
            extents: Vec::new(),
            names: Names::default(),
            machine: None,
            records: None,
            blocks: None,
            beside: Beside::default(),
        };
        match format {
            Format::Elf => {
                let program = elf::read(&image.container)?;
                image.extents = program.extents;
                image.names = program.names;
                image.machine = Some(program.machine);
            }
            Format::Bin => image.extents = bin::read(&image.container, hint.base)?,
            Format::Hex => image.take(hex::read(&image.container)?),
            Format::Srec => image.take(srec::read(&image.container)?),
            Format::Uf2 => {
                let (extents, blocks) = uf2::read(&image.container, hint.family)?;
                image.extents = extents;
                image.blocks = Some(blocks.checked(&image));
            }
        }
        Ok(image)
    }

    /// Takes what the records of a text format load.
    fn take(&mut self, decoded: records::Decoded) {
        self.extents = decoded.extents;
        self.decoded = Some(decoded.bytes.into());
        self.records = Some(decoded.records);
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

    /// Returns how many data records a HEX has for another board: the second firmware of a micro:bit
    /// universal HEX. It is not loaded, and stays as it is.
    #[must_use]
    pub fn other_board_records(&self) -> usize {
        match self.format {
            Format::Hex => hex::other_board(&self.container),
            _ => 0,
        }
    }

    /// Returns where the container's own headers and tables are loaded: an ELF's, where a segment
    /// covers them.
    pub(crate) fn own_tables(&self) -> Vec<Span> {
        let tables = match self.format {
            Format::Elf => elf::tables(&self.container),
            _ => Vec::new(),
        };
        let mut loaded = Vec::new();
        for extent in &self.extents {
            loaded.extend(tables.iter().filter_map(|table| extent.loads(table)));
        }
        loaded
    }

    /// Returns the sections and symbols.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Returns what the second reader saw beside loaded bytes.
    pub(crate) const fn beside(&self) -> &Beside {
        &self.beside
    }

    /// Returns the buffer that extents point into.
    fn stored(&self) -> &[u8] {
        self.decoded.as_deref().unwrap_or(&self.container)
    }
}
