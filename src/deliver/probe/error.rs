//! Why a probe did not do its work, in the words of the line.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::config::RegistryError;
use probe_rs::flashing::FlashError;
use probe_rs::probe::{DebugProbeError, ProbeCreationError};
use thiserror::Error;

use crate::image::Address;

/// What lies under an error.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why delivery by a probe failed. No text holds what was read or written.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
pub enum ProbeError {
    /// The text names no probe.
    #[error("{text:?} names no probe: write sim, sim:CHIP or VID:PID[:SERIAL]")]
    Selector {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// The simulated target cannot be used.
    #[error("the simulated board cannot be used")]
    Simulated {
        /// Why.
        source: Cause,
    },
    /// The chip's name is not known.
    #[error("no chip is known as {chip}, or several are")]
    UnknownChip {
        /// The name.
        chip: String,
        /// What the list of chips says.
        source: Cause,
    },
    /// There is no such probe.
    #[error("probe {selector} is not connected")]
    NotFound {
        /// Which probe was asked for.
        selector: String,
    },
    /// Several probes fit.
    #[error("{count} probes are {selector}: name one by its serial, VID:PID:SERIAL")]
    Several {
        /// Which probe was asked for.
        selector: String,
        /// How many there are.
        count: usize,
    },
    /// The probe may not be opened.
    #[error("probe {selector} may not be opened by this user")]
    Denied {
        /// Which probe was asked for.
        selector: String,
    },
    /// The probe does not answer any more.
    #[error("the probe does not answer: it was unplugged, or its cable is bad")]
    Gone {
        /// What was seen of it.
        source: Cause,
    },
    /// Nothing answers behind the probe.
    #[error("no chip answers: the fixture is empty, or the board has no power or no contact")]
    NoChip {
        /// What was seen of it.
        source: Cause,
    },
    /// The chip does not let the debugger in.
    #[error("the chip lets no debugger in: it is locked, or it is no {chip}")]
    Locked {
        /// The chip that was expected.
        chip: String,
        /// What was seen of it.
        source: Cause,
    },
    /// Flash cannot be read.
    #[error("the chip's flash cannot be read at {at}: it is read-protected, or there is none")]
    Unreadable {
        /// Where reading began.
        at: Address,
        /// What was seen of it.
        source: Cause,
    },
    /// Another chip answers.
    #[error("the chip is no {chip}: its part register holds {found:#x}, wanted {wanted}")]
    WrongChip {
        /// The chip that was expected.
        chip: String,
        /// What its register must hold.
        wanted: String,
        /// What it holds.
        found: u32,
    },
    /// The chip has no number of its own that is known.
    #[error("{chip} has no number of its own that is known: mode = \"slot\" needs one")]
    NoNumber {
        /// The chip.
        chip: String,
    },
    /// The image goes where no main flash is.
    #[error("the image has bytes at {at}, where {chip} has no main flash; option bytes and protection are not written")]
    Outside {
        /// The chip.
        chip: String,
        /// The first such address.
        at: Address,
    },
    /// The board does not carry the common firmware.
    #[error("the board differs from the shared image at {at}; mode = \"slot\" rewrites no other firmware")]
    Foreign {
        /// The first such address.
        at: Address,
    },
    /// It was asked to stop before anything was erased.
    #[error("stopped before anything was erased")]
    Stopped,
    /// An erase or a write was refused by the flash.
    #[error("the flash takes no erase or no data: it is write-protected or defective")]
    Flash {
        /// What was seen of it.
        source: Cause,
    },
    /// An operation never ended.
    #[error("the chip did not finish in time: cycle its power")]
    Hangs {
        /// What was seen of it.
        source: Cause,
    },
    /// What was read back differs.
    #[error("the board differs from what was programmed at {at}")]
    Differs {
        /// The first such address.
        at: Address,
    },
    /// The journal cannot be used.
    #[error("the journal {} cannot be used", file.display())]
    Journal {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An interrupted delivery of another image must be finished first.
    #[error("{} belongs to an interrupted delivery of another shared image: finish that first", file.display())]
    OtherJournal {
        /// The file.
        file: PathBuf,
    },
    /// Something else.
    #[error("the probe failed")]
    Other {
        /// What.
        source: Cause,
    },
}

impl ProbeError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Puts an error of the probe library into the line's words.
    pub(super) fn of(error: impl Error + Send + Sync + 'static, chip: &str) -> Self {
        let kind = kind(&error);
        let source: Cause = Box::new(error);
        match kind {
            Some(Kind::Gone) => Self::Gone { source },
            Some(Kind::NoChip) => Self::NoChip { source },
            Some(Kind::Locked) => Self::Locked {
                chip: chip.to_owned(),
                source,
            },
            Some(Kind::UnknownChip) => Self::UnknownChip {
                chip: chip.to_owned(),
                source,
            },
            Some(Kind::Hangs) => Self::Hangs { source },
            Some(Kind::Flash) => Self::Flash { source },
            Some(Kind::Fault) | None => Self::Other { source },
        }
    }

    /// The same, for a read of flash at `at`.
    pub(super) fn of_read(error: probe_rs::Error, at: Address, chip: &str) -> Self {
        if kind(&error) == Some(Kind::Fault) {
            let source: Cause = Box::new(error);
            return Self::Unreadable { at, source };
        }
        Self::of(error, chip)
    }
}

/// What an error comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gone,
    NoChip,
    Locked,
    UnknownChip,
    Hangs,
    Fault,
    Flash,
}

/// Returns what an error comes down to: the deepest cause that tells.
fn kind(error: &(dyn Error + 'static)) -> Option<Kind> {
    let mut told = None;
    let mut next = Some(error);
    while let Some(error) = next {
        told = one(error).or(told);
        next = error.source();
    }
    told
}

/// Returns what one link of a chain tells.
fn one(error: &(dyn Error + 'static)) -> Option<Kind> {
    if let Some(error) = error.downcast_ref::<Box<ArmError>>() {
        return one(error.as_ref());
    }
    if let Some(error) = error.downcast_ref::<probe_rs::Error>() {
        return match error {
            probe_rs::Error::MissingPermissions(_) => Some(Kind::Locked),
            probe_rs::Error::Timeout => Some(Kind::Hangs),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ArmError>() {
        return match error {
            ArmError::NoTargetResponse { .. } => Some(Kind::NoChip),
            ArmError::MissingPermissions(_) => Some(Kind::Locked),
            ArmError::Timeout => Some(Kind::Hangs),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<DapError>() {
        return match error {
            DapError::NoAcknowledge => Some(Kind::NoChip),
            DapError::FaultResponse => Some(Kind::Fault),
            DapError::WaitResponse => Some(Kind::Hangs),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<DebugProbeError>() {
        return match error {
            DebugProbeError::Usb(_) => Some(Kind::Gone),
            DebugProbeError::TargetNotFound => Some(Kind::NoChip),
            _ => None,
        };
    }
    if error.is::<ProbeCreationError>() {
        return Some(Kind::Gone);
    }
    if error.is::<RegistryError>() {
        return Some(Kind::UnknownChip);
    }
    match error.downcast_ref::<FlashError>() {
        Some(FlashError::EraseFailed { .. } | FlashError::PageWrite { .. }) => Some(Kind::Flash),
        Some(FlashError::RoutineCallFailed { .. }) => Some(Kind::Flash),
        _ => None,
    }
}
