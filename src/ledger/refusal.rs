//! Why a ledger refuses a unit.

use thiserror::Error;

use crate::unit::{Fingerprint, Serial};

/// Why one unit of a group was refused. The others of the group are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "unit-")]
#[non_exhaustive]
pub enum Refusal {
    /// The unit's token was burnt.
    #[error("{serial} is void since {at} by {by}: {reason}")]
    Void {
        /// The unit.
        serial: Serial,
        /// When it was voided.
        at: String,
        /// Who did it.
        by: String,
        /// Why, in the words of who did it.
        reason: String,
    },
    /// Another live run has it in hand.
    #[error(
        "{serial} is in work at station {station}: wait for it, or end that run; one that died on another \
         computer is let go of after a minute"
    )]
    InWork {
        /// The unit.
        serial: Serial,
        /// Which station.
        station: String,
    },
    /// The token list fixes this serial to a token that is not free.
    #[error("the token that the list fixes to {serial} is {state}")]
    BoundElsewhere {
        /// The unit.
        serial: Serial,
        /// What became of the token.
        state: &'static str,
    },
    /// Finished on a board already, with another image: only rework may deliver it again.
    #[error("{serial} is made already, with image {image}; this run has {wanted}")]
    Finished {
        /// The unit.
        serial: Serial,
        /// First digits of the digest of the image that it has.
        image: String,
        /// First digits of the digest of this run's image.
        wanted: String,
    },
    /// The claim belongs to another board.
    #[error("{serial} belongs to the board {claimed}, and this board is {seen}")]
    OtherBoard {
        /// The unit.
        serial: Serial,
        /// The board's number in the record.
        claimed: String,
        /// The board's number as it was read.
        seen: String,
    },
    /// Its token may be on a board, and nothing tells whether it is this one.
    #[error("{serial} may be on a board already, and nothing tells that it is this one: {seen}")]
    InDoubt {
        /// The unit.
        serial: Serial,
        /// What there is instead of the board's number or the unit's token.
        seen: &'static str,
    },
    /// The serial was given up for another one.
    #[error("{serial} has been {to} since {at}: scan that one")]
    Rehoused {
        /// The serial that was given up.
        serial: Serial,
        /// When.
        at: String,
        /// The serial that the unit has now.
        to: String,
    },
    /// A finished unit's board is still on the fixture.
    #[error(
        "the board on the fixture is {holder}, which is made already: it cannot become {serial}"
    )]
    BoardMade {
        /// The unit.
        serial: Serial,
        /// The unit that the board is.
        holder: Serial,
    },
    /// The board is another unit already.
    #[error("the board on the fixture is {holder} by its {sign}: it cannot become {serial}")]
    BoardTaken {
        /// The unit.
        serial: Serial,
        /// The unit that it is.
        holder: Serial,
        /// What says so.
        sign: &'static str,
    },
    /// The board holds a token that no unit of its own explains.
    #[error("the board holds token {fingerprint}, which {whose}: it cannot become {serial}")]
    OtherToken {
        /// The unit.
        serial: Serial,
        /// The token that the board holds.
        fingerprint: Fingerprint,
        /// What the ledger knows of that token.
        whose: String,
    },
    /// The unit is made, and no number says whether this was its board.
    #[error("{serial} is made already, and the board on the fixture does not hold its token")]
    MadeElsewhere {
        /// The unit.
        serial: Serial,
    },
    /// The unit's own board lost what it was made with.
    #[error("{serial} is made already, and this is its board, but its token is gone from it")]
    Erased {
        /// The unit.
        serial: Serial,
    },
    /// No token is left.
    #[error("no free token is left for {serial}: import another list")]
    PoolEmpty {
        /// The unit.
        serial: Serial,
    },
    /// The list fixes every token that is left to another serial.
    #[error(
        "{serial} is not on the token list, which names the serial of every token that is left"
    )]
    NotListed {
        /// The unit.
        serial: Serial,
    },
    /// The serial is away in a part.
    #[error(
        "{serial} belongs to part {part}, which station {station} has: merge or void that first"
    )]
    #[strum(serialize = "away")]
    CheckedOut {
        /// The unit.
        serial: Serial,
        /// The part's number.
        part: i64,
        /// Who has it.
        station: String,
    },
    /// The serial was in a part that came back without having been closed.
    #[error(
        "{serial} may be made: part {part} came back from station {station} without ledger return, \
         and nobody knows what it made since: clear it first"
    )]
    PartOpen {
        /// The unit.
        serial: Serial,
        /// The part's number.
        part: i64,
        /// Who had it.
        station: String,
    },
    /// This ledger is a part, and the serial is none of its own.
    #[error("{serial} is no serial of part {part}: it may be made elsewhere")]
    NotOfPart {
        /// The unit.
        serial: Serial,
        /// The part's number.
        part: i64,
    },
    /// This ledger is a part that goes back.
    #[error("{serial} gets no token: part {part} is closed and goes back to its ledger")]
    Closed {
        /// The unit.
        serial: Serial,
        /// The part's number.
        part: i64,
    },
    /// The ledger was restored, and nobody knows what became of the claim since its backup.
    #[error(
        "{serial} was claimed when the restored backup was made, and its token may be anywhere: clear it first"
    )]
    Quarantined {
        /// The unit.
        serial: Serial,
    },
    /// The same serial stands twice in one group.
    #[error("{serial} is named twice")]
    #[strum(serialize = "twice")]
    Duplicate {
        /// The unit.
        serial: Serial,
    },
}

impl Refusal {
    /// Returns the unit that is refused.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        match self {
            Self::Void { serial, .. }
            | Self::InWork { serial, .. }
            | Self::BoundElsewhere { serial, .. }
            | Self::Finished { serial, .. }
            | Self::OtherBoard { serial, .. }
            | Self::InDoubt { serial, .. }
            | Self::Rehoused { serial, .. }
            | Self::BoardMade { serial, .. }
            | Self::BoardTaken { serial, .. }
            | Self::OtherToken { serial, .. }
            | Self::MadeElsewhere { serial }
            | Self::Erased { serial }
            | Self::PoolEmpty { serial }
            | Self::NotListed { serial }
            | Self::CheckedOut { serial, .. }
            | Self::PartOpen { serial, .. }
            | Self::NotOfPart { serial, .. }
            | Self::Closed { serial, .. }
            | Self::Quarantined { serial }
            | Self::Duplicate { serial } => serial,
        }
    }

    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
