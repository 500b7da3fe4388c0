//! A field's bytes, and the number that they are.

use std::fmt;

use crate::image::Endian;
use crate::unit::hex;

/// What is stored in a field, or would be.
///
/// It is shown as the bytes in their order, and as the number that a debugger or a map file has:
/// `20094397 (0x97430920)`. A digest or a signature is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    bytes: Vec<u8>,
    /// How they are a number; absent for a digest or a signature.
    order: Option<Endian>,
}

impl Value {
    /// Takes a field's bytes, and how they are a number.
    pub(super) const fn new(bytes: Vec<u8>, order: Option<Endian>) -> Self {
        Self { bytes, order }
    }

    /// Returns the bytes in hex, in the order in which they are stored.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.bytes)
    }

    /// Returns the number in the field's byte order, such as `0x97430920`; none of a digest.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        let mut bytes = self.bytes.clone();
        if self.order? == Endian::Little {
            bytes.reverse();
        }
        Some(format!("0x{}", hex(&bytes)))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())?;
        match self.number() {
            // One byte reads the same either way.
            Some(number) if self.bytes.len() > 1 => write!(f, " ({number})"),
            _ => Ok(()),
        }
    }
}
