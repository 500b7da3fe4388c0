//! Container formats: from the bytes of a file to load addresses, and back in place.
//!
//! [`Image::read`] decides the format by content and builds the address map;
//! [`Image::render`] gives the same container with a few bytes changed. Nothing
//! here knows what a slot or a checksum is.

mod address;
mod bin;
mod blnkinf;
mod container;
mod convert;
mod edits;
mod elf;
mod error;
mod extent;
mod find;
mod format;
mod hex;
mod lookup;
mod machine;
mod map;
mod names;
mod partitions;
mod records;
mod render;
mod sniff;
mod srec;
pub(crate) mod structure;
mod uf2;

pub use address::{Address, AddressError, Span};
pub use blnkinf::BlnkInf;
pub use container::Image;
pub use convert::{Conversion, ConversionError};
pub use edits::{Edits, Patch};
pub use error::ImageError;
pub use format::{Format, Hint};
pub use machine::{Endian, Machine};
pub use names::{NameKind, Names, Place, Section, Symbol};
pub use partitions::{Partition, partitions};
pub use render::Rendered;
pub use srec::SrecError;
pub use uf2::{Md5, Uf2Error};

pub(crate) use container::{Beside, Parts};
pub(crate) use machine::name as machine_name;

impl Image {
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
}
