//! Why a ledger cannot answer.

use std::path::PathBuf;

use thiserror::Error;

use crate::pool::Place;
use crate::unit::{Fingerprint, Serial, SerialError};

/// What a back end's own library says.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the ledger could not do what it was asked.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "ledger-")]
#[non_exhaustive]
pub enum LedgerError {
    /// Fewer numbers are left than were asked for; none was taken.
    #[error(
        "{}the serial format {format} has {} left",
        part.map(|part| format!("in part {part} ")).unwrap_or_default(),
        match left { 0 => "no number".to_owned(), 1 => "1 number".to_owned(), _ => format!("{left} numbers") },
    )]
    SerialsUsedUp {
        /// The format.
        format: String,
        /// The part that was given them, where this ledger is one.
        part: Option<i64>,
        /// How many are left.
        left: usize,
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
    #[error("{place} of the token list: {what}")]
    ListConflict {
        /// The row, with its token.
        place: Place,
        /// What contradicts.
        what: String,
    },
    /// The ledger stands in the place of a lost one, which may have put the list's tokens on units.
    #[error(
        "this ledger stands in the place of a lost one, which may have put {} of the list on units: none is \
         taken in until somebody decides",
        match tokens { 1 => "1 token".to_owned(), _ => format!("{tokens} tokens") }
    )]
    ListUndecided {
        /// How many tokens are new here.
        tokens: usize,
    },
    /// A row of a mapping names no unit.
    #[error("{place}: no serial says which unit has it")]
    Unbound {
        /// The row, with its token.
        place: Place,
    },
    /// What a file says of a unit contradicts the ledger or itself; nothing of the file counts.
    #[error("{place}, {serial}: {what}")]
    Row {
        /// Where it stands.
        place: Place,
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
    /// One product's tokens are one organisation's.
    #[error(
        "the ledger holds tokens of organisation {has} for this product, the list is of organisation {list}: use another ledger"
    )]
    OrganisationMixed {
        /// Whose tokens the ledger holds.
        has: String,
        /// Whose tokens the list holds.
        list: String,
    },
    /// Fewer tokens are free than a part should get.
    #[error("{wanted} tokens are wanted for the part, {free} can be given: nothing was split off")]
    PartShort {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        free: usize,
    },
    /// A serial cannot go into a part.
    #[error("{serial} cannot go into the part: {what}")]
    PartSerial {
        /// The unit.
        serial: Serial,
        /// Why not.
        what: String,
    },
    /// A part was begun and not finished.
    #[error(
        "part {part} for station {station}, {count} tokens, was begun and not finished: {what}"
    )]
    PartBegun {
        /// The part's number.
        part: i64,
        /// Who gets it.
        station: String,
        /// How many tokens.
        count: usize,
        /// What to do.
        what: &'static str,
    },
    /// The ledger has no such part.
    #[error("the ledger has no part {part}")]
    NoPart {
        /// The part's number.
        part: i64,
    },
    /// The part is past that.
    #[error("part {part} is {state}: {what}")]
    PartState {
        /// The part's number.
        part: i64,
        /// Its state.
        state: &'static str,
        /// What cannot be done.
        what: &'static str,
    },
    /// This ledger is a part, and its tokens come from its own ledger only.
    #[error("this ledger is part {part} of another one: {what}")]
    IsPart {
        /// The part's number.
        part: i64,
        /// What a part does not do.
        what: &'static str,
    },
    /// Nobody signed the part.
    #[error("the part carries no signature of the ledger that it is from: nothing is made with it")]
    PartUnsigned,
    /// The part is not what was signed.
    #[error("the part is not what its home signed: {what}")]
    PartForged {
        /// What differs.
        what: String,
    },
    /// The part is another station's.
    #[error("the part was made for the station key {to}, this station has {has}")]
    PartForStation {
        /// The id of the key that it is for.
        to: String,
        /// The id of the key at hand.
        has: String,
    },
    /// Somebody else signed the part.
    #[error(
        "the part is signed by the ledger {home}, and the recipe's home is {pinned}: it is forged, or of another line"
    )]
    HomeOther {
        /// Who signed.
        home: String,
        /// Whom the recipe names.
        pinned: String,
    },
    /// Nobody said who home is.
    #[error("the part is signed by the ledger {home}, and the recipe names no home")]
    HomeUnknown {
        /// Who signed.
        home: String,
    },
    /// This ledger is no part.
    #[error("this ledger is no part of another one")]
    NotAPart,
    /// The part belongs to another ledger.
    #[error("the part belongs to the ledger {wants}, this one is {has}")]
    PartOther {
        /// The ledger that the part names, first digits.
        wants: String,
        /// This ledger, first digits.
        has: String,
    },
    /// The part contradicts the ledger or itself; nothing was merged.
    #[error("part {part} was not merged: {first} ({} in all)", findings.len())]
    PartConflict {
        /// The part's number.
        part: i64,
        /// The first finding.
        first: String,
        /// What is wrong.
        findings: Vec<crate::ledger::Finding>,
    },
    /// A restored ledger does not know which numbers were handed out since its backup.
    #[error(
        "numbers of {format} below {known} were handed out before the backup, and nobody knows how many since{}: say where new ones begin",
        given.map(|given| format!("; {given} is below that")).unwrap_or_default()
    )]
    NextNumber {
        /// The format.
        format: String,
        /// The next number, as the backup has it.
        known: u64,
        /// The number that was given.
        given: Option<u64>,
    },
    /// No such token.
    #[error("the ledger has no token {fingerprint}")]
    NoToken {
        /// The token.
        fingerprint: Fingerprint,
    },
    /// Units have tokens that no list brought.
    #[error(
        "{count} units have tokens that the token lists lack, the first {first}: give all lists"
    )]
    TokensMissing {
        /// How many units.
        count: usize,
        /// The first such token.
        first: Fingerprint,
    },
    /// The mirror cannot be written.
    #[error("the mirror {path} cannot be written; what was recorded is in the ledger", path = path.display())]
    Mirror {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The mirror knows what the ledger does not.
    #[error(
        "the mirror {path} has event {seq}, which this ledger lacks: an older copy of the ledger is in use",
        path = path.display()
    )]
    MirrorAhead {
        /// The mirror's file.
        path: PathBuf,
        /// The event.
        seq: i64,
    },
    /// A mirror that was told is not there any more.
    #[error(
        "the mirror {path} is gone: is its disk mounted? To begin it anew, make that file, empty, and call again",
        path = path.display()
    )]
    MirrorGone {
        /// The mirror's file.
        path: PathBuf,
    },
    /// No mirror is there.
    #[error("there is no mirror of the ledger in {path}", path = path.display())]
    MirrorAbsent {
        /// The folder.
        path: PathBuf,
    },
    /// The mirror is of another ledger.
    #[error("the mirror {path} is of another ledger than {has}", path = path.display())]
    MirrorOther {
        /// The mirror's file or folder.
        path: PathBuf,
        /// The ledger, first digits.
        has: String,
    },
    /// The mirror holds units of another product.
    #[error("the mirror holds units of {product}, the recipe is for {wanted}")]
    MirrorProduct {
        /// The other product.
        product: String,
        /// The recipe's.
        wanted: String,
    },
    /// The mirror is damaged.
    #[error("the mirror {path} is damaged: {what}", path = path.display())]
    MirrorDamaged {
        /// The mirror's file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A list came after the backup, and its tokens are not in it.
    #[error(
        "{lists} token lists were taken in since the backup: rebuild the ledger from mirror and lists"
    )]
    ListsSince {
        /// How many.
        lists: u64,
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
    /// What lies beside it says that it was there: its tokens may be on units.
    #[error(
        "the ledger {path} is gone{}: no other one is begun in its place",
        left(traces)
    )]
    Lost {
        /// Where it was.
        path: PathBuf,
        /// What says so.
        traces: Vec<PathBuf>,
    },
    /// A program still writes to it, though its file has no name any more.
    #[error("a program has the lost ledger {path} open: end it first", path = path.display())]
    StillOpen {
        /// Where it was.
        path: PathBuf,
    },
    /// It has events, so it stands in no other ledger's place.
    #[error("there is a ledger already, with what happened in it")]
    Begun,
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
    /// An earlier build wrote it, before any release.
    #[error(
        "the ledger has schema {found}, made by an earlier build that did not mark every row: this one knows {oldest} and later"
    )]
    SchemaOlder {
        /// The ledger's schema.
        found: i64,
        /// The oldest schema that can be read.
        oldest: i64,
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
    /// The key's file is somebody else's.
    #[error(
        "{path} belongs to user {owner}, this program runs as {own}: who owns the key can read and change it; make the file yours",
        path = path.display()
    )]
    KeyForeign {
        /// The key file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// The number of who runs this program.
        own: u32,
    },
    /// The key's file is a link.
    #[error(
        "{path} is a link, and whoever can change it can put another key there: put the file itself there, or name it",
        path = path.display()
    )]
    KeyLink {
        /// The link.
        path: PathBuf,
    },
    /// Nobody who has the key put the next one there.
    #[error(
        "{path} holds the key {id}, and nobody who has the ledger's key put it there: it is not used; remove that file, and call again",
        path = path.display()
    )]
    KeyPlanted {
        /// The file of the next key.
        path: PathBuf,
        /// The id of the key in it.
        id: String,
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
    /// The key cannot be changed now.
    #[error("the ledger's key cannot be changed now: {what}")]
    KeyInUse {
        /// Why not.
        what: &'static str,
    },
    /// Others work with the ledger, at whichever station.
    #[error(
        "station {station} has the ledger open: end its program, or wait a minute if that one died, and call again"
    )]
    RunsLive {
        /// Whose run it is.
        station: String,
    },
    /// A rotation was begun, and rows are sealed with the key before, which nobody brought.
    #[error(
        "a change of the key is not finished, and values are sealed with the one before, {id}: put that one back \
         where the ledger's key comes from, the next one beside the ledger as .key.next, and call: \
         eol-inject ledger key rotate"
    )]
    KeyBefore {
        /// The id of the key before.
        id: String,
    },
    /// The key that waits was the ledger's before.
    #[error(
        "{path} holds the key {id}, which this ledger had before and gave up: remove that file, and call again",
        path = path.display()
    )]
    KeyRetired {
        /// The file of the next key.
        path: PathBuf,
        /// The id of the key in it.
        id: String,
    },
    /// The ledger got another key while this run was at work.
    #[error("the ledger got another key meanwhile: start again")]
    Rotated,
    /// A sealed value does not open: the row was changed.
    #[error("the {column} of token {fingerprint} does not open: its row was changed")]
    Unsealed {
        /// The token.
        fingerprint: Fingerprint,
        /// Which value.
        column: &'static str,
    },
    /// The address of a server cannot be used.
    #[error("the ledger's address cannot be used: {what}")]
    Address {
        /// What is wrong with it; never a password.
        what: String,
    },
    /// A database holds no ledger.
    #[error("the database has no ledger in schema {schema}")]
    NoSchema {
        /// The schema.
        schema: String,
    },
    /// The server is not there, and was waited for.
    #[error("the ledger's server was not reached for {seconds} s: nothing further was begun")]
    Unreachable {
        /// How long was waited.
        seconds: u64,
        /// What the client says.
        source: Cause,
    },
    /// The run was silent for so long that others took it for dead.
    #[error("this run was out of touch for so long that its units were given to others")]
    Overtaken,
    /// Others write, and did not stop in time.
    #[error("the ledger was busy for {seconds} s: another program holds it")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// No space is left.
    #[error("no space is left for the ledger: what it was to record just now is not recorded")]
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
    /// A server lets the role do too little.
    #[error("the server does not let this role do in the ledger's schema what it must")]
    NoRights {
        /// What the server says.
        source: Cause,
    },
    /// What would be a ledger's file is there.
    #[error(
        "{path} is there already, and nothing is written over: name another file, or move it away",
        path = path.display()
    )]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("the ledger is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
        /// What the back end says, if it was that which found it.
        source: Option<Cause>,
    },
    /// A row was written by somebody who lacks the key.
    #[error("the ledger was changed without its key: {what}")]
    Forged {
        /// Which row.
        what: String,
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
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged {
            what: what.into(),
            source: None,
        }
    }
}

/// Says what a lost ledger left: the first of it, and how much more.
fn left(traces: &[PathBuf]) -> String {
    let Some((first, more)) = traces.split_first() else {
        return String::new();
    };
    match more.len() {
        0 => format!(", and {} says that there was one", first.display()),
        more => format!(
            ", and {} and {more} more say that there was one",
            first.display()
        ),
    }
}
