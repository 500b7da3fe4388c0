//! What is seen of a board, and who is told how far its delivery is.

use crate::image::Address;
use crate::unit::Fingerprint;

/// What was seen of a board before anything was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The chip, as the recipe names it.
    pub chip: String,
    /// Whether the chip's registers were compared with that; some families have no known ones.
    pub compared: bool,
    /// The chip's own number in hex digits, where it has one.
    pub uid: Option<String>,
    /// What the token's slot holds.
    pub holds: Holds,
    /// Whether this is a simulated board.
    pub simulated: bool,
}

impl Seen {
    /// Returns the token in the board's slots, whether the rest is whole or not.
    #[must_use]
    pub const fn token(&self) -> Option<Fingerprint> {
        self.holds.token()
    }
}

/// What a delivery took, as far as the fixture knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Sectors that were erased.
    pub erased_sectors: Option<u64>,
    /// Bytes that were programmed.
    pub programmed_bytes: Option<u64>,
}

/// What the token's slot of a board holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: erased, or the shared image's placeholder.
    Blank,
    /// A token, with every slot and checksum as the Master gives them for it.
    Token(Fingerprint),
    /// A token, and something beside it that is not as the Master gives it.
    Torn {
        /// The token.
        token: Fingerprint,
        /// The first such address.
        at: Address,
    },
    /// Something else: other firmware, or what a cut left.
    Foreign {
        /// The first address that is neither blank nor as the Master gives it.
        at: Address,
    },
    /// The flash does not answer there.
    Unreadable {
        /// The first address that could not be read.
        at: Address,
    },
}

impl Holds {
    /// Returns the token, whether the rest is whole or not.
    #[must_use]
    pub const fn token(&self) -> Option<Fingerprint> {
        match self {
            Self::Token(token) | Self::Torn { token, .. } => Some(*token),
            Self::Blank | Self::Foreign { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// The phases of a delivery, for whoever shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Phase {
    /// Looking, before anything is written.
    Identify,
    /// Erasing.
    Erase,
    /// Programming.
    Program,
    /// Reading back.
    ReadBack,
}

/// Is told how far a delivery is, and may ask it to stop.
pub trait Watch {
    /// A phase begins; `total` bytes are ahead, 0 where that is not known.
    fn begin(&mut self, phase: Phase, total: u64);
    /// `bytes` more are done.
    fn advance(&mut self, bytes: u64);
    /// Returns whether the delivery should stop at the next safe place.
    fn stop(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn begin(&mut self, _: Phase, _: u64) {}
    fn advance(&mut self, _: u64) {}
    fn stop(&self) -> bool {
        false
    }
}
