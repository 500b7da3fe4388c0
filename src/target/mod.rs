//! What a unit's image is taken to, and read back from: only a sealed image gets here.
//!
//! [`Target`] is the one trait of the stage: a folder of files, a board on a debug probe, one on the
//! line's own programmer, and a stand-in for rehearsals. Nothing here knows ledgers.

mod board;
mod error;
mod file;
pub(crate) mod holds;
mod own;
#[cfg(feature = "probe")]
pub(crate) mod probe;
mod program;
pub(crate) mod said;
mod stand_in;

pub use crate::atomic_file::Sync;
pub use crate::journal::{Journal, JournalError, MemoryJournal};
pub use board::{Effort, Holds, Phase, Seen, Unwatched, Watch};
pub use error::TargetError;
pub use file::{Folder, Others, writable};
#[cfg(feature = "probe")]
pub use probe::{
    BoardFault, ChipFault, FitFault, FlashFault, Footprint, Plugged, Probe, ProbeError, ProbeFault,
    ProbeSetup, Probes, ReachFault, probes,
};
pub use program::{Program, ProgramError, Programmer};
pub use stand_in::{StandIn, StandIns};

use crate::image::{Edits, Span};
use crate::ledger::RunLock;
use crate::master::Master;
use crate::receipt::Receipt;
use crate::seal::Sealed;

/// What takes a sealed image to a unit: a file of its own, or a board on a fixture.
///
/// The order is [`identify`](Self::identify), [`accept`](Self::accept), the claim,
/// [`hold`](Self::hold), [`deliver`](Self::deliver), the outcome's record,
/// [`release`](Self::release). An empty fixture costs no token, because the first two steps write
/// nothing and come before the claim. A file has nothing to do for most of them.
pub trait Target: Send {
    /// Attaches and looks: which chip, its own number, what slots and checksums hold. `None` where
    /// no board is: a file is the unit's by its name.
    ///
    /// Nothing is written.
    ///
    /// # Errors
    /// [`TargetError`]: no probe, no answer, another chip, a locked one.
    fn identify(
        &mut self,
        _master: &Master,
        _watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        Ok(None)
    }

    /// Refuses a board that must not be written, before it costs a token. Nothing is written.
    ///
    /// # Errors
    /// [`TargetError`]: the image does not fit the chip, or the board carries other firmware than
    /// the one that only gets its values here.
    fn accept(&mut self, _master: &Master, _watch: &mut dyn Watch) -> Result<(), TargetError> {
        Ok(())
    }

    /// Takes what keeps the claim alive: whatever writes the board from here on holds it until it
    /// has ended, this program's own end included.
    fn hold(&mut self, _lock: RunLock) {}

    /// Writes the unit, reads back all that was written, and vouches for it.
    ///
    /// # Errors
    /// [`TargetError`]; [`touched`](TargetError::touched) tells whether anything may carry
    /// the token.
    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError>;

    /// Reads back whether the unit holds exactly this image. `None` where it is to be made anew: its
    /// file is gone, or another one that may be replaced. Nothing is written.
    ///
    /// # Errors
    /// [`TargetError`] when a board differs, when somebody else's file is there, or when it could not
    /// be found out.
    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError>;

    /// Reads what a board holds at `spans`, to judge it. Nothing is written.
    ///
    /// # Errors
    /// [`TargetError`] when it could not be read.
    fn read(&mut self, _spans: &[Span], _watch: &mut dyn Watch) -> Result<Edits, TargetError> {
        Ok(Edits::new())
    }

    /// Returns what the last delivery took, as far as it is known.
    fn effort(&self) -> Effort {
        Effort::default()
    }

    /// Lets the board boot, and lets go of it.
    ///
    /// # Errors
    /// [`TargetError`] when it could not be reset.
    fn release(&mut self) -> Result<(), TargetError> {
        Ok(())
    }
}
