//! One transaction as the rules see it: each question goes to the file of its concern.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{
    CachedStatement, Connection, OptionalExtension as _, Params, Row, TransactionBehavior,
};

use super::connect::fault;
use super::keys::KeyPlace;
use super::{audit, events, tokens, units};
use crate::ledger::TokenState;
use crate::ledger::runs::Runs;
use crate::ledger::storage::notary::{self, Notary};
use crate::ledger::storage::tables::Head;
use crate::ledger::storage::tables::{
    Completion, Each, EventRow, Frame, Mark, NewToken, Order, Pending, Secrets, Tables, TokenRow,
    UnitRow,
};
use crate::ledger::{Event, Finding, LedgerError, Stock, UnitState};
use crate::unit::{Digest, Fingerprint, Serial};
use crate::vault::home::HomeKey;
use crate::vault::keyring::Ring;

const LEDGER: &str = "SELECT value FROM facts WHERE name = 'ledger'";
const FACT: &str = "SELECT number, value, mark FROM facts WHERE name = ?1";
const NEXT_FACT: &str = "SELECT coalesce(max(number), 0) + 1 FROM facts";
const SET_FACT: &str = "INSERT INTO facts (number, name, value, mark) VALUES (?1, ?2, ?3, ?4)";
const PRODUCT: &str = "SELECT id FROM products WHERE name = ?1";
const ADD_PRODUCT: &str = "INSERT OR IGNORE INTO products (name) VALUES (?1)";
const SCOPE: &str = "SELECT id, mark FROM scopes WHERE product = ?1 AND template = ?2";
const NEXT_SCOPE: &str = "SELECT coalesce(max(id), 0) + 1 FROM scopes";
const ADD_SCOPE: &str = "INSERT INTO scopes (id, product, template, mark) VALUES (?1, ?2, ?3, ?4)";
const COUNTER: &str = "SELECT next, mark FROM counters WHERE product = ?1 AND format = ?2";
const SET_COUNTER: &str = "INSERT INTO counters (product, format, next, mark) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (product, format) DO UPDATE SET next = excluded.next, mark = excluded.mark";

/// What a connection knows for all its transactions.
pub struct Shop {
    pub frame: Arc<Frame>,
    pub runs: Runs,
    pub key: Option<Ring>,
    /// What marks rows; there as the key is.
    pub notary: Option<Notary>,
    /// Where the key comes from, for messages.
    pub place: KeyPlace,
    /// The ledger's own number.
    pub ledger: String,
    /// Row of the scope's product; 0 when it has none yet.
    pub product: i64,
    /// Row of the scope; 0 when it has none yet.
    pub scope: i64,
}

impl Shop {
    /// Reads what stays the same.
    pub fn new(
        conn: &Connection,
        frame: Arc<Frame>,
        (runs, key, place): (Runs, Option<Ring>, KeyPlace),
    ) -> Result<Self, LedgerError> {
        let ledger = conn
            .query_row(LEDGER, [], |row| row.get(0))
            .map_err(fault)?;
        let ledger: String = ledger;
        let notary = key
            .as_ref()
            .map(|ring| Notary::of(ring.seed(), &ledger))
            .transpose()?;
        let mut shop = Self {
            frame,
            runs,
            key,
            notary,
            place,
            ledger,
            product: 0,
            scope: 0,
        };
        shop.locate(conn)?;
        Ok(shop)
    }

    /// Gives the scope its rows.
    pub fn enter(&mut self, conn: &mut Connection) -> Result<(), LedgerError> {
        if self.scope == 0 {
            let transaction = conn
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(fault)?;
            let product = &self.frame.scope.product;
            transaction.execute(ADD_PRODUCT, [product]).map_err(fault)?;
            self.locate(&transaction)?;
            if self.scope == 0 {
                let id = transaction
                    .query_row(NEXT_SCOPE, [], |row| row.get(0))
                    .map_err(fault)?;
                let mark = self.marks()?.mark(&self.row(id));
                transaction
                    .execute(ADD_SCOPE, (id, self.product, self.template(), mark))
                    .map_err(fault)?;
            }
            transaction.commit().map_err(fault)?;
        }
        self.locate(conn)
    }

    /// Returns what marks rows.
    fn marks(&self) -> Result<&Notary, LedgerError> {
        let missing = || LedgerError::damaged("its key is not at hand");
        self.notary.as_ref().ok_or_else(missing)
    }

    /// Returns the scope's row, as it is marked.
    fn row(&self, id: i64) -> notary::Row<'_> {
        notary::Row::Scope {
            id,
            product: (self.product, &self.frame.scope.product),
            template: self.template(),
        }
    }

    /// Finds the scope's rows.
    fn locate(&mut self, conn: &Connection) -> Result<(), LedgerError> {
        let product = conn
            .query_row(PRODUCT, [&self.frame.scope.product], |row| row.get(0))
            .optional()
            .map_err(fault)?;
        self.product = product.unwrap_or(0);
        let scope: Option<(i64, Mark)> = conn
            .query_row(SCOPE, (self.product, self.template()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(fault)?;
        self.scope = scope.map_or(0, |(id, _)| id);
        match (scope, &self.notary) {
            // Who only looks is told by the audit.
            (Some((id, mark)), Some(notary))
                if !self.frame.run.is_empty() && !notary.knows(&self.row(id), &mark) =>
            {
                Err(LedgerError::Forged {
                    what: format!("product {}", self.frame.scope.product),
                })
            }
            _ => Ok(()),
        }
    }

    fn template(&self) -> &str {
        self.frame.scope.template.as_deref().unwrap_or_default()
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To decide and write: what is read is proved.
    Write,
    /// To look: the audit tells what is not as it was.
    Read,
}

/// One transaction.
pub struct View<'a> {
    pub conn: &'a Connection,
    pub shop: &'a Shop,
    pub mode: Mode,
    /// The first token that nobody sees yet.
    pub horizon: Cell<i64>,
    /// Heads of the chains that this transaction added to.
    pub heads: RefCell<HashMap<String, Head>>,
}

impl<'a> View<'a> {
    /// Begins to look at a transaction.
    pub fn new(conn: &'a Connection, shop: &'a Shop, mode: Mode) -> Result<Self, LedgerError> {
        let view = Self {
            conn,
            shop,
            mode,
            horizon: Cell::new(i64::MAX),
            heads: RefCell::default(),
        };
        view.look()?;
        Ok(view)
    }

    /// Finds out which tokens are seen.
    pub fn look(&self) -> Result<(), LedgerError> {
        let pending = tokens::pending(self)?;
        self.horizon
            .set(pending.map_or(i64::MAX, |pending| pending.first));
        Ok(())
    }

    /// Returns what marks rows.
    pub fn notary(&self) -> Result<&'a Notary, LedgerError> {
        self.shop.marks()
    }

    /// Prepares a statement, once for a connection.
    pub fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, LedgerError> {
        self.conn.prepare_cached(sql).map_err(fault)
    }

    /// Returns the first row of an answer.
    pub fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, LedgerError> {
        let row = self.statement(sql)?.query_row(params, read);
        row.optional().map_err(fault)
    }

    /// Changes rows; returns how many.
    pub fn change(&self, sql: &str, params: impl Params) -> Result<usize, LedgerError> {
        self.statement(sql)?.execute(params).map_err(fault)
    }

    /// Reads an answer row by row.
    pub fn scan<T>(
        &self,
        sql: &str,
        params: impl Params,
        (read, each): (
            impl Fn(&Row<'_>) -> rusqlite::Result<T>,
            &mut dyn FnMut(T) -> Result<(), LedgerError>,
        ),
    ) -> Result<(), LedgerError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            each(read(row).map_err(fault)?)?;
        }
        Ok(())
    }

    /// Returns all rows of a short answer.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut all = Vec::new();
        let mut push = |item| {
            all.push(item);
            Ok(())
        };
        self.scan(sql, params, (read, &mut push))?;
        Ok(all)
    }
}

/// Reads text that is the name of something.
pub fn named<T: std::str::FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    text.parse().map_err(|_| odd(index))
}

/// Makes the error of a value that no program wrote.
pub fn odd(index: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        index,
        rusqlite::types::Type::Null,
        "the value is none of those that are written there".into(),
    )
}

impl Tables for View<'_> {
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError> {
        match self.mode {
            Mode::Write => self.proved(name),
            Mode::Read => self.first(FACT, [name], |row| row.get(1)),
        }
    }

    fn proved(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let row: Option<(i64, String, Mark)> = self.first(FACT, [name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let Some((number, value, mark)) = row else {
            return Ok(None);
        };
        let row = notary::Row::Fact {
            number,
            name,
            value: &value,
        };
        match self.notary()?.knows(&row, &mark) {
            true => Ok(Some(value)),
            false => Err(LedgerError::Forged {
                what: format!("fact {name}"),
            }),
        }
    }

    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError> {
        let number = self.first(NEXT_FACT, [], |row| row.get(0))?.unwrap_or(1);
        let row = notary::Row::Fact {
            number,
            name,
            value,
        };
        let mark = self.notary()?.mark(&row);
        self.change(SET_FACT, (number, name, value, mark)).map(drop)
    }

    fn alive(&self, run: &str) -> bool {
        self.shop.runs.alive(run)
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

    fn free(&self, most: usize) -> Result<usize, LedgerError> {
        tokens::free(self, most)
    }

    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
        tokens::set_state(self, token, state)
    }

    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError> {
        tokens::secrets(self, id)
    }

    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
        tokens::picture(self, id)
    }

    fn pending(&self) -> Result<Option<Pending>, LedgerError> {
        tokens::pending(self)
    }

    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError> {
        tokens::begin_import(self, station, run)
    }

    fn add_token(&mut self, token: &NewToken<'_>) -> Result<(), LedgerError> {
        tokens::add(self, token)
    }

    fn complete(
        &mut self,
        token: &TokenRow,
        more: &Completion,
        import: i64,
    ) -> Result<(), LedgerError> {
        tokens::complete(self, token, more, import)
    }

    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
        tokens::add_print(self, print, token)
    }

    fn drop_tokens(&mut self, pending: &Pending, count: usize) -> Result<bool, LedgerError> {
        tokens::drop_some(self, pending, count)
    }

    fn drop_import(&mut self, pending: &Pending) -> Result<(), LedgerError> {
        tokens::drop_import(self, pending)
    }

    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
        tokens::overtaken(self, pending)
    }

    fn end_import(&mut self, pending: &Pending, pictures: u64) -> Result<(), LedgerError> {
        tokens::end_import(self, pending, pictures)
    }

    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError> {
        units::by_id(self, id)
    }

    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
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
        let row: Option<(i64, Mark)> = self.first(COUNTER, (product, format), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let Some((next, mark)) = row else {
            let began = notary::counter_fact(&self.shop.frame.scope.product, format);
            return match self.fact(&began)? {
                Some(_) if self.mode == Mode::Write => Err(LedgerError::Forged {
                    what: format!("the counter of {format}"),
                }),
                _ => Ok(1),
            };
        };
        let row = notary::Row::Counter {
            product,
            format,
            next,
        };
        if self.mode == Mode::Write && !self.notary()?.knows(&row, &mark) {
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
        self.change(SET_COUNTER, (product, format, next, mark))?;
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
