//! Why a unit did not pass, or a loop could not go on.

use std::path::PathBuf;

use thiserror::Error;

use crate::ledger::LedgerError;
use crate::line::LineError;
use crate::master::PatchError;
use crate::mes::{HookError, OutboxError};
use crate::recipe::{ScanError, SerialSource};
use crate::scan::Misread;
use crate::target::TargetError;
use crate::unit::Serial;

/// Why a unit did not pass, or a loop could not go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StationError {
    /// The line could not make the unit.
    #[error(transparent)]
    Line(#[from] LineError),
    /// What was scanned is no serial of the product.
    #[error(transparent)]
    Scanned(ScanError),
    /// What was scanned is no text.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// The chip's own number is no serial of the product.
    #[error(transparent)]
    Number(ScanError),
    /// The list's next serial is none of the product.
    #[error("{serial}: {error}")]
    Listed {
        /// The serial.
        serial: Serial,
        /// Why it is none.
        error: ScanError,
    },
    /// The chip has no number that could be its serial.
    #[error("this chip has no number of its own: [serial] source = \"chip-uid\" cannot be used")]
    NoNumber,
    /// The recipe's source gives no serials by itself.
    #[error(
        "[serial] source is \"{given}\": name the unit, or use source = \"next\", \"pool\" or \
         \"chip-uid\""
    )]
    NoSource {
        /// The source.
        given: SerialSource,
    },
    /// A scan for several nests was none of a nest.
    #[error(transparent)]
    Nest(#[from] NestError),
    /// No token is left.
    #[error("no free token is left")]
    NoToken,
    /// There are fewer tokens than nests to start.
    #[error("{wanted} units are to be started and {left} tokens are left: none is started")]
    FewTokens {
        /// Units.
        wanted: u64,
        /// Tokens.
        left: u64,
    },
    /// The factory's own system was asked, and did not say yes.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Results cannot be kept.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The factory's own system does not take results.
    #[error("{error}")]
    Untold {
        /// Results that wait.
        waiting: usize,
        /// The file that keeps them.
        file: PathBuf,
        /// Why they are not taken.
        error: HookError,
    },
    /// A nest hangs: what its board carries is not known.
    #[error("no sign of life for {seconds} s: it is out of use until the program is started again")]
    NoSign {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The wait for a board was broken off.
    #[error("interrupted before the next board was there")]
    Interrupted,
}

/// What is wrong with a scan for several nests. No text repeats what was scanned as a nest: it may
/// be a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NestError {
    /// The scan names no nest.
    #[error("say which nest: its name, Tab, the serial")]
    Unsaid,
    /// The scan names a nest that is not there.
    #[error("no active nest has that name: there are {}", names.join(", "))]
    Unknown {
        /// Those that are.
        names: Vec<String>,
    },
    /// Another nest has this serial.
    #[error("nest {nest} has the serial {serial} already")]
    Twice {
        /// The other nest.
        nest: String,
        /// The serial.
        serial: Serial,
    },
    /// No more scans come, and a panel was begun.
    #[error("this panel was not started: nest {} got no serial", missing.join(", "))]
    NotStarted {
        /// The nests that have no serial.
        missing: Vec<String>,
    },
}

impl StationError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Line(error) => error.name(),
            Self::Scanned(error) | Self::Number(error) | Self::Listed { error, .. } => error.name(),
            Self::Misread(error) => error.name(),
            Self::NoNumber => "serial-no-uid",
            Self::NoSource { .. } => "usage",
            Self::Nest(_) => "serial-nest",
            Self::NoToken | Self::FewTokens { .. } => "unit-pool-empty",
            Self::Hook(error) | Self::Untold { error, .. } => error.name(),
            Self::Outbox(error) => error.name(),
            Self::NoSign { .. } => "deliver-no-sign",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<LedgerError> for StationError {
    fn from(error: LedgerError) -> Self {
        LineError::from(error).into()
    }
}

impl From<TargetError> for StationError {
    fn from(error: TargetError) -> Self {
        LineError::from(error).into()
    }
}

impl From<PatchError> for StationError {
    fn from(error: PatchError) -> Self {
        LineError::from(error).into()
    }
}
