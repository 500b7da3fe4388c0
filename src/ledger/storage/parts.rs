//! Parts of the ledger, the serials that were named for them, and the ledger's generations.

use super::notary;
use super::sql::{Row, stored_by_place, values};
use super::tables::{Heads, PartRow, PartSerial, Parts};
use super::view::{Mode, View};
use crate::ledger::StorageError;
use crate::ledger::part::{Part, PartState};
use crate::ledger::{Finding, LedgerError};
use crate::unit::Serial;
use crate::vault::recipient::Recipient;

/// The columns of a [`PartRow`], as [`read`] takes them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, station, recipient, tokens, run, format, first, ending, listed, ",
            "state, at, since, open, heads, mark FROM parts ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE number = ?1");
const AFTER: &str = select!("WHERE number > ?1 ORDER BY number");
const ADD: &str = "INSERT INTO parts (number, id, station, recipient, tokens, run, format, first, \
     ending, listed, state, at, since, open, heads, mark) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
const SET: &str = "UPDATE parts SET id = ?2, station = ?3, recipient = ?4, tokens = ?5, run = ?6, \
     format = ?7, first = ?8, ending = ?9, listed = ?10, state = ?11, at = ?12, since = ?13, \
     open = ?14, heads = ?15, mark = ?16 WHERE number = ?1";
const SERIAL: &str =
    "SELECT serial, cleared, mark FROM part_serials WHERE part = ?1 AND folded = ?2";
const SET_SERIAL: &str = "INSERT INTO part_serials (part, folded, serial, cleared, mark) \
     VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (part, folded) DO UPDATE SET cleared = excluded.cleared, mark = excluded.mark";
const SERIALS: &str = "SELECT part, folded, serial, cleared, mark FROM part_serials";
const INCOMPLETE: &str = "SELECT p.number, p.tokens, count(s.part) FROM parts p \
     LEFT JOIN part_serials s ON s.part = p.number WHERE p.listed \
     GROUP BY p.number, p.tokens HAVING count(s.part) <> p.tokens ORDER BY p.number";
const GENERATION: &str = "SELECT number, mark FROM generations ORDER BY number DESC LIMIT 1";
const ADD_GENERATION: &str = "INSERT INTO generations (number, mark) VALUES (?1, ?2)";
const GENERATIONS: &str = "SELECT number, mark FROM generations ORDER BY number";

/// States, as they are stored.
const STATES: [PartState; 4] = [
    PartState::Begun,
    PartState::Handed,
    PartState::Merged,
    PartState::Void,
];
stored_by_place!(PartState, STATES);

/// Reads a part with its mark.
fn read(row: &dyn Row) -> Result<(PartRow, [u8; 32]), LedgerError> {
    let whole = |number: i64| u64::try_from(number).map_err(|_| odd());
    let numbers = match row.get(6)? {
        Some(format) => Some((format, whole(row.get(7)?)?, whole(row.get(8)?)?)),
        None => None,
    };
    let to: Option<&str> = row.get(3)?;
    let heads: Option<&str> = row.get(14)?;
    let part = Part {
        number: row.get(0)?,
        id: row.get(1)?,
        station: row.get(2)?,
        to: to.and_then(Recipient::from_hex),
        tokens: usize::try_from(row.get::<i64>(4)?).map_err(|_| odd())?,
        numbers,
        listed: row.get(9)?,
        state: row.get(10)?,
        at: row.get(11)?,
        since: row.get(12)?,
        open: row.get(13)?,
    };
    let found = PartRow {
        part,
        run: row.get(5)?,
        heads: heads
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| odd())?,
    };
    Ok((found, row.get(15)?))
}

fn odd() -> LedgerError {
    LedgerError::damaged("a row cannot be read")
}

/// Returns heads of chains as they are stored.
fn text(heads: Option<&Heads>) -> Result<Option<String>, LedgerError> {
    let text = heads.map(serde_json::to_string).transpose();
    text.map_err(LedgerError::storage)
}

/// Returns what is wrong with rows of parts, in words; without the key nobody knows of marks.
pub fn inspect(view: &View<'_>, forged: &str) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    let mut add = |about: String, what: String| findings.push(Finding { about, what });
    let is_forged = |row: &notary::Row<'_>, mark: &[u8]| {
        let judge = view.opened.judge();
        judge.is_some_and(|notary| !notary.knows(row, mark))
    };
    view.sql.scan(AFTER, values![0_i64], &mut |row| {
        let (row, mark) = read(row)?;
        if is_forged(&notary::Row::Part(&row), &mark) {
            add(format!("part {}", row.part.number), forged.to_owned());
        }
        Ok(())
    })?;
    view.sql.scan(SERIALS, &[], &mut |row| {
        let (part, folded): (i64, &str) = (row.get(0)?, row.get(1)?);
        let serial: Serial = row.get(2)?;
        let marked = notary::Row::PartSerial {
            part,
            serial: serial.as_str(),
            cleared: row.get(3)?,
        };
        if serial.folded() != folded || is_forged(&marked, row.get(4)?) {
            add(format!("part {part}, {serial}"), forged.to_owned());
        }
        Ok(())
    })?;
    view.sql.scan(INCOMPLETE, &[], &mut |row| {
        let (given, there): (i64, i64) = (row.get(1)?, row.get(2)?);
        let what = format!("it was given {given} serials, {there} are there");
        add(format!("part {}", row.get::<i64>(0)?), what);
        Ok(())
    })?;
    view.sql.scan(GENERATIONS, &[], &mut |row| {
        let number = row.get(0)?;
        if is_forged(&notary::Row::Generation { number }, row.get(1)?) {
            add(format!("generation {number}"), forged.to_owned());
        }
        Ok(())
    })?;
    Ok(findings)
}

impl View<'_> {
    /// Refuses a row that somebody wrote who lacks the key, where it decides.
    fn prove(
        &self,
        row: &notary::Row<'_>,
        mark: &[u8],
        what: impl FnOnce() -> String,
    ) -> Result<(), LedgerError> {
        match self.mode == Mode::Read || self.notary()?.knows(row, mark) {
            true => Ok(()),
            false => Err(LedgerError::Storage(StorageError::Forged { what: what() })),
        }
    }

    fn proved_part(&self, row: &dyn Row) -> Result<PartRow, LedgerError> {
        let (row, mark) = read(row)?;
        let what = || format!("part {}", row.part.number);
        self.prove(&notary::Row::Part(&row), &mark, what)?;
        Ok(row)
    }

    /// Passes a part's values to a statement.
    fn write_part(&self, statement: &'static str, row: &PartRow) -> Result<u64, LedgerError> {
        let part = &row.part;
        let mark = self.notary()?.mark(&notary::Row::Part(row));
        let numbers = part.numbers.as_ref();
        let small = |number: u64| i64::try_from(number).ok();
        let (to, heads) = (
            part.to.as_ref().map(Recipient::to_hex),
            text(row.heads.as_ref())?,
        );
        self.sql.change(
            statement,
            values![
                part.number,
                &part.id,
                &part.station,
                to.as_ref(),
                i64::try_from(part.tokens).unwrap_or(i64::MAX),
                &row.run,
                numbers.map(|(format, _, _)| format),
                numbers.and_then(|(_, first, _)| small(*first)),
                numbers.and_then(|(_, _, end)| small(*end)),
                part.listed,
                part.state,
                &part.at,
                &part.since,
                part.open,
                heads.as_ref(),
                &mark,
            ],
        )
    }
}

impl Parts for View<'_> {
    fn part(&self, number: i64) -> Result<Option<PartRow>, LedgerError> {
        let query = self.deciding(ONE, " FOR UPDATE");
        self.sql
            .first(query, values![number], |row| self.proved_part(row))
    }

    fn parts_after(&self, number: i64) -> Result<Vec<PartRow>, LedgerError> {
        self.sql
            .all(AFTER, values![number], |row| self.proved_part(row))
    }

    fn add_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        self.write_part(ADD, row).map(drop)
    }

    fn set_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        self.write_part(SET, row).map(drop)
    }

    fn part_serial(&self, part: i64, folded: &str) -> Result<Option<PartSerial>, LedgerError> {
        self.sql.first(SERIAL, values![part, folded], |row| {
            let (serial, cleared): (&str, _) = (row.get(0)?, row.get(1)?);
            let marked = notary::Row::PartSerial {
                part,
                serial,
                cleared,
            };
            self.prove(&marked, row.get(2)?, || format!("part {part}, {serial}"))?;
            Ok(PartSerial {
                is_cleared: cleared.is_some(),
            })
        })
    }

    fn set_part_serial(
        &mut self,
        part: i64,
        serial: &Serial,
        cleared: Option<&str>,
    ) -> Result<(), LedgerError> {
        let mark = self.notary()?.mark(&notary::Row::PartSerial {
            part,
            serial: serial.as_str(),
            cleared,
        });
        let folded = serial.folded();
        let values = values![part, &folded, serial.as_str(), cleared, &mark];
        self.sql.change(SET_SERIAL, values).map(drop)
    }

    fn generation(&self) -> Result<i64, LedgerError> {
        let last = self.sql.first(GENERATION, &[], |row| {
            let number = row.get(0)?;
            let marked = notary::Row::Generation { number };
            self.prove(&marked, row.get(1)?, || format!("generation {number}"))?;
            Ok(number)
        })?;
        Ok(last.unwrap_or(0))
    }

    fn add_generation(&mut self, number: i64) -> Result<(), LedgerError> {
        let mark = self.notary()?.mark(&notary::Row::Generation { number });
        self.sql
            .change(ADD_GENERATION, values![number, &mark])
            .map(drop)
    }
}
