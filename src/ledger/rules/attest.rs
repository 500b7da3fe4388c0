//! Attest: prepared units become delivered by what a witness outside says, all or none.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::record::Entry;
use crate::ledger::rules::look::entry;
use crate::ledger::storage::tables::{Tables, UnitRow};
use crate::ledger::{Actor, Ledger, LedgerError, ListError, Target, UnitState};
use crate::pool::Place;
use crate::unit::{AuthToken, Digest, Fingerprint, Serial};

/// What is said of a board's number that may be a secret.
pub(super) const SECRET: &str =
    "what stands for its board looks like a token; it is not repeated here";

/// What says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Witness {
    /// The board's flash, read and judged.
    Dump,
    /// The log of a programmer.
    Log,
    /// A list of units that passed.
    List,
}

/// Whether one board carries one unit's image, as far as the witness tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The line of the list or of the log, from 1.
    pub line: u32,
    /// The unit.
    pub serial: Serial,
    /// The token's fingerprint, where the witness saw it.
    pub fingerprint: Option<Fingerprint>,
    /// The chip's own number, where the witness tells.
    pub uid: Option<String>,
    /// SHA-256 of the shared image, where the witness tells.
    pub image: Option<Digest>,
    /// What says so.
    pub witness: Witness,
    /// Whether the unit passed; of one that did not nothing is recorded.
    pub passed: bool,
}

/// Returns whether what is given as a board's number may be a secret: it is neither recorded nor
/// repeated. Some chips have 32 hex digits.
pub(super) fn is_secret(uid: &str) -> bool {
    let digits = uid.bytes().all(|byte| byte.is_ascii_hexdigit());
    !digits && AuthToken::stands_in(uid)
}

/// A unit that a witness spoke of: delivered, where it passed.
#[derive(Debug)]
pub struct Attested {
    /// The record.
    pub entry: Entry,
    /// Whether it had been delivered before; then nothing was written.
    pub already: bool,
    /// Whether the witness says that it passed; if not it is as it was.
    pub passed: bool,
}

impl Ledger {
    /// Records what witnesses outside say: prepared units become delivered, in the order given.
    ///
    /// # Errors
    /// [`ListError::Row`] with the first that contradicts; then nothing was recorded.
    pub fn attest(
        &mut self,
        evidence: &[Evidence],
        by: &Actor,
    ) -> Result<Vec<Attested>, LedgerError> {
        self.act(|tables, frame| {
            let mut attested = Vec::with_capacity(evidence.len());
            for one in evidence {
                let refuse = |what| {
                    LedgerError::List(ListError::Row {
                        place: Place::line(one.line),
                        serial: one.serial.clone(),
                        what,
                    })
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
        })
    }
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
    let state = match &unit.labelled_at {
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
