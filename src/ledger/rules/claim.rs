//! Reserve: which token a unit gets, and when it gets none.

use std::collections::HashSet;

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::facts::{SIMULATED, check_simulated};
use crate::ledger::rules::look::entry;
use crate::ledger::rules::rework::rehoused;
use crate::ledger::rules::{doubt, parts, proof};
use crate::ledger::storage::tables::{Frame, Tables, TokenRow, UnitRow};
use crate::ledger::{
    Attempt, Claim, Finished, Ledger, LedgerError, Refusal, Reservation, Seated, Target,
    TokenState, UnitState,
};
use crate::unit::{Serial, Values};

impl Ledger {
    /// Claims a token for each unit; the same serial always gets the same token.
    ///
    /// Every answer stands in the place of its claim. A unit that is finished with the same
    /// image comes back as [`Attempt::Done`] and nothing is written for it.
    ///
    /// # Errors
    /// [`OpenError::SimulatedMixed`](crate::ledger::OpenError::SimulatedMixed), [`StorageError::Forged`](crate::ledger::StorageError::Forged)
    /// where a row that the claim rests on was written without the key, and others of storage: for the
    /// whole group; then no claim of it stands.
    pub fn reserve(
        &mut self,
        claims: &[Claim],
    ) -> Result<Vec<Result<Attempt, Refusal>>, LedgerError> {
        self.act(|tables, frame| {
            if claims.is_empty() {
                check_simulated(tables, frame)?;
            } else {
                enter(tables, frame)?;
            }
            let of = parts::part_of(tables)?;
            let serials: Vec<String> = claims.iter().map(|claim| claim.serial.folded()).collect();
            tables.hold_units(&serials)?;
            let mut seen = HashSet::new();
            let mut answers = Vec::with_capacity(claims.len());
            for claim in claims {
                let answer = if let Some(refusal) =
                    of.as_ref().and_then(|of| parts::refused(of, &claim.serial))
                {
                    Err(refusal)
                } else if seen.insert(claim.serial.folded()) {
                    one(tables, frame, claim)?
                } else {
                    Err(Refusal::Duplicate {
                        serial: claim.serial.clone(),
                    })
                };
                answers.push(answer);
            }
            Ok(answers)
        })
    }

    /// Returns why a serial gets no token, whichever board is there; `None` where it has one or
    /// would get one.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn hopeless(&self, serial: &Serial) -> Result<Option<Refusal>, LedgerError> {
        self.ask(|tables, frame| {
            let of = parts::part_of(tables)?;
            if let Some(refusal) = of.and_then(|of| parts::refused(&of, serial)) {
                return Ok(Some(refusal));
            }
            match tables.unit_of(&serial.folded())? {
                Some(unit) if unit.state == UnitState::Void => {
                    return void(tables, &unit).map(Some);
                }
                Some(unit) if unit.state == UnitState::Superseded => {
                    if let Some(refusal) = rehoused(tables, &unit)? {
                        return Ok(Some(refusal));
                    }
                }
                Some(_) => return Ok(None),
                None => {}
            }
            Ok(choose(tables, frame, serial)?.err())
        })
    }
}

/// What one claim came to.
type Answer = Result<Attempt, Refusal>;

/// Fixes with the first unit whether the units are real or simulated.
pub fn enter(tables: &mut dyn Tables, frame: &Frame) -> Result<(), LedgerError> {
    if check_simulated(tables, frame)? {
        return Ok(());
    }
    tables.set_fact(SIMULATED, frame.identity.simulated.into())
}

/// Claims a token for one unit.
fn one(tables: &mut dyn Tables, frame: &Frame, claim: &Claim) -> Result<Answer, LedgerError> {
    let unit = match tables.unit_of(&claim.serial.folded())? {
        None => return first(tables, frame, claim),
        Some(unit) if unit.state == UnitState::Superseded => {
            return match rehoused(tables, &unit)? {
                Some(refusal) => Ok(Err(refusal)),
                None => first(tables, frame, claim),
            };
        }
        Some(unit) => unit,
    };
    proof::of_unit(tables, &unit)?;
    if let Some(refusal) = refused(tables, frame, claim, &unit)? {
        return Ok(Err(refusal));
    }
    if is_done(&unit, claim) {
        let values = values(tables, &unit)?;
        let entry = entry(tables, frame, unit)?;
        return Ok(Ok(Attempt::Done { entry, values }));
    }
    again(tables, frame, claim, unit)
}

/// Returns why a known unit gets no attempt.
fn refused(
    tables: &dyn Tables,
    frame: &Frame,
    claim: &Claim,
    unit: &UnitRow,
) -> Result<Option<Refusal>, LedgerError> {
    let serial = unit.serial.clone();
    if unit.state == UnitState::Void {
        return void(tables, unit).map(Some);
    }
    if !unit.ours {
        let state = "of another template";
        return Ok(Some(Refusal::BoundElsewhere { serial, state }));
    }
    if frame.in_hand(tables, unit) {
        let station = unit.station.clone();
        return Ok(Some(Refusal::InWork { serial, station }));
    }
    if let (Some(claimed), Some(seen)) = (&unit.uid, &claim.uid)
        && claimed != seen
    {
        let (claimed, seen) = (claimed.clone(), seen.clone());
        return Ok(Some(Refusal::OtherBoard {
            serial,
            claimed,
            seen,
        }));
    }
    // A backup knew of the claim, and not what became of it.
    let aside = unit.state == UnitState::Reserved
        && tables
            .token(&unit.fingerprint)?
            .is_some_and(|token| token.state == TokenState::Quarantined);
    if aside {
        return Ok(Some(Refusal::Quarantined { serial }));
    }
    let boarded = matches!(unit.state, UnitState::Delivered | UnitState::Labelled);
    if boarded && unit.image != claim.image {
        return Ok(Some(Refusal::Finished {
            serial,
            image: unit.image.short(),
            wanted: claim.image.short(),
        }));
    }
    if doubt::stands(tables, unit, claim)?
        && let Some(seen) = doubt::unproven(unit, claim)
    {
        return Ok(Some(Refusal::InDoubt { serial, seen }));
    }
    if unit.uid.is_none() {
        return taken(tables, claim);
    }
    Ok(None)
}

/// Returns whether the unit is finished with what is asked for.
fn is_done(unit: &UnitRow, claim: &Claim) -> bool {
    match unit.state {
        UnitState::Delivered | UnitState::Labelled => unit.image == claim.image,
        // A file tells nothing about a board: one that shows up is delivered.
        UnitState::Prepared => {
            let same = unit.image == claim.image && unit.recipe == claim.recipe;
            let enough = match claim.finished {
                Finished::Written => true,
                Finished::Durable => unit.durable,
                Finished::Nothing => false,
            };
            same && enough && claim.target == Target::File
        }
        UnitState::Reserved | UnitState::Void | UnitState::Superseded => false,
    }
}

/// Says who voided a unit, when and why.
fn void(tables: &dyn Tables, unit: &UnitRow) -> Result<Refusal, LedgerError> {
    let event = tables.last_event(unit.id, Kind::Voided.into())?;
    let (station, body) = match &event {
        Some(event) => (event.station.as_str(), Body::read(event)?),
        None => ("an unknown station", Body::default()),
    };
    let by = match body.by {
        Some(by) => format!("{by} at {station}"),
        None => station.to_owned(),
    };
    Ok(Refusal::Void {
        serial: unit.serial.clone(),
        at: unit.at.clone(),
        by,
        reason: body.reason.unwrap_or_else(|| "no reason given".to_owned()),
    })
}

/// Returns a refusal if the board is another unit already.
fn taken(tables: &dyn Tables, claim: &Claim) -> Result<Option<Refusal>, LedgerError> {
    let Some(uid) = &claim.uid else {
        return Ok(None);
    };
    let holder = tables.unit_on(uid)?;
    Ok(holder.map(|holder| Refusal::BoardTaken {
        serial: claim.serial.clone(),
        holder: holder.serial,
        sign: "number",
    }))
}

/// Claims a token for a unit that the ledger does not know.
fn first(tables: &mut dyn Tables, frame: &Frame, claim: &Claim) -> Result<Answer, LedgerError> {
    // A serial that is made nowhere was scanned wrong, whatever board is there.
    let token = match choose(tables, frame, &claim.serial)? {
        Ok(token) => token,
        // Without a token the board that is made already is still the one to take off.
        Err(refusal @ Refusal::PoolEmpty { .. }) => {
            return Ok(Err(taken(tables, claim)?.unwrap_or(refusal)));
        }
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = taken(tables, claim)? {
        return Ok(Err(refusal));
    }
    proof::of_token(tables, &token)?;
    tables.set_token(&token, TokenState::Bound)?;
    let mut unit = UnitRow {
        uid: claim.uid.clone(),
        image: claim.image,
        recipe: claim.recipe,
        target: claim.target,
        station: frame.identity.station.clone(),
        run: frame.run.clone(),
        pending: true,
        ..UnitRow::untold(tables.next_unit()?, &claim.serial, &token)
    };
    let body = event::claimed(frame, &unit);
    let station = &frame.identity.station;
    event::append_unit(tables, station, Kind::Reserved, (&mut unit, body))?;
    tables.add_unit(&unit)?;
    go(tables, frame, claim, unit)
}

/// Chooses the token of a new unit.
fn choose(
    tables: &dyn Tables,
    frame: &Frame,
    serial: &Serial,
) -> Result<Result<TokenRow, Refusal>, LedgerError> {
    if let Some(part) = parts::away(tables, frame, serial)? {
        let (serial, station) = (serial.clone(), part.station);
        let (open, part) = (part.open, part.number);
        return Ok(Err(match open {
            true => Refusal::PartOpen {
                serial,
                part,
                station,
            },
            false => Refusal::CheckedOut {
                serial,
                part,
                station,
            },
        }));
    }
    let serial = || serial.clone();
    Ok(match tables.fixed(&serial().folded())? {
        Some(token) if token.state == TokenState::Free => Ok(token),
        Some(token) => Err(Refusal::BoundElsewhere {
            serial: serial(),
            state: token.state.into(),
        }),
        None => match tables.draw()? {
            Some(token) => Ok(token),
            // Tokens are there, but for other serials: this one was misread, or is not due yet.
            None if !tables.fixed_free(1)?.is_empty() => {
                Err(Refusal::NotListed { serial: serial() })
            }
            None => Err(Refusal::PoolEmpty { serial: serial() }),
        },
    })
}

/// Claims a known unit once more, with the token that it has.
fn again(
    tables: &mut dyn Tables,
    frame: &Frame,
    claim: &Claim,
    unit: UnitRow,
) -> Result<Answer, LedgerError> {
    // A board that is only looked at is not the unit's: nothing will be written to it.
    let looked = claim.seated == Seated::LookedAt;
    let decided = match &claim.seated {
        Seated::Vouched(actor) if doubt::stands(tables, &unit, claim)? => Some(actor),
        _ => None,
    };
    let mut unit = UnitRow {
        state: UnitState::Reserved,
        uid: unit.uid.or_else(|| claim.uid.clone().filter(|_| !looked)),
        image: claim.image,
        recipe: claim.recipe,
        digest: None,
        target: if looked { unit.target } else { claim.target },
        durable: false,
        station: frame.identity.station.clone(),
        run: frame.run.clone(),
        attempt: unit.attempt.saturating_add(1),
        // An attempt that ended without a word may have left the token anywhere.
        touched: unit.touched || unit.pending,
        pending: true,
        ..unit
    };
    let mut body = event::claimed(frame, &unit);
    if let Some(actor) = decided {
        body = body.by(actor);
    }
    let station = &frame.identity.station;
    event::append_unit(tables, station, Kind::Reserved, (&mut unit, body))?;
    tables.set_unit(&unit)?;
    go(tables, frame, claim, unit)
}

/// Gives the claim out.
fn go(
    tables: &dyn Tables,
    frame: &Frame,
    claim: &Claim,
    unit: UnitRow,
) -> Result<Answer, LedgerError> {
    Ok(Ok(Attempt::Go(Reservation {
        unit: unit.id,
        attempt: unit.attempt,
        values: values(tables, &unit)?,
        fingerprint: unit.fingerprint,
        claim: claim.clone(),
        resumed: unit.attempt > 1,
        lock: frame.lock(),
        _hold: frame.take(unit.id),
    })))
}

/// Opens what a unit's slots are filled with.
fn values(tables: &dyn Tables, unit: &UnitRow) -> Result<Values, LedgerError> {
    let secrets = tables.secrets(unit.token)?;
    Ok(Values {
        serial: unit.serial.clone(),
        token: secrets.token,
        columns: secrets.columns,
    })
}
