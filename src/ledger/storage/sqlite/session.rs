//! SQL on the connection to a file.

use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::connect::fault;
use crate::ledger::LedgerError;
use crate::ledger::storage::sql::{Ahead, Bulk, Cell, Changes, Query, Row, Sql, Take, Value};

impl Row for rusqlite::Row<'_> {
    fn cell(&self, index: usize) -> Option<Cell<'_>> {
        Some(match self.get_ref(index).ok()? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(value) => Cell::Int(value),
            ValueRef::Text(value) => Cell::Text(str::from_utf8(value).ok()?),
            ValueRef::Blob(value) => Cell::Bytes(value),
            ValueRef::Real(_) => return None,
        })
    }

    fn width(&self) -> usize {
        self.as_ref().column_count()
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Null => Ok(ToSqlOutput::from(Null)),
            Value::Int(value) => value.to_sql(),
            Value::Small(value) => value.to_sql(),
            Value::Flag(value) => value.to_sql(),
            Value::Text(value) => value.to_sql(),
            Value::Bytes(value) => value.to_sql(),
            Value::Many(_) => Err(rusqlite::Error::ToSqlConversionFailure(
                "a file takes no arrays".into(),
            )),
        }
    }
}

/// Statements are prepared once for a connection. Nobody else writes while a transaction does.
impl Sql for Connection {
    fn rows(&self, query: Query, values: &[Value<'_>], each: Take<'_>) -> Result<(), LedgerError> {
        let mut statement = self.prepare_cached(query.text).map_err(fault)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            each(row)?;
        }
        Ok(())
    }

    fn stream(
        &self,
        text: &'static str,
        values: &[Value<'_>],
        _: Ahead<'_>,
        each: Take<'_>,
    ) -> Result<(), LedgerError> {
        self.rows(text.into(), values, each)
    }

    fn change(&self, text: &'static str, values: &[Value<'_>]) -> Result<u64, LedgerError> {
        let mut statement = self.prepare_cached(text).map_err(fault)?;
        let changed = statement.execute(params_from_iter(values)).map_err(fault)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn change_all(&self, changes: &Changes, rows: &[Vec<Value<'_>>]) -> Result<u64, LedgerError> {
        let changed = rows.iter().map(|values| self.change(changes.one, values));
        changed.sum()
    }

    fn add(&self, bulk: &Bulk, values: &[Value<'_>]) -> Result<(), LedgerError> {
        self.change(bulk.insert, values).map(drop)
    }

    fn raced(&self) -> LedgerError {
        LedgerError::damaged("a ledger with one writer had two")
    }
}
