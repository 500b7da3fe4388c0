//! What the audit asks of rows that no rule reads: their marks, and where they lead.

use std::collections::BTreeSet;

use super::facts::{BEGAN, counter_fact};
use super::imports::unseen;
use super::rows::FORGED;
use super::sql::{Row, Value};
use super::view::View;
use crate::ledger::{Finding, LedgerError};
use crate::unit::Serial;

/// Kinds of rows that have a mark: what each is called, its values as they are marked, and the mark.
const MARKED: [(&str, &str); 7] = [
    (
        "fact",
        "SELECT 'fact ' || name, number, name, value, mark FROM facts ORDER BY number",
    ),
    (
        "counter",
        "SELECT 'counter ' || format, product, format, next, mark FROM counters ORDER BY product, format",
    ),
    (
        "import",
        "SELECT 'import ' || id, id, scope, first, unit, station, pictures, mark FROM imports \
         WHERE NOT pending ORDER BY id",
    ),
    (
        "scope",
        "SELECT 'product ' || p.name, s.id, s.product, p.name, s.template, s.mark FROM scopes s \
         JOIN products p ON p.id = s.product ORDER BY s.id",
    ),
    (
        "part",
        "SELECT 'part ' || number, number, id, station, recipient, tokens, run, format, first, ending, \
         listed, state, at, since, open, heads, mark FROM parts ORDER BY number",
    ),
    (
        "part serial",
        "SELECT 'part ' || part || ', ' || serial, part, serial, cleared, mark FROM part_serials \
         ORDER BY part, folded",
    ),
    (
        "generation",
        "SELECT 'generation ' || number, number, mark FROM generations ORDER BY number",
    ),
];

/// Finds rows that contradict others: what each is called, and what is wrong with it.
const CONTRADICTIONS: [&str; 6] = [
    // Facts are numbered without a gap, so that none goes unseen.
    "SELECT 'fact ' || name, 'number ' || wanted || ' is missing before it' FROM (SELECT f.name, f.number, \
     (SELECT coalesce(max(p.number), 0) + 1 FROM facts p WHERE p.number < f.number) AS wanted FROM facts f) AS f \
     WHERE number <> wanted ORDER BY number",
    "SELECT 'token ' || p.token, 'a print of it is not its own' FROM prints p \
     LEFT JOIN tokens t ON t.id = p.token \
     WHERE t.id IS NULL OR p.print NOT IN (t.fingerprint, coalesce(t.qr_print, t.fingerprint)) LIMIT 20",
    concat!(
        "SELECT rtrim('product ' || name || ' ' || template), \
         'its lists brought ' || brought || ' pictures, ' || there || ' are there' FROM (SELECT p.name, s.template, \
         (SELECT CAST(coalesce(sum(pictures), 0) AS bigint) FROM imports WHERE scope = s.id AND NOT pending) AS brought, \
         (SELECT count(*) FROM pictures p JOIN tokens t ON t.id = p.token WHERE t.scope = s.id AND t.id < ",
        unseen!(),
        ") AS there FROM scopes s JOIN products p ON p.id = s.product) AS counts WHERE brought <> there"
    ),
    "SELECT u.serial, 'it was moved to another product' FROM units u \
     JOIN scopes s ON s.id = u.scope JOIN tokens t ON t.id = u.token JOIN scopes o ON o.id = t.scope \
     WHERE u.product <> s.product OR u.product <> o.product",
    // What no foreign key watches on a server.
    "SELECT 'token ' || t.id, 'no list or no key has it, or its list is of another product' FROM tokens t \
     LEFT JOIN imports i ON i.id = t.import LEFT JOIN keys k ON k.id = t.key \
     WHERE i.id IS NULL OR k.id IS NULL OR i.scope <> t.scope LIMIT 20",
    "SELECT 'part ' || number, 'it was given ' || tokens || ' serials, ' || there || ' are there' \
     FROM (SELECT p.number, p.tokens, (SELECT count(*) FROM part_serials s WHERE s.part = p.number) AS there \
     FROM parts p WHERE p.listed) AS counts WHERE tokens <> there ORDER BY number",
];

/// What is found by a folded serial: what it is called, the serial, how it is folded, and words before
/// and behind that.
const FOLDED: [&str; 3] = [
    "SELECT serial, serial, folded, 'it is found as', ', which is another serial' FROM units",
    "SELECT 'token ' || id, fixed, folded, 'it is fixed to ' || fixed || ' and found as', '' FROM tokens \
     WHERE folded IS NOT NULL",
    "SELECT 'part ' || part || ', ' || serial, serial, folded, 'it is found as', ', which is another serial' \
     FROM part_serials",
];
const COUNTERS: &str =
    "SELECT p.name, c.format FROM counters c JOIN products p ON p.id = c.product";
const FACTS: &str = "SELECT name FROM facts ORDER BY number";

/// Checks what only the server can, and every row that has a mark or leads to another one.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = (view.opened.backend.integrity)(view)?;
    let mut add = |about: &str, what: String| {
        findings.push(Finding {
            about: about.to_owned(),
            what,
        });
    };
    for (kind, text) in MARKED {
        // Without the key nobody knows of marks.
        let Some(judge) = view.opened.judge() else {
            break;
        };
        view.sql.scan(text, &[], &mut |row| {
            let (about, last) = (row.get(0)?, row.width().saturating_sub(1));
            let cells = (1..last).map(|index| row.cell(index).map(Value::from));
            let values: Vec<Value<'_>> = cells.map(|value| value.unwrap_or(Value::Null)).collect();
            if !judge.knows(kind, &values, row.get(last)?) {
                add(about, FORGED.to_owned());
            }
            Ok(())
        })?;
    }
    for name in lost_counters(view)? {
        add(&name, "it began, and is missing".to_owned());
    }
    for text in CONTRADICTIONS {
        let mut pass = |row: &dyn Row| {
            add(row.get(0)?, row.get(1)?);
            Ok(())
        };
        view.sql.scan(text, &[], &mut pass)?;
    }
    for text in FOLDED {
        view.sql.scan(text, &[], &mut |row| {
            let (serial, folded): (&str, &str) = (row.get(1)?, row.get(2)?);
            if !is_folded(serial, folded) {
                let (before, behind): (&str, &str) = (row.get(3)?, row.get(4)?);
                add(row.get(0)?, format!("{before} {folded:?}{behind}"));
            }
            Ok(())
        })?;
    }
    Ok(findings)
}

/// Lists the counters that began, as facts name them, and are not there.
fn lost_counters(view: &View<'_>) -> Result<BTreeSet<String>, LedgerError> {
    let names = view.sql.all(FACTS, &[], |row| row.get::<String>(0))?;
    let mut began: BTreeSet<String> = names
        .into_iter()
        .filter(|name| name.starts_with(BEGAN))
        .collect();
    view.sql.scan(COUNTERS, &[], &mut |row| {
        began.remove(&counter_fact(row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    Ok(began)
}

fn is_folded(serial: &str, folded: &str) -> bool {
    serial
        .parse::<Serial>()
        .is_ok_and(|serial| serial.folded() == folded)
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
