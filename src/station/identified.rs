//! A target that was identified already: the board is looked at before it is known which unit it
//! is, and the line does not look again where nothing happened since.

use super::event::Event;
use super::message::Teller;
use crate::image::{Edits, Span};
use crate::ledger::{Receipt, RunLock};
use crate::master::Master;
use crate::seal::Sealed;
use crate::target::{DeliverError, Effort, Fixture, Seen, Watch};

/// A target, what was seen on it last, and whether that was just now.
pub(super) struct IdentifiedTarget {
    fixture: Box<dyn Fixture>,
    pub(super) seen: Option<Seen>,
    /// Whether the next identification may answer with what was seen: nothing happened since.
    pub(super) fresh: bool,
    /// Whom it tells what the line sees.
    pub(super) teller: Option<Teller>,
}

impl IdentifiedTarget {
    pub(super) const fn new(fixture: Box<dyn Fixture>) -> Self {
        Self {
            fixture,
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

impl Fixture for IdentifiedTarget {
    fn identify(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<Seen, DeliverError> {
        let seen = match self.seen.clone().filter(|_| self.fresh) {
            Some(seen) => seen,
            None => self.look(master, watch)?,
        };
        self.fresh = false;
        if let Some(teller) = &self.teller {
            teller.tell(Event::Seen {
                nest: teller.nest,
                seen: seen.clone(),
            });
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
