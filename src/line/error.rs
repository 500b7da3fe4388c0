//! Why a unit did not pass.

use thiserror::Error;

use crate::checksum::ChecksumError;
use crate::ledger::{Failure, LedgerError, Refusal};
use crate::master::PatchError;
use crate::target::TargetError;
use crate::unit::Serial;

/// Why a unit did not pass.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum LineError {
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger refuses the unit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A value does not fit its slot.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A checksum could not be computed.
    #[error(transparent)]
    Checksum(#[from] ChecksumError),
    /// The image did not get out.
    #[error(transparent)]
    Deliver(#[from] TargetError),
    /// The image did not get out whole, and no number tells which board may have it.
    #[error("{error}")]
    Doubt { serial: Serial, error: TargetError },
    /// A ledger gave fewer answers than it was asked.
    #[error("the ledger gave no answer for the unit")]
    NoAnswer,
}

impl LineError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ledger(error) => error.name(),
            Self::Refused(error) => error.name(),
            Self::Patch(error) => error.name(),
            Self::Checksum(error) => error.name(),
            Self::Deliver(error) | Self::Doubt { error, .. } => error.name(),
            Self::NoAnswer => "ledger-no-answer",
        }
    }

    /// Returns what the ledger keeps of a failed delivery.
    pub(super) fn failure(&self) -> Failure {
        Failure {
            name: self.name().to_owned(),
            message: self.to_string(),
            swapped: matches!(
                self,
                Self::Deliver(error) | Self::Doubt { error, .. } if error.swapped()
            ),
            touched: matches!(
                self,
                Self::Deliver(error) | Self::Doubt { error, .. } if error.touched()
            ),
        }
    }
}
