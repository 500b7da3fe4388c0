//! One transaction as the rules see it: each question goes to the file of its concern.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Write as _;
use std::sync::Arc;

use postgres::types::ToSql;
use postgres::{Row, Statement, Transaction};

use super::events::Chain;
use super::fault::{Cure, cure, meaning};
use super::link::Statements;
use super::load::Rows;
use super::rows::get;
use super::secrets::Sealed;
use super::{audit, events, imports, liveness, rotate, secrets, tokens, units};
use crate::ledger::TokenState;
use crate::ledger::storage::notary::{self, Notary};
use crate::ledger::storage::tables::Head;
use crate::ledger::storage::tables::{
    Completion, Each, EventRow, Frame, NewToken, Order, Pending, Secrets, Tables, TokenRow, UnitRow,
};
use crate::ledger::{Event, Finding, LedgerError, Stock, UnitState};
use crate::unit::{Digest, Fingerprint, Serial};
use crate::vault::home::HomeKey;
use crate::vault::keyring::Ring;

const FACT: &str = "SELECT value, number, mark FROM facts WHERE name = $1";
// Two that find the same number collide, and one of them is done anew.
const NEXT_FACT: &str = "SELECT coalesce(max(number), 0) + 1 FROM facts";
const SET_FACT: &str = "INSERT INTO facts (number, name, value, mark) VALUES ($1, $2, $3, $4)";
const COUNTER: &str = "SELECT next, mark FROM counters WHERE product = $1 AND format = $2";
const HOLD_COUNTER: &str =
    "SELECT next, mark FROM counters WHERE product = $1 AND format = $2 FOR UPDATE";
const ADD_COUNTER: &str = "INSERT INTO counters (product, format, next, mark) VALUES ($1, $2, 1, $3) \
     ON CONFLICT (product, format) DO NOTHING";
const SET_COUNTER: &str =
    "UPDATE counters SET next = $3, mark = $4 WHERE product = $1 AND format = $2";

/// What is done with rows that arrived.
type Take<'a, T> = &'a mut dyn FnMut(&T) -> Result<(), LedgerError>;

/// Rows that are fetched together.
pub const BATCH: i32 = 2000;

/// Units that a mirror told have their numbers from it.
const GO_ON: &str = "SELECT setval('unit_numbers', greatest(max(id), (SELECT last_value FROM unit_numbers))) \
     FROM units";

/// What a connection knows for all its transactions.
pub struct Shop {
    pub frame: Arc<Frame>,
    pub runs: crate::ledger::runs::Runs,
    /// Where this program's file locks are, if others on this computer can tell.
    pub place: Option<String>,
    /// The key, or why it is not there.
    pub key: Result<Ring, String>,
    /// What marks rows; there as the key is.
    pub notary: Option<Notary>,
    /// Where the key comes from.
    pub source: String,
    /// The ledger's own number.
    pub ledger: String,
    /// Row of the scope's product; 0 when it has none yet.
    pub product: i64,
    /// Row of the scope; 0 when it has none yet.
    pub scope: i64,
    /// Last event of which all before it are known to be there.
    pub settled: Cell<i64>,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To decide and write: what is read stays as it is.
    Write,
    /// To add rows that nobody sees yet.
    Stage,
    /// To look at one state.
    Read,
}

/// Why a transaction is of no use, though it might be done anew.
#[derive(Debug)]
pub enum Trouble {
    Server(postgres::Error),
    /// What was read turned out to be half of what another transaction did.
    Raced,
}

/// What was looked up before it was asked for.
#[derive(Default)]
pub struct Ahead {
    pub prints: HashMap<[u8; 32], Option<TokenRow>>,
    pub fixed: HashMap<String, Option<TokenRow>>,
    pub serials: HashMap<String, Option<UnitRow>>,
    pub units: HashMap<i64, UnitRow>,
    pub sealed: HashMap<i64, Sealed>,
    /// Free tokens that this transaction holds, in their order.
    pub drawn: VecDeque<TokenRow>,
    /// Whether it has drawn one.
    pub draws: bool,
}

/// Rows that were added and not sent yet.
#[derive(Default)]
pub struct Load {
    pub tokens: Rows,
    pub pictures: Rows,
    pub prints: Rows,
}

/// One transaction.
pub struct View<'a> {
    transaction: RefCell<Transaction<'a>>,
    statements: RefCell<&'a mut Statements>,
    pub shop: &'a Shop,
    pub mode: Mode,
    trouble: RefCell<Option<Trouble>>,
    /// Whether the server has given the transaction up.
    failed: Cell<bool>,
    /// Whether the row that keeps lists and claims apart is held.
    pub shared: Cell<bool>,
    /// Serials that no live unit had when they were looked up.
    pub absent: RefCell<HashSet<String>>,
    pub chains: RefCell<HashMap<String, Chain>>,
    pub ahead: RefCell<Ahead>,
    pub load: RefCell<Load>,
}

/// Is shown each page of rows before they are handed on.
type Page<'a> = &'a mut dyn FnMut(&[Row]) -> Result<(), LedgerError>;

impl<'a> View<'a> {
    pub fn new(
        (transaction, statements): (Transaction<'a>, &'a mut Statements),
        shop: &'a Shop,
        mode: Mode,
    ) -> Self {
        Self {
            transaction: RefCell::new(transaction),
            statements: RefCell::new(statements),
            shop,
            mode,
            trouble: RefCell::default(),
            failed: Cell::default(),
            shared: Cell::default(),
            absent: RefCell::default(),
            chains: RefCell::default(),
            ahead: RefCell::default(),
            load: RefCell::default(),
        }
    }

    /// Returns what marks rows.
    pub fn notary(&self) -> Result<&'a Notary, LedgerError> {
        let missing = || LedgerError::damaged("its key is not at hand");
        self.shop.notary.as_ref().ok_or_else(missing)
    }

    /// Returns what made the transaction useless, if anything did.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.borrow_mut().take()
    }

    /// Gives the transaction back, to be committed.
    ///
    /// One that the server gave up is none: COMMIT would roll it back without an error.
    pub fn into_transaction(self) -> Result<Transaction<'a>, LedgerError> {
        match self.failed.get() {
            true => Err(LedgerError::damaged(
                "a statement failed and was passed over",
            )),
            false => Ok(self.transaction.into_inner()),
        }
    }

    /// Notes that the transaction has to be done anew.
    pub fn raced(&self) -> LedgerError {
        self.trouble.borrow_mut().get_or_insert(Trouble::Raced);
        LedgerError::damaged("a transaction is done anew")
    }

    /// Says what a fault means, and notes it where another try may help.
    pub fn fault(&self, error: postgres::Error) -> LedgerError {
        self.failed.set(true);
        if cure(&error) == Cure::None {
            return meaning(error);
        }
        let mut trouble = self.trouble.borrow_mut();
        trouble.get_or_insert(Trouble::Server(error));
        LedgerError::damaged("a transaction is done anew")
    }

    /// Prepares a statement, once for a connection.
    fn statement(&self, sql: &'static str) -> Result<Statement, LedgerError> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let made = self.transaction.borrow_mut().prepare(sql);
        let made = made.map_err(|error| self.fault(error))?;
        self.statements.borrow_mut().insert(sql, made.clone());
        Ok(made)
    }

    /// Returns all rows of a short answer.
    pub fn rows(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, LedgerError> {
        let statement = self.statement(sql)?;
        let rows = self.transaction.borrow_mut().query(&statement, params);
        rows.map_err(|error| self.fault(error))
    }

    /// Returns the first row of an answer.
    pub fn first(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, LedgerError> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    /// Changes rows; returns how many.
    pub fn change(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, LedgerError> {
        let statement = self.statement(sql)?;
        let changed = self.transaction.borrow_mut().execute(&statement, params);
        changed.map_err(|error| self.fault(error))
    }

    /// Sends rows in COPY's binary form.
    pub fn copy(&self, sql: &str, rows: &[u8]) -> Result<(), LedgerError> {
        let mut transaction = self.transaction.borrow_mut();
        let mut writer = transaction
            .copy_in(sql)
            .map_err(|error| self.fault(error))?;
        // A fault while rows are sent is told by the end.
        let _ = writer.write_all(rows);
        writer.finish().map_err(|error| self.fault(error)).map(drop)
    }

    /// Reads an answer row by row.
    pub fn scan(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        each: Take<'_, Row>,
    ) -> Result<(), LedgerError> {
        self.scan_ahead(sql, params, (&mut |_| Ok(()), each))
    }

    /// Reads an answer row by row; some rows ahead `ahead` looks up what they will be asked about.
    pub fn scan_ahead(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        (ahead, each): (Page<'_>, Take<'_, Row>),
    ) -> Result<(), LedgerError> {
        let statement = self.statement(sql)?;
        let portal = self.transaction.borrow_mut().bind(&statement, params);
        let portal = portal.map_err(|error| self.fault(error))?;
        loop {
            let rows = self.transaction.borrow_mut().query_portal(&portal, BATCH);
            let rows = rows.map_err(|error| self.fault(error))?;
            if rows.is_empty() {
                return Ok(());
            }
            ahead(&rows)?;
            for row in &rows {
                each(row)?;
            }
        }
    }

    /// Looks many units up, to be asked for next.
    pub fn expect_units(&self, ids: &[i64]) -> Result<(), LedgerError> {
        let found = units::by_ids(self, ids)?;
        let mut ahead = self.ahead.borrow_mut();
        ahead.units = found.into_iter().map(|unit| (unit.id, unit)).collect();
        Ok(())
    }
}

impl Tables for View<'_> {
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError> {
        if self.mode != Mode::Read {
            return self.proved(name);
        }
        let row = self.first(FACT, &[&name])?;
        row.map(|row| get(&row, 0)).transpose()
    }

    fn proved(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let Some(row) = self.first(FACT, &[&name])? else {
            return Ok(None);
        };
        let value: String = get(&row, 0)?;
        let fact = notary::Row::Fact {
            number: get(&row, 1)?,
            name,
            value: &value,
        };
        match self.notary()?.knows(&fact, get(&row, 2)?) {
            true => Ok(Some(value)),
            false => Err(LedgerError::Forged {
                what: format!("fact {name}"),
            }),
        }
    }

    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError> {
        let row = self.first(NEXT_FACT, &[])?;
        let number: i64 = row.map_or(Ok(1), |row| get(&row, 0))?;
        let fact = notary::Row::Fact {
            number,
            name,
            value,
        };
        let mark = self.notary()?.mark(&fact);
        self.change(SET_FACT, &[&number, &name, &value, &&mark[..]])
            .map(drop)
    }

    fn alive(&self, run: &str) -> bool {
        // What cannot be found out counts as alive: a claim that waits is better than a token on
        // two boards.
        liveness::alive(self, run).unwrap_or(true)
    }

    fn token(&self, fingerprint: &Fingerprint) -> Result<Option<TokenRow>, LedgerError> {
        tokens::by_fingerprint(self, fingerprint)
    }

    fn token_of_qr(&self, qr: &Digest) -> Result<Option<TokenRow>, LedgerError> {
        tokens::by_qr(self, qr)
    }

    fn draw(&self) -> Result<Option<TokenRow>, LedgerError> {
        tokens::draw(self)
    }

    fn fixed(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        tokens::fixed(self, folded)
    }

    fn fixed_any(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        tokens::fixed_any(self, folded)
    }

    fn fixed_free(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        tokens::fixed_free(self, count)
    }

    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
        tokens::set_state(self, token, state)
    }

    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError> {
        secrets::secrets(self, id)
    }

    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
        secrets::picture(self, id)
    }

    fn step(&self) -> usize {
        2000
    }

    fn free(&self, most: usize) -> Result<usize, LedgerError> {
        tokens::free(self, most)
    }

    fn share_serials(&self) -> Result<(), LedgerError> {
        tokens::share_serials(self)
    }

    fn refuse_other_runs(&mut self) -> Result<(), LedgerError> {
        rotate::no_other_run(self).map(drop)
    }

    fn skip_unit_numbers(&mut self) -> Result<(), LedgerError> {
        self.first(GO_ON, &[]).map(drop)
    }

    fn hold_serials(&self) -> Result<(), LedgerError> {
        tokens::hold_serials(self)
    }

    fn expect_prints(&self, prints: &[[u8; 32]]) -> Result<(), LedgerError> {
        tokens::expect(self, prints)
    }

    fn expect_serials(&self, folded: &[String]) -> Result<(), LedgerError> {
        tokens::expect_fixed(self, folded)?;
        let found = units::by_serials(self, folded)?;
        let mut ahead = self.ahead.borrow_mut();
        ahead.serials = folded.iter().map(|name| (name.clone(), None)).collect();
        let found = found.into_iter();
        let named = found.map(|unit| (unit.serial.folded(), Some(unit)));
        ahead.serials.extend(named);
        Ok(())
    }

    fn pending(&self) -> Result<Option<Pending>, LedgerError> {
        imports::pending(self)
    }

    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError> {
        imports::begin(self, station, run)
    }

    fn add_token(&mut self, token: &NewToken<'_>) -> Result<(), LedgerError> {
        secrets::add(self, token)
    }

    fn complete(
        &mut self,
        token: &TokenRow,
        more: &Completion,
        import: i64,
    ) -> Result<(), LedgerError> {
        secrets::complete(self, token, more, import)
    }

    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
        secrets::add_print(self, print, token)
    }

    fn drop_tokens(&mut self, pending: &Pending, count: usize) -> Result<bool, LedgerError> {
        imports::drop_some(self, pending, count)
    }

    fn drop_import(&mut self, pending: &Pending) -> Result<(), LedgerError> {
        imports::drop_import(self, pending)
    }

    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
        imports::overtaken(self, pending)
    }

    fn end_import(&mut self, pending: &Pending, pictures: u64) -> Result<(), LedgerError> {
        imports::end(self, pending, pictures)
    }

    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError> {
        if let Some(unit) = self.ahead.borrow().units.get(&id) {
            return Ok(Some(unit.clone()));
        }
        units::by_id(self, id)
    }

    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
        if let Some(unit) = self.ahead.borrow().serials.get(folded) {
            return Ok(unit.clone());
        }
        units::by_serial(self, folded)
    }

    fn unit_on(&self, uid: &str) -> Result<Option<UnitRow>, LedgerError> {
        units::by_board(self, uid)
    }

    fn unit_with(&self, token: i64) -> Result<Option<UnitRow>, LedgerError> {
        units::by_token(self, token)
    }

    fn next_unit(&self) -> Result<i64, LedgerError> {
        units::next(self)
    }

    fn add_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        units::add(self, unit)
    }

    fn set_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        units::set(self, unit)
    }

    fn reserved_at(&self, station: &str) -> Result<Vec<UnitRow>, LedgerError> {
        units::reserved_at(self, station)
    }

    fn stock(&self) -> Result<Stock, LedgerError> {
        let mut stock = Stock::default();
        tokens::count(self, &mut stock)?;
        units::count(self, &mut stock)?;
        Ok(stock)
    }

    fn counter(&self, format: &str) -> Result<u64, LedgerError> {
        let product = self.shop.product;
        let counter = |next| notary::Row::Counter {
            product,
            format,
            next,
        };
        let row = if self.mode == Mode::Read {
            self.first(COUNTER, &[&product, &format])?
        } else {
            let mark = self.notary()?.mark(&counter(1));
            self.change(ADD_COUNTER, &[&product, &format, &&mark[..]])?;
            self.first(HOLD_COUNTER, &[&product, &format])?
        };
        let Some(row) = row else {
            return Ok(1);
        };
        let next: i64 = get(&row, 0)?;
        let fresh = self.mode != Mode::Read && next == 1;
        let began = notary::counter_fact(&self.shop.frame.scope.product, format);
        let removed = fresh && self.fact(&began)?.is_some();
        let mark = get(&row, 1)?;
        if removed || self.mode != Mode::Read && !self.notary()?.knows(&counter(next), mark) {
            return Err(LedgerError::Forged {
                what: format!("the counter of {format}"),
            });
        }
        u64::try_from(next)
            .map_err(|_| LedgerError::damaged(format!("the counter of {format} is negative")))
    }

    fn set_counter(&mut self, format: &str, next: u64) -> Result<(), LedgerError> {
        let next = i64::try_from(next).map_err(|_| LedgerError::SerialsUsedUp {
            format: format.to_owned(),
            part: None,
            left: 0,
        })?;
        let product = self.shop.product;
        let row = notary::Row::Counter {
            product,
            format,
            next,
        };
        let mark = self.notary()?.mark(&row);
        self.change(SET_COUNTER, &[&product, &format, &next, &&mark[..]])?;
        let began = notary::counter_fact(&self.shop.frame.scope.product, format);
        // A counter that stands at its beginning says nothing that a missing one does not.
        if next == 1 || self.fact(&began)?.is_some() {
            return Ok(());
        }
        self.set_fact(&began, "")
    }

    fn head(&self, station: &str) -> Result<Head, LedgerError> {
        events::head(self, station)
    }

    fn add_event(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        events::add(self, row)
    }

    fn vouches(&self, row: &EventRow) -> Option<bool> {
        let notary = self.shop.notary.as_ref()?;
        Some(notary.knows_event(row))
    }

    fn vouches_token(&self, token: &TokenRow) -> Option<bool> {
        let notary = self.shop.notary.as_ref()?;
        Some(notary.knows_token(token))
    }

    fn home(&self) -> Result<Option<HomeKey>, LedgerError> {
        self.shop
            .key
            .as_ref()
            .ok()
            .map(|ring| ring.seed().home())
            .transpose()
    }

    fn events_of(&self, folded: &str) -> Result<Vec<Event>, LedgerError> {
        events::of_serial(self, folded)
    }

    fn events_by(&self, unit: i64) -> Result<Vec<EventRow>, LedgerError> {
        events::of_unit(self, unit)
    }

    fn last_event(&self, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError> {
        events::last(self, unit, kind)
    }

    fn scan_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        units::scan(self, each)
    }

    fn scan_all_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        units::scan_all(self, each)
    }

    fn scan_tokens(
        &self,
        each: Each<'_, (TokenRow, Option<UnitState>)>,
    ) -> Result<(), LedgerError> {
        audit::scan_tokens(self, each)
    }

    fn scan_events(&self, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
        events::scan(self, order, each)
    }

    fn integrity(&self) -> Result<Vec<Finding>, LedgerError> {
        audit::integrity(self)
    }
}
