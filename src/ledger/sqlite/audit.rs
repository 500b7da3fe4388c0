//! What only SQLite can check: its pages, its indexes, and that its rules are still there.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use super::super::tables::{Each, TokenRow};
use super::super::{Finding, LedgerError, UnitState};
use super::connect::fault;
use super::schema::MIGRATIONS;
use super::view::View;
use super::{tokens, units};

const INTEGRITY: &str = "PRAGMA integrity_check(20)";
const FOREIGN: &str = "PRAGMA foreign_key_check";
const SCHEMA: &str = "SELECT type || ' ' || name, sql FROM sqlite_schema \
     WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
const TOKENS: &str = "SELECT t.id, t.import, t.fingerprint, t.state, t.fixed, t.qr_print, \
     t.claimed, t.scope, u.state FROM tokens t LEFT JOIN units u ON u.token = t.id AND u.past = 0 \
     WHERE t.id < ?1 ORDER BY t.id";

/// Reads all seen tokens, each with the state of its live unit.
pub fn scan_tokens(
    view: &View<'_>,
    each: Each<'_, (TokenRow, Option<UnitState>)>,
) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    let read = |row: &Row<'_>| {
        let unit = match row.get_ref(8)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(units::state(row, 8)?),
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
    Ok(findings)
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
