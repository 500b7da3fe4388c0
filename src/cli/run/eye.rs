//! A fixture that remembers what it saw.

use std::sync::mpsc::Sender;

use eol_inject::image::{Edits, Span};
use eol_inject::ledger::{Receipt, RunLock};
use eol_inject::master::Master;
use eol_inject::seal::Sealed;
use eol_inject::target::{Effort, Seen, Target, TargetError, Watch};

use super::worker::{Event, Message};

/// A fixture, what was seen on it last, and whether that was just now.
pub(super) struct Eye {
    target: Box<dyn Target>,
    pub(super) seen: Option<Seen>,
    /// Whether the next identification may answer with what was seen: nothing happened since.
    pub(super) fresh: bool,
    pub(super) tell: Option<Sender<Message>>,
    pub(super) nest: usize,
}

impl Eye {
    pub(super) const fn new(target: Box<dyn Target>) -> Self {
        Self {
            target,
            seen: None,
            fresh: false,
            tell: None,
            nest: 0,
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

impl Target for Eye {
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
        if let (Some(floor), Some(seen)) = (&self.tell, &seen) {
            let _ = floor.send((self.nest, Event::Seen(seen.clone())));
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
