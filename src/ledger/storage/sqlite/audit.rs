//! What only SQLite can check: its pages, its indexes, and that its rules are still there.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use super::connect::fault;
use super::schema::MIGRATIONS;
use super::view::View;
use super::{tokens, units};
use crate::ledger::storage::inspection::Inspection;
use crate::ledger::storage::notary::Row as Marked;
use crate::ledger::storage::tables::{Each, Mark, TokenRow};
use crate::ledger::{Finding, LedgerError, UnitState};

const INTEGRITY: &str = "PRAGMA integrity_check(20)";
const FOREIGN: &str = "PRAGMA foreign_key_check";
const SCHEMA: &str = "SELECT type || ' ' || name, sql FROM sqlite_schema \
     WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
const TOKENS: &str = "SELECT t.id, t.import, t.fingerprint, t.state, t.fixed, t.qr_print, \
     t.claimed, t.scope, t.mark, u.state FROM tokens t LEFT JOIN units u ON u.token = t.id AND u.past = 0 \
     WHERE t.id < ?1 ORDER BY t.id";
const FACTS: &str = "SELECT number, name, value, mark FROM facts ORDER BY number";
const COUNTERS: &str = "SELECT c.product, c.format, c.next, c.mark, p.name FROM counters c \
     JOIN products p ON p.id = c.product";
const SCOPES: &str = "SELECT s.id, s.product, p.name, s.template, s.mark FROM scopes s \
     JOIN products p ON p.id = s.product ORDER BY s.id";
const IMPORTS: &str = "SELECT id, scope, first, unit, station, pictures, mark FROM imports \
     WHERE pending = 0 ORDER BY id";
const PICTURES: &str = "SELECT \
     (SELECT coalesce(sum(pictures), 0) FROM imports WHERE scope = ?1 AND pending = 0), \
     (SELECT count(*) FROM pictures p JOIN tokens t ON t.id = p.token WHERE t.scope = ?1 AND t.id < ?2)";
const UNITS: &str = "SELECT u.serial, u.folded, u.product, s.product, o.product FROM units u \
     JOIN scopes s ON s.id = u.scope JOIN tokens t ON t.id = u.token JOIN scopes o ON o.id = t.scope";
const FIXED: &str = "SELECT id, fixed, folded FROM tokens WHERE folded IS NOT NULL";
const MISPLACED: &str = "SELECT t.id FROM tokens t LEFT JOIN imports i ON i.id = t.import \
     WHERE i.id IS NULL OR i.scope <> t.scope LIMIT 20";

const LOOSE: &str = "SELECT p.token FROM prints p LEFT JOIN tokens t ON t.id = p.token \
     WHERE t.id IS NULL OR p.print NOT IN (t.fingerprint, coalesce(t.qr_print, t.fingerprint)) \
     LIMIT 20";

/// Reads all seen tokens, each with the state of its live unit.
pub fn scan_tokens(
    view: &View<'_>,
    each: Each<'_, (TokenRow, Option<UnitState>)>,
) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    let read = |row: &Row<'_>| {
        let unit = match row.get_ref(9)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(units::state(row, 9)?),
        };
        Ok((tokens::read(row, scope)?, unit))
    };
    view.scan(TOKENS, [view.horizon.get()], (read, each))
}

/// Checks pages, indexes, uniqueness and references, and that no rule was taken away.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    let mut add = |about: &str, what: String| {
        findings.push(Finding {
            about: about.to_owned(),
            what,
        });
    };
    for line in view.all(INTEGRITY, [], |row| row.get::<_, String>(0))? {
        if line != "ok" {
            add("file", line);
        }
    }
    for table in view.all(FOREIGN, [], |row| row.get::<_, String>(0))? {
        add(&table, "a row refers to one that is missing".to_owned());
    }
    let fresh = Connection::open_in_memory().map_err(fault)?;
    for sql in MIGRATIONS {
        fresh.execute_batch(sql).map_err(fault)?;
    }
    let (wanted, found) = (rules(&fresh)?, rules(view.conn)?);
    for (name, _) in wanted.difference(&found) {
        add(
            name,
            "the ledger's own rule is missing or was changed".to_owned(),
        );
    }
    for (name, _) in found.difference(&wanted) {
        if !wanted.iter().any(|(other, _)| other == name) {
            add(name, "no version made this".to_owned());
        }
    }
    let mut inspection = Inspection::new(view.shop.notary.as_ref(), findings);
    marks(view, &mut inspection)?;
    places(view, &mut inspection)?;
    Ok(inspection.findings)
}

/// Looks at the marks of what no event tells.
fn marks(view: &View<'_>, inspection: &mut Inspection<'_>) -> Result<(), LedgerError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(i64, String, String, Mark)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    };
    for (number, name, value, mark) in view.all(FACTS, [], read)? {
        inspection.fact((number, &name, &value), &mark);
    }
    let read = |row: &Row<'_>| -> rusqlite::Result<(i64, String, i64, Mark, String)> {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    };
    for (product, format, next, mark, name) in view.all(COUNTERS, [], read)? {
        let row = Marked::Counter {
            product,
            format: &format,
            next,
        };
        inspection.counter(&name, &row, &mark);
    }
    inspection.counters_left();
    lists(view, inspection)?;
    let read = |row: &Row<'_>| -> rusqlite::Result<(i64, i64, String, String, Mark)> {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    };
    for (id, product, name, template, mark) in view.all(SCOPES, [], read)? {
        let row = Marked::Scope {
            id,
            product: (product, &name),
            template: &template,
        };
        inspection.marked(|| format!("product {name}"), &row, &mark);
        let counts = view.first(PICTURES, (id, view.horizon.get()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        inspection.pictures((&name, &template), counts.unwrap_or_default());
    }
    Ok(())
}

/// A list: its number, scope, beginning, station and count of pictures, with its mark.
type List = (i64, i64, (i64, i64), String, i64, Mark);

/// Looks at the marks of lists, and at prints that are no token's.
fn lists(view: &View<'_>, inspection: &mut Inspection<'_>) -> Result<(), LedgerError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<List> {
        let begins = (row.get(2)?, row.get(3)?);
        Ok((
            row.get(0)?,
            row.get(1)?,
            begins,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
        ))
    };
    for (id, scope, begins, station, pictures, mark) in view.all(IMPORTS, [], read)? {
        let row = Marked::Import {
            id,
            scope,
            begins,
            station: &station,
            pictures,
        };
        inspection.marked(|| format!("import {id}"), &row, &mark);
    }
    for id in view.all(LOOSE, [], |row| row.get(0))? {
        inspection.loose(id);
    }
    Ok(())
}

/// Looks at what units and tokens are found by.
fn places(view: &View<'_>, inspection: &mut Inspection<'_>) -> Result<(), LedgerError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(String, String, [i64; 3])> {
        let products = [row.get(2)?, row.get(3)?, row.get(4)?];
        Ok((row.get(0)?, row.get(1)?, products))
    };
    let mut unit = |(serial, folded, products): (String, String, _)| {
        inspection.unit((&serial, &folded), products);
        Ok(())
    };
    view.scan(UNITS, [], (read, &mut unit))?;
    let read = |row: &Row<'_>| -> rusqlite::Result<(i64, String, String)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    };
    let mut fixed = |(id, serial, folded): (i64, String, String)| {
        inspection.fixed(id, (&serial, &folded));
        Ok(())
    };
    view.scan(FIXED, [], (read, &mut fixed))?;
    for id in view.all(MISPLACED, [], |row| row.get(0))? {
        inspection.misplaced(id);
    }
    Ok(())
}

/// Lists tables, indexes and triggers with their text.
fn rules(conn: &Connection) -> Result<BTreeSet<(String, String)>, LedgerError> {
    let mut statement = conn.prepare(SCHEMA).map_err(fault)?;
    let rules = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rules
        .map_err(fault)?
        .collect::<Result<_, _>>()
        .map_err(fault)
}
