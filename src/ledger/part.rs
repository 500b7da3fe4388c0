//! Parts: what a station without network is given, and what it brings back.
//!
//! A part is a ledger of its own with a share of the tokens; here they are *away* until the part
//! is merged or made void. Nothing here knows files.

use std::collections::{BTreeMap, HashMap};

use super::record::Finding;
use super::tables::{TokenState, UnitRow};
use crate::pool::Pool;
use crate::recipe::SerialFormat;
use crate::unit::{Digest, Fingerprint, Serial};

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
}

impl Return {
    /// Returns which part of which ledger it is.
    #[must_use]
    pub const fn of(&self) -> &PartOf {
        &self.of
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
