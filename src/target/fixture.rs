//! The fixture: one board on it, reached by a probe or by the line's own programmer.

use super::DeliverError;
use crate::image::{Address, Edits, Span};
use crate::ledger::{Receipt, RunLock};
use crate::master::Master;
use crate::seal::Sealed;
use crate::unit::Fingerprint;

/// What takes a sealed image onto a board.
///
/// The order is [`identify`](Self::identify), the claim, [`deliver`](Self::deliver), the
/// outcome's record, [`release`](Self::release). An empty fixture costs no token, because the
/// first step writes nothing and comes before the claim.
pub trait Fixture: Send {
    /// Attaches and looks: which chip, its own number, what slots and checksums hold.
    ///
    /// Nothing is written.
    ///
    /// # Errors
    /// [`DeliverError`]: no probe, no answer, another chip, a locked one.
    fn identify(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<Seen, DeliverError>;

    /// Refuses a board that must not be written, before it costs a token. Nothing is written.
    ///
    /// # Errors
    /// [`DeliverError`]: the image does not fit the chip, or the board carries other firmware than
    /// the one that only gets its values here.
    fn accept(&mut self, master: &Master, watch: &mut dyn Watch) -> Result<(), DeliverError>;

    /// Takes what keeps the claim alive: whatever writes the board from here on holds it until it
    /// has ended, this program's own end included.
    fn hold(&mut self, _: RunLock) {}

    /// Programs the board and reads all that was written back by plain reads.
    ///
    /// # Errors
    /// [`DeliverError`]; [`touched`](DeliverError::touched) tells whether anything may carry
    /// the token.
    fn deliver(
        &mut self,
        sealed: &Sealed<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Receipt, DeliverError>;

    /// Reads back whether the board holds exactly this image. Nothing is written.
    ///
    /// # Errors
    /// [`DeliverError`] when it differs, or could not be found out.
    fn verify(&mut self, sealed: &Sealed<'_>, watch: &mut dyn Watch) -> Result<(), DeliverError>;

    /// Reads what the board holds at `spans`, to judge it. Nothing is written.
    ///
    /// # Errors
    /// [`DeliverError`] when it could not be read.
    fn read(&mut self, spans: &[Span], watch: &mut dyn Watch) -> Result<Edits, DeliverError>;

    /// Returns what the last delivery took.
    fn effort(&self) -> Effort;

    /// Lets the board boot, and lets go of it.
    ///
    /// # Errors
    /// [`DeliverError`] when it could not be reset.
    fn release(&mut self) -> Result<(), DeliverError>;
}

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
