//! Files of an unpacked export.

use std::fmt;

use zeroize::Zeroizing;

/// A file of an unpacked export.
pub struct Item {
    /// Its path inside the export. It may hold a token: it is neither shown nor logged.
    pub name: String,
    /// Its content.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({} bytes)", self.bytes.len())
    }
}

/// Local file header, or the end record of an archive without entries (APPNOTE 4.3.7, 4.3.16).
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}
