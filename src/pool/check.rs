//! Rows compared with one another: nothing twice, one organisation, labels for all or none.

use std::cmp::Ordering;

use super::{List, Note, Pool, PoolError, Row};
use crate::unit::{QrToken, Serial};

/// Compares the rows and gives them out.
///
/// Indexes are sorted instead of tokens hashed: a list may have a million rows, and no copy
/// of a secret is made.
pub(super) fn finish(list: List) -> Result<Pool, PoolError> {
    if list.rows.is_empty() {
        return Err(PoolError::Empty);
    }
    tokens(&list)?;
    serials(&list)?;
    codes(&list)?;
    organisations(&list)?;
    let mut notes = list.notes;
    if list.rows.iter().all(|row| row.qr.is_none()) {
        notes.push(Note::NoQr);
    } else if list.rows.iter().all(|row| organisation(row).is_none()) {
        notes.push(Note::NoOrganisation);
    }
    Ok(Pool {
        rows: list.rows,
        origin: list.origin,
        notes,
    })
}

fn tokens(list: &List) -> Result<(), PoolError> {
    let all = (0..list.rows.len()).collect();
    let key = |row: &Row| *row.token.expose();
    match twins(list, all, |a, b| key(a).cmp(&key(b))) {
        Some((first, second)) => Err(PoolError::DuplicateToken {
            first: list.place(first),
            second: list.place(second),
        }),
        None => Ok(()),
    }
}

fn serials(list: &List) -> Result<(), PoolError> {
    fn folded(serial: &Serial) -> impl Iterator<Item = u8> + '_ {
        serial
            .as_str()
            .bytes()
            .map(|byte| byte.to_ascii_lowercase())
    }
    let compare = |a: &Row, b: &Row| {
        let (a, b) = (
            a.bound.iter().flat_map(folded),
            b.bound.iter().flat_map(folded),
        );
        a.cmp(b)
    };
    let Some((first, second)) = twins(list, indexes(list, |row| row.bound.is_some()), compare)
    else {
        return Ok(());
    };
    let Some(serial) = list.rows.get(first).and_then(|row| row.bound.clone()) else {
        return Ok(());
    };
    Err(PoolError::DuplicateSerial {
        serial,
        first: list.place(first),
        second: list.place(second),
    })
}

/// QR Tokens: none twice, and for all rows or none.
fn codes(list: &List) -> Result<(), PoolError> {
    let with = indexes(list, |row| row.qr.is_some());
    if !with.is_empty()
        && let Some(index) = list.rows.iter().position(|row| row.qr.is_none())
    {
        return Err(PoolError::NoQr {
            place: list.place(index),
        });
    }
    let key = |row: &Row| row.qr.clone();
    let compare = |a: &Row, b: &Row| match (&a.qr, &b.qr) {
        (Some(a), Some(b)) => a.token().cmp(b.token()),
        _ => key(a).cmp(&key(b)),
    };
    match twins(list, with, compare) {
        Some((first, second)) => Err(PoolError::DuplicateQr {
            first: list.place(first),
            second: list.place(second),
        }),
        None => Ok(()),
    }
}

fn organisation(row: &Row) -> Option<&str> {
    row.qr.as_ref().and_then(QrToken::organisation)
}

fn organisations(list: &List) -> Result<(), PoolError> {
    let mut named = (list.rows.iter().enumerate())
        .filter_map(|(index, row)| organisation(row).map(|number| (index, number)));
    let Some((first, one)) = named.next() else {
        return Ok(());
    };
    match named.find(|(_, number)| *number != one) {
        Some((second, other)) => Err(PoolError::TwoOrganisations {
            first: list.place(first),
            second: list.place(second),
            one: one.to_owned(),
            other: other.to_owned(),
        }),
        None => Ok(()),
    }
}

fn indexes(list: &List, wanted: impl Fn(&Row) -> bool) -> Vec<usize> {
    (0..list.rows.len())
        .filter(|index| list.rows.get(*index).is_some_and(&wanted))
        .collect()
}

/// Finds two rows that are equal: the earliest row that repeats another, and that other.
fn twins(
    list: &List,
    mut indexes: Vec<usize>,
    compare: impl Fn(&Row, &Row) -> Ordering,
) -> Option<(usize, usize)> {
    let by_row = |a: &usize, b: &usize| match (list.rows.get(*a), list.rows.get(*b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => a.cmp(b),
    };
    indexes.sort_unstable_by(|a, b| by_row(a, b).then(a.cmp(b)));
    indexes
        .iter()
        .zip(indexes.iter().skip(1))
        .filter(|(a, b)| by_row(a, b).is_eq())
        .map(|(a, b)| (*a, *b))
        .min_by_key(|(_, second)| *second)
}
