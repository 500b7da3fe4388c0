//! Join: the units of a part and the tokens that it did not use, taken in.

use std::collections::BTreeMap;

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::part::{Merge, Part, PartState, Return, Told};
use crate::ledger::rules::facts::{NAMED, OPEN, SIMULATED, known};
use crate::ledger::rules::parts;
use crate::ledger::rules::proof;
use crate::ledger::storage::tables::{Heads, Tables, UnitRow};
use crate::ledger::{Actor, LedgerError, TokenState, UnitState};
use crate::unit::Digest;

/// Takes one unit in, as its part has it.
pub fn join(
    tables: &mut dyn Tables,
    part: &Part,
    (unit, told): (&UnitRow, &Told),
    by: &Actor,
) -> Result<(), LedgerError> {
    let token = known(tables, &unit.fingerprint)?;
    let mut unit = UnitRow {
        id: tables.next_unit()?,
        token: token.id,
        ours: true,
        ..unit.clone()
    };
    let body = Body {
        part: Some(part.number),
        partner: Some(unit.station.clone()),
        was: Some(unit.event.to_string()),
        mode: told.mode.clone(),
        predecessor: told.predecessor.clone(),
        simulated: tables.fact(SIMULATED)?.map(|kind| kind == "simulated"),
        ..event::whole(&unit)
    };
    event::append_unit(tables, &by.station, Kind::Joined, (&mut unit, body.by(by)))?;
    decide(tables, (part, told), &mut unit, by)?;
    tables.add_unit(&unit)?;
    let state = match unit.state {
        UnitState::Superseded => return Ok(()),
        UnitState::Void => TokenState::Void,
        _ => TokenState::Bound,
    };
    tables.set_token(&token, state)
}

/// Repeats who ended a unit in the part, and why: whoever asks for it later is told.
fn decide(
    tables: &mut dyn Tables,
    (part, told): (&Part, &Told),
    unit: &mut UnitRow,
    by: &Actor,
) -> Result<(), LedgerError> {
    let kind = match unit.state {
        UnitState::Void => Kind::Voided,
        UnitState::Superseded if told.mode.is_some() => Kind::Reworked,
        _ => return Ok(()),
    };
    let body = Body {
        part: Some(part.number),
        mode: told.mode.clone().filter(|_| kind == Kind::Reworked),
        successor: told.successor.clone(),
        by: told.by.clone(),
        reason: told.reason.clone(),
        ..Body::of(unit)
    };
    event::append_unit(tables, &by.station, kind, (unit, body))
}

/// Settles what becomes of the tokens that no unit has.
pub fn settle(
    tables: &mut dyn Tables,
    (part, back): (&Part, &Return),
    by: &Actor,
    merge: &mut Merge,
) -> Result<(), LedgerError> {
    // What a part that was not closed did after it was copied is not known.
    let free = if back.of.closed {
        TokenState::Free
    } else {
        TokenState::Quarantined
    };
    let mut resting: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (fingerprint, state) in &back.tokens {
        let token = known(tables, fingerprint)?;
        // What a unit brought is settled with it.
        if token.state != TokenState::CheckedOut {
            continue;
        }
        proof::of_token(tables, &token)?;
        let state = match state {
            TokenState::Free => free,
            other => *other,
        };
        tables.set_token(&token, state)?;
        let names = resting.entry(state.into()).or_default();
        names.push(fingerprint.to_hex());
    }
    let count = |state: TokenState| resting.get(<&str>::from(state)).map_or(0, Vec::len);
    merge.free = count(TokenState::Free);
    merge.quarantined = count(TokenState::Quarantined);
    let heads = heads(back);
    let body = |state: &str, names: &[String]| Body {
        part: Some(part.number),
        part_id: Some(part.id.clone()),
        partner: Some(part.station.clone()),
        count: Some(back.units.len()),
        state: Some(state.to_owned()),
        fingerprints: Some(names.to_vec()),
        heads: Some(heads.clone()),
        mode: (!back.of.closed).then(|| OPEN.to_owned()),
        ..Body::default()
    };
    if resting.is_empty() {
        resting.insert(TokenState::Free.into(), Vec::new());
    }
    let mut at = None;
    for (state, names) in &resting {
        let mut chunks = names.chunks(NAMED);
        let mut chunk = Some(chunks.next().unwrap_or_default());
        while let Some(names) = chunk {
            let body = body(state, names).by(by);
            let stamp = event::append(tables, &by.station, (Kind::Merged, None), body)?;
            at.get_or_insert(stamp.at);
            chunk = chunks.next();
        }
    }
    let at = at.unwrap_or_default();
    let mut row = parts::row(tables, part.number)?;
    row.part.open = !back.of.closed;
    row.heads = Some(heads);
    parts::advance(tables, row, PartState::Merged, &at).map(drop)
}

/// Returns the heads of a part's chains, as they are stored.
pub fn heads(back: &Return) -> Heads {
    let text =
        |(station, link, hash): &(String, i64, Digest)| (station.clone(), *link, hash.to_string());
    back.heads.iter().map(text).collect()
}
