//! Merge: a part comes back whole, or nothing of it does.

use std::collections::{BTreeMap, HashMap};

use crate::ledger::history::audit::{Secrets, audit};
use crate::ledger::history::event::{Body, Kind};
use crate::ledger::part::{Merge, Part, PartState, Return, Told};
use crate::ledger::rules::facts::{SIMULATED, check_simulated, known, ledger_number};
use crate::ledger::rules::join::{heads, join, settle};
use crate::ledger::rules::parts;
use crate::ledger::storage::tables::{Frame, Order, Tables, UnitRow};
use crate::ledger::{
    Actor, Finding, Ledger, LedgerError, OpenError, PartError, TokenState, UnitState,
};
use crate::unit::Fingerprint;
use crate::vault::home::Signature;

impl Ledger {
    /// Reads what a part brings back, and replays its chains; its key is not needed.
    ///
    /// # Errors
    /// [`PartError::NotAPart`]; what is wrong in it is told when it is merged.
    pub fn bring_back(&self) -> Result<Return, LedgerError> {
        self.read(|tables| bring(tables))
    }

    /// Takes a part back: its units, and the tokens that it did not use. These are free again if
    /// the part was closed; if it was not, they are quarantined, and its serials get no token.
    ///
    /// # Errors
    /// [`PartError::PartConflict`] with all that contradicts; then nothing was merged.
    pub fn merge(&mut self, back: &Return, by: &Actor) -> Result<Merge, LedgerError> {
        self.act(|tables, frame| merge(tables, frame, back, by))
    }
}

/// Reads what a part brings back; its key is not needed, and its chains are replayed.
pub fn bring(tables: &dyn Tables) -> Result<Return, LedgerError> {
    let of = parts::part_of(tables)?.ok_or(LedgerError::Part(PartError::NotAPart))?;
    let audit = audit(tables, Secrets::Sealed)?;
    let mut decided = decisions(tables)?;
    let mut units = Vec::new();
    tables.scan_all_units(&mut |unit| {
        let told = decided.remove(&unit.id).unwrap_or_default();
        units.push((unit, told));
        Ok(())
    })?;
    let mut tokens = BTreeMap::new();
    tables.scan_tokens(&mut |(token, _)| {
        tokens.insert(token.fingerprint, token.state);
        Ok(())
    })?;
    let mut events = HashMap::new();
    tables.scan_events(Order::Chain, &mut |row| {
        events.insert((row.event.station, row.link), row.event.hash);
        Ok(())
    })?;
    Ok(Return {
        of,
        units,
        tokens,
        events,
        heads: audit.heads,
        simulated: tables.fact(SIMULATED)?,
        findings: audit.findings,
        signature: tables
            .fact(parts::SIGNATURE)?
            .as_deref()
            .and_then(Signature::parse),
    })
}

/// Collects who decided what of which unit, as its ledger will be asked for it.
fn decisions(tables: &dyn Tables) -> Result<HashMap<i64, Told>, LedgerError> {
    let mut decided = HashMap::new();
    tables.scan_events(Order::Unit, &mut |row| {
        let kind = row.event.kind.parse();
        let (Some(unit), Ok(Kind::Voided | Kind::Reworked | Kind::Renewed)) = (row.unit, kind)
        else {
            return Ok(());
        };
        let body = Body::read(&row.event)?;
        let told = Told {
            mode: body.mode,
            successor: body.successor,
            predecessor: body.predecessor,
            by: body.by,
            reason: body.reason,
        };
        decided.insert(unit, told);
        Ok(())
    })?;
    Ok(decided)
}

/// Takes a part back.
pub fn merge(
    tables: &mut dyn Tables,
    frame: &Frame,
    back: &Return,
    by: &Actor,
) -> Result<Merge, LedgerError> {
    tables.hold_serials()?;
    let part = belongs(tables, back)?;
    let forged = back.unsigned(part.to.as_ref());
    if part.state == PartState::Merged && forged.is_none() {
        return again(tables, part, back);
    }
    let about = || format!("part {}", part.number);
    let mut findings: Vec<Finding> = forged
        .map(|what| Finding {
            about: about(),
            what,
        })
        .into_iter()
        .collect();
    findings.extend(contradictions(tables, &part, back)?);
    if !findings.is_empty() {
        return Err(conflict(&part, findings));
    }
    same_kind(tables, frame, back)?;
    let mut merge = Merge {
        part: part.clone(),
        units: 0,
        free: 0,
        quarantined: 0,
        already: false,
    };
    for (unit, told) in &back.units {
        join(tables, &part, (unit, told), by)?;
        merge.units += 1;
    }
    settle(tables, (&part, back), by, &mut merge)?;
    merge.part = parts::must(tables, part.number)?;
    Ok(merge)
}

/// Returns the part that a return is of, if it is one of this ledger's.
fn belongs(tables: &dyn Tables, back: &Return) -> Result<Part, LedgerError> {
    let digits = |text: &str| text.chars().take(12).collect::<String>();
    let has = ledger_number(tables)?;
    let other = || {
        LedgerError::Part(PartError::PartOther {
            wants: digits(&back.of.ledger),
            has: digits(&has),
        })
    };
    if back.of.ledger != has {
        return Err(other());
    }
    let part = parts::must(tables, back.of.part.number)?;
    if part.id != back.of.part.id {
        return Err(conflict(
            &part,
            vec![Finding {
                about: format!("part {}", part.number),
                what: format!(
                    "the file is {}, this ledger handed out {} under that number",
                    back.of.part.id, part.id
                ),
            }],
        ));
    }
    if part.state == PartState::Void {
        return Err(LedgerError::Part(PartError::PartState {
            part: part.number,
            state: part.state.into(),
            what: "its tokens are burnt: scrap what was made with it, or rework it",
        }));
    }
    Ok(part)
}

fn conflict(part: &Part, findings: Vec<Finding>) -> LedgerError {
    let first = findings.first();
    LedgerError::Part(PartError::PartConflict {
        part: part.number,
        first: first.map_or_else(String::new, |first| {
            format!("{}: {}", first.about, first.what)
        }),
        findings,
    })
}

/// Says what a second return of a part is: the same one, one that went on, or a copy.
fn again(tables: &dyn Tables, part: Part, back: &Return) -> Result<Merge, LedgerError> {
    let merged = parts::row(tables, part.number)?.heads.unwrap_or_default();
    if merged == heads(back) {
        return Ok(Merge {
            part,
            units: 0,
            free: 0,
            quarantined: 0,
            already: true,
        });
    }
    let mut findings = Vec::new();
    let about = format!("part {}", part.number);
    for (station, link, hash) in &merged {
        let has = back.events.get(&(station.clone(), *link));
        let what = match has {
            Some(has) if has.to_string() == *hash => continue,
            Some(_) => format!(
                "this is a copy of what was merged already, and the two diverge before event {link} of station {station}"
            ),
            None => format!(
                "it was merged already, with {link} events of station {station}; this is an older copy"
            ),
        };
        findings.push(Finding {
            about: about.clone(),
            what,
        });
    }
    if findings.is_empty() {
        findings.push(Finding {
            about: about.clone(),
            what: "it was merged already, and the file was used further since".to_owned(),
        });
    }
    for (unit, _) in &back.units {
        if let Some(what) = twice(tables, unit)? {
            findings.push(Finding {
                about: unit.serial.to_string(),
                what,
            });
        }
    }
    Err(conflict(&part, findings))
}

/// Says how a unit of a second return contradicts the record.
fn twice(tables: &dyn Tables, unit: &UnitRow) -> Result<Option<String>, LedgerError> {
    if unit.state == UnitState::Superseded {
        return Ok(None);
    }
    let Some(token) = tables.token(&unit.fingerprint)? else {
        return Ok(None);
    };
    let holder = tables.unit_with(token.id)?;
    Ok(match holder {
        Some(holder) if holder.serial.folded() == unit.serial.folded() => {
            let (seen, has) = (&unit.uid, &holder.uid);
            (seen.is_some() && has.is_some() && seen != has).then(|| {
                format!(
                    "token {} is on two boards: {} here, {} in the file",
                    unit.fingerprint,
                    has.as_deref().unwrap_or_default(),
                    seen.as_deref().unwrap_or_default()
                )
            })
        }
        Some(holder) => Some(format!(
            "token {} is used twice: {} has it here",
            unit.fingerprint, holder.serial
        )),
        None => Some(format!(
            "token {} is {} here, and this unit has it",
            unit.fingerprint, token.state
        )),
    })
}

/// Lists what in a return contradicts itself or the record.
fn contradictions(
    tables: &dyn Tables,
    part: &Part,
    back: &Return,
) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = back.findings.clone();
    let mut add = |about: String, what: String| findings.push(Finding { about, what });
    let given = parts::tokens(tables, part.number)?;
    for fingerprint in &given {
        if !back.tokens.contains_key(fingerprint) {
            add(
                format!("token {fingerprint}"),
                "it was given to the part and is not in it".to_owned(),
            );
            continue;
        }
        let token = known(tables, fingerprint)?;
        if token.state != TokenState::CheckedOut {
            add(
                format!("token {fingerprint}"),
                format!("it is {} here, not away", token.state),
            );
        }
    }
    let given: std::collections::HashSet<&Fingerprint> = given.iter().collect();
    for fingerprint in back.tokens.keys() {
        if !given.contains(fingerprint) {
            add(
                format!("token {fingerprint}"),
                "it is in the part and was not given to it".to_owned(),
            );
        }
    }
    for (fingerprint, what) in sums(back) {
        add(format!("token {fingerprint}"), what);
    }
    if back.tokens.len() != part.tokens {
        let (given, there) = (part.tokens, back.tokens.len());
        add(
            format!("part {}", part.number),
            format!("it was given {given} tokens, {there} come back"),
        );
    }
    for (unit, _) in &back.units {
        if let Some(what) = overlap(tables, unit)? {
            add(unit.serial.to_string(), what);
        }
    }
    Ok(findings)
}

/// Adds up what became of each token: it is on one unit, or burnt, or on none.
fn sums(back: &Return) -> Vec<(Fingerprint, String)> {
    let mut holders: HashMap<Fingerprint, Vec<UnitState>> = HashMap::new();
    for (unit, _) in &back.units {
        if unit.state != UnitState::Superseded {
            let states = holders.entry(unit.fingerprint).or_default();
            states.push(unit.state);
        }
    }
    let mut wrong = Vec::new();
    for (fingerprint, state) in &back.tokens {
        let units = holders.remove(fingerprint).unwrap_or_default();
        let right = match (state, units.as_slice()) {
            (TokenState::Bound, [unit]) => *unit != UnitState::Void,
            (TokenState::Void, [unit]) => *unit == UnitState::Void,
            // The claim that a restored backup knew of.
            (TokenState::Quarantined, [unit]) => *unit == UnitState::Reserved,
            (
                TokenState::Void
                | TokenState::Free
                | TokenState::Quarantined
                | TokenState::ClaimedElsewhere,
                [],
            ) => true,
            _ => false,
        };
        if !right {
            let what = format!("it comes back {state}, and {} units have it", units.len());
            wrong.push((*fingerprint, what));
        }
    }
    for fingerprint in holders.into_keys() {
        wrong.push((
            fingerprint,
            "a unit has it, and it does not come back".to_owned(),
        ));
    }
    wrong
}

/// Says who has a unit's serial or board already.
fn overlap(tables: &dyn Tables, unit: &UnitRow) -> Result<Option<String>, LedgerError> {
    if unit.state == UnitState::Superseded {
        return Ok(None);
    }
    let here = tables
        .unit_of(&unit.serial.folded())?
        .filter(|here| here.state != UnitState::Superseded);
    if let Some(here) = here {
        return Ok(Some(format!(
            "it is {} here with token {}, and in the part with token {}",
            here.state, here.fingerprint, unit.fingerprint
        )));
    }
    let (Some(uid), true) = (&unit.uid, unit.state != UnitState::Void) else {
        return Ok(None);
    };
    let board = tables.unit_on(uid)?;
    Ok(board.map(|other| format!("its board {uid} is {} here", other.serial)))
}

/// Refuses to mix real and simulated units; the first unit decides.
fn same_kind(tables: &mut dyn Tables, frame: &Frame, back: &Return) -> Result<(), LedgerError> {
    let Some(has) = &back.simulated else {
        return Ok(());
    };
    match tables.fact(SIMULATED)? {
        None => tables.set_fact(SIMULATED, has),
        Some(ours) if ours == *has => Ok(()),
        Some(_) => {
            check_simulated(tables, frame)?;
            let text = |text: &str| -> Result<&'static str, LedgerError> {
                let kind: crate::ledger::Simulated = text
                    .parse()
                    .map_err(|_| LedgerError::damaged("it is neither real nor simulated"))?;
                Ok(kind.into())
            };
            let ours = tables.fact(SIMULATED)?.unwrap_or_default();
            Err(LedgerError::Open(OpenError::SimulatedMixed {
                has: text(&ours)?,
                asked: text(has)?,
            }))
        }
    }
}
