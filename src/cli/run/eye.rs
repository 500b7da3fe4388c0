//! A fixture that remembers what it saw.

use std::sync::mpsc::Sender;

use eol_inject::image::{Edits, Span};
use eol_inject::ledger::{Receipt, RunLock};
use eol_inject::master::Master;
use eol_inject::seal::Sealed;
use eol_inject::target::{DeliverError, Effort, Fixture, Seen, Watch};

use super::worker::{Event, Message};

/// A fixture, what was seen on it last, and whether that was just now.
pub(super) struct Eye {
    fixture: Box<dyn Fixture>,
    pub(super) seen: Option<Seen>,
    /// Whether the next identification may answer with what was seen: nothing happened since.
    pub(super) fresh: bool,
    pub(super) tell: Option<Sender<Message>>,
    pub(super) nest: usize,
}

impl Eye {
    pub(super) const fn new(fixture: Box<dyn Fixture>) -> Self {
        Self {
            fixture,
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
    ) -> Result<Seen, DeliverError> {
        self.fresh = false;
        let seen = self.fixture.identify(master, watch)?;
        self.seen = Some(seen.clone());
        self.fresh = true;
        Ok(seen)
    }

    /// Lets the board go until the next look.
    pub(super) fn let_go(&mut self) {
        self.fresh = false;
        // A board that was taken off cannot be let go of.
        let _ = self.fixture.release();
    }
}

impl Fixture for Eye {
    fn identify(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<Seen, DeliverError> {
        let seen = match self.seen.clone().filter(|_| self.fresh) {
            Some(seen) => seen,
            None => self.look(master, watch)?,
        };
        self.fresh = false;
        if let Some(floor) = &self.tell {
            let _ = floor.send((self.nest, Event::Seen(seen.clone())));
        }
        Ok(seen)
    }

    fn accept(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), DeliverError> {
        self.fixture.accept(master, watch)
    }

    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, DeliverError> {
        self.fixture.deliver(sealed, watch)
    }

    fn hold(&mut self, lock: RunLock) {
        self.fixture.hold(lock);
    }

    fn verify(&mut self, sealed: &Sealed<'_>, watch: &mut dyn Watch) -> Result<(), DeliverError> {
        self.fixture.verify(sealed, watch)
    }

    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, DeliverError> {
        self.fixture.read(spans, watch)
    }

    fn effort(&self) -> Effort {
        self.fixture.effort()
    }

    fn release(&mut self) -> Result<(), DeliverError> {
        self.fixture.release()
    }
}
