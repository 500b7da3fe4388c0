//! Events.

use postgres::Row;

use super::rows::{bytes, get, odd};
use super::view::{Mode, View};
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

const STATION: &str = "SELECT id FROM stations WHERE name = $1";
const HOLD: &str = "SELECT id FROM stations WHERE name = $1 FOR UPDATE";
/// Who waits for events to be complete holds it, and a new station has no row to be waited for.
pub const HOLD_LEDGER: &str = "SELECT 1 FROM facts WHERE name = 'ledger' FOR KEY SHARE";
const ADD_STATION: &str = "INSERT INTO stations (name) VALUES ($1) RETURNING id";
const HEAD: &str = "SELECT link, hash FROM events WHERE station = $1 ORDER BY link DESC LIMIT 1";
const ADD: &str = "INSERT INTO events (station, link, at, kind, unit, body, hash, mark) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const OF_SERIAL: &str = select!(
    "WHERE e.unit IN (SELECT id FROM units WHERE product = $1 AND folded = $2) ORDER BY e.seq"
);
const OF_UNIT: &str = select!("WHERE e.unit = $1 ORDER BY e.seq");
const LAST: &str = select!("WHERE e.unit = $1 AND e.kind = $2 ORDER BY e.seq DESC LIMIT 1");
const CHAIN: &str = select!("ORDER BY e.station, e.link");
const AFTER: &str = select!("WHERE e.seq > $1 AND e.seq <= $2 ORDER BY e.seq");
const UNIT: &str = select!("WHERE e.unit IS NOT NULL ORDER BY e.unit, e.seq");

fn read(row: &Row) -> Result<EventRow, LedgerError> {
    Ok(EventRow {
        event: Event {
            seq: get(row, 0)?,
            at: get(row, 1)?,
            station: get(row, 2)?,
            kind: get(row, 3)?,
            body: get(row, 4)?,
            hash: Digest::from_bytes(bytes(row, 5)?),
        },
        unit: get(row, 6)?,
        link: get(row, 7)?,
        mark: Some(bytes(row, 8)?),
    })
}

/// The chain of one station, as a transaction goes on with it.
#[derive(Clone, Copy)]
pub struct Chain {
    station: i64,
    head: Head,
}

/// Returns the head of a station's chain; it stays the head until a writing transaction ends.
pub fn head(view: &View<'_>, station: &str) -> Result<Head, LedgerError> {
    if let Some(chain) = view.chains.borrow().get(station) {
        return Ok(chain.head);
    }
    let start = || Head::start(&view.shop.ledger, station);
    let id = match view.mode {
        Mode::Read => view.first(STATION, &[&station])?,
        // Two that add the same station collide, and one of them is done anew.
        Mode::Write | Mode::Stage => match view.first(HOLD, &[&station])? {
            Some(row) => Some(row),
            None => {
                view.first(HOLD_LEDGER, &[])?;
                view.first(ADD_STATION, &[&station])?
            }
        },
    };
    let Some(id) = id else {
        return Ok(start());
    };
    let station_id: i64 = get(&id, 0)?;
    // A statement of its own, after the lock: it sees what the one before left.
    let head = match view.first(HEAD, &[&station_id])? {
        Some(row) => Head {
            link: get(&row, 0)?,
            hash: Digest::from_bytes(bytes(&row, 1)?),
        },
        None => start(),
    };
    let chain = Chain {
        station: station_id,
        head,
    };
    view.chains.borrow_mut().insert(station.to_owned(), chain);
    Ok(head)
}

pub fn add(view: &View<'_>, row: &EventRow) -> Result<(), LedgerError> {
    let event = &row.event;
    head(view, &event.station)?;
    let mut chains = view.chains.borrow_mut();
    let chain = chains.get_mut(&event.station).ok_or_else(odd)?;
    let hash = &event.hash.as_bytes()[..];
    let mark = view.notary()?.mark(&notary::Row::event(row));
    view.change(
        ADD,
        &[
            &chain.station,
            &row.link,
            &event.at,
            &event.kind,
            &row.unit,
            &event.body,
            &hash,
            &&mark[..],
        ],
    )?;
    chain.head = Head {
        link: row.link,
        hash: event.hash,
    };
    Ok(())
}

pub fn of_serial(view: &View<'_>, folded: &str) -> Result<Vec<Event>, LedgerError> {
    let rows = view.rows(OF_SERIAL, &[&view.shop.product, &folded])?;
    rows.iter().map(|row| Ok(read(row)?.event)).collect()
}

pub fn of_unit(view: &View<'_>, unit: i64) -> Result<Vec<EventRow>, LedgerError> {
    view.rows(OF_UNIT, &[&unit])?.iter().map(read).collect()
}

pub fn last(view: &View<'_>, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError> {
    let row = view.first(LAST, &[&unit, &kind])?;
    row.map(|row| Ok(read(&row)?.event)).transpose()
}

pub fn scan(view: &View<'_>, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
    let mut pass = |row: &Row| each(read(row)?);
    match order {
        Order::Chain => view.scan(CHAIN, &[], &mut pass),
        Order::After(seq) => {
            let last = match view.mode {
                // What is decided by them are those that are there.
                Mode::Write | Mode::Stage => i64::MAX,
                Mode::Read => view.shop.settled.get(),
            };
            view.scan(AFTER, &[&seq, &last], &mut pass)
        }
        Order::Unit => view.scan_ahead(
            UNIT,
            &[],
            (
                &mut |rows| {
                    let ids = rows.iter().filter_map(|row| get(row, 6).ok().flatten());
                    view.expect_units(&ids.collect::<Vec<i64>>())
                },
                &mut pass,
            ),
        ),
    }
}
