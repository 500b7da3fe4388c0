//! What the audit asks of rows that only a back end sees; the rules are the same for each.

use std::collections::BTreeSet;

use crate::ledger::Finding;
use crate::ledger::history::audit::FORGED;
use crate::ledger::storage::notary::{COUNTER, Notary, Row, counter_fact};
use crate::unit::Serial;

/// Looks at rows one by one, and collects what is wrong with them.
pub struct Inspection<'a> {
    /// Without the key marks are not looked at.
    notary: Option<&'a Notary>,
    facts: i64,
    /// Counters that began, as facts name them.
    counters: BTreeSet<String>,
    pub findings: Vec<Finding>,
}

impl<'a> Inspection<'a> {
    pub fn new(notary: Option<&'a Notary>, findings: Vec<Finding>) -> Self {
        Self {
            notary,
            facts: 0,
            counters: BTreeSet::new(),
            findings,
        }
    }

    fn add(&mut self, about: String, what: impl Into<String>) {
        self.findings.push(Finding {
            about,
            what: what.into(),
        });
    }

    /// Looks at a row's mark.
    pub fn marked(&mut self, about: impl FnOnce() -> String, row: &Row<'_>, mark: &[u8]) {
        if self.notary.is_some_and(|notary| !notary.knows(row, mark)) {
            self.add(about(), FORGED);
        }
    }

    /// Looks at a fact; they come by their numbers.
    pub fn fact(&mut self, (number, name, value): (i64, &str, &str), mark: &[u8]) {
        if number != self.facts + 1 {
            let what = format!("number {} is missing before it", self.facts + 1);
            self.add(format!("fact {name}"), what);
        }
        self.facts = number;
        if name.starts_with(COUNTER) {
            self.counters.insert(name.to_owned());
        }
        let row = Row::Fact {
            number,
            name,
            value,
        };
        self.marked(|| format!("fact {name}"), &row, mark);
    }

    /// Looks at a counter of a product.
    pub fn counter(&mut self, product: &str, row: &Row<'_>, mark: &[u8]) {
        let Row::Counter { format, .. } = row else {
            return;
        };
        self.counters.remove(&counter_fact(product, format));
        self.marked(|| format!("counter {format}"), row, mark);
    }

    /// Names the counters that began and are not there; all facts and counters were looked at.
    pub fn counters_left(&mut self) {
        for name in std::mem::take(&mut self.counters) {
            self.add(name, "it began, and is missing");
        }
    }

    /// Looks at a print that leads to a token whose it is not.
    pub fn loose(&mut self, id: i64) {
        self.add(format!("token {id}"), "a print of it is not its own");
    }

    /// Looks at how a unit is found: by its product and its folded serial.
    pub fn unit(&mut self, (serial, folded): (&str, &str), products: [i64; 3]) {
        if !is_folded(serial, folded) {
            let what = format!("it is found as {folded:?}, which is another serial");
            self.add(serial.to_owned(), what);
        }
        let [own, scope, token] = products;
        if own != scope || own != token {
            self.add(serial.to_owned(), "it was moved to another product");
        }
    }

    /// Looks at how a token is found: by the folded serial that a list fixes it to.
    pub fn fixed(&mut self, id: i64, (serial, folded): (&str, &str)) {
        if !is_folded(serial, folded) {
            let what = format!("it is fixed to {serial} and found as {folded:?}");
            self.add(format!("token {id}"), what);
        }
    }

    /// Looks at the list and the key of a token, of which one is missing or another product's.
    pub fn misplaced(&mut self, id: i64) {
        let what = "no list or no key has it, or its list is of another product";
        self.add(format!("token {id}"), what);
    }

    /// Compares the pictures of a product and template with what its lists brought.
    pub fn pictures(&mut self, (product, template): (&str, &str), (brought, there): (i64, i64)) {
        if brought != there {
            let what = format!("its lists brought {brought} pictures, {there} are there");
            self.add(
                format!("product {product} {template}")
                    .trim_end()
                    .to_owned(),
                what,
            );
        }
    }
}

fn is_folded(serial: &str, folded: &str) -> bool {
    serial
        .parse::<Serial>()
        .is_ok_and(|serial| serial.folded() == folded)
}
