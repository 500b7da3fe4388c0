//! Why a ledger cannot answer: an enum for each subject.

mod list;
mod open;
mod part;
mod restore;
mod storage;
mod unit;

use strum::VariantNames as _;
use thiserror::Error;

pub use self::list::ListError;
pub use self::open::OpenError;
pub use self::part::PartError;
pub use self::restore::RestoreError;
pub use self::storage::StorageError;
pub use self::unit::UnitError;
use crate::vault::error::KeyError;

/// Why the ledger could not do what it was asked, by subject.
#[derive(Debug, Error)]
#[error(transparent)]
pub enum LedgerError {
    /// It is about a unit.
    Unit(#[from] UnitError),
    /// It is about a list.
    List(#[from] ListError),
    /// It is about a part.
    Part(#[from] PartError),
    /// It is about what came after a loss.
    Restore(#[from] RestoreError),
    /// There is no ledger to work with, or not now.
    Open(#[from] OpenError),
    /// It is about a key.
    Key(KeyError),
    /// Its storage does not answer.
    Storage(#[from] StorageError),
}

impl LedgerError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unit(error) => error.into(),
            Self::List(error) => error.into(),
            Self::Part(error) => error.into(),
            Self::Restore(error) => error.into(),
            Self::Open(error) => error.into(),
            Self::Key(error) => error.into(),
            Self::Storage(error) => error.into(),
        }
    }

    /// Returns the stable names of all, subject by subject.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut names = [
            UnitError::VARIANTS,
            ListError::VARIANTS,
            PartError::VARIANTS,
            RestoreError::VARIANTS,
            OpenError::VARIANTS,
            KeyError::VARIANTS,
        ]
        .concat();
        // What a vault says of files and of the system, storage says too.
        names.retain(|name| !StorageError::VARIANTS.contains(name));
        names.extend(StorageError::VARIANTS);
        names
    }

    /// Makes the error of a row that says what no program wrote.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::Storage(StorageError::Damaged {
            what: what.into(),
            source: None,
        })
    }

    /// Makes the error of a row that somebody wrote who lacks the key.
    pub(super) fn forged(what: impl Into<String>) -> Self {
        Self::Storage(StorageError::Forged { what: what.into() })
    }

    /// Makes the error of what does not answer.
    pub(super) fn storage(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Storage(StorageError::Storage {
            source: source.into(),
        })
    }
}

impl From<KeyError> for LedgerError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::File { path, source } => StorageError::File { path, source }.into(),
            KeyError::Storage { source } => Self::storage(source),
            KeyError::Damaged { what } => Self::damaged(what),
            error => Self::Key(error),
        }
    }
}

/// Ties an error to the file that it is about.
#[cfg(feature = "seal")]
pub(super) fn about(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> LedgerError {
    move |source| {
        LedgerError::Storage(StorageError::File {
            path: path.to_owned(),
            source,
        })
    }
}
