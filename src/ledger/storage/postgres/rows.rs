//! Columns to values. Whatever no program wrote is damage, not a panic.

use std::str::FromStr;

use postgres::Row;
use postgres::types::FromSql;

use crate::ledger::LedgerError;

/// Returns a column.
pub fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, LedgerError> {
    row.try_get(index).map_err(|error| LedgerError::Damaged {
        what: "a row cannot be read".to_owned(),
        source: Some(error.into()),
    })
}

/// Returns 32 bytes.
pub fn bytes(row: &Row, index: usize) -> Result<[u8; 32], LedgerError> {
    get::<&[u8]>(row, index)?.try_into().map_err(|_| odd())
}

/// Returns 32 bytes, if there are any.
pub fn some_bytes(row: &Row, index: usize) -> Result<Option<[u8; 32]>, LedgerError> {
    let found: Option<&[u8]> = get(row, index)?;
    found
        .map(|found| found.try_into().map_err(|_| odd()))
        .transpose()
}

/// Returns text that is the name of something.
pub fn named<T: FromStr>(row: &Row, index: usize) -> Result<T, LedgerError> {
    get::<&str>(row, index)?.parse().map_err(|_| odd())
}

/// Returns text that is the name of something, if there is any.
pub fn some_named<T: FromStr>(row: &Row, index: usize) -> Result<Option<T>, LedgerError> {
    let found: Option<&str> = get(row, index)?;
    found
        .map(|found| found.parse().map_err(|_| odd()))
        .transpose()
}

/// Makes the error of a value that is none of those that are written there.
pub fn odd() -> LedgerError {
    LedgerError::damaged("a row holds a value that no version wrote")
}
