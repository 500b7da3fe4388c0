//! What a board held of its own, kept while its sector is written anew.
//!
//! A sector is erased as a whole. Bytes of it that the shared image does not store would be lost to
//! a power cut between erase and program; so they are durable here before the erase, and gone after
//! the read-back. That an entry is there also says that the board was in hand when something cut it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

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
