//! What the audit asks of rows that no rule reads: their marks, and where they lead.

use std::collections::BTreeSet;

use super::notary::{self, COUNTER, counter_fact};
use super::parts;
use super::sql::{Row, values};
use super::tokens::unseen;
use super::view::View;
use crate::ledger::history::audit::FORGED;
use crate::ledger::{Finding, LedgerError};
use crate::unit::Serial;

const FACTS: &str = "SELECT number, name, value, mark FROM facts ORDER BY number";
const COUNTERS: &str = "SELECT c.product, c.format, c.next, c.mark, p.name FROM counters c \
     JOIN products p ON p.id = c.product";
const SCOPES: &str = "SELECT s.id, s.product, p.name, s.template, s.mark FROM scopes s \
     JOIN products p ON p.id = s.product ORDER BY s.id";
const IMPORTS: &str = "SELECT id, scope, first, unit, station, pictures, mark FROM imports \
     WHERE NOT pending ORDER BY id";
const PICTURES: &str = concat!(
    "SELECT (SELECT CAST(coalesce(sum(pictures), 0) AS bigint) FROM imports WHERE scope = ?1 AND NOT pending), \
     (SELECT count(*) FROM pictures p JOIN tokens t ON t.id = p.token WHERE t.scope = ?1 AND t.id < ",
    unseen!(),
    ")"
);
const UNITS: &str = "SELECT u.serial, u.folded, u.product, s.product, o.product FROM units u \
     JOIN scopes s ON s.id = u.scope JOIN tokens t ON t.id = u.token JOIN scopes o ON o.id = t.scope";
const FIXED: &str = "SELECT id, fixed, folded FROM tokens WHERE folded IS NOT NULL";
// What no foreign key watches on a server.
const MISPLACED: &str = "SELECT t.id FROM tokens t \
     LEFT JOIN imports i ON i.id = t.import LEFT JOIN keys k ON k.id = t.key \
     WHERE i.id IS NULL OR k.id IS NULL OR i.scope <> t.scope LIMIT 20";
const LOOSE: &str = "SELECT p.token FROM prints p LEFT JOIN tokens t ON t.id = p.token \
     WHERE t.id IS NULL OR p.print NOT IN (t.fingerprint, coalesce(t.qr_print, t.fingerprint)) \
     LIMIT 20";

/// Collects what is wrong with rows, one by one.
struct Inspection<'a> {
    view: &'a View<'a>,
    findings: Vec<Finding>,
}

/// Checks what only the server can, and every row that has a mark or leads to another one.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut inspection = Inspection {
        view,
        findings: (view.opened.backend.integrity)(view)?,
    };
    inspection.facts()?;
    inspection.imports()?;
    inspection.scopes()?;
    inspection.places()?;
    inspection.findings.extend(parts::inspect(view, FORGED)?);
    Ok(inspection.findings)
}

/// Compares a schema's rules, each with its name, with those that it was made with.
pub fn rules(
    wanted: &BTreeSet<(String, String)>,
    found: &BTreeSet<(String, String)>,
) -> Vec<Finding> {
    let finding = |name: &str, what: &str| Finding {
        about: name.to_owned(),
        what: what.to_owned(),
    };
    let missing = wanted
        .difference(found)
        .map(|(name, _)| finding(name, "the ledger's own rule is missing or was changed"));
    let known: BTreeSet<&String> = wanted.iter().map(|(name, _)| name).collect();
    let strange = found
        .iter()
        .filter(|(name, _)| !known.contains(name))
        .map(|(name, _)| finding(name, "no version made this"));
    missing.chain(strange).collect()
}

impl Inspection<'_> {
    fn add(&mut self, about: String, what: impl Into<String>) {
        self.findings.push(Finding {
            about,
            what: what.into(),
        });
    }

    /// Looks at a row's mark; without the key nobody can.
    fn marked(&mut self, about: impl FnOnce() -> String, row: &notary::Row<'_>, mark: &[u8]) {
        let judge = self.view.opened.judge();
        if judge.is_some_and(|notary| !notary.knows(row, mark)) {
            self.add(about(), FORGED);
        }
    }

    fn each(
        &mut self,
        text: &'static str,
        look: fn(&mut Self, &dyn Row) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let sql = self.view.sql;
        sql.scan(text, &[], &mut |row| look(self, row))
    }

    /// Looks at facts, which have no gap, and at counters: of one that began a fact tells.
    fn facts(&mut self) -> Result<(), LedgerError> {
        let (sql, mut last) = (self.view.sql, 0);
        let mut began = BTreeSet::new();
        sql.scan(FACTS, &[], &mut |row| {
            let (number, name): (i64, &str) = (row.get(0)?, row.get(1)?);
            let value = row.get(2)?;
            if number != last + 1 {
                let what = format!("number {} is missing before it", last + 1);
                self.add(format!("fact {name}"), what);
            }
            last = number;
            if name.starts_with(COUNTER) {
                began.insert(name.to_owned());
            }
            let fact = notary::Row::Fact {
                number,
                name,
                value,
            };
            self.marked(|| format!("fact {name}"), &fact, row.get(3)?);
            Ok(())
        })?;
        sql.scan(COUNTERS, &[], &mut |row| {
            let format: &str = row.get(1)?;
            let counter = notary::Row::Counter {
                product: row.get(0)?,
                format,
                next: row.get(2)?,
            };
            began.remove(&counter_fact(row.get(4)?, format));
            self.marked(|| format!("counter {format}"), &counter, row.get(3)?);
            Ok(())
        })?;
        for name in began {
            self.add(name, "it began, and is missing");
        }
        Ok(())
    }

    /// Looks at lists, and at prints that lead to a token whose they are not.
    fn imports(&mut self) -> Result<(), LedgerError> {
        self.each(IMPORTS, |this, row| {
            let id = row.get(0)?;
            let import = notary::Row::Import {
                id,
                scope: row.get(1)?,
                begins: (row.get(2)?, row.get(3)?),
                station: row.get(4)?,
                pictures: row.get(5)?,
            };
            this.marked(|| format!("import {id}"), &import, row.get(6)?);
            Ok(())
        })?;
        self.each(LOOSE, |this, row| {
            let about = format!("token {}", row.get::<i64>(0)?);
            this.add(about, "a print of it is not its own");
            Ok(())
        })
    }

    /// Looks at products and templates, and compares their pictures with what their lists brought.
    fn scopes(&mut self) -> Result<(), LedgerError> {
        self.each(SCOPES, |this, row| {
            let id: i64 = row.get(0)?;
            let (name, template): (&str, &str) = (row.get(2)?, row.get(3)?);
            let scope = notary::Row::Scope {
                id,
                product: (row.get(1)?, name),
                template,
            };
            this.marked(|| format!("product {name}"), &scope, row.get(4)?);
            let counts = this.view.sql.first(PICTURES, values![id], |row| {
                Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
            })?;
            let (brought, there) = counts.unwrap_or_default();
            if brought != there {
                let about = format!("product {name} {template}");
                let what = format!("its lists brought {brought} pictures, {there} are there");
                this.add(about.trim_end().to_owned(), what);
            }
            Ok(())
        })
    }

    /// Looks at what units and tokens are found by.
    fn places(&mut self) -> Result<(), LedgerError> {
        self.each(UNITS, |this, row| {
            let (serial, folded): (&str, &str) = (row.get(0)?, row.get(1)?);
            if !is_folded(serial, folded) {
                let what = format!("it is found as {folded:?}, which is another serial");
                this.add(serial.to_owned(), what);
            }
            let own: i64 = row.get(2)?;
            if own != row.get::<i64>(3)? || own != row.get::<i64>(4)? {
                this.add(serial.to_owned(), "it was moved to another product");
            }
            Ok(())
        })?;
        self.each(FIXED, |this, row| {
            let (serial, folded): (&str, &str) = (row.get(1)?, row.get(2)?);
            if !is_folded(serial, folded) {
                let about = format!("token {}", row.get::<i64>(0)?);
                let what = format!("it is fixed to {serial} and found as {folded:?}");
                this.add(about, what);
            }
            Ok(())
        })?;
        self.each(MISPLACED, |this, row| {
            let about = format!("token {}", row.get::<i64>(0)?);
            let what = "no list or no key has it, or its list is of another product";
            this.add(about, what);
            Ok(())
        })
    }
}

fn is_folded(serial: &str, folded: &str) -> bool {
    serial
        .parse::<Serial>()
        .is_ok_and(|serial| serial.folded() == folded)
}
