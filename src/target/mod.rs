//! Out of the program, and read back: only a sealed image gets here.

mod file;
mod fixture;
pub(crate) mod holds;
mod journal;
mod own;
#[cfg(feature = "probe")]
pub(crate) mod probe;
mod program;
mod receipt;
mod reflink;
pub(crate) mod said;
mod stand_in;

pub use crate::atomic_file::Sync;
pub use file::{Folder, Others};
pub use fixture::{Effort, Fixture, Holds, Phase, Seen, Unwatched, Watch};
pub use journal::{Journal, JournalError, MemoryJournal};
#[cfg(feature = "probe")]
pub use probe::{Footprint, Plugged, Probe, ProbeError, ProbeFault, ProbeSetup, Probes, probes};
pub use program::{Program, ProgramError, Programmer};
pub use stand_in::{StandIn, StandIns};

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::image::ImageError;
use crate::ledger::Receipt;
use crate::seal::Sealed;

/// Takes a sealed image to where the unit needs it.
pub trait Deliver {
    /// Delivers, reads back, and vouches for it.
    ///
    /// # Errors
    /// [`DeliverError`]; [`touched`](DeliverError::touched) tells whether anything may carry
    /// the token.
    fn deliver(&self, sealed: &Sealed<'_>) -> Result<Receipt, DeliverError>;

    /// Returns whether the unit holds exactly this image already. Nothing is written.
    ///
    /// # Errors
    /// [`DeliverError`] when it could not be found out.
    fn holds(&self, sealed: &Sealed<'_>) -> Result<bool, DeliverError>;
}

/// Makes sure that files of `len` bytes can be written into a folder, before a unit costs a token.
///
/// # Errors
/// [`DeliverError::Folder`]
pub fn writable(folder: &Path, len: u64) -> Result<(), DeliverError> {
    crate::atomic_file::try_room(folder, len).map_err(|source| DeliverError::Folder {
        folder: folder.to_owned(),
        source,
    })
}

/// Why an image did not get out.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "deliver-")]
#[non_exhaustive]
pub enum DeliverError {
    /// The folder cannot be made or opened.
    #[error("the folder {} cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{} cannot be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something is there that was not made for the unit.
    #[error("{} is there already and was not made for this unit: it is not replaced", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read back.
    #[error("{} cannot be read back", file.display())]
    ReadBack {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was read back differs from what was written.
    #[error("{} differs from what was written at offset {offset:#x}", file.display())]
    Differs {
        /// The file.
        file: PathBuf,
        /// The first byte that differs.
        offset: usize,
    },
    /// The image could not be put together.
    #[error("the image cannot be put together")]
    Image(#[from] ImageError),
    /// The line's own programmer failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The board on the probe failed.
    #[cfg(feature = "probe")]
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// What went wrong behind the writing: whatever it was, the board has the token.
    #[error(transparent)]
    Written(Box<Self>),
}

impl DeliverError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Program(error) => error.name(),
            #[cfg(feature = "probe")]
            Self::Probe(error) => error.name(),
            Self::Written(error) => error.name(),
            other => other.into(),
        }
    }

    /// Returns whether anything may carry the token now.
    #[must_use]
    pub const fn touched(&self) -> bool {
        match self {
            Self::Folder { .. } | Self::Foreign { .. } | Self::Image(_) => false,
            Self::Program(error) => error.touched(),
            #[cfg(feature = "probe")]
            Self::Probe(error) => error.touched(),
            _ => true,
        }
    }

    /// Says that it came behind the writing.
    pub(crate) fn written(self) -> Self {
        match self.touched() {
            true => self,
            false => Self::Written(Box::new(self)),
        }
    }

    /// Returns whether another board is there than was identified.
    #[must_use]
    pub const fn swapped(&self) -> bool {
        matches!(self, Self::Program(ProgramError::Swapped { .. }))
    }

    /// Returns whether what reaches boards is itself missing: no other unit would fare better.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        match self {
            #[cfg(feature = "probe")]
            Self::Probe(error) => error.is_gone(),
            _ => false,
        }
    }

    /// Returns whether no board is on the fixture, as far as can be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            #[cfg(feature = "probe")]
            Self::Probe(error) => error.is_empty(),
            Self::Program(ProgramError::Failed { .. }) => true,
            _ => false,
        }
    }
}
