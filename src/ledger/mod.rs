//! The ledger: which unit has which token. It forgets nothing.
//!
//! A unit is written twice: [`Ledger::reserve`] makes the claim durable before anything
//! leaves the program, [`Ledger::confirm`] the outcome after it was read back. Between
//! the two the ledger knows which unit was in hand. Nothing here knows images.

mod adopt;
mod book;
#[cfg(feature = "seal")]
mod crypto;
mod error;
mod event;
mod evidence;
#[cfg(feature = "seal")]
mod files;
mod home;
#[cfg(feature = "seal")]
mod journal;
#[cfg(feature = "seal")]
mod key_source;
#[cfg(feature = "seal")]
mod keyring;
mod met;
#[cfg(feature = "seal")]
mod mirror;
mod part;
mod recipient;
mod reconcile;
mod record;
mod refusal;
mod restore;
mod rework;
#[cfg(feature = "seal")]
mod runs;
mod storage;
#[cfg(feature = "seal")]
mod traces;

pub use adopt::{Adopted, Mapping};
#[cfg(feature = "seal")]
pub use crypto::Key as LedgerKey;
pub use error::LedgerError;
pub use evidence::{Attested, Evidence, Witness};
#[cfg(feature = "seal")]
pub use journal::SealedJournal;
#[cfg(feature = "seal")]
pub use key_source::make_key_file;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use keyring::Rotation;
pub use met::{Met, Spot};
#[cfg(feature = "seal")]
pub use mirror::{History, MirrorState, Mirrored};
pub use part::{Handing, Merge, Part, PartOf, PartState, Return, Share};
pub use recipient::{Recipient, StationKey};
pub use reconcile::{Difference, Disagreement, Reconciliation, TokenRecord};
pub use record::{
    Actor, Attempt, Audit, Claim, Entry, Event, Failure, Finding, Finished, Identity, Import,
    Outcome, Preview, ReadyToken, Reservation, Revealed, RunLock, Scope, Seated, Simulated, Stock,
    Target, UnitRecord, UnitState,
};
pub use refusal::Refusal;
pub use restore::{Clear, Cleared, Replayed, SetAside, Sighting, Witnessed};
pub use rework::{Content, Rework, Reworked};
pub use storage::memory::Memory;
#[cfg(feature = "postgres")]
pub use storage::postgres::{Postgres, Server};
#[cfg(feature = "sqlite")]
pub use storage::sqlite::{KeyPlace, PartFile, Remaking, Sqlite};
pub use storage::tables::TokenState;

#[cfg(feature = "seal")]
use storage::notary;
use storage::tables;

pub use crate::receipt::Receipt;

use crate::pool::Pool;
use crate::recipe::SerialFormat;
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};

/// What every back end does. Each call is one transaction that is durable when it returns.
///
/// A group is all or nothing for the ledger's own faults, and unit by unit for refusals.
pub trait Ledger: Send {
    /// Takes the rows of a token list in; rows that are known already change nothing.
    ///
    /// A row whose token is known with another QR Token, serial or origin is refused with
    /// everything else in the list. Claimed rows become `gone`.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was taken in.
    fn import(&mut self, pool: &Pool, by: &Actor) -> Result<Import, LedgerError>;

    /// Finds out what [`import`](Self::import) would do; nothing is written.
    ///
    /// # Errors
    /// Those of [`import`](Self::import)
    fn preview(&self, pool: &Pool) -> Result<Preview, LedgerError>;

    /// Calls `each` for every token of the scope that a unit may still get, and for those of
    /// claims that are open, in the order of import. What it costs grows with the tokens, and is
    /// a fraction of an [`audit`](Self::audit).
    ///
    /// # Errors
    /// [`LedgerError::Unsealed`] and the like when a token does not open.
    fn ready_tokens(&self, each: &mut dyn FnMut(&ReadyToken)) -> Result<(), LedgerError>;

    /// Returns the serials that [`next_serials`](Self::next_serials) would hand out; none is handed
    /// out.
    ///
    /// # Errors
    /// Those of [`next_serials`](Self::next_serials)
    fn coming_serials(
        &self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError>;

    /// Returns whether a list with this [`source`](Pool::source) was taken in whole.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn knows(&self, source: &Digest) -> Result<bool, LedgerError>;

    /// Counts the tokens and units of the scope.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn stock(&self) -> Result<Stock, LedgerError>;

    /// Counts free tokens of the scope, at most `most`; what it costs does not grow with the ledger.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn free(&self, most: usize) -> Result<usize, LedgerError>;

    /// Returns whether the units are real or simulated; `None` before the first one.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn simulated(&self) -> Result<Option<Simulated>, LedgerError>;

    /// Returns the serials that this station claimed and did not finish, oldest first; not
    /// those that a live run holds, nor those that may be on a board which told no number.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn open_claims(&self, station: &str) -> Result<Vec<Serial>, LedgerError>;

    /// Hands out `count` numbers of `format` that no unit had, one after the other; they are
    /// never handed out again, used or not, but for one that is given back.
    ///
    /// # Errors
    /// [`LedgerError::SerialsUsedUp`] when fewer are left, with how many; none is handed out then.
    fn next_serials(
        &mut self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError>;

    /// Takes back the number that was handed out last, if no unit has it: it is the next one again.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn give_back(&mut self, format: &SerialFormat, serial: &Serial) -> Result<(), LedgerError>;

    /// Returns the bound serials of free tokens, in the list's order, at most `count`.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn bound_serials(&self, count: usize) -> Result<Vec<Serial>, LedgerError>;

    /// Returns why a serial gets no token, whichever board is there; `None` where it has one or
    /// would get one.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn hopeless(&self, serial: &Serial) -> Result<Option<Refusal>, LedgerError>;

    /// Claims a token for each unit; the same serial always gets the same token.
    ///
    /// Every answer stands in the place of its claim. A unit that is finished with the same
    /// image comes back as [`Attempt::Done`] and nothing is written for it.
    ///
    /// # Errors
    /// [`LedgerError`] for the whole group; then no claim of it stands.
    fn reserve(&mut self, claims: &[Claim]) -> Result<Vec<Result<Attempt, Refusal>>, LedgerError>;

    /// Makes outcomes durable: reserved units become prepared (file) or delivered (probe).
    ///
    /// # Errors
    /// [`LedgerError`] with nothing written; the pairs stay with the caller, to try again.
    fn confirm(&mut self, done: &[(Reservation, Receipt)]) -> Result<Vec<Entry>, LedgerError>;

    /// Records that a delivery failed; the claim and its token stay with the unit.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn fail(&mut self, reservation: Reservation, failure: &Failure) -> Result<(), LedgerError>;

    /// Records that the label on the unit was read and is the right one.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn labelled(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError>;

    /// Records that the label of a finished unit is made again, before it is.
    ///
    /// # Errors
    /// [`LedgerError::NotLabelled`] for a unit that is not finished.
    fn reprinted(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError>;

    /// Returns the unit that a label belongs to: of a burnt token the one that had it.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn owner(&self, code: &QrToken) -> Result<Option<UnitRecord>, LedgerError>;

    /// Returns everything about one unit: the live record, or the last one.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn find(&self, serial: &Serial) -> Result<Option<UnitRecord>, LedgerError>;

    /// Returns the live unit that a board is, by the chip's own number.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn on_board(&self, uid: &str) -> Result<Option<UnitRecord>, LedgerError>;

    /// Returns the unit that a token belongs to: of a burnt one the one that had it, void, or
    /// superseded because its board was swapped.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn holder(&self, fingerprint: &Fingerprint) -> Result<Option<UnitRecord>, LedgerError>;

    /// Returns whose a token is that a board shows, to whoever is about to write there. One that no
    /// unit has is handed out to none from here on: somebody else put it there.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was recorded.
    fn met(&mut self, fingerprint: &Fingerprint, spot: Spot<'_>) -> Result<Met, LedgerError>;

    /// Returns the entry of a finished unit, with what its label needs.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn entry(&self, serial: &Serial) -> Result<Option<Entry>, LedgerError>;

    /// Calls `each` for every unit of the scope in order of reservation, superseded ones too.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn units(&self, each: &mut dyn FnMut(UnitRecord)) -> Result<(), LedgerError>;

    /// Returns the event history of one unit, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn history(&self, serial: &Serial) -> Result<Vec<Event>, LedgerError>;

    /// Takes back a claim that no delivery ever started for: the token is free again.
    ///
    /// # Errors
    /// [`LedgerError::NotReleasable`] when anything may carry the token.
    fn release(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError>;

    /// Burns a unit's token: it is never handed out again, and the serial is refused.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn void(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError>;

    /// Works on a unit once more: its row ends, and what stays goes into another one.
    ///
    /// # Errors
    /// [`LedgerError::NotReworkable`] with what hinders it; then nothing changed.
    fn rework(
        &mut self,
        serial: &Serial,
        rework: &Rework,
        by: &Actor,
    ) -> Result<Reworked, LedgerError>;

    /// Takes in units that exist already, with tokens that are on their boards: delivered, with
    /// whatever image. What is known exactly so changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Row`] with the first row that contradicts; then no unit was taken in.
    fn adopt(&mut self, mapping: &Mapping, by: &Actor) -> Result<Adopted, LedgerError>;

    /// Records what witnesses outside say: prepared units become delivered, in the order given.
    ///
    /// # Errors
    /// [`LedgerError::Row`] with the first that contradicts; then nothing was recorded.
    fn attest(&mut self, evidence: &[Evidence], by: &Actor) -> Result<Vec<Attested>, LedgerError>;

    /// Calls `each` for every token of the scope in the order of import.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn tokens(&self, each: &mut dyn FnMut(TokenRecord)) -> Result<(), LedgerError>;

    /// Returns the QR Token that belongs to a token, whatever became of it.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn code(&self, fingerprint: &Fingerprint) -> Result<Option<QrToken>, LedgerError>;

    /// Records that secrets left the ledger in the clear, before they do.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn revealed(&mut self, what: &str, by: &Actor) -> Result<Revealed, LedgerError>;

    /// Records that another image with the token of a finished unit is made, before it is.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn copied(&mut self, serial: &Serial) -> Result<Revealed, LedgerError>;

    /// Returns the AuthToken of a unit, after the disclosure was recorded.
    ///
    /// # Errors
    /// [`LedgerError::NoUnit`]
    fn reveal(&self, serial: &Serial, proof: &Revealed) -> Result<AuthToken, LedgerError>;

    /// Calls `each` for every event after `seq`, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn events_since(&self, seq: i64, each: &mut dyn FnMut(Event)) -> Result<(), LedgerError>;

    /// Replays the events against the tables and checks every sum and uniqueness.
    ///
    /// # Errors
    /// [`LedgerError`] when it could not be found out; findings are no error.
    fn audit(&self) -> Result<Audit, LedgerError>;

    /// Compares the ledger with a station's mirror of it in `folder`; nothing is written.
    ///
    /// # Errors
    /// [`LedgerError::Mirror`] when it cannot be read.
    #[cfg(feature = "seal")]
    fn mirror_state(
        &self,
        station: &str,
        folder: &std::path::Path,
    ) -> Result<MirrorState, LedgerError>;

    /// Records that a backup was made, after it was.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn saved(&mut self, by: &Actor) -> Result<(), LedgerError>;

    /// Records that this ledger was begun in the place of one that is lost, what that left beside
    /// it, and who decided so.
    ///
    /// # Errors
    /// [`LedgerError::Begun`] unless this is the ledger's first event.
    fn begun(&mut self, traces: &[std::path::PathBuf], by: &Actor) -> Result<(), LedgerError>;

    /// Sets aside all that a backup, which this ledger was restored from, calls free or
    /// reserved; new numbers of the format begin where it is said.
    ///
    /// # Errors
    /// [`LedgerError::NextNumber`] when it must be said and is not.
    fn restored(
        &mut self,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError>;

    /// Takes back what was set aside: tokens, and serials of parts that came back without having
    /// been closed.
    ///
    /// # Errors
    /// [`LedgerError::NoUnit`], [`LedgerError::NoToken`]
    fn clear(&mut self, which: &Clear, by: &Actor) -> Result<Cleared, LedgerError>;

    /// Brings a ledger that was restored from a backup up to date by its mirror: nothing is set
    /// aside then, as all that was ever acted upon is known.
    ///
    /// # Errors
    /// [`LedgerError::ListsSince`] when lists came in since; those of a damaged mirror.
    #[cfg(feature = "seal")]
    fn catch_up(
        &mut self,
        history: &History,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError>;

    /// Makes this ledger, which must be empty and have the number of the lost one, from the
    /// mirror of that and from the token lists.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is of no use then.
    #[cfg(feature = "seal")]
    fn rebuild(
        &mut self,
        from: (&History, &[Pool]),
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError>;

    /// Returns which heads and events that others keep are not in this ledger.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn compare(&self, seen: &[Witnessed]) -> Result<Vec<Finding>, LedgerError>;

    /// Returns which tokens and boards this ledger and other sites use twice.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn compare_sites(&self, seen: &[Sighting]) -> Result<Vec<Finding>, LedgerError>;

    /// Takes a share of tokens and serials out for a station without network: they are away
    /// from here on. Goes on with the part that was begun for the station and never finished.
    ///
    /// # Errors
    /// [`LedgerError`]; then nothing was split off.
    fn split(
        &mut self,
        station: (&str, &Recipient),
        share: &Share,
        by: &Actor,
    ) -> Result<Handing, LedgerError>;

    /// Records that a part's file is whole, before it gets the name by which it leaves.
    ///
    /// # Errors
    /// [`LedgerError::PartState`] when that was recorded before: a part leaves once.
    fn handed(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError>;

    /// Returns all parts, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn parts(&self) -> Result<Vec<Part>, LedgerError>;

    /// Burns the tokens of a part that will not come back.
    ///
    /// # Errors
    /// [`LedgerError::NoPart`], [`LedgerError::PartState`]
    fn void_part(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError>;

    /// Makes this ledger, which must be empty, the part.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is of no use then.
    fn found_part(&mut self, handing: &Handing, by: &Actor) -> Result<(), LedgerError>;

    /// Returns which part of which ledger this one is.
    ///
    /// # Errors
    /// [`LedgerError`]
    fn part_of(&self) -> Result<Option<PartOf>, LedgerError>;

    /// Records in a part that it goes back: it gives no token out any more.
    ///
    /// # Errors
    /// [`LedgerError::NotAPart`]
    fn close_part(&mut self, by: &Actor) -> Result<(), LedgerError>;

    /// Reads what a part brings back, and replays its chains; its key is not needed.
    ///
    /// # Errors
    /// [`LedgerError::NotAPart`]; what is wrong in it is told when it is merged.
    fn bring_back(&self) -> Result<Return, LedgerError>;

    /// Takes a part back: its units, and the tokens that it did not use. These are free again if
    /// the part was closed; if it was not, they are quarantined, and its serials get no token.
    ///
    /// # Errors
    /// [`LedgerError::PartConflict`] with all that contradicts; then nothing was merged.
    fn merge(&mut self, back: &Return, by: &Actor) -> Result<Merge, LedgerError>;
}
