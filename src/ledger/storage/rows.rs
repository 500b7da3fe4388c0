//! Rows, as a back end stores them.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::ledger::Stock;
use crate::ledger::part::Part;
use crate::ledger::record::{Event, Outcome, Target, TokenState, UnitRecord, UnitState};
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};

/// A token without its secrets.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Its number: tokens are drawn in this order.
    pub id: i64,
    /// The list that brought it.
    pub import: i64,
    /// What stands for it.
    pub fingerprint: Fingerprint,
    /// Its state.
    pub state: TokenState,
    /// The serial that the list fixes it to.
    pub fixed: Option<Serial>,
    /// SHA-256 of its QR Token.
    pub qr: Option<Digest>,
    /// Whether the list said that a device has it.
    pub claimed: bool,
    /// Whether it belongs to the scope in hand.
    pub ours: bool,
    /// `None` where it is not of a back end's tables that marks them.
    pub mark: Option<Mark>,
}

/// What is sealed of a token.
pub struct Secrets {
    /// The AuthToken.
    pub token: AuthToken,
    /// Its QR Token, where it is known.
    pub qr: Option<QrToken>,
    /// What the list's other columns say.
    pub columns: BTreeMap<String, Zeroizing<String>>,
}

/// All that is known of a token after a later list told more.
pub struct Completion {
    /// All that is sealed of it now.
    pub secrets: Secrets,
    /// SHA-256 of its QR Token.
    pub qr: Option<Digest>,
    /// A picture, where there was none.
    pub picture: Option<Vec<u8>>,
}

/// Shows no secret.
impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completion").finish_non_exhaustive()
    }
}

/// A token on its way in.
pub struct NewToken<'a> {
    /// Its number.
    pub id: i64,
    /// The list that brings it.
    pub import: i64,
    /// What stands for it.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its QR Token.
    pub qr: Option<Digest>,
    /// What the list says of it.
    pub row: &'a crate::pool::Row,
}

/// A unit, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRow {
    /// Its number.
    pub id: i64,
    /// Its serial.
    pub serial: Serial,
    /// The number of its token.
    pub token: i64,
    /// What stands for its token.
    pub fingerprint: Fingerprint,
    /// Where it is in its life.
    pub state: UnitState,
    /// Its board, where one was seen.
    pub uid: Option<String>,
    /// The shared image.
    pub image: Digest,
    /// The recipe.
    pub recipe: Digest,
    /// The unit's own image, once it is made.
    pub digest: Option<Digest>,
    /// Where its image goes.
    pub target: Target,
    /// Whether what was read back was on the disk.
    pub durable: bool,
    /// The station that has it.
    pub station: String,
    /// Empty where a decision made the row.
    pub run: String,
    /// How often it was tried.
    pub attempt: i64,
    /// Whether the last attempt has no outcome yet.
    pub pending: bool,
    /// Whether anything may carry the token.
    pub touched: bool,
    /// When its label was read.
    pub labelled_at: Option<String>,
    /// When it changed last, RFC 3339, UTC.
    pub at: String,
    /// The hash of its last event.
    pub event: Digest,
    /// Whether it belongs to the scope in hand, and not only to its product.
    pub ours: bool,
}

impl UnitRow {
    /// Returns a unit of which no event tells yet: the first one, which
    /// `append_unit` adds, says when and as what.
    pub fn untold(id: i64, serial: &Serial, token: &TokenRow) -> Self {
        Self {
            id,
            serial: serial.clone(),
            token: token.id,
            fingerprint: token.fingerprint,
            state: UnitState::Reserved,
            uid: None,
            image: Digest::UNKNOWN,
            recipe: Digest::UNKNOWN,
            digest: None,
            target: Target::File,
            durable: false,
            station: String::new(),
            run: String::new(),
            attempt: 1,
            pending: false,
            touched: false,
            labelled_at: None,
            at: String::new(),
            event: Digest::UNKNOWN,
            ours: true,
        }
    }

    /// Returns what people may see of it.
    pub(crate) fn record(self, alive: bool) -> UnitRecord {
        let outcome = match (self.pending, self.target) {
            (true, _) if alive => Outcome::InWork,
            (true, Target::File) => Outcome::Open,
            (true, Target::Probe | Target::Program) => Outcome::InDoubt,
            (false, _) => match self.state {
                UnitState::Reserved if self.run.is_empty() => Outcome::Due,
                // Its token may be on a board that nothing tells from others.
                UnitState::Reserved
                    if self.touched && self.uid.is_none() && self.target != Target::File =>
                {
                    Outcome::InDoubt
                }
                UnitState::Reserved => Outcome::Failed,
                UnitState::Prepared | UnitState::Delivered | UnitState::Labelled => {
                    Outcome::Confirmed
                }
                UnitState::Void | UnitState::Superseded => Outcome::Ended,
            },
        };
        UnitRecord {
            serial: self.serial,
            state: self.state,
            fingerprint: self.fingerprint,
            uid: self.uid,
            image: self.image,
            recipe: self.recipe,
            digest: self.digest,
            target: self.target,
            durable: self.durable,
            station: self.station,
            run: self.run,
            attempt: self.attempt,
            outcome,
            labelled_at: self.labelled_at,
            at: self.at,
            event: self.event,
        }
    }
}

impl Stock {
    /// Returns the count of a token's state.
    pub const fn tokens(&mut self, state: TokenState) -> &mut u64 {
        match state {
            TokenState::Free => &mut self.free,
            TokenState::Bound => &mut self.bound,
            TokenState::Void => &mut self.void,
            TokenState::ClaimedElsewhere => &mut self.gone,
            TokenState::CheckedOut => &mut self.away,
            TokenState::Quarantined => &mut self.quarantined,
        }
    }

    /// Returns the count of a unit's state, where one is kept.
    pub const fn units(&mut self, state: UnitState) -> Option<&mut u64> {
        match state {
            UnitState::Reserved => Some(&mut self.reserved),
            UnitState::Prepared => Some(&mut self.prepared),
            UnitState::Delivered => Some(&mut self.delivered),
            UnitState::Labelled => Some(&mut self.labelled),
            UnitState::Void | UnitState::Superseded => None,
        }
    }
}

/// An import that is not finished: its tokens are stored and nobody sees them.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its number.
    pub id: i64,
    /// The import's first token; all tokens from here on are unseen.
    pub first: i64,
    /// The last unit when it began.
    pub unit: i64,
    /// The run that began it.
    pub run: String,
    /// The station.
    pub station: String,
}

/// What a row carries so that nobody without the ledger's key can write one.
pub type Mark = [u8; 32];

/// What is wrong with a row that somebody wrote who lacks the key.
pub(crate) const FORGED: &str = "it was written without the ledger's key";

/// The last event of a station: how many there are, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The place of the event in its chain.
    pub link: i64,
    /// Its hash.
    pub hash: Digest,
}

/// An event with what only the tables know about it.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// What it says.
    pub event: Event,
    /// The unit that it is about.
    pub unit: Option<i64>,
    /// Its place in its chain.
    pub link: i64,
    /// `None` where it is not of a back end's tables: whatever adds it there marks it.
    pub mark: Option<Mark>,
}

/// Heads of a part's chains: station, place and hash of the last event.
pub type Heads = Vec<(String, i64, String)>;

/// A part of the ledger, as stored.
#[derive(Debug, Clone)]
pub struct PartRow {
    /// The part.
    pub part: Part,
    /// The run that began it.
    pub run: String,
    /// Those of its chains, once it came back.
    pub heads: Option<Heads>,
}

/// A serial that a part is about.
#[derive(Debug, Clone, Copy)]
pub struct PartSerial {
    /// Whether it was cleared after the part came back without having been closed.
    pub is_cleared: bool,
}
