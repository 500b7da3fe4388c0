//! Facts, which are fixed once, and the counters of serials.

use super::sql::values;
use super::tables::Facts;
use super::view::{Mode, View};
use crate::ledger::{LedgerError, UnitError};
use crate::vault::home::HomeKey;

const FACT: &str = "SELECT value, number, mark FROM facts WHERE name = ?1";
// Two that find the same number collide, and one of them is done anew.
const NEXT: &str = "SELECT coalesce(max(number), 0) + 1 FROM facts";
const SET: &str = "INSERT INTO facts (number, name, value, mark) VALUES (?1, ?2, ?3, ?4)";
const COUNTER: &str = "SELECT next, mark FROM counters WHERE product = ?1 AND format = ?2";
const ADD_COUNTER: &str = "INSERT INTO counters (product, format, next, mark) VALUES (?1, ?2, 1, ?3) \
     ON CONFLICT (product, format) DO NOTHING";
const SET_COUNTER: &str =
    "UPDATE counters SET next = ?3, mark = ?4 WHERE product = ?1 AND format = ?2";

/// Facts: which counters began. One that is missing later was removed.
pub const BEGAN: &str = "counter ";

/// Returns the fact that a counter of a product began.
pub fn counter_fact(product: &str, format: &str) -> String {
    format!("{BEGAN}{}", serde_json::json!((product, format)))
}

impl Facts for View<'_> {
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError> {
        match self.mode {
            Mode::Write | Mode::Stage => self.proved(name),
            Mode::Read => self.sql.value(FACT, values![name]),
        }
    }

    fn proved(&self, name: &str) -> Result<Option<String>, LedgerError> {
        self.sql.first(FACT, values![name], |row| {
            let value: &str = row.get(0)?;
            let fact = values![row.get::<i64>(1)?, name, value];
            self.prove("fact", fact, row.get(2)?, || format!("fact {name}"))?;
            Ok(value.to_owned())
        })
    }

    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError> {
        let number: i64 = self.sql.value(NEXT, &[])?.unwrap_or(1);
        let mark = self.notary()?.mark("fact", values![number, name, value]);
        let values = values![number, name, value, &mark];
        self.sql.change(SET, values).map(drop)
    }

    fn alive(&self, run: &str) -> bool {
        // What cannot be found out counts as alive: a claim that waits is better than a token on
        // two boards.
        (self.opened.backend.alive)(self, run).unwrap_or(true)
    }

    fn refuse_other_runs(&mut self) -> Result<(), LedgerError> {
        (self.opened.backend.refuse_other_runs)(self)
    }

    fn home(&self) -> Result<Option<HomeKey>, LedgerError> {
        let ring = self.opened.key.as_ref().ok();
        Ok(ring.map(|ring| ring.seed().home()).transpose()?)
    }

    fn counter(&self, format: &str) -> Result<u64, LedgerError> {
        let product = self.opened.product;
        let decides = self.mode != Mode::Read;
        let what = || format!("the counter of {format}");
        if decides {
            let first = values![product, format, 1_i64];
            let mark = self.notary()?.mark("counter", first);
            let added = self
                .sql
                .change(ADD_COUNTER, values![product, format, &mark])?;
            // One that began does not begin anew: its row was taken away.
            let began = counter_fact(&self.opened.frame.scope.product, format);
            if added > 0 && self.fact(&began)?.is_some() {
                return Err(LedgerError::forged(what()));
            }
        }
        let query = self.deciding(COUNTER, " FOR UPDATE");
        let next: Option<i64> = self.sql.first(query, values![product, format], |row| {
            let next = row.get(0)?;
            if decides {
                let counter = values![product, format, next];
                self.prove("counter", counter, row.get(1)?, what)?;
            }
            Ok(next)
        })?;
        let Some(next) = next else {
            return Ok(1);
        };
        u64::try_from(next)
            .map_err(|_| LedgerError::damaged(format!("the counter of {format} is negative")))
    }

    fn set_counter(&mut self, format: &str, next: u64) -> Result<(), LedgerError> {
        let next = i64::try_from(next).map_err(|_| {
            LedgerError::Unit(UnitError::SerialsUsedUp {
                format: format.to_owned(),
                part: None,
                left: 0,
            })
        })?;
        let product = self.opened.product;
        let counter = values![product, format, next];
        let mark = self.notary()?.mark("counter", counter);
        self.sql
            .change(SET_COUNTER, values![product, format, next, &mark])?;
        let began = counter_fact(&self.opened.frame.scope.product, format);
        // A counter that stands at its beginning says nothing that a missing one does not.
        if next == 1 || self.fact(&began)?.is_some() {
            return Ok(());
        }
        self.set_fact(&began, "")
    }
}
