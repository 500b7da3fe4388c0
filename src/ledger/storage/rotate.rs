//! Rotation: everything sealed again with another key, in short steps that a cut may end anywhere.
//!
//! Order: the next key is durable beside the ledger; the ledger has both; rows are sealed anew; the
//! old key goes from the ledger. Rows are changed only while they are sealed as they were read, so a
//! step that is done twice is done once.

use super::keys;
use super::sql::{Changes, Value, values};
use super::tables::Facts as _;
use super::view::View;
use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::facts;
use crate::ledger::{Actor, KeyError, LedgerError};
use crate::unit::Fingerprint;
use crate::vault::crypto::{Cipher, Column, Key};
use crate::vault::keyring;

const LEFT: &str = "SELECT (SELECT count(*) FROM tokens WHERE key <> ?1) \
     + (SELECT count(*) FROM pictures WHERE key <> ?1)";
const FORGET: &str = "DELETE FROM keys WHERE id <> ?1";

/// Rows of one table that hold sealed values.
struct Table {
    /// Finds some behind one, as number, key, fingerprint and values.
    find: &'static str,
    /// Sets the new key of row and key, and the values.
    set: Changes,
    columns: &'static [Column],
}

const TABLES: [Table; 2] = [
    Table {
        find: "SELECT id, key, fingerprint, token, qr, columns FROM tokens \
               WHERE id > ?1 AND key <> ?2 ORDER BY id LIMIT 1000",
        set: Changes {
            one: "UPDATE tokens SET key = ?1, token = ?4, qr = ?5, columns = ?6 \
                  WHERE id = ?2 AND key = ?3",
            many: "UPDATE tokens t SET key = n.key, token = n.token, qr = n.qr, columns = n.columns \
                   FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bytea[], ?5::bytea[], ?6::bytea[]) \
                   AS n (key, id, was, token, qr, columns) WHERE t.id = n.id AND t.key = n.was",
        },
        columns: &[Column::Token, Column::Qr, Column::Columns],
    },
    Table {
        find: "SELECT p.token, p.key, t.fingerprint, p.picture FROM pictures p \
               JOIN tokens t ON t.id = p.token WHERE p.token > ?1 AND p.key <> ?2 \
               ORDER BY p.token LIMIT 200",
        set: Changes {
            one: "UPDATE pictures SET key = ?1, picture = ?4 WHERE token = ?2 AND key = ?3",
            many: "UPDATE pictures p SET key = n.key, picture = n.picture \
                   FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bytea[]) \
                   AS n (key, token, was, picture) WHERE p.token = n.token AND p.key = n.was",
        },
        columns: &[Column::Picture],
    },
];

/// What is done in one transaction of a rotation.
pub type Step<'a> = &'a mut dyn FnMut(&mut View<'_>) -> Result<u64, LedgerError>;

/// A ledger that seals its rows anew.
pub trait Rotating {
    /// Does `work` in a transaction that is durable with the next one that decides.
    fn seal(&mut self, work: Step<'_>) -> Result<u64, LedgerError>;
    /// Does `work` in a transaction that is durable when this returns.
    fn decide(&mut self, work: Step<'_>) -> Result<u64, LedgerError>;
}

/// The key that values are sealed with from now on.
pub struct Next<'a> {
    pub key: &'a Key,
    /// The name of the one before.
    pub was: &'a str,
}

/// Seals everything with the next key, which the ledger has, and takes the old one out. Returns how
/// many values that were; `step` is told how many are left.
pub fn rotate(
    ledger: &mut impl Rotating,
    next: &Next<'_>,
    by: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<u64, LedgerError> {
    let id = next.key.id();
    let mut current = 0;
    ledger.decide(&mut |view| {
        let names = keys::names(view.sql)?;
        let found = names.iter().find(|(_, name)| *name == id);
        current = found
            .map(|(row, _)| *row)
            .ok_or(LedgerError::Key(KeyError::Rotated))?;
        Ok(0)
    })?;
    let cipher = next.key.cipher();
    let mut rows = 0;
    loop {
        let before = rows;
        rows += reseal(ledger, (current, &cipher), step)?;
        match ledger.decide(&mut |view| forget(view, current, next, by))? {
            0 => return Ok(rows),
            left if rows == before => return Err(keyring::orphaned(left).into()),
            // Others added some meanwhile.
            _ => {}
        }
    }
}

/// Seals all rows with the current key, in one pass; returns how many.
fn reseal(
    ledger: &mut impl Rotating,
    (current, cipher): (i64, &Cipher),
    step: &mut dyn FnMut(u64),
) -> Result<u64, LedgerError> {
    let left = ledger.seal(&mut |view| left(view, current))?;
    let mut rows: u64 = 0;
    step(left);
    for table in &TABLES {
        let mut last = 0;
        loop {
            let mut behind = last;
            let done = ledger.seal(&mut |view| {
                behind = last;
                table.some(view, (current, cipher), &mut behind)
            })?;
            if behind == last {
                break;
            }
            last = behind;
            rows += done;
            step(left.saturating_sub(rows));
        }
    }
    Ok(rows)
}

/// Counts the values that are sealed with another key.
fn left(view: &View<'_>, current: i64) -> Result<u64, LedgerError> {
    let left: Option<i64> = view.sql.value(LEFT, values![current])?;
    Ok(left.unwrap_or(0).unsigned_abs())
}

/// A row with its values sealed anew.
struct Resealed {
    id: i64,
    was: i64,
    values: Vec<Option<Vec<u8>>>,
}

impl Table {
    /// Seals some rows behind `last` anew, and moves it; returns how many were changed.
    fn some(
        &self,
        view: &View<'_>,
        (current, cipher): (i64, &Cipher),
        last: &mut i64,
    ) -> Result<u64, LedgerError> {
        let ring = view.opened.ring()?;
        let rows = view.sql.all(self.find, values![*last, current], |row| {
            let was = row.get(1)?;
            let (old, print): (_, Fingerprint) = (ring.opener(was)?, row.get(2)?);
            let again = |(place, column): (usize, &Column)| -> Result<_, LedgerError> {
                let sealed: Option<&[u8]> = row.get(3 + place)?;
                let anew = sealed.map(|sealed| {
                    let plain = old.open(&print, *column, sealed)?;
                    cipher.seal(&print, *column, &plain)
                });
                Ok(anew.transpose()?)
            };
            let values = self.columns.iter().enumerate().map(again);
            Ok(Resealed {
                id: row.get(0)?,
                was,
                values: values.collect::<Result<_, LedgerError>>()?,
            })
        })?;
        *last = rows.last().map_or(*last, |row| row.id);
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut change = vec![Value::Int(current), Value::Int(row.id), Value::Int(row.was)];
            change.extend(row.values.iter().map(|value| Value::from(value.as_ref())));
            changes.push(change);
        }
        match changes.is_empty() {
            true => Ok(0),
            false => view.sql.change_all(&self.set, &changes),
        }
    }
}

/// Takes the old key out of the ledger, unless values are left that it sealed; returns how many.
fn forget(
    view: &mut View<'_>,
    current: i64,
    next: &Next<'_>,
    by: &Actor,
) -> Result<u64, LedgerError> {
    keys::hold(view.sql)?;
    match left(view, current)? {
        0 => {}
        left => return Ok(left),
    }
    let id = next.key.id();
    let body = Body {
        name: Some(id.clone()),
        was: Some(next.was.to_owned()),
        ..Body::default()
    };
    event::append(view, &by.station, (Kind::Rotated, None), body.by(by))?;
    view.set_fact(&facts::retired_fact(next.was), &id)?;
    view.sql.change(FORGET, values![current])?;
    Ok(0)
}
