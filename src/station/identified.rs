//! A target that was identified already: the board is looked at before it is known which unit it
//! is, and the line does not look again where nothing happened since.

use super::event::Event;
use super::message::Teller;
use crate::image::{Edits, Span};
use crate::ledger::RunLock;
use crate::master::Master;
use crate::receipt::Receipt;
use crate::seal::Sealed;
use crate::target::{Effort, Seen, Target, TargetError, Watch};

/// A target, what was seen on it last, and whether that was just now.
pub(super) struct IdentifiedTarget {
    target: Box<dyn Target>,
    pub(super) seen: Option<Seen>,
    /// Whether the next identification may answer with what was seen: nothing happened since.
    pub(super) fresh: bool,
    /// Whom it tells what the line sees.
    pub(super) teller: Option<Teller>,
}

impl IdentifiedTarget {
    pub(super) const fn new(target: Box<dyn Target>) -> Self {
        Self {
            target,
            seen: None,
            fresh: false,
            teller: None,
        }
    }

    /// Looks at the board before it is known which unit it is.
    pub(super) fn look(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        self.fresh = false;
        let seen = self.target.identify(master, watch)?;
        self.seen.clone_from(&seen);
        self.fresh = true;
        Ok(seen)
    }

    /// Lets the board go until the next look.
    pub(super) fn let_go(&mut self) {
        self.fresh = false;
        // A board that was taken off cannot be let go of.
        let _ = self.target.release();
    }
}

impl Target for IdentifiedTarget {
    fn identify(
        &mut self,
        master: &Master,
        watch: &mut dyn Watch,
    ) -> Result<Option<Seen>, TargetError> {
        let seen = match self.seen.clone().filter(|_| self.fresh) {
            Some(seen) => Some(seen),
            None => self.look(master, watch)?,
        };
        self.fresh = false;
        if let (Some(teller), Some(seen)) = (&self.teller, seen.clone()) {
            let nest = teller.nest;
            teller.tell(Event::Seen { nest, seen });
        }
        Ok(seen)
    }

    fn accept(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), TargetError> {
        self.target.accept(master, watch)
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, TargetError> {
        self.target.deliver(sealed, watch)
    }

    fn hold(&mut self, lock: RunLock) {
        self.target.hold(lock);
    }

    fn verify(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Receipt>, TargetError> {
        self.target.verify(sealed, watch)
    }

    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, TargetError> {
        self.target.read(spans, watch)
    }

    fn effort(&self) -> Effort {
        self.target.effort()
    }

    fn release(&mut self) -> Result<(), TargetError> {
        self.target.release()
    }
}
