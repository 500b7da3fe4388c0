//! Parts: what a station without network is given, and what it brings back.
//!
//! A part is a ledger of its own with a share of the tokens; here they are *away* until the part
//! is merged or made void. Nothing here knows files.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use crate::ledger::TokenState;
use crate::ledger::record::Finding;
use crate::ledger::storage::tables::UnitRow;
use crate::pool::Pool;
use crate::recipe::SerialFormat;
use crate::unit::{Digest, Fingerprint, Serial};
#[cfg(feature = "seal")]
use crate::vault::home::HomeKey;
use crate::vault::home::Signature;
use crate::vault::recipient::{Recipient, StationKey};

/// What a part gets.
#[derive(Debug, Clone)]
pub enum Share {
    /// So many tokens, for whatever serials the station meets.
    Loose(usize),
    /// So many tokens, and as many numbers of a format in one run.
    Counted(usize, SerialFormat),
    /// So many of the serials that the token list fixes, oldest first, each with its token.
    Bound(usize),
    /// These serials, each with a token; the part gives no other one.
    Serials(Vec<Serial>),
}

impl Share {
    /// Returns how many tokens that are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Loose(count) | Self::Counted(count, _) | Self::Bound(count) => *count,
            Self::Serials(serials) => serials.len(),
        }
    }
}

/// Where a part is in its life.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
pub enum PartState {
    /// Its tokens are away; its file is not whole yet.
    Begun,
    /// Its file left.
    Handed,
    /// It came back.
    Merged,
    /// It was lost, and its tokens burnt.
    Void,
}

/// A part, as its ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: i64,
    /// What tells parts apart, whatever ledger they are of: 16 hex digits.
    pub id: String,
    /// The station that it is for.
    pub station: String,
    /// The station's public key: the part is sealed to it, and what comes back is signed with it.
    /// A ledger that was made from an old mirror may not know it.
    pub to: Option<Recipient>,
    /// How many tokens it was given.
    pub tokens: usize,
    /// The numbers that it was given: format, the first, and the one after the last.
    pub numbers: Option<(String, u64, u64)>,
    /// Whether it is bound to serials that were named.
    pub listed: bool,
    /// Where it is in its life.
    pub state: PartState,
    /// When it was begun, RFC 3339, UTC.
    pub at: String,
    /// When it came where it is in its life.
    pub since: String,
    /// Whether it came back without having been closed: what it did since is not known, and its
    /// serials get no token until somebody clears them.
    pub open: bool,
}

/// Which part of which ledger a ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOf {
    /// The part.
    pub part: Part,
    /// The number of the ledger that it is of, in hex digits.
    pub ledger: String,
    /// Whether it goes back: no token is given out any more.
    pub closed: bool,
}

/// A part that is about to leave, with its secrets.
#[derive(Debug)]
pub struct Handing {
    pub(super) part: Part,
    pub(super) ledger: String,
    pub(super) rows: Pool,
    /// What signs it; a ledger in memory has none.
    #[cfg(feature = "seal")]
    pub(super) home: Option<HomeKey>,
    pub(super) resumed: bool,
}

impl Handing {
    /// Returns the part.
    #[must_use]
    pub const fn part(&self) -> &Part {
        &self.part
    }

    /// Returns whether an earlier run had begun it.
    #[must_use]
    pub const fn resumed(&self) -> bool {
        self.resumed
    }
}

/// What the last decision on a unit says.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// How it was reworked, or how its record began.
    pub mode: Option<String>,
    pub successor: Option<String>,
    pub predecessor: Option<String>,
    pub by: Option<String>,
    pub reason: Option<String>,
}

/// Everything that a part brings back; no secret.
#[derive(Debug)]
pub struct Return {
    pub(super) of: PartOf,
    pub(super) units: Vec<(UnitRow, Told)>,
    pub(super) tokens: BTreeMap<Fingerprint, TokenState>,
    /// Every event: by station and place.
    pub(super) events: HashMap<(String, i64), Digest>,
    pub(super) heads: Vec<(String, i64, Digest)>,
    pub(super) simulated: Option<String>,
    pub(super) findings: Vec<Finding>,
    /// The station's, over all of it but the findings.
    pub(super) signature: Option<Signature>,
}

impl Return {
    /// Returns which part of which ledger it is.
    #[must_use]
    pub const fn of(&self) -> &PartOf {
        &self.of
    }

    /// Signs it with the key of its station.
    #[must_use]
    pub fn signed(self, key: &StationKey) -> Self {
        Self {
            signature: Some(key.sign(&self.digest())),
            ..self
        }
    }

    /// Says why it is not what its station signed.
    pub(super) fn unsigned(&self, to: Option<&Recipient>) -> Option<String> {
        let Some(signature) = &self.signature else {
            return Some(
                "it carries no signature of its station: take there what eol-inject ledger return wrote".to_owned(),
            );
        };
        match to {
            Some(to) if to.signed(&self.digest(), signature) => None,
            Some(to) => Some(format!(
                "it is not what the station with the key {} signed: something was changed, removed or added",
                to.id()
            )),
            None => {
                Some("this ledger does not know the key of its station: void the part".to_owned())
            }
        }
    }

    /// Returns what is signed: everything that is taken in.
    pub(super) fn digest(&self) -> Digest {
        let mut said = Transcript(Sha256::new());
        let part = &self.of.part;
        said.all(&[&self.of.ledger, &part.number, &part.id, &part.station]);
        said.all(&[&part.tokens, &part.listed, &part.at, &self.of.closed]);
        said.maybe(part.to.as_ref().map(Recipient::to_hex).as_ref());
        said.maybe(part.numbers.as_ref().map(|(format, _, _)| format));
        if let Some((_, first, end)) = &part.numbers {
            said.all(&[first, end]);
        }
        said.maybe(self.simulated.as_ref());
        said.all(&[&self.units.len(), &self.tokens.len(), &self.events.len()]);
        for (unit, told) in &self.units {
            said.unit(unit);
            let words = [
                &told.mode,
                &told.successor,
                &told.predecessor,
                &told.by,
                &told.reason,
            ];
            words.into_iter().for_each(|word| said.maybe(word.as_ref()));
        }
        for (fingerprint, state) in &self.tokens {
            said.all(&[&fingerprint.to_hex(), state]);
        }
        let events: BTreeMap<_, _> = self.events.iter().collect();
        for ((station, link), hash) in events {
            said.all(&[station, link, hash]);
        }
        for (station, link, hash) in &self.heads {
            said.all(&[station, link, hash]);
        }
        Digest::from_bytes(said.0.finalize().into())
    }
}

/// Hashes values one by one, each behind its length, so that no two lists of them look alike.
struct Transcript(Sha256);

impl Transcript {
    fn say(&mut self, text: &str) {
        // No text is longer than 2^64 bytes.
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(text);
    }

    fn all(&mut self, values: &[&dyn std::fmt::Display]) {
        for value in values {
            self.say(&value.to_string());
        }
    }

    fn maybe(&mut self, value: Option<&impl std::fmt::Display>) {
        self.say(if value.is_some() { "1" } else { "0" });
        if let Some(value) = value {
            self.say(&value.to_string());
        }
    }

    /// Says a unit; its numbers of rows are the part's own.
    fn unit(&mut self, unit: &UnitRow) {
        self.all(&[&unit.serial, &unit.fingerprint.to_hex(), &unit.state]);
        self.maybe(unit.uid.as_ref());
        self.all(&[&unit.image, &unit.recipe]);
        self.maybe(unit.digest.as_ref());
        self.all(&[&unit.target, &unit.durable, &unit.station, &unit.run]);
        self.all(&[&unit.attempt, &unit.pending, &unit.touched]);
        self.maybe(unit.labelled_at.as_ref());
        self.all(&[&unit.at, &unit.event]);
    }
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The part.
    pub part: Part,
    /// Units that came back.
    pub units: usize,
    /// Tokens that are free again.
    pub free: usize,
    /// Tokens that are set aside: the part was not closed, so it may have used them.
    pub quarantined: usize,
    /// Whether this return was merged before, and nothing changed.
    pub already: bool,
}
