//! Why a ledger cannot answer, and why it refuses a unit.

use std::path::PathBuf;

use thiserror::Error;

use crate::unit::{Fingerprint, Serial, SerialError};

/// What a back end's own library says.
type Cause = Box<dyn std::error::Error + Send + Sync>;

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
    #[error("{serial} is in work at station {station}: wait for it, or end that run")]
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
    #[error("{serial} was delivered with image {image}, this run has {wanted}: rework it first")]
    Finished {
        /// The unit.
        serial: Serial,
        /// First digits of the digest of the image that it has.
        image: String,
        /// First digits of the digest of this run's image.
        wanted: String,
    },
    /// The claim belongs to another board.
    #[error("{serial} belongs to the board {claimed}, this board is {seen}: rework it first")]
    OtherBoard {
        /// The unit.
        serial: Serial,
        /// The board's number in the record.
        claimed: String,
        /// The board's number as it was read.
        seen: String,
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
    /// The board is another unit already.
    #[error("the board {uid} is {holder} already, so it cannot become {serial}")]
    BoardTaken {
        /// The unit.
        serial: Serial,
        /// The board's number.
        uid: String,
        /// The unit that it is.
        holder: Serial,
    },
    /// The board holds a token that is not this unit's.
    #[error("the board holds token {fingerprint}, which {whose}: it cannot become {serial}")]
    OtherToken {
        /// The unit.
        serial: Serial,
        /// The token that the board holds.
        fingerprint: Fingerprint,
        /// What the ledger knows of that token.
        whose: String,
    },
    /// No token is left.
    #[error("no free token is left for {serial}: import another list")]
    PoolEmpty {
        /// The unit.
        serial: Serial,
    },
    /// The same serial stands twice in one group.
    #[error("{serial} is named twice")]
    Twice {
        /// The unit.
        serial: Serial,
    },
}

impl Refusal {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// Why the ledger could not do what it was asked.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum LedgerError {
    /// The format has no more numbers.
    #[error("the serial format {format} has no number left")]
    SerialsUsedUp {
        /// The format.
        format: String,
    },
    /// The format makes no serials.
    #[error("the serial format {format} makes no serial")]
    SerialFormat {
        /// The format.
        format: String,
        /// Why not.
        source: SerialError,
    },
    /// Something may carry the token.
    #[error("the claim of {serial} cannot be released: {reason}")]
    NotReleasable {
        /// The unit.
        serial: Serial,
        /// What may carry it, and what to do.
        reason: String,
    },
    /// The token cannot be burnt now.
    #[error("{serial} cannot be voided: {reason}")]
    NotVoidable {
        /// The unit.
        serial: Serial,
        /// Why not.
        reason: String,
    },
    /// The unit cannot be reworked this way.
    #[error("{serial} cannot be reworked: {reason}")]
    NotReworkable {
        /// The unit.
        serial: Serial,
        /// What hinders it.
        reason: String,
    },
    /// A label was read for a unit that has no image yet.
    #[error("{serial} cannot be labelled: it is {state}")]
    NotLabelled {
        /// The unit.
        serial: Serial,
        /// Its state.
        state: &'static str,
    },
    /// No such unit.
    #[error("the ledger has no unit {serial}")]
    NoUnit {
        /// The serial.
        serial: Serial,
    },
    /// Somebody else claimed the unit after this run did.
    #[error(
        "the claim of {serial} is stale: this run holds epoch {held}, station {station} has claimed epoch {current}; read the unit before it moves on"
    )]
    Stale {
        /// The unit.
        serial: Serial,
        /// The epoch of the reservation.
        held: i64,
        /// The epoch in the ledger.
        current: i64,
        /// Who claimed it last.
        station: String,
    },
    /// The receipt is about another unit or token.
    #[error("the receipt is of {found}, the claim of {serial} with token {fingerprint}")]
    WrongReceipt {
        /// The unit of the claim.
        serial: Serial,
        /// The token of the claim.
        fingerprint: Fingerprint,
        /// What the receipt says.
        found: String,
    },
    /// The list contradicts the ledger or itself; nothing was taken in.
    #[error("row {row} of the token list, token {fingerprint}: {what}")]
    ListConflict {
        /// The row, from 1.
        row: usize,
        /// The row's token.
        fingerprint: Fingerprint,
        /// What contradicts.
        what: String,
    },
    /// A row of a mapping names no unit.
    #[error("row {row}, token {fingerprint}: no serial says which unit has it")]
    Unbound {
        /// The row, from 1.
        row: usize,
        /// The row's token.
        fingerprint: Fingerprint,
    },
    /// What a file says of a unit contradicts the ledger or itself; nothing of the file counts.
    #[error("row {row}, {serial}: {what}")]
    Row {
        /// The row or line, from 1.
        row: usize,
        /// The unit.
        serial: Serial,
        /// What contradicts.
        what: String,
    },
    /// Exported and generated tokens are never mixed.
    #[error("the ledger holds {has} tokens, the list has {list} ones: use another ledger")]
    OriginMixed {
        /// Where the ledger's tokens come from.
        has: String,
        /// Where the list's tokens come from.
        list: String,
    },
    /// Another import is going on.
    #[error("station {station} is importing a token list: wait for it, then import again")]
    ImportBusy {
        /// Who imports.
        station: String,
    },
    /// Real and simulated units are never mixed.
    #[error("the ledger holds {has} units, this run makes {asked} ones: use another ledger")]
    SimulatedMixed {
        /// What the ledger holds.
        has: &'static str,
        /// What the run makes.
        asked: &'static str,
    },
    /// No ledger is there.
    #[error("there is no ledger at {path}", path = path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is no ledger", path = path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error("the ledger has schema {found}, this version knows up to {known}: update it")]
    SchemaNewer {
        /// The ledger's schema.
        found: i64,
        /// The newest known schema.
        known: i64,
    },
    /// The key can be read by others.
    #[error(
        "{path} has mode {mode:04o}, wanted 0600: others may have read the key; make it owner-only",
        path = path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The ledger holds rows, its key is not there.
    #[error(
        "the ledger's key {path} is missing and its tokens cannot be read: put the key back",
        path = path.display()
    )]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The key file is not whole.
    #[error("{path} holds no key: put the ledger's key back", path = path.display())]
    KeyDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// The key cannot be had from where it should come.
    #[error("the ledger's key cannot be had from {from}: {what}")]
    KeyUnread {
        /// Where it should come from.
        from: String,
        /// Why not.
        what: String,
    },
    /// The key belongs to another ledger.
    #[error(
        "{path} holds the key {has}, the ledger was sealed with {wants}",
        path = path.display()
    )]
    KeyWrong {
        /// The key file.
        path: PathBuf,
        /// The id of the key in it.
        has: String,
        /// The id of the ledger's key.
        wants: String,
    },
    /// A sealed value does not open: the row was changed.
    #[error("the {column} of token {fingerprint} does not open: its row was changed")]
    Unsealed {
        /// The token.
        fingerprint: Fingerprint,
        /// Which value.
        column: &'static str,
    },
    /// Others write, and did not stop in time.
    #[error("the ledger was busy for {seconds} s: another program holds it")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// No space is left.
    #[error("no space is left for the ledger: nothing was written")]
    Full {
        /// What the back end says.
        source: Cause,
    },
    /// It cannot be written.
    #[error("the ledger cannot be written: check its folder's and its file's permissions")]
    ReadOnly {
        /// What the back end says.
        source: Cause,
    },
    /// It is damaged.
    #[error("the ledger is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
        /// What the back end says, if it was that which found it.
        source: Option<Cause>,
    },
    /// Any other fault of the back end.
    #[error("the ledger does not answer")]
    Storage {
        /// What the back end says.
        source: Cause,
    },
    /// A file beside the ledger cannot be made or read.
    #[error("cannot use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl LedgerError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Makes the error of a row that says what no program wrote.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged {
            what: what.into(),
            source: None,
        }
    }
}
