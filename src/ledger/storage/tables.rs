//! What a back end stores: rows in, rows out, in transactions. No rule is in here.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::ledger::KeyError;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use zeroize::Zeroizing;

use crate::ledger::part::Part;
use crate::ledger::record::{Event, Finding, Outcome, Target, TokenState, UnitRecord, UnitState};
use crate::ledger::{Identity, LedgerError, Scope, Stock};
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};
#[cfg(feature = "seal")]
use crate::vault::home::HomeKey;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::vault::keyring::Rotation;

/// A token without its secrets.
#[derive(Debug, Clone)]
pub struct TokenRow {
    pub id: i64,
    pub import: i64,
    pub fingerprint: Fingerprint,
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
    pub token: AuthToken,
    pub qr: Option<QrToken>,
    pub columns: BTreeMap<String, Zeroizing<String>>,
}

impl Secrets {
    /// Returns the columns as they are sealed; `None` where there are none.
    #[cfg(feature = "seal")]
    pub fn plain_columns(
        columns: &BTreeMap<String, Zeroizing<String>>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LedgerError> {
        if columns.is_empty() {
            return Ok(None);
        }
        let named = columns.iter();
        let plain: BTreeMap<&str, &str> = named
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let plain = serde_json::to_vec(&plain).map(Zeroizing::new);
        plain.map(Some).map_err(LedgerError::storage)
    }
}

/// All that is known of a token after a later list told more.
pub struct Completion {
    pub secrets: Secrets,
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
    pub id: i64,
    pub import: i64,
    pub fingerprint: Fingerprint,
    pub qr: Option<Digest>,
    pub row: &'a crate::pool::Row,
}

/// A unit, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRow {
    pub id: i64,
    pub serial: Serial,
    pub token: i64,
    pub fingerprint: Fingerprint,
    pub state: UnitState,
    pub uid: Option<String>,
    pub image: Digest,
    pub recipe: Digest,
    pub digest: Option<Digest>,
    pub target: Target,
    pub durable: bool,
    pub station: String,
    /// Empty where a decision made the row.
    pub run: String,
    pub attempt: i64,
    /// Whether the last attempt has no outcome yet.
    pub pending: bool,
    /// Whether anything may carry the token.
    pub touched: bool,
    pub labelled_at: Option<String>,
    pub at: String,
    pub event: Digest,
    /// Whether it belongs to the scope in hand, and not only to its product.
    pub ours: bool,
}

impl UnitRow {
    /// Returns a unit of which no event tells yet: the first one, which
    /// [`append_unit`](crate::ledger::history::event::append_unit) adds, says when and as what.
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
    pub fn record(self, alive: bool) -> UnitRecord {
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
    pub(super) const fn tokens(&mut self, state: TokenState) -> &mut u64 {
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
    pub(super) const fn units(&mut self, state: UnitState) -> Option<&mut u64> {
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
    pub id: i64,
    /// The import's first token; all tokens from here on are unseen.
    pub first: i64,
    /// The last unit when it began.
    pub unit: i64,
    pub run: String,
    pub station: String,
}

/// What a row carries so that nobody without the ledger's key can write one.
pub type Mark = [u8; 32];

/// The last event of a station: how many there are, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub link: i64,
    pub hash: Digest,
}

/// An event with what only the tables know about it.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub event: Event,
    pub unit: Option<i64>,
    pub link: i64,
    /// `None` where it is not of a back end's tables: whatever adds it there marks it.
    pub mark: Option<Mark>,
}

/// Heads of a part's chains: station, place and hash of the last event.
pub type Heads = Vec<(String, i64, String)>;

/// A part of the ledger, as stored.
#[derive(Debug, Clone)]
pub struct PartRow {
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

/// The order in which events are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Station by station, as chained.
    Chain,
    /// Unit by unit, as they happened; only those of a unit.
    Unit,
    /// As they happened, without those up to this one.
    After(i64),
}

/// A callback that stops a scan with its error.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> Result<(), LedgerError>;

/// Facts that are fixed once, and the counters of serials.
pub trait Facts {
    /// Returns a fixed fact about the ledger.
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError>;
    /// Returns a fixed fact about the ledger, proved by its key also where nothing is written.
    ///
    /// [`fact`](Self::fact) proves what a decision rests on, and nothing that is only looked at.
    fn proved(&self, name: &str) -> Result<Option<String>, LedgerError> {
        self.fact(name)
    }
    /// Fixes a fact about the ledger.
    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError>;
    /// Returns whether another run lives.
    fn alive(&self, run: &str) -> bool;
    /// Refuses while another run lives; none begins from here to the transaction's end.
    ///
    /// A back end with one writer at a time, which makes its ledger anew under a hidden name, has
    /// nothing to do.
    #[cfg(feature = "seal")]
    fn refuse_other_runs(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Returns what the ledger signs its parts with; `None` where it has no key.
    #[cfg(feature = "seal")]
    fn home(&self) -> Result<Option<HomeKey>, LedgerError> {
        Ok(None)
    }
    /// Returns the next number of a serial format.
    fn counter(&self, format: &str) -> Result<u64, LedgerError>;
    /// Sets the next number of a serial format, which was looked at before.
    fn set_counter(&mut self, format: &str, next: u64) -> Result<(), LedgerError>;
}

/// Tokens: found, drawn, counted.
pub trait Tokens {
    /// Returns a token by its fingerprint.
    fn token(&self, fingerprint: &Fingerprint) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token of a QR Token.
    fn token_of_qr(&self, qr: &Digest) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the scope's oldest free token that no list fixes to a serial.
    fn draw(&self) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token that a list fixes to a serial, one that can still be used first.
    fn fixed(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token that a list fixes to a serial, unseen ones too; not void or gone ones.
    fn fixed_any(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the serials of free tokens that are fixed to one, in order.
    fn fixed_free(&self, count: usize) -> Result<Vec<Serial>, LedgerError>;
    /// Counts free tokens, at most so many; what it costs does not grow with what is stored.
    fn free(&self, most: usize) -> Result<usize, LedgerError>;
    /// Keeps serials from going away, and lists from fixing them, until the transaction ends.
    ///
    /// A back end with one writer at a time has nothing to do.
    fn share_serials(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Waits for all who [share](Self::share_serials) the product's serials, and keeps them out.
    fn hold_serials(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Changes a token's state.
    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError>;
    /// Returns how many rows of a list are taken in between two looks at the clock.
    fn step(&self) -> usize {
        64
    }
    /// Says which prints are looked up next; a back end far away asks for them at once.
    fn expect_prints(&self, _: &[[u8; 32]]) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Says which serials are looked up next.
    fn expect_serials(&self, _: &[String]) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Returns whether a token got its state with the ledger's key; `None` where that is not at hand.
    fn vouches_token(&self, _: &TokenRow) -> Option<bool> {
        None
    }
    /// Counts tokens and units of the scope.
    fn stock(&self) -> Result<Stock, LedgerError>;
    /// Reads all seen tokens of all scopes in order, with the state of each live unit.
    fn scan_tokens(&self, each: Each<'_, (TokenRow, Option<UnitState>)>)
    -> Result<(), LedgerError>;
    /// Checks what only the back end can: its pages, indexes and rules.
    fn integrity(&self) -> Result<Vec<Finding>, LedgerError>;
}

/// What is sealed of tokens.
pub trait SealedValues {
    /// Opens a token's secrets.
    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError>;
    /// Opens a token's picture.
    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError>;
    /// Adds an unseen token; it is found by its prints only after they are added.
    fn add_token(&mut self, token: &NewToken<'_>) -> Result<(), LedgerError>;
    /// Adds the fingerprint or QR digest of an unseen token.
    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError>;
    /// Stores what a list tells of a known token beyond what was known.
    fn complete(
        &mut self,
        token: &TokenRow,
        more: &Completion,
        import: i64,
    ) -> Result<(), LedgerError>;
}

/// Lists on their way in.
pub trait Imports {
    /// Returns the unfinished import.
    fn pending(&self) -> Result<Option<Pending>, LedgerError>;
    /// Begins an import.
    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError>;
    /// Drops at most `count` tokens of the unfinished import; returns whether some are left.
    fn drop_tokens(&mut self, pending: &Pending, count: usize) -> Result<bool, LedgerError>;
    /// Forgets an unfinished import without tokens.
    fn drop_import(&mut self, pending: &Pending) -> Result<(), LedgerError>;
    /// Returns a serial that was claimed since the import began and that it fixes to a token.
    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError>;
    /// Makes the tokens of an import seen.
    fn end_import(&mut self, pending: &Pending, pictures: u64) -> Result<(), LedgerError>;
}

/// Units.
pub trait Units {
    /// Returns a unit by its number.
    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns a product's unit by its serial: the live one, else the last one.
    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns the product's live unit on a board.
    fn unit_on(&self, uid: &str) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns the unit that has a token now, else the last one that had it.
    fn unit_with(&self, token: i64) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns the number that the next unit gets.
    fn next_unit(&self) -> Result<i64, LedgerError>;
    /// Lets the numbers of new units go on behind the last one.
    #[cfg(feature = "seal")]
    fn skip_unit_numbers(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Adds a unit.
    fn add_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError>;
    /// Changes a unit.
    fn set_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError>;
    /// Returns the scope's reserved units of a station, oldest first.
    fn reserved_at(&self, station: &str) -> Result<Vec<UnitRow>, LedgerError>;
    /// Reads the scope's units in order.
    fn scan_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError>;
    /// Reads all units of all scopes in order.
    fn scan_all_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError>;
}

/// Events, and the chain that each station goes on with.
pub trait Events {
    /// Returns the head of a station's chain.
    fn head(&self, station: &str) -> Result<Head, LedgerError>;
    /// Adds an event.
    fn add_event(&mut self, row: &EventRow) -> Result<(), LedgerError>;
    /// Returns whether an event was written with the ledger's key; `None` where that is not at hand.
    fn vouches(&self, _: &EventRow) -> Option<bool> {
        None
    }
    /// Returns the events of all units that a product's serial had, oldest first.
    fn events_of(&self, folded: &str) -> Result<Vec<Event>, LedgerError>;
    /// Returns the events of one unit, oldest first.
    fn events_by(&self, unit: i64) -> Result<Vec<EventRow>, LedgerError>;
    /// Returns the last event of a kind about a unit.
    fn last_event(&self, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError>;
    /// Reads all events.
    fn scan_events(&self, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError>;
}

/// Parts of the ledger, and its generations.
pub trait Parts {
    /// Returns a part by its number.
    fn part(&self, number: i64) -> Result<Option<PartRow>, LedgerError>;
    /// Returns the parts behind a number, in order.
    fn parts_after(&self, number: i64) -> Result<Vec<PartRow>, LedgerError>;
    /// Adds a part.
    fn add_part(&mut self, row: &PartRow) -> Result<(), LedgerError>;
    /// Changes a part.
    fn set_part(&mut self, row: &PartRow) -> Result<(), LedgerError>;
    /// Returns a serial that was named for a part, or cleared of it.
    fn part_serial(&self, part: i64, folded: &str) -> Result<Option<PartSerial>, LedgerError>;
    /// Notes a serial that is named for a part, or when it is cleared.
    fn set_part_serial(
        &mut self,
        part: i64,
        serial: &Serial,
        cleared: Option<&str>,
    ) -> Result<(), LedgerError>;
    /// Returns how often the ledger was restored or made anew.
    fn generation(&self) -> Result<i64, LedgerError>;
    /// Begins a generation.
    fn add_generation(&mut self, number: i64) -> Result<(), LedgerError>;
}

/// One transaction's view of the rows.
pub trait Tables: Facts + Tokens + SealedValues + Imports + Units + Events + Parts {}

impl<T: Facts + Tokens + SealedValues + Imports + Units + Events + Parts> Tables for T {}

/// What one transaction does.
pub type Work<'w> = &'w mut dyn FnMut(&mut dyn Tables) -> Result<(), LedgerError>;
/// What is looked up on one consistent state.
pub type Look<'w> = &'w mut dyn FnMut(&dyn Tables) -> Result<(), LedgerError>;

/// A ledger's storage: transactions over [`Tables`].
pub trait Store: Send {
    /// Returns who has it open.
    fn frame(&self) -> &Arc<Frame>;

    /// Does `work` in one transaction that is durable when this returns, or not at all.
    ///
    /// A back end with concurrent writers does `work` anew when others came in between, or when
    /// it lost its server: whatever it changes outside the tables is made from scratch each time.
    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError>;

    /// Does `work` once, in a transaction that is durable only after the next
    /// [`write`](Self::write).
    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError>;

    /// Does `work` on one consistent state, and anew like [`write`](Self::write).
    fn read(&self, work: Look<'_>) -> Result<(), LedgerError> {
        self.scan(work)
    }

    /// Does `work` on one consistent state, once: it hands rows on as it goes.
    fn scan(&self, work: Look<'_>) -> Result<(), LedgerError>;

    /// Waits until the events that can be seen are all up to the last of them.
    fn settle(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Seals everything with another key.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn rotate(
        &mut self,
        _by: &crate::ledger::Actor,
        _step: &mut dyn FnMut(u64),
    ) -> Result<Rotation, LedgerError> {
        Err(LedgerError::Key(KeyError::KeyInUse {
            what: "it has none",
        }))
    }
}

/// Returns what the last call of `work` came to.
pub fn answer<T>(
    run: impl FnOnce(
        &mut dyn FnMut(Result<T, LedgerError>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError>,
) -> Result<T, LedgerError> {
    let mut last = None;
    run(&mut |answer| {
        last = Some(answer?);
        Ok(())
    })?;
    last.ok_or_else(|| LedgerError::damaged("a transaction was not done"))
}

/// Does `work` as [`Store::write`] does, and returns its answer.
pub fn write<T>(
    store: &mut dyn Store,
    mut work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    answer(|keep| store.write(&mut |tables| keep(work(tables))))
}

/// Does `work` as [`Store::read`] does, and returns its answer.
pub fn read<T>(
    store: &dyn Store,
    mut work: impl FnMut(&dyn Tables) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    answer(|keep| store.read(&mut |tables| keep(work(tables))))
}

/// Who has a ledger open, and for what.
#[derive(Debug)]
pub struct Frame {
    pub scope: Scope,
    pub identity: Identity,
    pub run: String,
    /// The run's lock, where it has one.
    lock: Weak<File>,
    /// The units that this run has in hand.
    holds: Mutex<HashMap<i64, Weak<()>>>,
    /// All parts up to this one came back or were burnt: that never changes.
    ended: AtomicI64,
}

impl Frame {
    pub fn new(scope: &Scope, identity: Identity, run: String) -> Self {
        Self {
            scope: scope.clone(),
            identity,
            run,
            lock: Weak::new(),
            holds: Mutex::default(),
            ended: AtomicI64::default(),
        }
    }

    /// Takes the lock by which others know that the run lives.
    #[cfg(feature = "seal")]
    pub fn with_lock(mut self, lock: Weak<File>) -> Self {
        self.lock = lock;
        self
    }

    /// Returns that lock, to be held by what works on a unit.
    pub fn lock(&self) -> Weak<File> {
        Weak::clone(&self.lock)
    }

    /// Notes that this run has a unit in hand until the answer is dropped.
    pub fn take(&self, unit: i64) -> Arc<()> {
        let hold = Arc::new(());
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        // Clearing up now and then keeps the cost of one small, however large the group.
        if holds.len() == holds.capacity() {
            holds.retain(|_, hold| hold.strong_count() > 0);
        }
        holds.insert(unit, Arc::downgrade(&hold));
        hold
    }

    /// Notes that all parts up to one have ended, as a transaction that changes no part saw it.
    pub fn note_ended(&self, part: i64) {
        self.ended.fetch_max(part, Ordering::Relaxed);
    }

    /// Returns the part up to which all have ended, as far as is known.
    pub fn ended(&self) -> i64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Returns whether a live run has the unit in hand, this one included.
    pub fn in_hand(&self, tables: &dyn Tables, unit: &UnitRow) -> bool {
        if !unit.pending {
            return false;
        }
        if unit.run != self.run {
            return tables.alive(&unit.run);
        }
        let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds
            .get(&unit.id)
            .is_some_and(|hold| hold.strong_count() > 0)
    }
}
