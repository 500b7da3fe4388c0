//! SQL as both servers take it: statements, values in, rows out.
//!
//! A statement is written once, with its places as `?1`, `?2` and so on. PostgreSQL's client writes
//! them as `$1` when it prepares the statement, once for a connection.

use std::str::FromStr;

use crate::ledger::LedgerError;
use crate::ledger::record::Target;
use crate::unit::{Digest, Fingerprint, Serial};

/// A question, and how the rows of its answer are kept as they are until the transaction ends.
///
/// A file has one writer at a time, and nothing to keep.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    pub text: &'static str,
    /// ` FOR UPDATE` and the like, put behind the text.
    pub hold: &'static str,
}

impl Query {
    pub const fn holding(text: &'static str, hold: &'static str) -> Self {
        Self { text, hold }
    }
}

impl From<&'static str> for Query {
    fn from(text: &'static str) -> Self {
        Self { text, hold: "" }
    }
}

/// Rows of a table that come by the thousand.
#[derive(Debug, Clone, Copy)]
pub struct Bulk {
    /// Adds one row.
    pub insert: &'static str,
    /// Takes many in PostgreSQL's binary form.
    pub copy: &'static str,
}

/// The same change of many rows.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// Changes one row.
    pub one: &'static str,
    /// Changes all; each place takes an array.
    pub many: &'static str,
}

/// A value on its way into a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Int(i64),
    /// Two bytes in PostgreSQL.
    Small(i16),
    Flag(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// An array, for servers that have them.
    Many(&'a [Value<'a>]),
}

macro_rules! value_from {
    ($($type:ty => |$value:pat_param| $made:expr;)*) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from($value: $type) -> Self {
                $made
            }
        })*
    };
}

value_from! {
    i64 => |value| Self::Int(value);
    i16 => |value| Self::Small(value);
    bool => |value| Self::Flag(value);
    &'a str => |value| Self::Text(value);
    &'a String => |value| Self::Text(value);
    &'a [u8] => |value| Self::Bytes(value);
    &'a Vec<u8> => |value| Self::Bytes(value);
    &'a [u8; 32] => |value| Self::Bytes(value);
    &'a Digest => |value| Self::Bytes(value.as_bytes());
    &'a Fingerprint => |value| Self::Bytes(value.as_bytes());
    &'a [Value<'a>] => |value| Self::Many(value);
    &'a Vec<Value<'a>> => |value| Self::Many(value);
}

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Value::from)
    }
}

/// Values in the order of their places.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::ledger::storage::sql::Value::from($value)),*]
    };
}
pub(crate) use values;

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Null,
    /// A number or a flag.
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// A row of an answer.
pub trait Row {
    /// Returns a value; `None` where it has a type that no table of a ledger has.
    fn cell(&self, index: usize) -> Option<Cell<'_>>;
    /// Returns how many values there are.
    fn width(&self) -> usize;
}

impl<'r> dyn Row + 'r {
    /// Returns a value.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] for one that no program wrote there.
    pub fn get<'a, T: FromCell<'a>>(&'a self, index: usize) -> Result<T, LedgerError> {
        self.cell(index)
            .and_then(T::from_cell)
            .ok_or_else(|| LedgerError::damaged("a row cannot be read"))
    }
}

impl<'a> From<Cell<'a>> for Value<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Int(value) => Self::Int(value),
            Cell::Text(value) => Self::Text(value),
            Cell::Bytes(value) => Self::Bytes(value),
        }
    }
}

/// What a value of a row is read as.
pub trait FromCell<'a>: Sized {
    /// Reads a value; `None` where it is another one.
    fn from_cell(cell: Cell<'a>) -> Option<Self>;
}

macro_rules! from_cell {
    ($($type:ty => |$cell:pat_param| $read:expr;)*) => {
        $(impl<'a> FromCell<'a> for $type {
            fn from_cell(cell: Cell<'a>) -> Option<Self> {
                match cell {
                    $cell => $read,
                    _ => None,
                }
            }
        })*
    };
}

from_cell! {
    i64 => |Cell::Int(value)| Some(value);
    bool => |Cell::Int(value)| Some(value != 0);
    &'a str => |Cell::Text(value)| Some(value);
    String => |Cell::Text(value)| Some(value.to_owned());
    Serial => |Cell::Text(value)| Self::from_str(value).ok();
    Target => |Cell::Text(value)| Self::from_str(value).ok();
    &'a [u8] => |Cell::Bytes(value)| Some(value);
    Vec<u8> => |Cell::Bytes(value)| Some(value.to_owned());
    [u8; 32] => |Cell::Bytes(value)| value.try_into().ok();
    Digest => |Cell::Bytes(value)| value.try_into().ok().map(Self::from_bytes);
    Fingerprint => |Cell::Bytes(value)| value.try_into().ok().map(Self::from_bytes);
}

impl<'a, T: FromCell<'a>> FromCell<'a> for Option<T> {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            other => T::from_cell(other).map(Some),
        }
    }
}

/// Stores the states of something by their places in a list, which never change.
macro_rules! stored_by_place {
    ($type:ty, $states:expr) => {
        impl From<$type> for $crate::ledger::storage::sql::Value<'_> {
            fn from(state: $type) -> Self {
                let place = $states.iter().position(|other| *other == state);
                Self::Small(place.and_then(|place| place.try_into().ok()).unwrap_or(-1))
            }
        }

        impl $crate::ledger::storage::sql::FromCell<'_> for $type {
            fn from_cell(cell: $crate::ledger::storage::sql::Cell<'_>) -> Option<Self> {
                match cell {
                    $crate::ledger::storage::sql::Cell::Int(place) => {
                        $states.get(usize::try_from(place).ok()?).copied()
                    }
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use stored_by_place;

/// Takes a row; an error ends the reading.
pub type Take<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<(), LedgerError>;

/// Takes some rows before they are handed on one by one.
pub type Ahead<'a> = &'a mut dyn FnMut(&[&dyn Row]) -> Result<(), LedgerError>;

/// One transaction of a server, or the connection to a file.
pub trait Sql {
    /// Reads an answer that is short.
    fn rows(&self, query: Query, values: &[Value<'_>], each: Take<'_>) -> Result<(), LedgerError>;

    /// Reads an answer of any length. Where a question costs a round trip, `ahead` is shown each
    /// page of rows, to ask at once what they will be asked about.
    fn stream(
        &self,
        text: &'static str,
        values: &[Value<'_>],
        ahead: Ahead<'_>,
        each: Take<'_>,
    ) -> Result<(), LedgerError>;

    /// Changes rows; returns how many.
    fn change(&self, text: &'static str, values: &[Value<'_>]) -> Result<u64, LedgerError>;

    /// Changes one row after another; returns how many.
    fn change_all(&self, changes: &Changes, rows: &[Vec<Value<'_>>]) -> Result<u64, LedgerError>;

    /// Adds a row that is seen by its transaction's end at the latest.
    fn add(&self, bulk: &Bulk, values: &[Value<'_>]) -> Result<(), LedgerError>;

    /// Notes that what was read is half of what another transaction did: this one is done anew.
    fn raced(&self) -> LedgerError;
}

impl<'s> dyn Sql + 's {
    /// Returns the first row of a short answer.
    pub fn first<T>(
        &self,
        query: impl Into<Query>,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let mut first = None;
        self.rows(query.into(), values, &mut |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// Returns the only value of the only row.
    pub fn value<T: for<'a> FromCell<'a>>(
        &self,
        query: impl Into<Query>,
        values: &[Value<'_>],
    ) -> Result<Option<T>, LedgerError> {
        self.first(query, values, |row| row.get(0))
    }

    /// Returns all rows of a short answer.
    pub fn all<T>(
        &self,
        query: impl Into<Query>,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut all = Vec::new();
        self.rows(query.into(), values, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads an answer of any length row by row.
    pub fn scan(
        &self,
        text: &'static str,
        values: &[Value<'_>],
        each: Take<'_>,
    ) -> Result<(), LedgerError> {
        self.stream(text, values, &mut |_| Ok(()), each)
    }
}
