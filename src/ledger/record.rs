//! What goes into a ledger and what comes out.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Weak};

use zeroize::Zeroizing;

use crate::pool::Origin;
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial, Values};

/// Which tokens and units belong together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The product.
    pub product: String,
    /// The template of its tokens, where the recipe names one.
    pub template: Option<String>,
}

/// Who opens a ledger: every opening is a run of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The station, as it stands in the records.
    pub station: String,
    /// Whether the units are real.
    pub simulated: Simulated,
}

/// Whether units are real or simulated. A ledger never mixes the two.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
pub enum Simulated {
    /// Real units.
    #[default]
    #[strum(serialize = "real")]
    No,
    /// A simulated target; nothing counts as produced.
    #[strum(serialize = "simulated")]
    Yes,
}

impl From<bool> for Simulated {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Who does something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The station.
    pub station: String,
    /// The person, where one is named.
    pub by: Option<String>,
    /// The reason, where one is given.
    pub reason: Option<String>,
}

/// Where a unit's image goes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
pub enum Target {
    /// A file; no board was seen.
    File,
    /// A board, by a probe.
    Probe,
    /// A board, by the line's own programmer.
    Program,
}

/// What a run asks for before it touches anything.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The unit.
    pub serial: Serial,
    /// The chip's own number, where a board was seen.
    pub uid: Option<String>,
    /// What else is known of that board.
    pub seated: Seated,
    /// SHA-256 of the shared image.
    pub image: Digest,
    /// SHA-256 of the recipe.
    pub recipe: Digest,
    /// Where the image will go.
    pub target: Target,
    /// Which recorded file makes a new delivery needless.
    pub finished: Finished,
}

/// What ties the board in hand to a unit, where no number does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seated {
    /// Nothing: there is no board, or one that looks like any other.
    #[default]
    Unknown,
    /// Its slot shows this token.
    Shows(Fingerprint),
    /// Somebody says that it is the unit's own.
    Vouched(Box<Actor>),
    /// It is only looked at: it does not become the unit's board by that.
    LookedAt,
}

/// Which recorded file of the same image and recipe counts as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finished {
    /// Any: the caller looks whether it is there.
    Written,
    /// One that was synced and read back.
    Durable,
    /// None: the caller looked, and it is gone, damaged or somewhere else.
    Nothing,
}

/// A durable claim: this run may deliver this token to this unit, once.
///
/// It is not `Clone`, and made by a ledger only. While it lives, the unit is in work: drop it
/// only after [`confirm`](crate::ledger::Ledger::confirm) or by [`fail`](crate::ledger::Ledger::fail).
#[derive(Debug)]
pub struct Reservation {
    pub(super) unit: i64,
    pub(super) attempt: i64,
    pub(super) values: Values,
    pub(super) fingerprint: Fingerprint,
    pub(super) claim: Claim,
    pub(super) resumed: bool,
    /// Its run's lock, as long as the run lives.
    pub(super) lock: Weak<File>,
    /// The ledger keeps the other end: it tells whether the unit is still in hand.
    pub(super) _hold: Arc<()>,
}

impl Reservation {
    /// Returns what the unit's slots are filled with.
    #[must_use]
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// Returns the unit.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.values.serial
    }

    /// Returns the token's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns how often the unit was claimed, from 1.
    #[must_use]
    pub const fn attempt(&self) -> i64 {
        self.attempt
    }

    /// Returns what keeps the claim alive beside this program: for whatever writes the unit.
    #[must_use]
    pub fn lock(&self) -> RunLock {
        RunLock(self.lock.upgrade())
    }

    /// Returns what was asked for.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Returns whether the unit had been claimed before: something may carry the token already.
    #[must_use]
    pub const fn resumed(&self) -> bool {
        self.resumed
    }
}

/// The lock by which others see that a run lives; whoever holds it keeps the run's claims alive.
#[derive(Debug, Clone, Default)]
pub struct RunLock(Option<Arc<File>>);

impl RunLock {
    /// Returns the file that a command inherits; none where a ledger has no runs.
    pub(crate) fn file(&self) -> Option<&File> {
        self.0.as_deref()
    }
}

/// What a claim came to.
#[derive(Debug)]
pub enum Attempt {
    /// Deliver it.
    Go(Reservation),
    /// It is finished with this image; the values are given to verify it.
    Done {
        /// The record.
        entry: Entry,
        /// What its slots must hold.
        values: Values,
    },
}

/// Why a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error's stable name.
    pub name: String,
    /// The message, without secrets.
    pub message: String,
    /// Whether anything may carry the token now.
    pub touched: bool,
    /// Whether the board was changed meanwhile: its number ties nothing to the claim any more.
    pub swapped: bool,
}

/// A unit's state.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
pub enum UnitState {
    /// Claimed; nothing is known to carry the token.
    Reserved,
    /// An image file exists; no board was seen.
    Prepared,
    /// On the board, read back.
    Delivered,
    /// The right label was read on it.
    Labelled,
    /// Its token was burnt.
    Void,
    /// The claim was taken back before a delivery started; or rework took its place.
    Superseded,
}

impl UnitState {
    /// Returns whether a unit in this state has an image.
    #[must_use]
    pub const fn is_made(self) -> bool {
        matches!(self, Self::Prepared | Self::Delivered | Self::Labelled)
    }

    /// Returns whether the unit gave its token up: it is burnt, or the next record's.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Void | Self::Superseded)
    }
}

/// A token's state.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr, strum::EnumString,
)]
#[strum(serialize_all = "lowercase")]
pub enum TokenState {
    /// Nobody has it.
    Free,
    /// A unit has it.
    Bound,
    /// It was burnt.
    Void,
    /// The cloud gave it to somebody.
    #[strum(serialize = "gone")]
    ClaimedElsewhere,
    /// A part of the ledger has it, at a station without network.
    #[strum(serialize = "away")]
    CheckedOut,
    /// A backup said that it is free or reserved; what became of it since is not known.
    Quarantined,
}

/// What is known about the last attempt on a unit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// A live run has the unit in hand.
    InWork,
    /// The run ended without a word and the target was a file: to be written again.
    Open,
    /// The run ended without a word and the target was a board: read the unit to know.
    InDoubt,
    /// The delivery failed.
    Failed,
    /// Rework asks for a delivery; no run has tried yet.
    Due,
    /// The delivery was confirmed.
    Confirmed,
    /// The unit is void or superseded: nothing is delivered any more.
    Ended,
}

/// A finished unit: what a label may be made from.
#[derive(Clone)]
pub struct Entry {
    pub(super) record: Box<UnitRecord>,
    pub(super) qr: Option<QrToken>,
    pub(super) picture: Option<Vec<u8>>,
}

impl Entry {
    /// Puts an entry together without a ledger, to test what is made from one.
    #[cfg(test)]
    pub(crate) fn new(record: UnitRecord, qr: Option<QrToken>, picture: Option<Vec<u8>>) -> Self {
        Self {
            record: Box::new(record),
            qr,
            picture,
        }
    }

    /// Returns the record.
    #[must_use]
    pub fn record(&self) -> &UnitRecord {
        &self.record
    }

    /// Returns what the label says, where the token list told.
    #[must_use]
    pub const fn qr(&self) -> Option<&QrToken> {
        self.qr.as_ref()
    }

    /// Returns the exported picture (PNG), byte for byte.
    #[must_use]
    pub fn picture(&self) -> Option<&[u8]> {
        self.picture.as_deref()
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Proof that a disclosure was recorded: without one no secret leaves the ledger.
///
/// It is not `Clone`, and made by [`Ledger::revealed`](crate::ledger::Ledger::revealed) only.
#[derive(Debug)]
pub struct Revealed {
    pub(super) event: Digest,
}

impl Revealed {
    /// Returns the hash of the event that recorded it.
    #[must_use]
    pub const fn event(&self) -> Digest {
        self.event
    }
}

/// What the ledger knows about a unit; no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRecord {
    /// The unit.
    pub serial: Serial,
    /// Its state.
    pub state: UnitState,
    /// The token's fingerprint.
    pub fingerprint: Fingerprint,
    /// The chip's own number, where a board was seen.
    pub uid: Option<String>,
    /// SHA-256 of the shared image.
    pub image: Digest,
    /// SHA-256 of the recipe.
    pub recipe: Digest,
    /// SHA-256 of the unit's own container.
    pub digest: Option<Digest>,
    /// Where it went.
    pub target: Target,
    /// Whether the file was synced and read back.
    pub durable: bool,
    /// The station that claimed it last.
    pub station: String,
    /// The run that claimed it last; empty where a decision made the record.
    pub run: String,
    /// How often it was claimed.
    pub attempt: i64,
    /// What is known about the last attempt.
    pub outcome: Outcome,
    /// When the right label was read on it, RFC 3339, UTC; a prepared unit may have one too.
    pub labelled_at: Option<String>,
    /// When the record changed last, RFC 3339, UTC.
    pub at: String,
    /// Hash of the event that changed it last.
    pub event: Digest,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Position in the ledger, from 1.
    pub seq: i64,
    /// When, RFC 3339, UTC; order is by `seq`, never by this.
    pub at: String,
    /// Which station.
    pub station: String,
    /// What happened.
    pub kind: String,
    /// What the event says, as JSON without secrets.
    pub body: String,
    /// Its hash, over the station's event before it.
    pub hash: Digest,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Import {
    /// Rows that are new.
    pub added: usize,
    /// Rows that were known.
    pub known: usize,
    /// New rows that the cloud says are claimed.
    pub gone: usize,
    /// Known free tokens that the list says are claimed: they are not drawn any more.
    pub turned: usize,
    /// Known tokens of which the list tells more: QR Token, organisation, picture or columns.
    pub completed: usize,
    /// Known tokens of which the list has another picture or column: the first ones stay.
    pub kept: usize,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Which rows of the list are new, in its order.
    pub new: Vec<bool>,
}

/// A token that a unit may get, with what its slots and its label need.
pub struct ReadyToken {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Free, or bound by a claim that is open.
    pub state: TokenState,
    /// The serial that the list fixes it to.
    pub bound: Option<Serial>,
    /// The secret.
    pub token: AuthToken,
    /// What the label says.
    pub qr: Option<QrToken>,
    /// The other columns, by header.
    pub columns: BTreeMap<String, Zeroizing<String>>,
}

/// Shows no value.
impl std::fmt::Debug for ReadyToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyToken")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// Tokens and units by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    /// Tokens nobody has.
    pub free: u64,
    /// Tokens that belong to a unit.
    pub bound: u64,
    /// Burnt tokens.
    pub void: u64,
    /// Tokens that the cloud gave to somebody.
    pub gone: u64,
    /// Tokens that are away in parts, at stations without network.
    pub away: u64,
    /// Tokens that a restored backup called free or reserved: not drawn until cleared.
    pub quarantined: u64,
    /// Tokens with a picture.
    pub pictures: u64,
    /// Claimed units.
    pub reserved: u64,
    /// Units with an image file.
    pub prepared: u64,
    /// Units on a board.
    pub delivered: u64,
    /// Units with the right label.
    pub labelled: u64,
    /// Where the tokens come from; `None` before the first list.
    pub origin: Option<Origin>,
    /// Whether the units are real; `None` before the first unit.
    pub simulated: Option<Simulated>,
    /// Whether somebody decided that tokens of a list are on no unit which no ledger here knows.
    pub unused: bool,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// Events replayed.
    pub events: u64,
    /// Units checked.
    pub units: u64,
    /// Tokens checked.
    pub tokens: u64,
    /// Head of each station's chain: the outside witness to keep.
    pub heads: Vec<(String, i64, Digest)>,
    /// What is wrong; empty for a clean ledger.
    pub findings: Vec<Finding>,
    /// When the last backup was made, RFC 3339, UTC.
    pub backup: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: a serial, a fingerprint, a station.
    pub about: String,
    /// What is wrong.
    pub what: String,
}
