//! What a board held of its own, kept while its sector is written anew.
//!
//! A sector is erased as a whole. Bytes of it that the shared image does not store would be lost to
//! a power cut between erase and program; so they are durable here before the erase, and gone after
//! the read-back. That an entry is there also says that the board was in hand when something cut it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::image::{Address, Edits};
use crate::unit::Digest;

/// Why a journal cannot be written or read.
pub type JournalError = Box<dyn Error + Send + Sync>;

/// Keeps bytes of boards, by the chip's own number.
pub trait Journal: Send {
    /// Keeps `bytes` of `board`, durable when it returns; what was kept before is replaced.
    ///
    /// # Errors
    /// Why it is not kept.
    fn keep(&mut self, board: &str, bytes: &[u8]) -> Result<(), JournalError>;

    /// Returns what is kept of `board`.
    ///
    /// # Errors
    /// Why that cannot be found out.
    fn kept(&self, board: &str) -> Result<Option<Zeroizing<Vec<u8>>>, JournalError>;

    /// Forgets what is kept of `board`, durable when it returns.
    ///
    /// # Errors
    /// Why it is still kept.
    fn forget(&mut self, board: &str) -> Result<(), JournalError>;
}

/// A journal in memory: for tests, and for ledgers in memory. Clones are the same journal.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<BTreeMap<String, Zeroizing<Vec<u8>>>>>);

impl MemoryJournal {
    /// Returns how many boards something is kept of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Journal for MemoryJournal {
    fn keep(&mut self, board: &str, bytes: &[u8]) -> Result<(), JournalError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(board.to_owned(), bytes.to_vec().into());
        Ok(())
    }

    fn kept(&self, board: &str) -> Result<Option<Zeroizing<Vec<u8>>>, JournalError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(board).cloned())
    }

    fn forget(&mut self, board: &str) -> Result<(), JournalError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(board);
        Ok(())
    }
}

/// What is kept of one board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The image that it was getting.
    pub image: Digest,
    /// Its own bytes.
    pub own: Edits,
}

const MAGIC: &[u8] = b"eol-inject/board/1\0";

impl Kept {
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
        let kept = Kept { image, own };
        let bytes = kept.to_bytes();
        assert_eq!(Kept::parse(&bytes), Some(kept));
        assert_eq!(Kept::parse(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Kept::parse(b""), None);
    }
}
