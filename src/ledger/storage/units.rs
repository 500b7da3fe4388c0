//! Units.

use super::sql::{Row, Value, stored_by_place, values};
use super::tables::{Each, UnitRow, Units};
use super::view::View;
use crate::ledger::{LedgerError, Stock, UnitState};

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
/// A unit that is looked up stays as it is.
const HOLD: &str = " FOR UPDATE OF u";
const RESERVED_AT: &str =
    select!("WHERE u.scope = ?1 AND u.state = 0 AND u.station = ?2 ORDER BY u.id");
const SCAN: &str = select!("WHERE u.scope = ?1 ORDER BY u.id");
const SCAN_ALL: &str = select!("ORDER BY u.id");
const BY_IDS: &str = select!("WHERE u.id = ANY(?1)");
const BY_SERIALS: &str = select!("WHERE u.product = ?1 AND u.folded = ANY(?2) AND u.past = 0");
/// One order for all who hold several, so that two groups never wait for one another.
const HOLD_SERIALS: &str = "SELECT u.id FROM units u \
     WHERE u.product = ?1 AND u.folded = ANY(?2) AND u.past = 0 ORDER BY u.id FOR UPDATE OF u";
const ADD: &str = "INSERT INTO units (id, past, state, uid, image, recipe, digest, target, durable, \
     station, run, epoch, pending, touched, label, at, event, scope, product, serial, folded, token) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20, ?21, ?22)";
const SET: &str = "UPDATE units SET past = ?2, state = ?3, uid = ?4, image = ?5, recipe = ?6, \
     digest = ?7, target = ?8, durable = ?9, station = ?10, run = ?11, epoch = ?12, pending = ?13, \
     touched = ?14, label = ?15, at = ?16, event = ?17 WHERE id = ?1";
const COUNT: &str = "SELECT state, count(*) FROM units WHERE scope = ?1 GROUP BY state";

/// States, as they are stored.
const STATES: [UnitState; 6] = [
    UnitState::Reserved,
    UnitState::Prepared,
    UnitState::Delivered,
    UnitState::Labelled,
    UnitState::Void,
    UnitState::Superseded,
];
stored_by_place!(UnitState, STATES);

fn read(row: &dyn Row, scope: i64) -> Result<UnitRow, LedgerError> {
    Ok(UnitRow {
        id: row.get(0)?,
        serial: row.get(1)?,
        token: row.get(2)?,
        fingerprint: row.get(3)?,
        state: row.get(4)?,
        uid: row.get(5)?,
        image: row.get(6)?,
        recipe: row.get(7)?,
        digest: row.get(8)?,
        target: row.get(9)?,
        durable: row.get(10)?,
        station: row.get(11)?,
        run: row.get(12)?,
        attempt: row.get(13)?,
        pending: row.get(14)?,
        touched: row.get(15)?,
        labelled_at: row.get(16)?,
        at: row.get(17)?,
        event: row.get(18)?,
        ours: row.get::<i64>(19)? == scope,
    })
}

/// Returns a unit's values as [`SET`] takes them.
fn changing(unit: &UnitRow) -> [Value<'_>; 17] {
    // What tells the row that counts from superseded ones.
    let past = match unit.state {
        UnitState::Superseded => unit.id,
        _ => 0,
    };
    [
        unit.id.into(),
        past.into(),
        unit.state.into(),
        unit.uid.as_ref().into(),
        (&unit.image).into(),
        (&unit.recipe).into(),
        unit.digest.as_ref().into(),
        <&str>::from(unit.target).into(),
        unit.durable.into(),
        (&unit.station).into(),
        (&unit.run).into(),
        unit.attempt.into(),
        unit.pending.into(),
        unit.touched.into(),
        unit.labelled_at.as_ref().into(),
        (&unit.at).into(),
        (&unit.event).into(),
    ]
}

/// Looks many units up, to be asked for next.
pub fn expect(view: &View<'_>, ids: &[Option<i64>]) -> Result<(), LedgerError> {
    let ids: Vec<Value<'_>> = ids.iter().flatten().map(|id| Value::Int(*id)).collect();
    let scope = view.opened.scope;
    let found = view
        .sql
        .all(BY_IDS, values![&ids], |row| read(row, scope))?;
    view.known.borrow_mut().units = found.into_iter().map(|unit| (unit.id, unit)).collect();
    Ok(())
}

/// Looks the units of many serials up, to be asked for next.
pub fn expect_serials(view: &View<'_>, folded: &[String]) -> Result<(), LedgerError> {
    let names: Vec<Value<'_>> = folded.iter().map(Value::from).collect();
    let (product, scope) = (view.opened.product, view.opened.scope);
    let found = view
        .sql
        .all(BY_SERIALS, values![product, &names], |row| read(row, scope))?;
    let mut known = view.known.borrow_mut();
    known.serials = folded.iter().map(|name| (name.clone(), None)).collect();
    let named = found
        .into_iter()
        .map(|unit| (unit.serial.folded(), Some(unit)));
    known.serials.extend(named);
    Ok(())
}

/// Counts units.
pub fn count(view: &View<'_>, stock: &mut Stock) -> Result<(), LedgerError> {
    let scope = view.opened.scope;
    view.sql.rows(COUNT.into(), values![scope], &mut |row| {
        if let Some(of) = stock.units(row.get(0)?) {
            *of = u64::try_from(row.get::<i64>(1)?).unwrap_or(0);
        }
        Ok(())
    })
}

impl View<'_> {
    /// Returns a unit; it stays as it is until a writing transaction ends.
    fn one_unit(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<UnitRow>, LedgerError> {
        let scope = self.opened.scope;
        let query = self.deciding(text, HOLD);
        let unit = self.sql.first(query, values, |row| read(row, scope))?;
        // Each statement sees what was committed before it. A unit that was not there a statement ago
        // would be met half: as the holder of its board, say, and not as the serial in hand.
        if let Some(unit) = &unit
            && unit.state != UnitState::Superseded
            && self.absent.borrow().contains(&unit.serial.folded())
        {
            return Err(self.sql.raced());
        }
        Ok(unit)
    }
}

impl Units for View<'_> {
    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError> {
        if let Some(unit) = self.known.borrow().units.get(&id) {
            return Ok(Some(unit.clone()));
        }
        self.one_unit(BY_ID, values![id])
    }

    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
        if let Some(unit) = self.known.borrow().serials.get(folded) {
            return Ok(unit.clone());
        }
        let unit = self.one_unit(BY_SERIAL, values![self.opened.product, folded])?;
        let is_live = |unit: &UnitRow| unit.state != UnitState::Superseded;
        if self.is_raced() && !unit.as_ref().is_some_and(is_live) {
            self.absent.borrow_mut().insert(folded.to_owned());
        }
        Ok(unit)
    }

    fn hold_units(&self, folded: &[String]) -> Result<(), LedgerError> {
        if !self.is_raced() || folded.len() < 2 {
            return Ok(());
        }
        let names: Vec<Value<'_>> = folded.iter().map(Value::from).collect();
        let values = values![self.opened.product, &names];
        self.sql.rows(HOLD_SERIALS.into(), values, &mut |_| Ok(()))
    }

    fn unit_on(&self, uid: &str) -> Result<Option<UnitRow>, LedgerError> {
        self.one_unit(BY_BOARD, values![self.opened.product, uid])
    }

    fn unit_with(&self, token: i64) -> Result<Option<UnitRow>, LedgerError> {
        self.one_unit(BY_TOKEN, values![token])
    }

    /// A number that nobody had; on a server one whose transaction is undone stays unused.
    ///
    /// A list that begins or ends sees all numbers below it: the serials are shared from here on.
    fn next_unit(&self) -> Result<i64, LedgerError> {
        self.share_product()?;
        let next = self.sql.value(self.opened.backend.next_unit, &[])?;
        Ok(next.unwrap_or(1))
    }

    fn skip_unit_numbers(&mut self) -> Result<(), LedgerError> {
        match self.opened.backend.skip_unit_numbers {
            Some(text) => self.sql.rows(text.into(), &[], &mut |_| Ok(())),
            None => Ok(()),
        }
    }

    fn add_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        let folded = unit.serial.folded();
        let place: &[Value<'_>; 5] = values![
            self.opened.scope,
            self.opened.product,
            unit.serial.as_str(),
            &folded,
            unit.token,
        ];
        self.sql
            .change(ADD, &[&changing(unit)[..], place].concat())?;
        self.absent.borrow_mut().remove(&folded);
        Ok(())
    }

    fn set_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        match self.sql.change(SET, &changing(unit))? {
            1 => Ok(()),
            _ => Err(LedgerError::damaged(format!(
                "the row of {} is missing",
                unit.serial
            ))),
        }
    }

    fn reserved_at(&self, station: &str) -> Result<Vec<UnitRow>, LedgerError> {
        let scope = self.opened.scope;
        self.sql
            .all(RESERVED_AT, values![scope, station], |row| read(row, scope))
    }

    fn scan_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        let scope = self.opened.scope;
        self.sql
            .scan(SCAN, values![scope], &mut |row| each(read(row, scope)?))
    }

    fn scan_all_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        let scope = self.opened.scope;
        self.sql
            .scan(SCAN_ALL, &[], &mut |row| each(read(row, scope)?))
    }
}
