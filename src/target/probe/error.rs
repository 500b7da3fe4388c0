//! What goes wrong between a station and a board on a probe, in the operator's words.

use std::error::Error;
use std::fmt;

use strum::VariantNames as _;
use thiserror::Error;

use crate::image::{Address, ImageError, Span};

/// What a library below says.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a board was not reached, refused, or not made.
#[derive(Debug)]
pub struct ProbeError {
    fault: ProbeFault,
    touched: bool,
}

impl ProbeError {
    /// Ties a fault to whether anything on the board may carry the token.
    #[must_use]
    pub const fn new(fault: ProbeFault, touched: bool) -> Self {
        Self { fault, touched }
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn fault(&self) -> &ProbeFault {
        &self.fault
    }

    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.fault.name()
    }

    /// Returns whether anything on the board may carry the token now.
    #[must_use]
    pub const fn touched(&self) -> bool {
        self.touched
    }

    /// Returns whether the probe itself is missing: the next unit would fail as well.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        match &self.fault {
            ProbeFault::Reach(fault) => {
                !matches!(fault, ReachFault::Simulated(_) | ReachFault::Busy { .. })
            }
            ProbeFault::Chip(fault) => matches!(fault, ChipFault::Chip { .. }),
            _ => false,
        }
    }

    /// Returns whether no board is there, as far as the probe can tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.fault, ProbeFault::Chip(ChipFault::NoTarget(_)))
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

/// What went wrong, by subject.
#[derive(Debug, Error)]
pub enum ProbeFault {
    /// The probe is not reached.
    #[error(transparent)]
    Reach(#[from] ReachFault),
    /// The chip does not answer as it should.
    #[error(transparent)]
    Chip(#[from] ChipFault),
    /// The image does not fit the chip.
    #[error(transparent)]
    Fit(#[from] FitFault),
    /// The board must not be written, or is not kept whole.
    #[error(transparent)]
    Board(#[from] BoardFault),
    /// It went wrong on the way.
    #[error(transparent)]
    Flash(#[from] FlashFault),
}

impl ProbeFault {
    /// Returns the fault's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reach(fault) => fault.into(),
            Self::Chip(fault) => fault.into(),
            Self::Fit(fault) => fault.into(),
            Self::Board(fault) => fault.into(),
            Self::Flash(fault) => fault.into(),
        }
    }

    /// Returns the names of all faults.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        [
            ReachFault::VARIANTS,
            ChipFault::VARIANTS,
            FitFault::VARIANTS,
            BoardFault::VARIANTS,
            FlashFault::VARIANTS,
        ]
        .concat()
    }
}

impl From<ImageError> for ProbeFault {
    fn from(error: ImageError) -> Self {
        Self::Flash(error.into())
    }
}

/// Why a probe, or a simulated board, cannot be had.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ReachFault {
    /// The text names no probe.
    #[error("{text:?} names no probe: write sim, sim:CHIP, VID:PID or VID:PID:SERIAL")]
    Selector { text: String },
    /// Simulated boards were left out of the program.
    #[error("this program was built without simulated boards")]
    NoSim,
    /// The simulated board cannot be had.
    #[error("the simulated board cannot be used")]
    Simulated(#[source] Cause),
    /// Another run has the board.
    #[error("the board {name} is on another run's fixture")]
    Busy { name: String },
    /// There is no USB at all.
    #[error("this computer shows no USB, so no probe can be found: wanted {wanted}")]
    NoUsb { wanted: String },
    /// The probe is not plugged in.
    #[error("no probe {wanted} is plugged in; there {found}")]
    Missing { wanted: String, found: String },
    /// Several probes fit.
    #[error("{wanted} fits several probes, name one by its serial: {found}")]
    Several { wanted: String, found: String },
    /// The system gives no rights to it.
    #[error("no rights to use the probe {probe}: its udev rule is missing")]
    Denied { probe: String },
    /// The probe cannot be opened.
    #[error("the probe {probe} cannot be opened: does another program use it?")]
    Unopened { probe: String, source: Cause },
    /// The probe went away.
    #[error("the probe does not answer: it was unplugged, or its cable is broken")]
    Unplugged(#[source] Cause),
    /// The probe cannot go at this speed.
    #[error("the probe does not go at {khz} kHz")]
    Speed { khz: u32, source: Cause },
}

/// Why a chip is not the recipe's, or not to be worked on.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ChipFault {
    /// The chip's name is unknown, or fits several.
    #[error("the chip {name} is not known, or its name fits several")]
    Chip { name: String, source: Cause },
    /// Nothing answers.
    #[error("no answer from the target: is the unit seated and powered?")]
    NoTarget(#[source] Cause),
    /// The target does not get ready.
    #[error("the target is busy for ever: power-cycle the unit")]
    Waits(#[source] Cause),
    /// The chip is locked.
    #[error("the chip is locked, and nothing is erased to open it")]
    Locked(#[source] Cause),
    /// The flash is protected against reading.
    #[error("the flash of {chip} is protected: it cannot be read at {at}")]
    Protected {
        chip: String,
        at: Address,
        source: Cause,
    },
    /// Another chip.
    #[error("the recipe's chip is {wanted}, on the fixture is another one: {found}")]
    WrongChip { wanted: String, found: String },
}

/// Why an image does not go onto a chip.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum FitFault {
    /// The image stores bytes where the chip has no flash.
    #[error("the image stores {span}, which is no flash of {chip}")]
    NoFlash { span: Span, chip: String },
    /// The image stores bytes in UICR, option bytes and the like.
    #[error(
        "the image stores {span} in the {area}, which is written only where the recipe says so"
    )]
    Reserved { span: Span, area: &'static str },
    /// A slot or checksum would stay off the board.
    #[error("the recipe's `skip` leaves {span} out, where a slot or checksum is")]
    Skipped { span: Span },
    /// What stays off the board would be erased with its neighbours.
    #[error("the recipe's `skip` leaves {span} out, which shares a sector with what is written")]
    SkippedInPart { span: Span },
}

/// Why a board is refused, or its own bytes are not kept.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum BoardFault {
    /// Slot mode: the board does not carry the shared firmware.
    #[error("the board's firmware differs from the shared image at {at}: nothing was written")]
    Firmware { at: Address },
    /// Slot mode: slots and checksums are not as the shared image gives them.
    #[error(
        "slots and checksums of the board hold at {at} what the shared image does not give: \
         nothing was written"
    )]
    Values { at: Address },
    /// Slot mode: bytes of the board's own could not be kept.
    #[error("the chip has no number of its own, so bytes at {at} could not be kept over a cut")]
    NoNumber { at: Address },
    /// The board's own bytes cannot be kept.
    #[error("the journal of the board cannot be used: nothing was written")]
    Journal(#[source] Cause),
    /// The board is made, and what was kept of it stays.
    #[error("the board was written, and what the journal keeps of it cannot be removed")]
    Forget(#[source] Cause),
    /// The board was cut with another image.
    #[error("the board {uid} was cut while it got another image: finish it with that one")]
    OtherImage { uid: String },
}

/// What goes wrong while a board is written or read.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "probe-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum FlashFault {
    /// A sector cannot be erased.
    #[error("the sector at {at} cannot be erased: it is write-protected or defective")]
    Erase { at: Address, source: Cause },
    /// A page cannot be programmed.
    #[error("the page at {at} cannot be programmed: it is write-protected or defective")]
    Program { at: Address, source: Cause },
    /// The flash controller does not finish.
    #[error("the flash does not finish: power-cycle the unit")]
    Hangs(#[source] Cause),
    /// The core does not stop or start.
    #[error("the core does not halt or start: look at the reset line and the supply")]
    Halt(#[source] Cause),
    /// The flash algorithm failed in some other way.
    #[error("the flash algorithm failed")]
    Algorithm(#[source] Cause),
    /// A place cannot be read.
    #[error("the target cannot be read at {at}")]
    Unreadable { at: Address, source: Cause },
    /// What was read back differs.
    #[error("the flash differs from the unit's image at {at}")]
    Differs { at: Address },
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// The image cannot be read.
    #[error("the image cannot be put together")]
    Image(#[from] ImageError),
    /// Something else between probe and target.
    #[error("the link to the target failed")]
    Link(#[source] Cause),
}
