//! What the threads of the nests tell the station.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::StationError;
use crate::line::Passed;
use crate::target::{Phase, Seen, Watch};
use crate::unit::Serial;

/// A nest's message.
pub(super) struct Message {
    /// The nest's index.
    pub(super) nest: usize,
    pub(super) sign: Sign,
}

/// A sign of life.
pub(super) enum Sign {
    /// The unit is known now.
    Unit(Serial),
    /// The board of another unit is still there; without a name, none is.
    Waiting(Option<Serial>),
    /// A board was identified.
    Seen(Seen),
    /// A phase begins, with so many bytes ahead.
    Phase { phase: Phase, total: u64 },
    /// So many bytes more are done.
    Progress(u64),
    /// The unit's end.
    End(Box<End>),
}

/// How a unit ended.
pub(super) struct End {
    pub(super) serial: Option<Serial>,
    pub(super) seen: Option<Seen>,
    pub(super) result: Result<Passed, StationError>,
    pub(super) elapsed: Duration,
}

/// Tells the station what a nest does.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) nest: usize,
    pub(super) messages: Sender<Message>,
}

impl Teller {
    pub(super) fn tell(&self, sign: Sign) {
        let nest = self.nest;
        // The station outlives its nests, but for the end of the program.
        let _ = self.messages.send(Message { nest, sign });
    }
}

impl Watch for Teller {
    fn begin(&mut self, phase: Phase, total: u64) {
        self.tell(Sign::Phase { phase, total });
    }

    fn advance(&mut self, bytes: u64) {
        self.tell(Sign::Progress(bytes));
    }

    /// A unit in hand is finished.
    fn stop(&self) -> bool {
        false
    }
}
