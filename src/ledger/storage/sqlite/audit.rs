//! What only SQLite can check: its pages, its indexes, and that its rules are still there.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::connect::fault;
use super::schema::MIGRATIONS;
use crate::ledger::storage::audit;
use crate::ledger::storage::sql::Sql;
use crate::ledger::storage::view::View;
use crate::ledger::{Finding, LedgerError};

const INTEGRITY: &str = "PRAGMA integrity_check(20)";
const FOREIGN: &str = "PRAGMA foreign_key_check";
const SCHEMA: &str = "SELECT type || ' ' || name, sql FROM sqlite_schema \
     WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";

/// Checks pages, indexes, uniqueness and references, and that no rule was taken away.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    let mut add = |about: String, what: String| findings.push(Finding { about, what });
    for line in view.sql.all(INTEGRITY, &[], |row| row.get::<String>(0))? {
        if line != "ok" {
            add("file".to_owned(), line);
        }
    }
    for table in view.sql.all(FOREIGN, &[], |row| row.get(0))? {
        add(table, "a row refers to one that is missing".to_owned());
    }
    let fresh = Connection::open_in_memory().map_err(fault)?;
    for sql in MIGRATIONS {
        fresh.execute_batch(sql).map_err(fault)?;
    }
    findings.extend(audit::rules(&rules(&fresh)?, &rules(view.sql)?));
    Ok(findings)
}

/// Lists tables, indexes and triggers with their text.
fn rules(sql: &dyn Sql) -> Result<BTreeSet<(String, String)>, LedgerError> {
    let rules = sql.all(SCHEMA, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rules.into_iter().collect())
}
