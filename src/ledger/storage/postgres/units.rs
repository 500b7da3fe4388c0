//! Units.

use postgres::Row;
use postgres::types::ToSql;

use super::rows::{bytes, get, named, odd, some_bytes};
use super::tokens::share_serials;
use super::view::{Mode, View};
use crate::ledger::storage::tables::{Each, UnitRow};
use crate::ledger::{LedgerError, Stock, UnitState};
use crate::unit::{Digest, Fingerprint};

/// The columns of a [`UnitRow`], as [`read`] takes them.
macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT u.id, u.serial, u.token, t.fingerprint, u.state, u.uid, u.image, u.recipe, ",
            "u.digest, u.target, u.durable, u.station, u.run, u.epoch, u.pending, u.touched, ",
            "u.label, u.at, u.event, u.scope FROM units u JOIN tokens t ON t.id = u.token ",
            $($rest),*
        )
    };
}

/// A query, and the same that keeps its rows locked until the transaction ends.
macro_rules! pair {
    ($rest:literal) => {
        (select!($rest), select!($rest, " FOR UPDATE OF u"))
    };
}

type Pair = (&'static str, &'static str);

const BY_ID: Pair = pair!("WHERE u.id = $1");
// The row that counts has 0 in `past` and comes first; of superseded ones the last counts.
const BY_SERIAL: Pair =
    pair!("WHERE u.product = $1 AND u.folded = $2 ORDER BY u.past <> 0, u.past DESC LIMIT 1");
const BY_BOARD: Pair =
    pair!("WHERE u.product = $1 AND u.uid = $2 AND u.uid IS NOT NULL AND u.state < 4");
const BY_TOKEN: Pair = pair!("WHERE u.token = $1 ORDER BY u.past <> 0, u.past DESC LIMIT 1");
const RESERVED_AT: &str =
    select!("WHERE u.scope = $1 AND u.state = 0 AND u.station = $2 ORDER BY u.id");
const SCAN: &str = select!("WHERE u.scope = $1 ORDER BY u.id");
const SCAN_ALL: &str = select!("ORDER BY u.id");
const BY_IDS: &str = select!("WHERE u.id = ANY($1)");
const BY_SERIALS: &str = select!("WHERE u.product = $1 AND u.folded = ANY($2) AND u.past = 0");
const NEXT: &str = "SELECT nextval('unit_numbers')";
const ADD: &str = "INSERT INTO units (id, past, state, uid, image, recipe, digest, target, durable, \
     station, run, epoch, pending, touched, label, at, event, scope, product, serial, folded, token) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
     $20, $21, $22)";
const SET: &str = "UPDATE units SET past = $2, state = $3, uid = $4, image = $5, recipe = $6, \
     digest = $7, target = $8, durable = $9, station = $10, run = $11, epoch = $12, pending = $13, \
     touched = $14, label = $15, at = $16, event = $17 WHERE id = $1";
const COUNT: &str = "SELECT state, count(*) FROM units WHERE scope = $1 GROUP BY state";

/// Returns the number that a state is stored as.
const fn code(state: UnitState) -> i16 {
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
pub fn state(code: i16) -> Result<UnitState, LedgerError> {
    match code {
        0 => Ok(UnitState::Reserved),
        1 => Ok(UnitState::Prepared),
        2 => Ok(UnitState::Delivered),
        3 => Ok(UnitState::Labelled),
        4 => Ok(UnitState::Void),
        5 => Ok(UnitState::Superseded),
        _ => Err(odd()),
    }
}

/// Reads a unit.
fn read(row: &Row, scope: i64) -> Result<UnitRow, LedgerError> {
    Ok(UnitRow {
        id: get(row, 0)?,
        serial: named(row, 1)?,
        token: get(row, 2)?,
        fingerprint: Fingerprint::from_bytes(bytes(row, 3)?),
        state: state(get(row, 4)?)?,
        uid: get(row, 5)?,
        image: Digest::from_bytes(bytes(row, 6)?),
        recipe: Digest::from_bytes(bytes(row, 7)?),
        digest: some_bytes(row, 8)?.map(Digest::from_bytes),
        target: named(row, 9)?,
        durable: get(row, 10)?,
        station: get(row, 11)?,
        run: get(row, 12)?,
        epoch: get(row, 13)?,
        pending: get(row, 14)?,
        touched: get(row, 15)?,
        label: get(row, 16)?,
        at: get(row, 17)?,
        event: Digest::from_bytes(bytes(row, 18)?),
        ours: get::<i64>(row, 19)? == scope,
    })
}

/// Returns a unit; it stays as it is until a writing transaction ends.
fn one(
    view: &View<'_>,
    (look, lock): Pair,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Option<UnitRow>, LedgerError> {
    let sql = match view.mode {
        Mode::Write => lock,
        Mode::Stage | Mode::Read => look,
    };
    let row = view.first(sql, params)?;
    let unit = row.map(|row| read(&row, view.shop.scope)).transpose()?;
    // Each statement sees what was committed before it. A unit that was not there a statement ago
    // would be met half: as the holder of its board, say, and not as the serial in hand.
    if let Some(unit) = &unit
        && unit.state != UnitState::Superseded
        && view.absent.borrow().contains(&unit.serial.folded())
    {
        return Err(view.raced());
    }
    Ok(unit)
}

fn all(
    view: &View<'_>,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<UnitRow>, LedgerError> {
    let rows = view.rows(sql, params)?;
    rows.iter().map(|row| read(row, view.shop.scope)).collect()
}

pub fn by_id(view: &View<'_>, id: i64) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_ID, &[&id])
}

pub fn by_ids(view: &View<'_>, ids: &[i64]) -> Result<Vec<UnitRow>, LedgerError> {
    all(view, BY_IDS, &[&ids])
}

pub fn by_serial(view: &View<'_>, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
    let unit = one(view, BY_SERIAL, &[&view.shop.product, &folded])?;
    let live = unit.as_ref().map(|unit| unit.state) != Some(UnitState::Superseded);
    if view.mode == Mode::Write && !(unit.is_some() && live) {
        view.absent.borrow_mut().insert(folded.to_owned());
    }
    Ok(unit)
}

pub fn by_serials(view: &View<'_>, folded: &[String]) -> Result<Vec<UnitRow>, LedgerError> {
    all(view, BY_SERIALS, &[&view.shop.product, &folded])
}

pub fn by_board(view: &View<'_>, uid: &str) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_BOARD, &[&view.shop.product, &uid])
}

pub fn by_token(view: &View<'_>, token: i64) -> Result<Option<UnitRow>, LedgerError> {
    one(view, BY_TOKEN, &[&token])
}

pub fn reserved_at(view: &View<'_>, station: &str) -> Result<Vec<UnitRow>, LedgerError> {
    all(view, RESERVED_AT, &[&view.shop.scope, &station])
}

/// Returns a number that no unit had; one whose transaction is undone stays unused.
///
/// A list that begins or ends sees all numbers below it: the scope is held from here on.
pub fn next(view: &View<'_>) -> Result<i64, LedgerError> {
    share_serials(view)?;
    let row = view.first(NEXT, &[])?.ok_or_else(odd)?;
    get(&row, 0)
}

/// Returns what tells the row that counts from superseded ones.
const fn past(unit: &UnitRow) -> i64 {
    match unit.state {
        UnitState::Superseded => unit.id,
        _ => 0,
    }
}

/// Passes what changes in a unit, and `more`, to a statement.
fn change(
    view: &View<'_>,
    sql: &'static str,
    (unit, more): (&UnitRow, &[&(dyn ToSql + Sync)]),
) -> Result<u64, LedgerError> {
    let (past, code, target) = (past(unit), code(unit.state), <&str>::from(unit.target));
    let (image, recipe) = (&unit.image.as_bytes()[..], &unit.recipe.as_bytes()[..]);
    let digest = unit.digest.as_ref().map(|digest| &digest.as_bytes()[..]);
    let event = &unit.event.as_bytes()[..];
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &unit.id,
        &past,
        &code,
        &unit.uid,
        &image,
        &recipe,
        &digest,
        &target,
        &unit.durable,
        &unit.station,
        &unit.run,
        &unit.epoch,
        &unit.pending,
        &unit.touched,
        &unit.label,
        &unit.at,
        &event,
    ];
    params.extend_from_slice(more);
    view.change(sql, &params)
}

pub fn add(view: &View<'_>, unit: &UnitRow) -> Result<(), LedgerError> {
    let shop = view.shop;
    let (serial, folded) = (unit.serial.as_str(), unit.serial.folded());
    let more: [&(dyn ToSql + Sync); 5] =
        [&shop.scope, &shop.product, &serial, &folded, &unit.token];
    change(view, ADD, (unit, &more))?;
    view.absent.borrow_mut().remove(&folded);
    Ok(())
}

pub fn set(view: &View<'_>, unit: &UnitRow) -> Result<(), LedgerError> {
    match change(view, SET, (unit, &[]))? {
        1 => Ok(()),
        _ => Err(LedgerError::damaged(format!(
            "the row of {} is missing",
            unit.serial
        ))),
    }
}

pub fn scan(view: &View<'_>, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    view.scan(SCAN, &[&scope], &mut |row| each(read(row, scope)?))
}

pub fn scan_all(view: &View<'_>, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    view.scan(SCAN_ALL, &[], &mut |row| each(read(row, scope)?))
}

/// Counts units.
pub fn count(view: &View<'_>, stock: &mut Stock) -> Result<(), LedgerError> {
    for row in view.rows(COUNT, &[&view.shop.scope])? {
        if let Some(of) = stock.units(state(get(&row, 0)?)?) {
            *of = u64::try_from(get::<i64>(&row, 1)?).unwrap_or(0);
        }
    }
    Ok(())
}
