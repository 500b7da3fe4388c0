//! Why a target did not take an image.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::ProgramError;
#[cfg(feature = "probe")]
use super::{FitFault, FlashFault, ProbeError, ProbeFault, ReachFault};
use crate::image::ImageError;

/// Why an image did not get out.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "deliver-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum TargetError {
    /// The folder cannot be made or opened.
    #[error("the folder {} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    /// The file cannot be written.
    #[error("{} cannot be written", file.display())]
    Write { file: PathBuf, source: io::Error },
    /// Something is there that was not made for the unit.
    #[error("{} is there already and was not made for this unit: it is not replaced", file.display())]
    Foreign { file: PathBuf },
    /// The file cannot be read back.
    #[error("{} cannot be read back", file.display())]
    ReadBack { file: PathBuf, source: io::Error },
    /// What was read back differs from what was written.
    #[error("{} differs from what was written at offset {offset:#x}", file.display())]
    Differs { file: PathBuf, offset: usize },
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

/// A fault before anything was written.
#[cfg(feature = "probe")]
impl From<ProbeFault> for TargetError {
    fn from(fault: ProbeFault) -> Self {
        ProbeError::new(fault, false).into()
    }
}

/// No probe or no simulated board: nothing was written.
#[cfg(feature = "probe")]
impl From<ReachFault> for TargetError {
    fn from(fault: ReachFault) -> Self {
        ProbeFault::from(fault).into()
    }
}

/// The image does not fit: nothing was written.
#[cfg(feature = "probe")]
impl From<FitFault> for TargetError {
    fn from(fault: FitFault) -> Self {
        ProbeFault::from(fault).into()
    }
}

impl TargetError {
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

    /// Returns whether a board reads back otherwise than it was written.
    pub(crate) const fn differs(&self) -> bool {
        match self {
            Self::Program(error) => matches!(error, ProgramError::Differs { .. }),
            #[cfg(feature = "probe")]
            Self::Probe(error) => {
                matches!(error.fault(), ProbeFault::Flash(FlashFault::Differs { .. }))
            }
            _ => false,
        }
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
