//! What a journal holds of one board, as bytes and back.

use zeroize::Zeroizing;

use crate::image::{Address, Edits};
use crate::unit::Digest;

/// What is kept of one board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSectors {
    /// The image that it was getting.
    pub image: Digest,
    /// Its own bytes.
    pub own: Edits,
}

const MAGIC: &[u8] = b"eol-inject/board/1\0";

impl SavedSectors {
    /// Writes it down: the image's digest, then address, length and bytes of each run.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new([MAGIC, self.image.as_bytes()].concat());
        for (start, own) in self.own.iter() {
            let len = u64::try_from(own.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&start.get().to_le_bytes());
            bytes.extend_from_slice(&len.to_le_bytes());
            bytes.extend_from_slice(own);
        }
        bytes
    }

    /// Reads what was written down; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (image, mut rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        let mut own = Edits::new();
        while !rest.is_empty() {
            let (start, behind) = rest.split_first_chunk()?;
            let (len, behind) = behind.split_first_chunk()?;
            let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
            let (bytes, behind) = behind.split_at_checked(len)?;
            own.put(Address::new(u64::from_le_bytes(*start)), bytes);
            rest = behind;
        }
        Some(Self {
            image: Digest::from_bytes(*image),
            own,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_a_cut_is_noticed() {
        let mut own = Edits::new();
        own.put(Address::new(0x1F80), b"calibration");
        own.put(Address::new(0x2000), b"x");
        let image = Digest::of(b"image");
        let saved = SavedSectors { image, own };
        let bytes = saved.to_bytes();
        assert_eq!(SavedSectors::parse(&bytes), Some(saved));
        assert_eq!(SavedSectors::parse(&bytes[..bytes.len() - 1]), None);
        assert_eq!(SavedSectors::parse(b""), None);
    }
}
