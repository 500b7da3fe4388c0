//! What only the server can tell: that its rules are still there.

use std::collections::BTreeSet;

use crate::ledger::storage::audit;
use crate::ledger::storage::view::View;
use crate::ledger::{Finding, LedgerError};

/// Lists the rules of a schema.
const RULES: &str = include_str!("../migrations/rules.postgres.sql");
/// What that lists for a ledger that nobody touched.
const WANTED: &str = include_str!("../migrations/rules.postgres.txt");

/// Checks that no rule was taken away.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    // The text of a function has several lines.
    let lines = view.sql.all(RULES, &[], |row| {
        row.get::<&str>(0).map(|rule| rule.replace('\n', " "))
    })?;
    let found: BTreeSet<_> = lines.iter().map(|line| rule(line)).collect();
    let wanted: BTreeSet<_> = WANTED.lines().map(rule).collect();
    Ok(audit::rules(&wanted, &found))
}

/// Takes a rule apart into its name and itself.
fn rule(line: &str) -> (String, String) {
    let (name, text) = line.split_once('\t').unwrap_or((line, ""));
    (name.to_owned(), text.to_owned())
}
