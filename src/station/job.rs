//! One unit to make, as a nest is told.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::target::Seen;
use crate::unit::{Fingerprint, Serial};

/// Which unit is wanted.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// This one.
    Serial(Serial),
    /// What the recipe's source gives.
    Source,
}

impl Request {
    /// Returns the unit, where it is named.
    pub(super) const fn serial(&self) -> Option<&Serial> {
        match self {
            Self::Serial(serial) => Some(serial),
            Self::Source => None,
        }
    }
}

/// One unit to make.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) take_off: TakeOff,
    /// Ends the wait for a hand: something else is wanted.
    pub(super) cancel: Arc<AtomicBool>,
}

/// What a hand must have taken off the nest before the unit is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TakeOff {
    /// Nothing: what is there is meant.
    Nothing,
    /// Whatever other unit is made.
    Made,
    /// The board that was there before.
    Board(Previous),
}

/// The board that was on a nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) serial: Serial,
    pub(super) uid: Option<String>,
    /// The token that the board shows, where it was made.
    pub(super) token: Option<Fingerprint>,
}

impl Previous {
    /// Returns whether what is seen is that board, as far as anything tells.
    pub(super) fn is(&self, seen: &Seen) -> bool {
        match (&self.uid, &seen.uid) {
            (Some(before), Some(now)) => before == now,
            _ => self.token.is_some() && self.token == seen.token(),
        }
    }
}
