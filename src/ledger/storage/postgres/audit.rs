//! What only the server can tell: that its rules are still there, and that references lead to rows.

use std::collections::BTreeSet;

use super::rows::get;
use super::secrets::Sealed;
use super::tokens::{columns, unseen};
use super::view::View;
use super::{tokens, units};
use crate::ledger::storage::inspection::Inspection;
use crate::ledger::storage::notary::Row as Marked;
use crate::ledger::storage::tables::{Each, TokenRow};
use crate::ledger::{Finding, LedgerError, UnitState};

/// Lists the rules of a schema.
const RULES: &str = include_str!("../migrations/rules.postgres.sql");
/// What that lists for a ledger that nobody touched.
const WANTED: &str = include_str!("../migrations/rules.postgres.txt");

const TOKENS: &str = concat!(
    "SELECT ",
    columns!(),
    ", u.state, t.key, t.token, t.qr, t.columns, p.key, p.picture FROM tokens t \
     LEFT JOIN units u ON u.token = t.id AND u.past = 0 \
     LEFT JOIN pictures p ON p.token = t.id WHERE t.id < ",
    unseen!(),
    " ORDER BY t.id"
);
const FACTS: &str = "SELECT number, name, value, mark FROM facts ORDER BY number";
const COUNTERS: &str = "SELECT c.product, c.format, c.next, c.mark, p.name FROM counters c \
     JOIN products p ON p.id = c.product";
const SCOPES: &str = "SELECT s.id, s.product, p.name, s.template, s.mark FROM scopes s \
     JOIN products p ON p.id = s.product ORDER BY s.id";
const IMPORTS: &str = "SELECT id, scope, first, unit, station, pictures, mark FROM imports \
     WHERE NOT pending ORDER BY id";
const PICTURES: &str = concat!(
    "SELECT (SELECT coalesce(sum(pictures), 0)::bigint FROM imports WHERE scope = $1 AND NOT pending), \
     (SELECT count(*) FROM pictures p JOIN tokens t ON t.id = p.token WHERE t.scope = $1 AND t.id < ",
    unseen!(),
    ")"
);
const UNITS: &str = "SELECT u.serial, u.folded, u.product, s.product, o.product FROM units u \
     JOIN scopes s ON s.id = u.scope JOIN tokens t ON t.id = u.token JOIN scopes o ON o.id = t.scope";
const FIXED: &str = "SELECT id, fixed, folded FROM tokens WHERE folded IS NOT NULL";
// What no foreign key watches.
const ORPHANS: &str = "SELECT t.id FROM tokens t \
     LEFT JOIN imports i ON i.id = t.import LEFT JOIN keys k ON k.id = t.key \
     WHERE i.id IS NULL OR k.id IS NULL OR i.scope <> t.scope LIMIT 20";
const LOOSE: &str = "SELECT p.token FROM prints p LEFT JOIN tokens t ON t.id = p.token \
     WHERE t.id IS NULL OR p.print NOT IN (t.fingerprint, coalesce(t.qr_print, t.fingerprint)) \
     LIMIT 20";

/// Reads all seen tokens, each with the state of its live unit.
pub fn scan_tokens(
    view: &View<'_>,
    each: Each<'_, (TokenRow, Option<UnitState>)>,
) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    let mut ahead = |rows: &[postgres::Row]| {
        let mut prints = Vec::with_capacity(2 * rows.len());
        let mut sealed = std::collections::HashMap::with_capacity(rows.len());
        for row in rows {
            let token = tokens::read(row, scope)?;
            prints.push(*token.fingerprint.as_bytes());
            prints.extend(token.qr.map(|qr| *qr.as_bytes()));
            let picture = match get(row, 14)? {
                Some(key) => Some((key, get(row, 15)?)),
                None => None,
            };
            let blobs = Sealed {
                picture: Some(picture),
                ..Sealed::read(row, (2, 10))?
            };
            sealed.insert(token.id, blobs);
        }
        tokens::expect(view, &prints)?;
        view.ahead.borrow_mut().sealed = sealed;
        Ok(())
    };
    let mut pass = |row: &postgres::Row| {
        let unit = get::<Option<i16>>(row, 9)?.map(units::state).transpose()?;
        each((tokens::read(row, scope)?, unit))
    };
    view.scan_ahead(TOKENS, &[], (&mut ahead, &mut pass))
}

/// Checks that no rule was taken away, and that every row has those that it needs.
pub fn integrity(view: &View<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    let mut add = |about: String, what: &str| {
        findings.push(Finding {
            about,
            what: what.to_owned(),
        });
    };
    let rows = view.rows(RULES, &[])?;
    let found: BTreeSet<String> = rows
        .iter()
        .map(|row| get(row, 0).map(one_line))
        .collect::<Result<_, _>>()?;
    let wanted: BTreeSet<String> = WANTED.lines().map(str::to_owned).collect();
    let name = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    for line in wanted.difference(&found) {
        add(
            name(line),
            "the ledger's own rule is missing or was changed",
        );
    }
    let known: BTreeSet<String> = wanted.iter().map(|line| name(line)).collect();
    for line in found.difference(&wanted) {
        if !known.contains(&name(line)) {
            add(name(line), "no version made this");
        }
    }
    let mut orphans = Vec::new();
    for row in view.rows(ORPHANS, &[])? {
        orphans.push(get(&row, 0)?);
    }
    let mut inspection = Inspection::new(view.shop.notary.as_ref(), findings);
    for id in orphans {
        inspection.misplaced(id);
    }
    for row in view.rows(LOOSE, &[])? {
        inspection.loose(get(&row, 0)?);
    }
    marks(view, &mut inspection)?;
    places(view, &mut inspection)?;
    Ok(inspection.findings)
}

/// Looks at the marks of what no event tells.
fn marks(view: &View<'_>, inspection: &mut Inspection<'_>) -> Result<(), LedgerError> {
    for row in view.rows(FACTS, &[])? {
        let fact = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
        inspection.fact(fact, get(&row, 3)?);
    }
    for row in view.rows(COUNTERS, &[])? {
        let format: &str = get(&row, 1)?;
        let counter = Marked::Counter {
            product: get(&row, 0)?,
            format,
            next: get(&row, 2)?,
        };
        inspection.counter(get(&row, 4)?, &counter, get(&row, 3)?);
    }
    inspection.counters_left();
    for row in view.rows(IMPORTS, &[])? {
        let id: i64 = get(&row, 0)?;
        let import = Marked::Import {
            id,
            scope: get(&row, 1)?,
            begins: (get(&row, 2)?, get(&row, 3)?),
            station: get(&row, 4)?,
            pictures: get(&row, 5)?,
        };
        inspection.marked(|| format!("import {id}"), &import, get(&row, 6)?);
    }
    for row in view.rows(SCOPES, &[])? {
        let (id, name): (i64, &str) = (get(&row, 0)?, get(&row, 2)?);
        let template: &str = get(&row, 3)?;
        let scope = Marked::Scope {
            id,
            product: (get(&row, 1)?, name),
            template,
        };
        inspection.marked(|| format!("product {name}"), &scope, get(&row, 4)?);
        if let Some(counts) = view.first(PICTURES, &[&id])? {
            let counts = (get(&counts, 0)?, get(&counts, 1)?);
            inspection.pictures((name, template), counts);
        }
    }
    Ok(())
}

/// Looks at what units and tokens are found by.
fn places(view: &View<'_>, inspection: &mut Inspection<'_>) -> Result<(), LedgerError> {
    view.scan(UNITS, &[], &mut |row| {
        let products = [get(row, 2)?, get(row, 3)?, get(row, 4)?];
        inspection.unit((get(row, 0)?, get(row, 1)?), products);
        Ok(())
    })?;
    view.scan(FIXED, &[], &mut |row| {
        inspection.fixed(get(row, 0)?, (get(row, 1)?, get(row, 2)?));
        Ok(())
    })
}

/// Makes a rule one line: the text of a function has several.
fn one_line(rule: String) -> String {
    rule.replace('\n', " ")
}
