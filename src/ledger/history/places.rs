//! Places: where each token that no unit has must be, by what the events say of lists, parts,
//! backups and restores.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ledger::history::event::{Body, Kind};
use crate::ledger::history::replay::holds_token;
use crate::ledger::history::restore::is_all;
use crate::ledger::rules::facts::{OPEN, ORIGIN, generation};
use crate::ledger::rules::parts;
use crate::ledger::storage::tables::{EventRow, Tables, TokenRow};
use crate::ledger::{LedgerError, PartState, Rework, TokenState, UnitState};
use crate::unit::Digest;

/// Why a token without a unit is void.
const SWAPPED: &str = "it was burnt when its board was swapped";

/// What one import brought.
struct Brought {
    seq: i64,
    added: usize,
    rows: Option<String>,
}

/// What the events say about tokens and not about units. Order is by sequence: events come
/// station by station.
#[derive(Default)]
pub struct Lists {
    imports: HashMap<i64, Brought>,
    /// Fingerprints that became gone after they were imported.
    gone: HashSet<String>,
    /// Tokens that got their QR Token after they were imported: its digest, and by which event.
    coded: HashMap<String, (i64, String)>,
    /// Where single tokens were put, and by which event.
    placed: HashMap<String, (i64, TokenState)>,
    /// How far each part got.
    parts: BTreeMap<i64, PartState>,
    /// Fingerprints that were burnt when their board was swapped.
    swapped: HashSet<String>,
    /// The last restore.
    restored: i64,
    /// The last time that everything set aside was cleared.
    cleared: i64,
    /// The last time that this was done for what a restore set aside.
    resumed: i64,
    /// Parts that came back without having been closed, and by which event.
    open: BTreeMap<i64, i64>,
    /// The last time that the ledger was made anew.
    rebuilt: i64,
    /// Restores, and times that the ledger was made anew.
    generations: u64,
    /// Where the last list's tokens come from.
    origin: (i64, Option<String>),
    backup: (i64, Option<String>),
}

impl Lists {
    /// Takes an event in.
    pub fn note(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        let Ok(kind) = row.event.kind.parse::<Kind>() else {
            return Ok(());
        };
        let seq = row.event.seq;
        match kind {
            Kind::Imported => self.imported(seq, Body::read(&row.event)?),
            Kind::Gone => {
                let names = Body::read(&row.event)?.fingerprints;
                self.gone.extend(names.unwrap_or_default());
            }
            Kind::Met => {
                let names = Body::read(&row.event)?.fingerprints;
                self.place(seq, names.unwrap_or_default(), TokenState::ClaimedElsewhere);
            }
            Kind::Completed => {
                let body = Body::read(&row.event)?;
                let names = body.fingerprints.unwrap_or_default().into_iter();
                let codes = body.codes.unwrap_or_default().into_iter();
                for (name, code) in names.zip(codes).filter(|(_, code)| !code.is_empty()) {
                    let coded = self.coded.entry(name).or_insert((seq, code.clone()));
                    if coded.0 < seq {
                        *coded = (seq, code);
                    }
                }
            }
            Kind::Split => {
                self.put(
                    seq,
                    Body::read(&row.event)?,
                    (PartState::Begun, TokenState::CheckedOut),
                );
            }
            Kind::Handed => {
                let body = Body::read(&row.event)?;
                self.step(body.part, PartState::Handed);
            }
            Kind::Merged => {
                let body = Body::read(&row.event)?;
                let state = body.state.as_deref().and_then(|state| state.parse().ok());
                let state = state.unwrap_or(TokenState::Free);
                if body.mode.as_deref() == Some(OPEN) {
                    let part = body.part.unwrap_or_default();
                    let last = self.open.entry(part).or_insert(seq);
                    *last = seq.max(*last);
                }
                self.put(seq, body, (PartState::Merged, state));
            }
            Kind::Burnt => {
                self.put(
                    seq,
                    Body::read(&row.event)?,
                    (PartState::Void, TokenState::Void),
                );
            }
            Kind::Reworked => {
                let body = Body::read(&row.event)?;
                if body.mode.as_deref() == Some(Rework::BoardSwapped.mode()) {
                    self.swapped.extend(body.fingerprint);
                }
            }
            Kind::Cleared => {
                let body = Body::read(&row.event)?;
                if is_all(&body) {
                    self.cleared = self.cleared.max(seq);
                }
                match body.fingerprints {
                    Some(names) => self.place(seq, names, TokenState::Free),
                    None => self.resumed = self.resumed.max(seq),
                }
            }
            Kind::Restored => {
                self.restored = self.restored.max(seq);
                self.generations += 1;
            }
            Kind::Rebuilt => {
                self.rebuilt = self.rebuilt.max(seq);
                self.generations += 1;
            }
            Kind::Saved if seq > self.backup.0 => self.backup = (seq, Some(row.event.at.clone())),
            _ => {}
        }
        Ok(())
    }

    fn imported(&mut self, seq: i64, body: Body) {
        if body.origin.is_some() && seq > self.origin.0 {
            self.origin = (seq, body.origin);
        }
        let brought = Brought {
            seq,
            added: body.added.unwrap_or_default(),
            rows: body.rows,
        };
        let import = body.import.unwrap_or_default();
        // After a rebuild numbers begin again.
        if self.imports.get(&import).is_none_or(|old| old.seq < seq) {
            self.imports.insert(import, brought);
        }
    }

    fn put(&mut self, seq: i64, body: Body, (step, state): (PartState, TokenState)) {
        self.step(body.part, step);
        self.place(seq, body.fingerprints.unwrap_or_default(), state);
    }

    fn step(&mut self, part: Option<i64>, step: PartState) {
        let part = self.parts.entry(part.unwrap_or_default()).or_insert(step);
        if parts::rank(step) > parts::rank(*part) {
            *part = step;
        }
    }

    fn place(&mut self, seq: i64, names: Vec<String>, state: TokenState) {
        for name in names {
            let placed = self.placed.entry(name).or_insert((seq, state));
            if placed.0 < seq {
                *placed = (seq, state);
            }
        }
    }

    /// Returns the imports that count: number, tokens, and digest of their rows.
    pub fn imports(&self) -> Vec<(i64, usize, Option<String>)> {
        let count = |(import, brought): (&i64, &Brought)| {
            (brought.seq > self.rebuilt).then(|| (*import, brought.added, brought.rows.clone()))
        };
        self.imports.iter().filter_map(count).collect()
    }

    /// Returns the digest of the QR Token that a token was imported with, and what is wrong with
    /// the one that it has.
    pub fn code(&self, token: &TokenRow) -> (Option<Digest>, Option<&'static str>) {
        let has = token.qr.map(|qr| qr.to_string());
        let Some((seq, code)) = self.coded.get(&token.fingerprint.to_hex()) else {
            return (token.qr, None);
        };
        let wrong = match has {
            Some(has) if has != *code => {
                Some("its QR Token is not the one that its event tells of")
            }
            None => Some("a list told its QR Token, which is missing: import that list again"),
            Some(_) => None,
        };
        // A ledger that was made anew read all lists again.
        match *seq > self.rebuilt {
            true => (None, wrong),
            false => (token.qr, wrong),
        }
    }

    /// Returns when the last backup was made.
    pub fn backup(self) -> Option<String> {
        self.backup.1
    }

    /// Says why a token cannot be in its state.
    pub fn misplaced(&self, token: &TokenRow, holder: Option<UnitState>) -> Option<String> {
        let Some(unit) = holder else {
            let (wanted, why) = self.resting(token);
            return (token.state != wanted).then(|| format!("it is {}, but {why}", token.state));
        };
        if self.swapped.contains(&token.fingerprint.to_hex()) {
            return Some(format!("it is {}, but {SWAPPED}", token.state));
        }
        let right = match token.state {
            TokenState::Bound => holds_token(unit),
            TokenState::Void => unit == UnitState::Void,
            // The claim that a backup knew of.
            TokenState::Quarantined => unit == UnitState::Reserved && self.restored > 0,
            TokenState::Free | TokenState::ClaimedElsewhere | TokenState::CheckedOut => false,
        };
        (!right).then(|| format!("it is {}, but its unit is {unit}", token.state))
    }

    /// Returns the state of a token that a live or void unit has.
    #[cfg(feature = "seal")]
    pub fn held(&self, token: &TokenRow, unit: UnitState) -> TokenState {
        let cleared = self.placed.get(&token.fingerprint.to_hex());
        let aside =
            self.restored > self.resumed && cleared.is_none_or(|(seq, _)| *seq < self.restored);
        match unit {
            UnitState::Void => TokenState::Void,
            UnitState::Reserved if aside => TokenState::Quarantined,
            _ => TokenState::Bound,
        }
    }

    /// Returns the state of a token that no unit has, and the reason in words.
    pub fn resting(&self, token: &TokenRow) -> (TokenState, &'static str) {
        let name = token.fingerprint.to_hex();
        if self.swapped.contains(&name) {
            return (TokenState::Void, SWAPPED);
        }
        if token.claimed || self.gone.contains(&name) {
            return (
                TokenState::ClaimedElsewhere,
                "no unit has it and the cloud gave it away",
            );
        }
        let born = self
            .imports
            .get(&token.import)
            .map_or(0, |import| import.seq);
        let (seq, state) = self
            .placed
            .get(&name)
            .copied()
            .unwrap_or((born, TokenState::Free));
        match state {
            TokenState::Free if self.restored > seq && self.resumed < self.restored => (
                TokenState::Quarantined,
                "the ledger was restored since and nobody cleared it",
            ),
            TokenState::CheckedOut => (state, "a part has it that did not come back"),
            TokenState::Void => (state, "it was burnt with its part"),
            TokenState::ClaimedElsewhere => (state, "a board showed it that no unit here is"),
            TokenState::Quarantined if self.cleared < seq => (state, "its part came back unclosed"),
            _ => (TokenState::Free, "no unit has it"),
        }
    }

    /// Compares the parts with what is stored of them.
    pub fn against_facts(&self, tables: &dyn Tables) -> Result<Vec<(String, String)>, LedgerError> {
        let stored: BTreeMap<i64, (PartState, bool)> = parts::all(tables)?
            .into_iter()
            .map(|row| (row.part.number, (row.part.state, row.part.open)))
            .collect();
        let mut wrong = Vec::new();
        for (number, state) in &self.parts {
            let has = stored.get(number);
            if has.is_none_or(|(has, _)| has != state) {
                wrong.push((
                    format!("part {number}"),
                    format!(
                        "it is {}, its events say {state}",
                        has.map_or("unknown", |(has, _)| (*has).into())
                    ),
                ));
                continue;
            }
            let open = self.open.get(number).is_some_and(|seq| self.cleared < *seq);
            if has.is_some_and(|(_, has)| *has != open) {
                let what = match open {
                    true => "its serials are free, and no event cleared them",
                    false => "its serials are held back, and no event says that it was not closed",
                };
                wrong.push((format!("part {number}"), what.to_owned()));
            }
        }
        for number in stored
            .keys()
            .filter(|number| !self.parts.contains_key(number))
        {
            wrong.push((format!("part {number}"), "no event tells of it".to_owned()));
        }
        let has = generation(tables)?;
        if has < self.generations {
            let what = format!(
                "it is {has}, and the ledger was restored or made anew {} times",
                self.generations
            );
            wrong.push(("fact generation".to_owned(), what));
        }
        let has = tables.fact(ORIGIN)?;
        if self.origin.1.is_some() && has != self.origin.1 {
            let (has, says) = (has.unwrap_or_default(), self.origin.1.as_deref());
            let what = format!(
                "it is {has:?}, its lists say {:?}",
                says.unwrap_or_default()
            );
            wrong.push(("fact origin".to_owned(), what));
        }
        Ok(wrong)
    }
}
