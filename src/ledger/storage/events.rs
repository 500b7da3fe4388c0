//! Events, and the chain that each station goes on with.

use super::sql::{Query, Row, Value, values};
use super::tables::{Each, EventRow, Events, Order};
use super::units;
use super::view::{Chain, Mode, View};
use crate::ledger::storage::tables::Head;
use crate::ledger::{Event, LedgerError};

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

const STATION: &str = "SELECT id FROM stations WHERE name = ?1";
/// Who waits for events to be complete holds it, and a new station has no row to be waited for.
pub const HOLD_LEDGER: Query = Query::holding(
    "SELECT 1 FROM facts WHERE name = 'ledger'",
    " FOR KEY SHARE",
);
const ADD_STATION: &str = "INSERT INTO stations (name) VALUES (?1) RETURNING id";
const HEAD: &str = "SELECT link, hash FROM events WHERE station = ?1 ORDER BY link DESC LIMIT 1";
const ADD: &str = "INSERT INTO events (station, link, at, kind, unit, body, hash, mark) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const OF_SERIAL: &str = select!(
    "WHERE e.unit IN (SELECT id FROM units WHERE product = ?1 AND folded = ?2) ORDER BY e.seq"
);
const OF_UNIT: &str = select!("WHERE e.unit = ?1 ORDER BY e.seq");
const LAST: &str = select!("WHERE e.unit = ?1 AND e.kind = ?2 ORDER BY e.seq DESC LIMIT 1");
const CHAIN: &str = select!("ORDER BY e.station, e.link");
const AFTER: &str = select!("WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq");
const UNIT: &str = select!("WHERE e.unit IS NOT NULL ORDER BY e.unit, e.seq");

fn read(row: &dyn Row) -> Result<EventRow, LedgerError> {
    Ok(EventRow {
        event: Event {
            seq: row.get(0)?,
            at: row.get(1)?,
            station: row.get(2)?,
            kind: row.get(3)?,
            body: row.get(4)?,
            hash: row.get(5)?,
        },
        unit: row.get(6)?,
        link: row.get(7)?,
        mark: row.get(8)?,
    })
}

/// Returns an event, as it is marked: the hash covers what is told, and all events of the station
/// before.
fn marked(row: &EventRow) -> [Value<'_>; 4] {
    let event = &row.event;
    *values![&event.station, row.link, row.unit, &event.hash]
}

impl View<'_> {
    /// Returns a station's chain; its head stays the head until a writing transaction ends.
    fn chain(&self, name: &str) -> Result<Option<Chain>, LedgerError> {
        if let Some(chain) = self.chains.borrow().get(name) {
            return Ok(Some(*chain));
        }
        let station: Option<i64> = match self.mode {
            Mode::Read => self.sql.value(STATION, values![name])?,
            Mode::Write | Mode::Stage => {
                let held = Query::holding(STATION, " FOR UPDATE");
                match self.sql.value(held, values![name])? {
                    Some(id) => Some(id),
                    None => {
                        self.sql.rows(HOLD_LEDGER, &[], &mut |_| Ok(()))?;
                        // Two that add the same station collide, and one of them is done anew.
                        self.sql.value(ADD_STATION, values![name])?
                    }
                }
            }
        };
        let Some(station) = station else {
            return Ok(None);
        };
        // A statement of its own, after the lock: it sees what the one before left.
        let head = self.sql.first(HEAD, values![station], |row| {
            Ok(Head {
                link: row.get(0)?,
                hash: row.get(1)?,
            })
        })?;
        let chain = Chain {
            station,
            head: head.unwrap_or_else(|| Head::start(&self.opened.ledger, name)),
        };
        self.chains.borrow_mut().insert(name.to_owned(), chain);
        Ok(Some(chain))
    }
}

impl Events for View<'_> {
    fn head(&self, station: &str) -> Result<Head, LedgerError> {
        let start = || Head::start(&self.opened.ledger, station);
        Ok(self.chain(station)?.map_or_else(start, |chain| chain.head))
    }

    fn add_event(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        let event = &row.event;
        let missing = || LedgerError::damaged("its station is missing");
        let chain = self.chain(&event.station)?.ok_or_else(missing)?;
        let mark = self.notary()?.mark("event", &marked(row));
        self.sql.change(
            ADD,
            values![
                chain.station,
                row.link,
                &event.at,
                &event.kind,
                row.unit,
                &event.body,
                &event.hash,
                &mark,
            ],
        )?;
        let head = Head {
            link: row.link,
            hash: event.hash,
        };
        let chain = Chain { head, ..chain };
        self.chains
            .borrow_mut()
            .insert(event.station.clone(), chain);
        Ok(())
    }

    fn vouches(&self, row: &EventRow) -> Option<bool> {
        let (judge, mark) = (self.opened.judge()?, row.mark.unwrap_or_default());
        Some(judge.knows("event", &marked(row), &mark))
    }

    fn events_of(&self, folded: &str) -> Result<Vec<Event>, LedgerError> {
        let product = self.opened.product;
        self.sql.all(OF_SERIAL, values![product, folded], |row| {
            Ok(read(row)?.event)
        })
    }

    fn events_by(&self, unit: i64) -> Result<Vec<EventRow>, LedgerError> {
        self.sql.all(OF_UNIT, values![unit], read)
    }

    fn last_event(&self, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError> {
        self.sql
            .first(LAST, values![unit, kind], |row| Ok(read(row)?.event))
    }

    fn scan_events(&self, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
        let mut pass = |row: &dyn Row| each(read(row)?);
        match order {
            Order::Chain => self.sql.scan(CHAIN, &[], &mut pass),
            Order::After(seq) => {
                let last = match self.mode {
                    // What is decided by them are those that are there.
                    Mode::Write | Mode::Stage => i64::MAX,
                    Mode::Read => self.opened.settled.get(),
                };
                self.sql.scan(AFTER, values![seq, last], &mut pass)
            }
            Order::Unit => {
                let mut ahead = |rows: &[&dyn Row]| {
                    let ids = rows.iter().map(|row| row.get(6));
                    units::expect(self, &ids.collect::<Result<Vec<Option<i64>>, _>>()?)
                };
                self.sql.stream(UNIT, &[], &mut ahead, &mut pass)
            }
        }
    }
}
