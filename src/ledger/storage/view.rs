//! A ledger that is open, and one of its transactions as the rules see it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::known::Known;
use super::notary::Notary;
use super::sql::{Query, Sql, Value, values};
use super::tables::{Frame, Mark};
use crate::ledger::runs::Runs;
use crate::ledger::storage::tables::Head;
use crate::ledger::{Finding, KeyError, LedgerError};
use crate::vault::keyring::Ring;

const LEDGER: &str = "SELECT value FROM facts WHERE name = 'ledger'";
const SCOPE: &str = "SELECT p.id, s.id, s.mark FROM products p \
     LEFT JOIN scopes s ON s.product = p.id AND s.template = ?2 WHERE p.name = ?1";
const ADD_PRODUCT: &str = "INSERT INTO products (name) VALUES (?1) ON CONFLICT (name) DO NOTHING";
const ADD_SCOPE: &str = "INSERT INTO scopes (id, product, template, mark) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (product, template) DO NOTHING";

const PRODUCT: &str = "SELECT 1 FROM products WHERE id = ?1";

/// How free tokens are found: each server has an index of its own shape for it.
pub struct Drawing {
    pub one: &'static str,
    /// For a transaction that draws again and again. Each question passes over all that was drawn in
    /// the last seconds, for a server clears index entries away only when no open transaction is
    /// older.
    pub more: &'static str,
    pub fixed: &'static str,
    pub count: &'static str,
}

/// What differs between the servers that SQL is for.
pub struct Backend {
    /// Whether others write at the same time, and a question costs a round trip: what decides is held,
    /// and much is asked at once.
    pub shared: bool,
    /// How many rows of a list are taken in between two looks at the clock.
    pub step: usize,
    /// The number that the next unit gets.
    pub next_unit: &'static str,
    /// The number that the next scope gets.
    pub next_scope: &'static str,
    pub drawing: Drawing,
    /// Whether a run lives.
    pub alive: fn(&View<'_>, run: &str) -> Result<bool, LedgerError>,
    /// Refuses while another run lives, and lets none begin.
    pub refuse_other_runs: fn(&View<'_>) -> Result<(), LedgerError>,
    /// Lets the numbers of new units go on behind the last one, where they are not counted from it.
    pub skip_unit_numbers: Option<&'static str>,
    /// What only the server can check: its pages, and that no rule was taken away.
    pub integrity: fn(&View<'_>) -> Result<Vec<Finding>, LedgerError>,
}

/// Why a ledger's key is not at hand.
#[derive(Debug, Clone)]
pub enum NoKey {
    Missing { path: PathBuf },
    Unread { from: String, what: String },
}

impl NoKey {
    fn error(&self) -> LedgerError {
        match self.clone() {
            Self::Missing { path } => LedgerError::Key(KeyError::KeyMissing { path }),
            Self::Unread { from, what } => LedgerError::Key(KeyError::KeyUnread { from, what }),
        }
    }
}

/// What an open ledger knows for all its transactions.
pub struct Opened {
    pub backend: &'static Backend,
    pub frame: Arc<Frame>,
    pub runs: Runs,
    /// Where this program's file locks are, if others on this computer can tell.
    pub place: Option<String>,
    pub key: Result<Ring, NoKey>,
    /// What marks rows; there as the key is.
    notary: Option<Notary>,
    /// The ledger's own number.
    pub ledger: String,
    /// Row of the scope's product; 0 when it has none yet.
    pub product: i64,
    /// Row of the scope; 0 when it has none yet.
    pub scope: i64,
    /// Last event of which all before it are known to be there.
    pub settled: Cell<i64>,
}

/// Where the rows of a scope are.
pub struct Place {
    ledger: String,
    product: i64,
    scope: Option<(i64, Mark)>,
}

impl Opened {
    pub fn new(
        backend: &'static Backend,
        frame: Arc<Frame>,
        runs: Runs,
        key: Result<Ring, NoKey>,
    ) -> Self {
        Self {
            backend,
            frame,
            runs,
            place: None,
            key,
            notary: None,
            ledger: String::new(),
            product: 0,
            scope: 0,
            settled: Cell::new(i64::MAX),
        }
    }

    /// Finds the ledger's number and the scope's rows.
    pub fn look(&self, sql: &dyn Sql) -> Result<Place, LedgerError> {
        let ledger = sql.value(LEDGER, &[])?;
        let found = sql.first(
            SCOPE,
            values![&self.frame.scope.product, self.template()],
            |row| {
                let scope = match row.get(1)? {
                    Some(id) => Some((id, row.get(2)?)),
                    None => None,
                };
                Ok((row.get(0)?, scope))
            },
        )?;
        let (product, scope) = found.unwrap_or((0, None));
        Ok(Place {
            ledger: ledger.ok_or_else(|| LedgerError::damaged("it has no number of its own"))?,
            product,
            scope,
        })
    }

    /// Takes what was found, proved by its mark.
    ///
    /// # Errors
    /// [`StorageError::Forged`] for who works with the ledger; who only looks is told by the audit.
    pub fn settle(&mut self, place: Place) -> Result<(), LedgerError> {
        self.notary = match &self.key {
            Ok(ring) => Some(Notary::of(ring.seed(), &place.ledger)?),
            Err(_) => None,
        };
        self.ledger = place.ledger;
        self.product = place.product;
        self.scope = place.scope.map_or(0, |(id, _)| id);
        match (place.scope, &self.notary) {
            (Some((id, mark)), Some(notary))
                if !self.frame.run.is_empty()
                    && !notary.knows("scope", &self.row(id, self.product), &mark) =>
            {
                Err(LedgerError::forged(format!(
                    "product {}",
                    self.frame.scope.product
                )))
            }
            _ => Ok(()),
        }
    }

    /// Gives the scope its rows; again changes nothing.
    pub fn enter(&self, sql: &dyn Sql) -> Result<(), LedgerError> {
        sql.change(ADD_PRODUCT, values![&self.frame.scope.product])?;
        let place = self.look(sql)?;
        if place.scope.is_none() {
            let id: i64 = sql.value(self.backend.next_scope, &[])?.unwrap_or(1);
            let mark = self.notary()?.mark("scope", &self.row(id, place.product));
            let values = values![id, place.product, self.template(), &mark];
            sql.change(ADD_SCOPE, values)?;
        }
        Ok(())
    }

    /// Returns what marks rows.
    pub fn notary(&self) -> Result<&Notary, LedgerError> {
        let missing = || LedgerError::damaged("its key is not at hand");
        self.notary.as_ref().ok_or_else(missing)
    }

    /// Returns what knows the ledger's marks, where its key is at hand.
    pub const fn judge(&self) -> Option<&Notary> {
        self.notary.as_ref()
    }

    /// Returns what seals and opens, or says why it is not there.
    pub fn ring(&self) -> Result<&Ring, LedgerError> {
        self.key.as_ref().map_err(NoKey::error)
    }

    /// Returns the scope's row, as it is marked.
    fn row(&self, id: i64, product: i64) -> [Value<'_>; 4] {
        *values![id, product, &self.frame.scope.product, self.template()]
    }

    fn template(&self) -> &str {
        self.frame.scope.template.as_deref().unwrap_or_default()
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To decide and write: what is read is proved, and stays as it is.
    Write,
    /// To add rows that nobody sees yet.
    Stage,
    /// To look at one state: the audit tells what is not as it was.
    Read,
}

/// The chain of one station, as a transaction goes on with it.
#[derive(Clone, Copy)]
pub struct Chain {
    pub station: i64,
    pub head: Head,
}

/// One transaction.
pub struct View<'a> {
    pub sql: &'a dyn Sql,
    pub opened: &'a Opened,
    pub mode: Mode,
    /// Whether the row that keeps lists and claims apart is held.
    pub held: Cell<bool>,
    /// Serials that no live unit had when they were looked up.
    pub absent: RefCell<HashSet<String>>,
    pub chains: RefCell<HashMap<String, Chain>>,
    pub known: RefCell<Known>,
}

impl<'a> View<'a> {
    pub fn new(sql: &'a dyn Sql, opened: &'a Opened, mode: Mode) -> Self {
        Self {
            sql,
            opened,
            mode,
            held: Cell::default(),
            absent: RefCell::default(),
            chains: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// Returns what marks rows.
    pub fn notary(&self) -> Result<&'a Notary, LedgerError> {
        self.opened.notary()
    }

    /// Returns whether others may come in between two questions of this transaction.
    pub fn is_raced(&self) -> bool {
        self.opened.backend.shared && self.mode == Mode::Write
    }

    /// Makes a question whose rows stay as they are where the transaction decides.
    pub fn deciding(&self, text: &'static str, hold: &'static str) -> Query {
        match self.mode {
            Mode::Write => Query::holding(text, hold),
            Mode::Stage | Mode::Read => text.into(),
        }
    }

    /// Refuses a row that somebody wrote who lacks the key.
    ///
    /// # Errors
    /// [`LedgerError::Forged`]
    pub fn prove(
        &self,
        kind: &str,
        row: &[Value<'_>],
        mark: &[u8],
        what: impl FnOnce() -> String,
    ) -> Result<(), LedgerError> {
        match self.notary()?.knows(kind, row, mark) {
            true => Ok(()),
            false => Err(LedgerError::forged(what())),
        }
    }

    /// Keeps lists from beginning and ending in the product, and parts from leaving, while a serial
    /// gets its token.
    ///
    /// Without it a list that gives the serial its own token might be seen, or the serial be away,
    /// just after this transaction drew another token for it.
    pub fn share_product(&self) -> Result<(), LedgerError> {
        match self.is_raced() && !self.held.replace(true) {
            true => self.hold_product(" FOR KEY SHARE"),
            false => Ok(()),
        }
    }

    /// Holds the product's row.
    pub fn hold_product(&self, hold: &'static str) -> Result<(), LedgerError> {
        let query = Query::holding(PRODUCT, hold);
        let product = values![self.opened.product];
        self.sql.rows(query, product, &mut |_| Ok(()))
    }
}
