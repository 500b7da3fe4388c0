//! Rows compared with one another: nothing twice, one organisation, labels for all or none.

use std::cmp::Ordering;

use super::error::PoolError;
use super::list::{Elsewhere, List, Note, Pool, Row};
use crate::unit::{AuthToken, QrToken, Serial};

/// Compares the rows and gives them out.
///
/// Indexes are sorted instead of tokens hashed: a list may have a million rows, and no copy
/// of a secret is made.
pub(super) fn finish(mut list: List) -> Result<Pool, PoolError> {
    if list.rows.is_empty() {
        return Err(PoolError::Empty);
    }
    secrets(&list, &tokens(&list)?)?;
    serials(&list)?;
    codes(&list)?;
    organisations(&list)?;
    let mut notes = std::mem::take(&mut list.notes);
    notes.extend(unbound(&list));
    if list.rows.iter().all(|row| row.qr.is_none()) {
        notes.push(Note::NoQr);
    } else if list.rows.iter().all(|row| organisation(row).is_none()) {
        notes.push(Note::NoOrganisation);
    }
    Ok(Pool {
        source: None,
        elsewhere: Elsewhere::Unsaid,
        rows: list.rows,
        lines: list.lines,
        origin: list.origin,
        notes,
    })
}

/// Tells rows whose serial is left out beside others that have one.
fn unbound(list: &List) -> Option<Note> {
    if list.rows.iter().all(|row| row.bound.is_none()) {
        return None;
    }
    let open = |row: &&Row| row.bound.is_none() && !row.claimed;
    let first = list.rows.iter().position(|row| open(&row))?;
    Some(Note::NoSerial {
        first: list.place(first),
        rows: list.rows.iter().filter(open).count(),
    })
}

/// AuthTokens: none twice. Returns the rows in the order of their tokens.
fn tokens(list: &List) -> Result<Vec<u32>, PoolError> {
    let compare = |a: &Row, b: &Row| a.token.expose().cmp(b.token.expose());
    let sorted = sorted(list, indexes(list, |_| true), compare);
    match twins(list, &sorted, compare) {
        Some((first, second)) => Err(PoolError::DuplicateToken {
            first: list.place(first),
            second: list.place(second),
        }),
        None => Ok(sorted),
    }
}

/// Refuses a secret of the list in a column that is kept and shown as plain text.
///
/// Only those of the list: other values of 32 characters, such as an EID, are no secrets.
fn secrets(list: &List, sorted: &[u32]) -> Result<(), PoolError> {
    let known = |text: &str| {
        let found = sorted.binary_search_by(|index| match at(list, index) {
            Some(row) => row.token.expose().as_slice().cmp(text.as_bytes()),
            None => Ordering::Less,
        });
        found.is_ok()
    };
    let wrong = |row: &Row| {
        let mut cells = row.columns.values().map(|cell| cell.trim());
        cells.any(|cell| AuthToken::looks_like(cell) && known(cell))
    };
    match list.rows.iter().position(wrong) {
        Some(index) => Err(PoolError::SecretInColumn {
            place: list.place(index),
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
    let bound = sorted(list, indexes(list, |row| row.bound.is_some()), compare);
    let Some((first, second)) = twins(list, &bound, compare) else {
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
    // Without the organisation, which is one for all or refused.
    fn code(row: &Row) -> Option<&str> {
        row.qr.as_ref().map(QrToken::token)
    }
    let with = indexes(list, |row| row.qr.is_some());
    if !with.is_empty()
        && let Some(index) = list.rows.iter().position(|row| row.qr.is_none())
    {
        return Err(PoolError::NoQr {
            place: list.place(index),
        });
    }
    let compare = |a: &Row, b: &Row| code(a).cmp(&code(b));
    match twins(list, &sorted(list, with, compare), compare) {
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
            one: one.into(),
            other: other.into(),
        }),
        None => Ok(()),
    }
}

/// Returns the rows that `wanted` chooses, by index; 32 bits count more than memory holds.
fn indexes(list: &List, wanted: impl Fn(&Row) -> bool) -> Vec<u32> {
    let mut chosen = Vec::with_capacity(list.rows.len());
    let wanted = (0..).zip(&list.rows).filter(|(_, row)| wanted(row));
    chosen.extend(wanted.map(|(index, _)| index));
    chosen
}

fn at<'l>(list: &'l List, index: &u32) -> Option<&'l Row> {
    usize::try_from(*index)
        .ok()
        .and_then(|at| list.rows.get(at))
}

/// Sorts rows, equal ones in the order of the list.
fn sorted(
    list: &List,
    mut indexes: Vec<u32>,
    compare: impl Fn(&Row, &Row) -> Ordering,
) -> Vec<u32> {
    indexes.sort_unstable_by(|a, b| by_row(list, &compare, (a, b)).then(a.cmp(b)));
    indexes
}

fn by_row(list: &List, compare: impl Fn(&Row, &Row) -> Ordering, (a, b): (&u32, &u32)) -> Ordering {
    match (at(list, a), at(list, b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => a.cmp(b),
    }
}

/// Finds two rows that are equal: the earliest row that repeats another, and that other.
fn twins(
    list: &List,
    sorted: &[u32],
    compare: impl Fn(&Row, &Row) -> Ordering,
) -> Option<(usize, usize)> {
    let (first, second) = (sorted.iter())
        .zip(sorted.iter().skip(1))
        .filter(|(a, b)| by_row(list, &compare, (a, b)).is_eq())
        .min_by_key(|(_, second)| **second)?;
    Some((
        usize::try_from(*first).ok()?,
        usize::try_from(*second).ok()?,
    ))
}
