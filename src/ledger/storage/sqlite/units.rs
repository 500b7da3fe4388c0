//! Units.

use rusqlite::{Row, params};

use super::view::{View, named, odd};
use crate::ledger::storage::tables::{Each, UnitRow};
use crate::ledger::{LedgerError, Stock, UnitState};
use crate::unit::{Digest, Fingerprint};

/// The columns of a [`UnitRow`], as [`read`] takes them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.serial, u.token, t.fingerprint, u.state, u.uid, u.image, u.recipe, ",
            "u.digest, u.target, u.durable, u.station, u.run, u.epoch, u.pending, u.touched, ",
            "u.label, u.at, u.event, u.scope FROM units u JOIN tokens t ON t.id = u.token ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE u.id = ?1");
// The row that counts has 0 in `past` and comes first; of superseded ones the last counts.
const BY_SERIAL: &str =
    select!("WHERE u.product = ?1 AND u.folded = ?2 ORDER BY u.past <> 0, u.past DESC LIMIT 1");
const BY_BOARD: &str =
    select!("WHERE u.product = ?1 AND u.uid = ?2 AND u.uid IS NOT NULL AND u.state < 4");
const BY_TOKEN: &str = select!("WHERE u.token = ?1 ORDER BY u.past <> 0, u.past DESC LIMIT 1");
const RESERVED_AT: &str =
    select!("WHERE u.scope = ?1 AND u.state = 0 AND u.station = ?2 ORDER BY u.id");
const SCAN: &str = select!("WHERE u.scope = ?1 ORDER BY u.id");
const SCAN_ALL: &str = select!("ORDER BY u.id");
const NEXT: &str = "SELECT coalesce(max(id), 0) + 1 FROM units";
const ADD: &str = "INSERT INTO units (id, scope, product, serial, folded, past, token, state, uid, \
     image, recipe, digest, target, durable, station, run, epoch, pending, touched, label, at, event) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20, ?21, ?22)";
const SET: &str = "UPDATE units SET past = ?2, state = ?3, uid = ?4, image = ?5, recipe = ?6, \
     digest = ?7, target = ?8, durable = ?9, station = ?10, run = ?11, epoch = ?12, pending = ?13, \
     touched = ?14, label = ?15, at = ?16, event = ?17 WHERE id = ?1";
const COUNT: &str = "SELECT state, count(*) FROM units WHERE scope = ?1 GROUP BY state";

/// Returns the number that a state is stored as.
const fn code(state: UnitState) -> i64 {
    match state {
        UnitState::Reserved => 0,
        UnitState::Prepared => 1,
        UnitState::Delivered => 2,
        UnitState::Labelled => 3,
        UnitState::Void => 4,
        UnitState::Superseded => 5,
    }
}

/// Reads a state.
pub fn state(row: &Row<'_>, index: usize) -> rusqlite::Result<UnitState> {
    match row.get(index)? {
        0 => Ok(UnitState::Reserved),
        1 => Ok(UnitState::Prepared),
        2 => Ok(UnitState::Delivered),
        3 => Ok(UnitState::Labelled),
        4 => Ok(UnitState::Void),
        5 => Ok(UnitState::Superseded),
        _ => Err(odd(index)),
    }
}

/// Reads a unit.
fn read(row: &Row<'_>, scope: i64) -> rusqlite::Result<UnitRow> {
    Ok(UnitRow {
        id: row.get(0)?,
        serial: named(row, 1)?,
        token: row.get(2)?,
        fingerprint: Fingerprint::from_bytes(row.get(3)?),
        state: state(row, 4)?,
        uid: row.get(5)?,
        image: Digest::from_bytes(row.get(6)?),
        recipe: Digest::from_bytes(row.get(7)?),
        digest: row.get::<_, Option<[u8; 32]>>(8)?.map(Digest::from_bytes),
        target: named(row, 9)?,
        durable: row.get(10)?,
        station: row.get(11)?,
        run: row.get(12)?,
        epoch: row.get(13)?,
        pending: row.get(14)?,
        touched: row.get(15)?,
        label: row.get(16)?,
        at: row.get(17)?,
        event: Digest::from_bytes(row.get(18)?),
        ours: row.get::<_, i64>(19)? == scope,
    })
}

fn one(
    view: &View<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Option<UnitRow>, LedgerError> {
    view.first(sql, params, |row| read(row, view.shop.scope))
}

pub fn by_id(view: &View<'_>, id: i64) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_ID, [id])
}

pub fn by_serial(view: &View<'_>, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_SERIAL, (view.shop.product, folded))
}

pub fn by_board(view: &View<'_>, uid: &str) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_BOARD, (view.shop.product, uid))
}

pub fn by_token(view: &View<'_>, token: i64) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_TOKEN, [token])
}

pub fn reserved_at(view: &View<'_>, station: &str) -> Result<Vec<UnitRow>, LedgerError> {
    let scope = view.shop.scope;
    view.all(RESERVED_AT, (scope, station), |row| read(row, scope))
}

pub fn next(view: &View<'_>) -> Result<i64, LedgerError> {
    let next = view.first(NEXT, [], |row| row.get(0))?;
    Ok(next.unwrap_or(1))
}

/// Returns what tells the row that counts from superseded ones.
const fn past(unit: &UnitRow) -> i64 {
    match unit.state {
        UnitState::Superseded => unit.id,
        _ => 0,
    }
}

pub fn add(view: &View<'_>, unit: &UnitRow) -> Result<(), LedgerError> {
    view.change(
        ADD,
        params![
            unit.id,
            view.shop.scope,
            view.shop.product,
            unit.serial.as_str(),
            unit.serial.folded(),
            past(unit),
            unit.token,
            code(unit.state),
            unit.uid,
            unit.image.as_bytes(),
            unit.recipe.as_bytes(),
            unit.digest.as_ref().map(Digest::as_bytes),
            <&str>::from(unit.target),
            unit.durable,
            unit.station,
            unit.run,
            unit.epoch,
            unit.pending,
            unit.touched,
            unit.label,
            unit.at,
            unit.event.as_bytes(),
        ],
    )
    .map(drop)
}

pub fn set(view: &View<'_>, unit: &UnitRow) -> Result<(), LedgerError> {
    let changed = view.change(
        SET,
        params![
            unit.id,
            past(unit),
            code(unit.state),
            unit.uid,
            unit.image.as_bytes(),
            unit.recipe.as_bytes(),
            unit.digest.as_ref().map(Digest::as_bytes),
            <&str>::from(unit.target),
            unit.durable,
            unit.station,
            unit.run,
            unit.epoch,
            unit.pending,
            unit.touched,
            unit.label,
            unit.at,
            unit.event.as_bytes(),
        ],
    )?;
    match changed {
        1 => Ok(()),
        _ => Err(LedgerError::damaged(format!(
            "the row of {} is missing",
            unit.serial
        ))),
    }
}

pub fn scan(view: &View<'_>, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    view.scan(SCAN, [scope], (|row: &Row<'_>| read(row, scope), each))
}

pub fn scan_all(view: &View<'_>, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    view.scan(SCAN_ALL, [], (|row: &Row<'_>| read(row, scope), each))
}

/// Counts units.
pub fn count(view: &View<'_>, stock: &mut Stock) -> Result<(), LedgerError> {
    let rows = view.all(COUNT, [view.shop.scope], |row| {
        Ok((state(row, 0)?, row.get::<_, i64>(1)?))
    })?;
    for (state, count) in rows {
        if let Some(of) = stock.units(state) {
            *of = u64::try_from(count).unwrap_or(0);
        }
    }
    Ok(())
}
