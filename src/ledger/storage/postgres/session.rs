//! SQL in one transaction on the server.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::io::Write as _;

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Statement, Transaction};

use super::fault::{Cure, cure, meaning};
use super::load::Load;
use crate::ledger::LedgerError;
use crate::ledger::storage::sql::{self, Ahead, Bulk, Changes, Query, Row, Sql, Take, Value};

/// Statements that a connection has prepared, by their text and what they hold.
pub type Statements = HashMap<(&'static str, &'static str), Statement>;

/// Rows that are fetched together.
const BATCH: i32 = 2000;

/// Why a transaction is of no use, though it might be done anew.
#[derive(Debug)]
pub enum Trouble {
    Server(postgres::Error),
    /// What was read turned out to be half of what another transaction did.
    Raced,
}

impl Trouble {
    /// Says what it means where nothing is done anew.
    pub fn meaning(self) -> LedgerError {
        match self {
            Self::Server(error) => meaning(error),
            Self::Raced => LedgerError::damaged("one state was two"),
        }
    }
}

/// When rows are sent that were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    AtOnce,
    /// When [`Session::flush`] is called.
    Later,
}

/// One transaction.
pub struct Session<'a> {
    transaction: RefCell<Transaction<'a>>,
    statements: RefCell<&'a mut Statements>,
    sending: Sending,
    trouble: RefCell<Option<Trouble>>,
    /// Whether the server has given the transaction up.
    failed: Cell<bool>,
    load: RefCell<Load>,
}

impl<'a> Session<'a> {
    pub fn new(
        (transaction, statements): (Transaction<'a>, &'a mut Statements),
        sending: Sending,
    ) -> Self {
        Self {
            transaction: RefCell::new(transaction),
            statements: RefCell::new(statements),
            sending,
            trouble: RefCell::default(),
            failed: Cell::default(),
            load: RefCell::default(),
        }
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

    /// Does statements that have no places and no answer.
    pub fn batch(&self, text: &str) -> Result<(), LedgerError> {
        let done = self.transaction.borrow_mut().batch_execute(text);
        done.map_err(|error| self.fault(error))
    }

    /// Sends the rows that were added.
    pub fn flush(&self) -> Result<(), LedgerError> {
        for (text, rows) in self.load.borrow_mut().take() {
            let mut transaction = self.transaction.borrow_mut();
            let writer = transaction.copy_in(text);
            let mut writer = writer.map_err(|error| self.fault(error))?;
            // A fault while rows are sent is told by the end.
            let _ = writer.write_all(&rows);
            writer.finish().map_err(|error| self.fault(error))?;
        }
        Ok(())
    }

    /// Says what a fault means, and notes it where another try may help.
    fn fault(&self, error: postgres::Error) -> LedgerError {
        self.failed.set(true);
        if cure(&error) == Cure::None {
            return meaning(error);
        }
        let mut trouble = self.trouble.borrow_mut();
        trouble.get_or_insert(Trouble::Server(error));
        LedgerError::damaged("a transaction is done anew")
    }

    /// Prepares a statement, once for a connection.
    fn statement(&self, query: Query) -> Result<Statement, LedgerError> {
        let name = (query.text, query.hold);
        if let Some(known) = self.statements.borrow().get(&name) {
            return Ok(known.clone());
        }
        let text = query.text.replace('?', "$") + query.hold;
        let made = self.transaction.borrow_mut().prepare(&text);
        let made = made.map_err(|error| self.fault(error))?;
        self.statements.borrow_mut().insert(name, made.clone());
        Ok(made)
    }
}

impl Sql for Session<'_> {
    fn rows(&self, query: Query, values: &[Value<'_>], each: Take<'_>) -> Result<(), LedgerError> {
        let statement = self.statement(query)?;
        let rows = self
            .transaction
            .borrow_mut()
            .query(&statement, &places(values));
        let rows = rows.map_err(|error| self.fault(error))?;
        rows.iter().try_for_each(|row| each(row))
    }

    fn stream(
        &self,
        text: &'static str,
        values: &[Value<'_>],
        ahead: Ahead<'_>,
        each: Take<'_>,
    ) -> Result<(), LedgerError> {
        let statement = self.statement(text.into())?;
        let portal = self
            .transaction
            .borrow_mut()
            .bind(&statement, &places(values));
        let portal = portal.map_err(|error| self.fault(error))?;
        loop {
            let rows = self.transaction.borrow_mut().query_portal(&portal, BATCH);
            let rows = rows.map_err(|error| self.fault(error))?;
            if rows.is_empty() {
                return Ok(());
            }
            ahead(&rows.iter().map(|row| row as &dyn Row).collect::<Vec<_>>())?;
            rows.iter().try_for_each(|row| each(row))?;
        }
    }

    fn change(&self, text: &'static str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let statement = self.statement(text.into())?;
        let changed = self
            .transaction
            .borrow_mut()
            .execute(&statement, &places(values));
        changed.map_err(|error| self.fault(error))
    }

    fn change_all(&self, changes: &Changes, rows: &[Vec<Value<'_>>]) -> Result<u64, LedgerError> {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let column = |place: usize| -> Vec<Value<'_>> {
            let values = rows.iter().map(|row| row.get(place).copied());
            values.map(Value::from).collect()
        };
        let columns: Vec<Vec<Value<'_>>> = (0..width).map(column).collect();
        let arrays: Vec<Value<'_>> = columns.iter().map(Value::from).collect();
        self.change(changes.many, &arrays)
    }

    fn add(&self, bulk: &Bulk, values: &[Value<'_>]) -> Result<(), LedgerError> {
        self.load.borrow_mut().add(bulk.copy, values);
        match self.sending {
            Sending::AtOnce => self.flush(),
            Sending::Later => Ok(()),
        }
    }

    fn raced(&self) -> LedgerError {
        self.trouble.borrow_mut().get_or_insert(Trouble::Raced);
        LedgerError::damaged("a transaction is done anew")
    }
}

fn places<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(kind, out),
            Value::Small(value) => value.to_sql(kind, out),
            Value::Flag(value) => value.to_sql(kind, out),
            Value::Text(value) => value.to_sql(kind, out),
            Value::Bytes(value) => value.to_sql(kind, out),
            Value::Many(values) => values.to_sql(kind, out),
        }
    }

    /// A statement that takes another type is refused by the server.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Row for postgres::Row {
    fn cell(&self, index: usize) -> Option<sql::Cell<'_>> {
        let cell = match *self.columns().get(index)?.type_() {
            Type::INT8 => self
                .try_get(index)
                .map(|value: Option<i64>| value.map(sql::Cell::Int)),
            Type::INT2 => self
                .try_get(index)
                .map(|value: Option<i16>| value.map(|value| sql::Cell::Int(value.into()))),
            Type::INT4 => self
                .try_get(index)
                .map(|value: Option<i32>| value.map(|value| sql::Cell::Int(value.into()))),
            Type::BOOL => self
                .try_get(index)
                .map(|value: Option<bool>| value.map(|value| sql::Cell::Int(value.into()))),
            Type::BYTEA => self
                .try_get(index)
                .map(|value: Option<&[u8]>| value.map(sql::Cell::Bytes)),
            _ => self
                .try_get(index)
                .map(|value: Option<&str>| value.map(sql::Cell::Text)),
        };
        Some(cell.ok()?.unwrap_or(sql::Cell::Null))
    }

    fn width(&self) -> usize {
        self.len()
    }
}
