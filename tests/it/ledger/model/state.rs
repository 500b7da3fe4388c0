//! What a ledger in memory holds, and how a change is taken back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use zeroize::Zeroizing;

use eol_inject::ledger::Scope;
use eol_inject::ledger::TokenState;
use eol_inject::ledger::tables::{
    Completion, EventRow, PartRow, PartSerial, Pending, TokenRow, UnitRow,
};
use eol_inject::unit::{AuthToken, QrToken};

/// One stored token.
#[derive(Debug)]
pub struct Stored {
    pub row: TokenRow,
    pub scope: Scope,
    pub token: AuthToken,
    pub qr: Option<QrToken>,
    pub picture: Option<Vec<u8>>,
    pub columns: BTreeMap<String, Zeroizing<String>>,
}

/// One change that can be taken back.
#[derive(Debug)]
pub enum Undo {
    Fact(String),
    Token(i64, TokenState),
    AddedToken(i64),
    Completed(i64, Box<Completion>),
    AddedPrint([u8; 32]),
    Unit(Box<(UnitRow, Scope)>),
    AddedUnit(i64),
    Event,
    Counter((String, String), Option<u64>),
    Pending(Option<Pending>),
    Part(i64, Option<Box<PartRow>>),
    PartSerial((i64, String), Option<PartSerial>),
    Generation(i64),
}

/// All that the ledger holds.
#[derive(Debug, Default)]
pub struct State {
    pub facts: HashMap<String, String>,
    pub tokens: BTreeMap<i64, Stored>,
    /// Fingerprints and QR digests.
    pub prints: HashMap<[u8; 32], i64>,
    pub free: BTreeSet<i64>,
    pub units: BTreeMap<i64, (UnitRow, Scope)>,
    /// All units of a product's serial.
    pub serials: HashMap<(String, String), Vec<i64>>,
    pub events: Vec<EventRow>,
    pub counters: HashMap<(String, String), u64>,
    pub pending: Option<Pending>,
    pub parts: BTreeMap<i64, PartRow>,
    pub part_serials: HashMap<(i64, String), PartSerial>,
    pub generation: i64,
    pub runs: HashSet<String>,
    pub opened: u64,
    pub undo: Vec<Undo>,
}

impl State {
    /// Takes back what the transaction in hand changed.
    pub fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Fact(name) => drop(self.facts.remove(&name)),
                Undo::Token(id, state) => self.put_token(id, state),
                Undo::AddedToken(id) => self.remove_token(id),
                Undo::Completed(id, before) => self.put_back(id, *before),
                Undo::AddedPrint(print) => drop(self.prints.remove(&print)),
                Undo::Unit(old) => drop(self.units.insert(old.0.id, *old)),
                Undo::AddedUnit(id) => self.remove_unit(id),
                Undo::Event => drop(self.events.pop()),
                Undo::Counter(key, Some(next)) => drop(self.counters.insert(key, next)),
                Undo::Counter(key, None) => drop(self.counters.remove(&key)),
                Undo::Pending(old) => self.pending = old,
                Undo::Part(number, Some(old)) => drop(self.parts.insert(number, *old)),
                Undo::Part(number, None) => drop(self.parts.remove(&number)),
                Undo::PartSerial(key, Some(old)) => drop(self.part_serials.insert(key, old)),
                Undo::PartSerial(key, None) => drop(self.part_serials.remove(&key)),
                Undo::Generation(old) => self.generation = old,
            }
        }
    }

    pub fn put_token(&mut self, id: i64, state: TokenState) {
        if let Some(stored) = self.tokens.get_mut(&id) {
            stored.row.state = state;
            if state == TokenState::Free {
                self.free.insert(id);
            } else {
                self.free.remove(&id);
            }
        }
    }

    fn put_back(&mut self, id: i64, before: Completion) {
        if let Some(stored) = self.tokens.get_mut(&id) {
            stored.row.qr = before.qr;
            stored.qr = before.secrets.qr;
            stored.columns = before.secrets.columns;
            stored.picture = before.picture;
        }
    }

    fn remove_token(&mut self, id: i64) {
        self.tokens.remove(&id);
        self.free.remove(&id);
    }

    fn remove_unit(&mut self, id: i64) {
        if let Some((unit, scope)) = self.units.remove(&id)
            && let Some(ids) = self.serials.get_mut(&(scope.product, unit.serial.folded()))
        {
            ids.retain(|other| *other != id);
        }
    }
}
