//! Attest: prepared units become delivered by what a witness outside says, all or none.

use super::super::event::{self, Body, Kind};
use super::super::evidence::{Attested, Evidence, SECRET, is_secret};
use super::super::tables::{Frame, Tables, UnitRow};
use super::super::{Actor, LedgerError, Target, UnitState};
use super::entry;
use crate::pool::Place;

/// Records what the witness says of each unit.
pub fn attest(
    tables: &mut dyn Tables,
    frame: &Frame,
    evidence: &[Evidence],
    by: &Actor,
) -> Result<Vec<Attested>, LedgerError> {
    let mut attested = Vec::with_capacity(evidence.len());
    for one in evidence {
        let refuse = |what| LedgerError::Row {
            place: Place::line(one.line),
            serial: one.serial.clone(),
            what,
        };
        let unit = tables
            .unit_of(&one.serial.folded())?
            .ok_or_else(|| refuse("the ledger has no such unit".to_owned()))?;
        if let Some(what) = contradicts(tables, one, &unit)? {
            return Err(refuse(what));
        }
        let already = is_delivered(unit.state);
        let unit = if already || !one.passed {
            unit
        } else {
            deliver(tables, one, unit, by)?
        };
        attested.push(Attested {
            entry: entry(tables, frame, unit)?,
            already,
            passed: one.passed,
        });
    }
    Ok(attested)
}

const fn is_delivered(state: UnitState) -> bool {
    matches!(state, UnitState::Delivered | UnitState::Labelled)
}

/// Says what speaks against what the witness says of a unit.
fn contradicts(
    tables: &dyn Tables,
    one: &Evidence,
    unit: &UnitRow,
) -> Result<Option<String>, LedgerError> {
    let state = unit.state;
    if !unit.ours {
        return Ok(Some("it is of another template".to_owned()));
    }
    if !one.passed && is_delivered(state) {
        return Ok(Some(format!(
            "the {} says that it failed, and it is {state} since {}: set its board aside, and judge a dump of it",
            one.witness, unit.at
        )));
    }
    match state {
        // What failed may be in any state: it stays there.
        _ if !one.passed => {}
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled => {}
        UnitState::Reserved => {
            return Ok(Some("it is reserved: no image was made for it".to_owned()));
        }
        UnitState::Void | UnitState::Superseded => {
            return Ok(Some(format!(
                "it is {state} since {}: set its board aside",
                unit.at
            )));
        }
    }
    if let Some(seen) = one.fingerprint.filter(|seen| *seen != unit.fingerprint) {
        let has = unit.fingerprint;
        return Ok(Some(format!(
            "it was seen with token {seen}, its own is {has}"
        )));
    }
    if let Some(seen) = one.image.filter(|seen| *seen != unit.image) {
        let (seen, has) = (seen.short(), unit.image.short());
        return Ok(Some(format!(
            "it was seen with image {seen}, its own is {has}"
        )));
    }
    let Some(uid) = &one.uid else {
        return Ok(None);
    };
    if is_secret(uid) {
        return Ok(Some(SECRET.to_owned()));
    }
    // A board on which it failed is none that it has.
    if !one.passed {
        return Ok(None);
    }
    if let Some(has) = unit.uid.as_ref().filter(|has| *has != uid) {
        return Ok(Some(format!("it belongs to the board {has}, not to {uid}")));
    }
    let holder = tables.unit_on(uid)?.filter(|holder| holder.id != unit.id);
    Ok(holder.map(|holder| format!("the board {uid} is {} already", holder.serial)))
}

/// Makes one prepared unit delivered; labelled, where its label was read already.
fn deliver(
    tables: &mut dyn Tables,
    one: &Evidence,
    unit: UnitRow,
    by: &Actor,
) -> Result<UnitRow, LedgerError> {
    let state = match &unit.label {
        Some(_) => UnitState::Labelled,
        None => UnitState::Delivered,
    };
    let mut unit = UnitRow {
        state,
        target: Target::Program,
        uid: unit.uid.clone().or_else(|| one.uid.clone()),
        ..unit
    };
    let body = Body {
        target: Some(unit.target.to_string()),
        uid: unit.uid.clone(),
        witness: Some(one.witness.to_string()),
        ..Body::of(&unit)
    };
    event::append_unit(
        tables,
        &by.station,
        Kind::Attested,
        (&mut unit, body.by(by)),
    )?;
    tables.set_unit(&unit)?;
    Ok(unit)
}
