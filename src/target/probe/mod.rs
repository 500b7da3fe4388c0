//! A board on a debug probe: looked at, flashed, read back, started.
//!
//! probe-rs and the chip's own flash algorithm write; what is there afterwards is read by plain
//! memory reads. `link` makes the calls and `map` reads the target's description; the rest knows
//! no probe-rs. Nothing is ever mass-erased, and a locked chip stays locked.

mod chip;
mod error;
mod error_map;
mod footprint;
mod guard;
mod identify;
mod link;
mod list;
mod map;
mod program;
mod saved_sectors;
mod sectors;
mod setup;
mod source;
mod under_reset;

pub use error::{BoardFault, ChipFault, FitFault, FlashFault, ProbeError, ProbeFault, ReachFault};
pub use footprint::Footprint;
#[cfg(feature = "sim")]
pub use guard::{StopSignal, Stopped, guard};
pub use list::{Plugged, Probes, probes};
pub use setup::ProbeSetup;
#[cfg(feature = "sim")]
pub use under_reset::prepare_under_reset;

use self::link::Link;
use self::sectors::Part;
use self::source::Source;
use super::{Effort, Holds, Phase, Seen, Target, TargetError, Watch};
use crate::image::{Edits, Span};
use crate::journal::Journal;
use crate::master::Master;
use crate::receipt::Receipt;
use crate::seal::Sealed;
use crate::unit::Serial;

/// One board on a debug probe.
pub struct Probe {
    setup: ProbeSetup,
    source: Source,
    journal: Box<dyn Journal>,
    attached: Option<Attached>,
    /// Whether anything may carry the token.
    touched: bool,
    effort: Effort,
}

/// A board that is attached to.
struct Attached {
    link: Link,
    /// What was seen of it; nothing yet, or nothing that counts any more.
    seen: Option<Sight>,
}

/// What was found out by looking.
struct Sight {
    number: Option<String>,
    holds: Holds,
    /// In slot mode, the sectors of slots and checksums.
    parts: Vec<Part>,
}

impl Probe {
    /// Takes the probe that the setup names; a simulated board is that of `serial`.
    ///
    /// # Errors
    /// [`TargetError::Probe`]: the text names no probe, or another run has the board.
    pub fn new(
        setup: ProbeSetup,
        serial: Option<&Serial>,
        journal: Box<dyn Journal>,
    ) -> Result<Self, TargetError> {
        let source = Source::of(&setup, serial)?;
        Ok(Self::with(setup, source, journal))
    }

    /// Takes a simulated board that the caller keeps.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn on_board(
        setup: ProbeSetup,
        board: crate::sim::SharedBoard,
        journal: Box<dyn Journal>,
    ) -> Self {
        Self::with(setup, Source::Board(board), journal)
    }

    fn with(setup: ProbeSetup, source: Source, journal: Box<dyn Journal>) -> Self {
        Self {
            setup,
            source,
            journal,
            attached: None,
            touched: false,
            effort: Effort::default(),
        }
    }

    /// Ties a fault to what may have happened to the board.
    fn error(&self, fault: impl Into<ProbeFault>) -> TargetError {
        ProbeError::new(fault.into(), self.touched).into()
    }
}

impl Target for Probe {
    fn identify(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        self.touched = false;
        self.effort = Effort::default();
        self.identify_board(master, watch)
            .map_err(|fault| self.error(fault))?;
        let Some(Attached {
            link,
            seen: Some(seen),
        }) = &self.attached
        else {
            return Err(self.error(FlashFault::Stopped));
        };
        Ok(Some(Seen {
            chip: link.chip.clone(),
            compared: link.family.is_some(),
            uid: seen.number.clone(),
            holds: seen.holds.clone(),
            simulated: self.setup.is_simulated() || !matches!(self.source, Source::Usb(_)),
        }))
    }

    fn accept(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), TargetError> {
        self.check_board(master, watch)
            .map_err(|fault| self.error(fault))
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError> {
        let made = self.program_unit(sealed, watch);
        let receipt = made.map_err(|fault| self.error(fault))?;
        // A real board keeps what was programmed before anybody records it; so must this one.
        self.source.save().map_err(|fault| self.error(fault))?;
        tracing::debug!(serial = %sealed.serial(), effort = ?self.effort, "flashed and read back");
        Ok(receipt)
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        let same = self.compare(sealed, watch);
        same.map(Some).map_err(|fault| self.error(fault))
    }

    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, TargetError> {
        if self.attached.is_none() {
            self.attach().map(drop).map_err(|fault| self.error(fault))?;
        }
        watch.begin(Phase::ReadBack, spans.iter().map(|span| span.len()).sum());
        let mut read = Edits::new();
        for span in spans {
            let Some(attached) = &mut self.attached else {
                break;
            };
            let bytes = attached.link.read(*span, watch);
            read.put(span.start(), &bytes.map_err(|fault| self.error(fault))?);
        }
        Ok(read)
    }

    fn effort(&self) -> Effort {
        self.effort
    }

    fn release(&mut self) -> Result<(), TargetError> {
        let attached = self.attached.take();
        let booted = attached.map_or(Ok(()), |mut attached| attached.link.boot());
        let saved = self.source.save().map_err(ProbeFault::from);
        booted.and(saved).map_err(|fault| self.error(fault))
    }
}
