//! Evidence from outside that a board carries what was prepared for it.

use super::record::Entry;
use crate::unit::{Digest, Fingerprint, Serial};

/// What says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Witness {
    /// The board's flash, read and judged.
    Dump,
    /// The log of a programmer.
    Log,
    /// A list of units that passed.
    List,
}

/// That one board carries one unit's image, as far as the witness tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The row of the list or the line of the log, from 1.
    pub row: usize,
    /// The unit.
    pub serial: Serial,
    /// The token's fingerprint, where the witness saw it.
    pub fingerprint: Option<Fingerprint>,
    /// The chip's own number, where the witness tells.
    pub uid: Option<String>,
    /// SHA-256 of the shared image, where the witness tells.
    pub image: Option<Digest>,
    /// What says so.
    pub witness: Witness,
}

/// A unit that is delivered by what a witness says.
#[derive(Debug)]
pub struct Attested {
    /// The record.
    pub entry: Entry,
    /// Whether it had been delivered before; then nothing was written.
    pub already: bool,
}
