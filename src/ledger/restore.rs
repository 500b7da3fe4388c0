//! What a restore sets aside, and what is taken back from there.

use crate::unit::{Fingerprint, Serial};

/// How much a restore set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetAside {
    /// Tokens that the backup calls free.
    pub free: usize,
    /// Tokens of units that the backup calls reserved.
    pub reserved: usize,
}

/// Which tokens that are set aside are used again.
#[derive(Debug, Clone)]
pub enum Clear {
    /// All of them.
    All,
    /// Those of these units.
    Serials(Vec<Serial>),
    /// These.
    Tokens(Vec<Fingerprint>),
}

/// What is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Tokens that were set aside.
    pub tokens: usize,
    /// Serials of parts that came back without having been closed.
    pub serials: usize,
    /// Such parts, with all of their serials.
    pub parts: usize,
}

/// What a mirror brought into a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events that were not there.
    pub events: u64,
    /// Units that were made or changed.
    pub units: u64,
    /// Token lists that were taken in among the events.
    pub lists: u64,
}

/// What somebody else keeps of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Where it stands, for people.
    pub place: String,
    /// Station and place in its chain, where they are known.
    pub link: Option<(String, i64)>,
    /// The event's hash.
    pub event: crate::unit::Digest,
}

/// A unit as another site has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which site: the name of its file.
    pub site: String,
    /// The unit.
    pub serial: Serial,
    /// Its token.
    pub fingerprint: Fingerprint,
    /// Its board, where one was seen.
    pub uid: Option<String>,
}
