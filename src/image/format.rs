//! Container formats, and what a caller says of the bytes.

use super::Address;

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
