//! Parts of the ledger, the serials that were named for them, and the ledger's generations.

use super::sql::{Row, Value, stored_by_place, values};
use super::tables::{PartRow, PartSerial, Parts};
use super::view::{Mode, View};
use crate::ledger::LedgerError;
use crate::ledger::part::{Part, PartState};
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
const GENERATION: &str = "SELECT number, mark FROM generations ORDER BY number DESC LIMIT 1";
const ADD_GENERATION: &str = "INSERT INTO generations (number, mark) VALUES (?1, ?2)";

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

/// What of a part is written as text.
struct Texts {
    to: Option<String>,
    heads: Option<String>,
}

impl Texts {
    fn of(row: &PartRow) -> Result<Self, LedgerError> {
        let heads = row.heads.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            to: row.part.to.as_ref().map(Recipient::to_hex),
            heads: heads.map_err(LedgerError::storage)?,
        })
    }
}

/// Returns a part's values, as they are stored and marked.
fn columns<'a>(row: &'a PartRow, texts: &'a Texts) -> [Value<'a>; 15] {
    let part = &row.part;
    let numbers = part.numbers.as_ref();
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    *values![
        part.number,
        &part.id,
        &part.station,
        texts.to.as_ref(),
        i64::try_from(part.tokens).unwrap_or(i64::MAX),
        &row.run,
        numbers.map(|(format, _, _)| format),
        numbers.map(|(_, first, _)| whole(*first)),
        numbers.map(|(_, _, end)| whole(*end)),
        part.listed,
        part.state,
        &part.at,
        &part.since,
        part.open,
        texts.heads.as_ref(),
    ]
}

impl View<'_> {
    /// Refuses a row that somebody wrote who lacks the key, where it decides.
    fn decide_by(
        &self,
        kind: &str,
        row: &[Value<'_>],
        mark: &[u8],
        what: impl FnOnce() -> String,
    ) -> Result<(), LedgerError> {
        match self.mode {
            Mode::Read => Ok(()),
            Mode::Write | Mode::Stage => self.prove(kind, row, mark, what),
        }
    }

    fn read_part(&self, row: &dyn Row) -> Result<PartRow, LedgerError> {
        let (row, mark) = read(row)?;
        let texts = Texts::of(&row)?;
        let what = || format!("part {}", row.part.number);
        self.decide_by("part", &columns(&row, &texts), &mark, what)?;
        Ok(row)
    }

    /// Passes a part's values to a statement.
    fn write_part(&self, statement: &'static str, row: &PartRow) -> Result<(), LedgerError> {
        let texts = Texts::of(row)?;
        let columns = columns(row, &texts);
        let mark = self.notary()?.mark("part", &columns);
        let values = [&columns[..], &[Value::Bytes(&mark)]].concat();
        self.sql.change(statement, &values).map(drop)
    }
}

impl Parts for View<'_> {
    fn part(&self, number: i64) -> Result<Option<PartRow>, LedgerError> {
        let query = self.deciding(ONE, " FOR UPDATE");
        self.sql
            .first(query, values![number], |row| self.read_part(row))
    }

    fn parts_after(&self, number: i64) -> Result<Vec<PartRow>, LedgerError> {
        self.sql
            .all(AFTER, values![number], |row| self.read_part(row))
    }

    fn add_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        self.write_part(ADD, row)
    }

    fn set_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        self.write_part(SET, row)
    }

    fn part_serial(&self, part: i64, folded: &str) -> Result<Option<PartSerial>, LedgerError> {
        self.sql.first(SERIAL, values![part, folded], |row| {
            let (serial, cleared): (&str, Option<&str>) = (row.get(0)?, row.get(1)?);
            let what = || format!("part {part}, {serial}");
            let marked = values![part, serial, cleared];
            self.decide_by("part serial", marked, row.get(2)?, what)?;
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
        let marked = values![part, serial.as_str(), cleared];
        let mark = self.notary()?.mark("part serial", marked);
        let folded = serial.folded();
        let values = values![part, &folded, serial.as_str(), cleared, &mark];
        self.sql.change(SET_SERIAL, values).map(drop)
    }

    fn generation(&self) -> Result<i64, LedgerError> {
        let last = self.sql.first(GENERATION, &[], |row| {
            let number: i64 = row.get(0)?;
            let what = || format!("generation {number}");
            self.decide_by("generation", values![number], row.get(1)?, what)?;
            Ok(number)
        })?;
        Ok(last.unwrap_or(0))
    }

    fn add_generation(&mut self, number: i64) -> Result<(), LedgerError> {
        let mark = self.notary()?.mark("generation", values![number]);
        self.sql
            .change(ADD_GENERATION, values![number, &mark])
            .map(drop)
    }
}
