//! The last events of a station, numbered, for every view of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::event::Event;

/// How many events are kept: a view that comes later starts with them.
pub const KEPT: usize = 4096;

/// An event and its number. The first one is 1, and none is left out.
#[derive(Debug)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// The event.
    pub event: Event,
}

/// What a view has not seen yet.
#[derive(Debug)]
pub struct Since {
    /// How many events are not kept any more.
    pub missed: u64,
    /// The others, in order.
    pub events: Vec<Arc<Numbered>>,
}

/// The log that all views of a station share.
#[derive(Debug, Clone, Default)]
pub struct EventLog(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Numbered>>,
    /// The number of the last event.
    last: u64,
}

impl EventLog {
    /// Puts an event behind the others.
    pub(super) fn put(&self, event: Event) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last += 1;
        let number = kept.last;
        if kept.events.len() == KEPT {
            kept.events.pop_front();
        }
        kept.events.push_back(Arc::new(Numbered { number, event }));
    }

    /// Returns what came after the event of this number; 0 is before the first.
    #[must_use]
    pub fn after(&self, number: u64) -> Since {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.events.front().map_or(1, |first| first.number);
        let missed = first.saturating_sub(number.saturating_add(1));
        let seen = number.saturating_add(1).saturating_sub(first);
        let skip = usize::try_from(seen).unwrap_or(usize::MAX);
        let events = kept.events.iter().skip(skip).cloned().collect();
        Since { missed, events }
    }
}
