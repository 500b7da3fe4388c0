//! What the threads of the nests tell the station.

use std::sync::mpsc::Sender;

use super::event::{Event, UnitEnd};
use crate::target::{Phase, Watch};

/// A nest's sign of life.
pub(super) struct Message {
    /// The nest's index.
    pub(super) nest: usize,
    pub(super) sign: Sign,
}

/// What a nest tells.
pub(super) enum Sign {
    /// Something for the log.
    Event(Event),
    /// The unit's end.
    End(Box<UnitEnd>),
}

/// Tells the station what a nest does.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) nest: usize,
    pub(super) messages: Sender<Message>,
}

impl Teller {
    pub(super) fn tell(&self, event: Event) {
        self.send(Sign::Event(event));
    }

    pub(super) fn send(&self, sign: Sign) {
        let nest = self.nest;
        // The station outlives its nests, but for the end of the program.
        let _ = self.messages.send(Message { nest, sign });
    }
}

impl Watch for Teller {
    fn begin(&mut self, phase: Phase, total: u64) {
        let nest = self.nest;
        self.tell(Event::Phase { nest, phase, total });
    }

    fn advance(&mut self, bytes: u64) {
        let nest = self.nest;
        self.tell(Event::Progress { nest, bytes });
    }

    /// A unit in hand is finished.
    fn stop(&self) -> bool {
        false
    }
}
