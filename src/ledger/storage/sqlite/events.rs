//! Events.

use rusqlite::{Row, params};

use super::view::View;
use crate::ledger::storage::notary;
use crate::ledger::storage::tables::Head;
use crate::ledger::storage::tables::{Each, EventRow, Order};
use crate::ledger::{Event, LedgerError};
use crate::unit::Digest;

/// The columns of an [`EventRow`], as [`read`] takes them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT e.seq, e.at, s.name, e.kind, e.body, e.hash, e.unit, e.link, e.mark ",
            "FROM events e JOIN stations s ON s.id = e.station ",
            $rest
        )
    };
}

const HEAD: &str = "SELECT e.link, e.hash FROM events e WHERE e.station = \
     (SELECT id FROM stations WHERE name = ?1) ORDER BY e.link DESC LIMIT 1";
const ADD_STATION: &str = "INSERT OR IGNORE INTO stations (name) VALUES (?1)";
const ADD: &str = "INSERT INTO events (station, link, at, kind, unit, body, hash, mark) \
     VALUES ((SELECT id FROM stations WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const OF_SERIAL: &str = select!(
    "WHERE e.unit IN (SELECT id FROM units WHERE product = ?1 AND folded = ?2) ORDER BY e.seq"
);
const OF_UNIT: &str = select!("WHERE e.unit = ?1 ORDER BY e.seq");
const LAST: &str = select!("WHERE e.unit = ?1 AND e.kind = ?2 ORDER BY e.seq DESC LIMIT 1");
const CHAIN: &str = select!("ORDER BY e.station, e.link");
const AFTER: &str = select!("WHERE e.seq > ?1 ORDER BY e.seq");
const UNIT: &str = select!("WHERE e.unit IS NOT NULL ORDER BY e.unit, e.seq");

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        event: Event {
            seq: row.get(0)?,
            at: row.get(1)?,
            station: row.get(2)?,
            kind: row.get(3)?,
            body: row.get(4)?,
            hash: Digest::from_bytes(row.get(5)?),
        },
        unit: row.get(6)?,
        link: row.get(7)?,
        mark: row.get(8)?,
    })
}

/// Returns the head of a station's chain.
pub fn head(view: &View<'_>, station: &str) -> Result<Head, LedgerError> {
    if let Some(head) = view.heads.borrow().get(station) {
        return Ok(*head);
    }
    let last = view.first(HEAD, [station], |row| {
        Ok(Head {
            link: row.get(0)?,
            hash: Digest::from_bytes(row.get(1)?),
        })
    })?;
    Ok(last.unwrap_or_else(|| Head::start(&view.shop.ledger, station)))
}

pub fn add(view: &View<'_>, row: &EventRow) -> Result<(), LedgerError> {
    let event = &row.event;
    let mark = view.notary()?.mark(&notary::Row::event(row));
    if row.link == 1 {
        view.change(ADD_STATION, [&event.station])?;
    }
    view.change(
        ADD,
        params![
            event.station,
            row.link,
            event.at,
            event.kind,
            row.unit,
            event.body,
            event.hash.as_bytes(),
            mark,
        ],
    )?;
    let head = Head {
        link: row.link,
        hash: event.hash,
    };
    view.heads.borrow_mut().insert(event.station.clone(), head);
    Ok(())
}

pub fn of_serial(view: &View<'_>, folded: &str) -> Result<Vec<Event>, LedgerError> {
    let params = (view.shop.product, folded);
    view.all(OF_SERIAL, params, |row| Ok(read(row)?.event))
}

pub fn of_unit(view: &View<'_>, unit: i64) -> Result<Vec<EventRow>, LedgerError> {
    view.all(OF_UNIT, [unit], read)
}

pub fn last(view: &View<'_>, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError> {
    view.first(LAST, (unit, kind), |row| Ok(read(row)?.event))
}

pub fn scan(view: &View<'_>, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
    let sql = match order {
        Order::Chain => CHAIN,
        Order::Unit => UNIT,
        Order::After(seq) => return view.scan(AFTER, [seq], (read, each)),
    };
    view.scan(sql, [], (read, each))
}
