//! Audit: the events replayed against the tables, in passes that hold one unit at a time.

use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ledger::history::event::qr_print;
use crate::ledger::history::places::Lists;
use crate::ledger::history::replay::{Expected, each_unit};
use crate::ledger::rules::facts::SIMULATED;
use crate::ledger::rules::rows::row_digest;
use crate::ledger::storage::rows::FORGED;
use crate::ledger::storage::tables::{Head, Order, Tables, TokenRow};
use crate::ledger::{Audit, Finding, KeyError, Ledger, LedgerError, Simulated};
use crate::unit::Digest;

/// Most findings that are listed; a ledger in ruins needs no more.
const MOST: usize = 1000;

impl Ledger {
    /// Replays the events against the tables and checks every sum and uniqueness.
    ///
    /// # Errors
    /// [`LedgerError`] when it could not be found out; findings are no error.
    pub fn audit(&self) -> Result<Audit, LedgerError> {
        self.read(|tables| audit(tables, Secrets::Open))
    }
}

/// Whether sealed values are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are, and must be what they were.
    Open,
    /// They stay sealed: the key is elsewhere.
    Sealed,
}

/// Collects findings, at most [`MOST`].
struct Report(Audit);

impl Report {
    fn add(&mut self, about: impl Into<String>, what: impl Into<String>) {
        if self.0.findings.len() < MOST {
            self.0.findings.push(Finding {
                about: about.into(),
                what: what.into(),
            });
        }
    }
}

/// Checks everything that the ledger can be checked against.
pub fn audit(tables: &dyn Tables, secrets: Secrets) -> Result<Audit, LedgerError> {
    let mut report = Report(Audit::default());
    report.0.findings = tables.integrity()?;
    let lists = chains(tables, &mut report)?;
    units(tables, &mut report)?;
    tokens(tables, (&lists, secrets), &mut report)?;
    for (about, what) in lists.against_facts(tables)? {
        report.add(about, what);
    }
    report.0.backup = lists.backup();
    Ok(report.0)
}

/// Follows each station's chain, and notes what lists were taken in.
fn chains(tables: &dyn Tables, report: &mut Report) -> Result<Lists, LedgerError> {
    let ledger = tables
        .fact("ledger")?
        .ok_or_else(|| LedgerError::damaged("it has no number of its own"))?;
    let mut lists = Lists::default();
    let mut heads: BTreeMap<String, Head> = BTreeMap::new();
    let mut last = (String::new(), 0);
    let mut strange: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    tables.scan_events(Order::Chain, &mut |row| {
        report.0.events += 1;
        let event = &row.event;
        let head = heads
            .entry(event.station.clone())
            .or_insert_with(|| Head::start(&ledger, &event.station));
        let next = head.next(&event.at, &event.kind, &event.body);
        if row.link > next.link {
            report.add(
                format!("station {}", event.station),
                format!(
                    "events {} to {} of its chain are missing",
                    next.link,
                    row.link - 1
                ),
            );
        } else if next.hash != event.hash {
            report.add(
                format!("station {}", event.station),
                format!(
                    "event {} of its chain (seq {}) was changed",
                    row.link, event.seq
                ),
            );
        } else if tables.vouches(&row) == Some(false) {
            let links = strange.entry(event.station.clone()).or_default();
            links.push(row.link);
        }
        if last.0 == event.station && event.seq <= last.1 {
            report.add(
                format!("station {}", event.station),
                format!("event {} of its chain is out of order", row.link),
            );
        }
        last = (event.station.clone(), event.seq);
        // From here on the chain is judged by what is stored, so that one fault is told once.
        *head = Head {
            link: row.link,
            hash: event.hash,
        };
        lists.note(&row)
    })?;
    for (station, links) in strange {
        report.add(format!("station {station}"), forged(&links));
    }
    report.0.heads = heads
        .into_iter()
        .map(|(station, head)| (station, head.link, head.hash))
        .collect();
    Ok(lists)
}

/// Says which events of a chain somebody wrote who lacks the key.
fn forged(links: &[i64]) -> String {
    let first = links.first().copied().unwrap_or_default();
    match links {
        [_] => format!("event {first} of its chain was written without the ledger's key"),
        [.., last] => format!(
            "{} events of its chain, the first {first} and the last {last}, were written without the ledger's key",
            links.len()
        ),
        [] => String::new(),
    }
}

/// Replays each unit's events and compares the row.
fn units(tables: &dyn Tables, report: &mut Report) -> Result<(), LedgerError> {
    let mut explained = 0;
    let mut kinds = BTreeSet::new();
    each_unit(tables, &mut |id, expected| {
        kinds.extend(expected.simulated);
        explained += u64::from(compare(tables, report, id, &expected)?);
        Ok(())
    })?;
    let has = tables.fact(SIMULATED)?;
    for kind in kinds.into_iter().map(Simulated::from) {
        if has.as_deref() != Some(<&str>::from(kind)) {
            let has = has.as_deref().unwrap_or("unknown");
            let what = format!("it is {has}, events of units say {kind}");
            report.add("fact simulated", what);
        }
    }
    let mut missing = Vec::new();
    let mut all = 0;
    tables.scan_all_units(&mut |_| {
        all += 1;
        Ok(())
    })?;
    report.0.units = all;
    if explained != all {
        tables.scan_all_units(&mut |unit| {
            if tables.events_of(&unit.serial.folded())?.is_empty() {
                missing.push(unit.serial.to_string());
            }
            Ok(())
        })?;
    }
    for serial in missing {
        report.add(serial, "no event tells of this unit");
    }
    Ok(())
}

/// Compares one unit with its events; returns whether it has a row.
fn compare(
    tables: &dyn Tables,
    report: &mut Report,
    id: i64,
    expected: &Expected,
) -> Result<bool, LedgerError> {
    let Some(unit) = tables.unit(id)? else {
        report.add(
            format!("unit {id}"),
            "its events tell of it, its row is missing",
        );
        return Ok(false);
    };
    let wrong = expected.wrong.iter().cloned();
    for what in wrong.chain(expected.differences(&unit)) {
        report.add(unit.serial.as_str(), what);
    }
    Ok(true)
}

/// Checks each token against its unit, its list and its own secrets.
fn tokens(
    tables: &dyn Tables,
    (lists, secrets): (&Lists, Secrets),
    report: &mut Report,
) -> Result<(), LedgerError> {
    let mut found: HashMap<i64, (usize, Sha256)> = HashMap::new();
    let mut last = 0;
    tables.scan_tokens(&mut |(token, holder)| {
        if last == token.id {
            report.add(
                token.fingerprint.to_string(),
                "two live units have this token",
            );
            return Ok(());
        }
        last = token.id;
        report.0.tokens += 1;
        let (count, rows) = found.entry(token.import).or_default();
        *count += 1;
        let (qr, wrong) = lists.code(&token);
        if let Some(what) = wrong {
            report.add(format!("token {}", token.fingerprint), what);
        }
        rows.update(row_digest(
            (&token.fingerprint, qr.as_ref()),
            token.fixed.as_ref(),
            token.claimed,
        ));
        if let Some(what) = lists.misplaced(&token, holder) {
            report.add(format!("token {}", token.fingerprint), what);
        }
        if tables.vouches_token(&token) == Some(false) {
            report.add(format!("token {}", token.fingerprint), FORGED);
        }
        if let Some(what) = mislaid(tables, &token)? {
            report.add(format!("token {}", token.fingerprint), what);
        } else if secrets == Secrets::Open
            && let Some(what) = spoilt(tables, &token)?
        {
            report.add(format!("token {}", token.fingerprint), what);
        }
        Ok(())
    })?;
    for (import, added, rows) in lists.imports() {
        let (count, digest) = found.remove(&import).unwrap_or_default();
        if count != added {
            report.add(
                format!("import {import}"),
                format!("it brought {added} tokens, {count} are there"),
            );
        } else if rows != Some(Digest::from_bytes(digest.finalize().into()).to_string()) {
            report.add(
                format!("import {import}"),
                "its tokens are not those that were imported",
            );
        }
    }
    for (import, (count, _)) in found {
        report.add(
            format!("import {import}"),
            format!("{count} tokens are there and no event tells of them"),
        );
    }
    Ok(())
}

/// Returns a digest over all tokens, as an import's event has one over its own.
#[cfg(feature = "sqlite")]
pub fn tokens_digest(tables: &dyn Tables) -> Result<Digest, LedgerError> {
    let mut rows = Sha256::new();
    tables.scan_tokens(&mut |(token, _)| {
        rows.update(row_digest(
            (&token.fingerprint, token.qr.as_ref()),
            token.fixed.as_ref(),
            token.claimed,
        ));
        Ok(())
    })?;
    Ok(Digest::from_bytes(rows.finalize().into()))
}

/// Says why a token is not found where it should be.
fn mislaid(tables: &dyn Tables, token: &TokenRow) -> Result<Option<String>, LedgerError> {
    let mut found = vec![tables.token(&token.fingerprint)?];
    if let Some(qr) = &token.qr {
        found.push(tables.token_of_qr(qr)?);
    }
    let strange = found
        .iter()
        .any(|row| row.as_ref().map(|row| row.id) != Some(token.id));
    Ok(strange.then(|| "it is not the one that its prints lead to".to_owned()))
}

/// Says why a token's sealed values are not what they were.
fn spoilt(tables: &dyn Tables, token: &TokenRow) -> Result<Option<String>, LedgerError> {
    let opened = tables
        .secrets(token.id)
        .and_then(|secrets| tables.picture(token.id).map(|_| secrets));
    let secrets = match opened {
        Ok(secrets) => secrets,
        Err(LedgerError::Key(KeyError::Unsealed { column, .. })) => {
            return Ok(Some(format!(
                "its {column} does not open: the row was changed"
            )));
        }
        Err(error) => return Err(error),
    };
    if secrets.token.fingerprint() != token.fingerprint {
        return Ok(Some("it holds another AuthToken".to_owned()));
    }
    if secrets.qr.as_ref().map(qr_print) != token.qr {
        return Ok(Some("it holds another QR Token".to_owned()));
    }
    Ok(None)
}
