//! The journal of boards beside a ledger: sealed with the ledger's key, one owner-only file a board.

use std::path::{Path, PathBuf};
use std::{fs, io};
use zeroize::Zeroizing;

use crate::atomic_file::{self, Sync};
use crate::journal::{Journal, JournalError};
use crate::ledger::LedgerError;
#[cfg(feature = "sqlite")]
use crate::ledger::storage::sqlite::KeyPlace;
use crate::own_file;
use crate::recipe::KeySource;
use crate::unit::{Digest, Fingerprint};
use crate::vault::crypto::{Cipher, Column};
use crate::vault::files::{beside, create_folder, sync_folder};
use crate::vault::{key_source, keyring};

/// Bytes of the largest file: far above the flash of any chip.
const LARGEST: u64 = 1 << 30;

/// The folder `<ledger>.journal` with a sealed file for each board that is in hand.
#[derive(Debug, Clone)]
pub struct SealedJournal {
    key: Sealer,
    folder: PathBuf,
}

/// Whose key seals.
#[derive(Debug, Clone)]
enum Sealer {
    /// The one beside a ledger.
    #[cfg(feature = "sqlite")]
    Beside(PathBuf, KeyPlace),
    /// One from a source, whose paths are relative to a folder; of the ledger with that base.
    From(KeySource, PathBuf, PathBuf),
}

impl SealedJournal {
    /// Takes the journal of the ledger at `path`; its key is read when something is kept.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn beside(path: &Path) -> Self {
        Self::of(path, KeyPlace::Beside)
    }

    /// Takes the journal of the ledger at `path`, whose key comes from `place`.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn of(path: &Path, place: KeyPlace) -> Self {
        Self {
            key: Sealer::Beside(path.to_owned(), place),
            folder: beside(path, ".journal"),
        }
    }

    /// Takes the journal `<base>.journal` of a ledger on a server, sealed with the key from
    /// `source`, whose paths are relative to `folder`.
    #[must_use]
    pub fn keyed(base: &Path, source: KeySource, folder: &Path) -> Self {
        Self {
            key: Sealer::From(source, folder.to_owned(), base.to_owned()),
            folder: beside(base, ".journal"),
        }
    }

    /// Returns what seals.
    fn cipher(&self) -> Result<Cipher, LedgerError> {
        match &self.key {
            #[cfg(feature = "sqlite")]
            Sealer::Beside(ledger, place) => {
                Ok(crate::ledger::storage::sqlite::ring(ledger, place)?.into_current()?)
            }
            Sealer::From(source, folder, _) => Ok(key_source::read(source, folder)?.cipher()),
        }
    }

    /// Returns what else may have sealed: keys that were replaced, or will be in place soon.
    fn others(&self) -> Result<Vec<Cipher>, LedgerError> {
        let base = match &self.key {
            #[cfg(feature = "sqlite")]
            Sealer::Beside(..) => return Ok(Vec::new()),
            Sealer::From(_, _, base) => base,
        };
        let keys = keyring::kept(base)?.into_iter().chain(keyring::next(base)?);
        Ok(keys.map(|key| key.cipher()).collect())
    }

    fn file(&self, board: &str) -> PathBuf {
        self.folder.join(name(board))
    }
}

/// Returns a file name: a board's number is not trusted to be one.
fn name(board: &str) -> String {
    print(board).to_hex().chars().take(32).collect()
}

/// Returns what a board's bytes are sealed for.
fn print(board: &str) -> Fingerprint {
    Fingerprint::from_bytes(*Digest::of(board.as_bytes()).as_bytes())
}

impl Journal for SealedJournal {
    fn keep(&mut self, board: &str, bytes: &[u8]) -> Result<(), JournalError> {
        create_folder(&self.folder)?;
        sync_folder(&self.folder)?;
        let sealed = self.cipher()?.seal(&print(board), Column::Board, bytes)?;
        atomic_file::write(&self.file(board), &name(board), &sealed, Sync::Durable)?;
        Ok(())
    }

    fn kept(&self, board: &str) -> Result<Option<Zeroizing<Vec<u8>>>, JournalError> {
        let sealed = match own_file::read(&self.file(board), LARGEST) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let open = |cipher: &Cipher| cipher.open(&print(board), Column::Board, &sealed).ok();
        if let Some(bytes) = open(&self.cipher()?) {
            return Ok(Some(bytes));
        }
        let bytes = self.others()?.iter().find_map(open);
        bytes
            .map(Some)
            .ok_or_else(|| JournalError::from("it was sealed with another key, or is damaged"))
    }

    fn forget(&mut self, board: &str) -> Result<(), JournalError> {
        let file = self.file(board);
        match fs::remove_file(&file) {
            Ok(()) => Ok(sync_folder(&file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
