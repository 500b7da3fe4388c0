//! Sections and symbols: names for places.
//!
//! Names are kept with the addresses that the linker knows (VMA) and give load
//! addresses only: through the section that a symbol is defined in.

use super::{Address, ImageError, Span};

/// A section of the linked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Address at run time.
    pub vma: u64,
    /// Size in bytes.
    pub size: u64,
    /// Load address, where a segment loads it.
    pub lma: Option<Address>,
    /// Whether its bytes are in the image: `.bss` is not.
    pub stored: bool,
}

/// What a symbol's value is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A load address as it stands (`SHN_ABS`).
    Absolute,
    /// An address at run time, in the section with this index in [`Names`].
    Section(usize),
}

/// A named address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its value: an address at run time.
    pub value: u64,
    /// Size in bytes; 0 where the linker does not say.
    pub size: u64,
    /// What the value is relative to.
    pub place: Place,
}

/// All sections and symbols of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// In the order of the file; undefined ones are left out.
    pub symbols: Vec<Symbol>,
}
