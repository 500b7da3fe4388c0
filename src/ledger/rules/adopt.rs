//! Adopt: units that exist already get their records, all or none.

use std::collections::HashMap;

use crate::ledger::history::event::{self, Kind};
use crate::ledger::record::UnitRecord;
use crate::ledger::rules::attest::{SECRET, is_secret};
use crate::ledger::rules::claim::enter;
use crate::ledger::rules::parts;
use crate::ledger::rules::rework::rehoused;
use crate::ledger::storage::tables::{Frame, Tables, UnitRow};
use crate::ledger::{Actor, Ledger, LedgerError, ListError, Target, TokenState, UnitState};
use crate::pool::{Place, Pool, Row};
use crate::unit::{Digest, Fingerprint, Serial};

/// Headers of the board's number, the likeliest first.
const UID: [&str; 3] = ["uid", "chip_uid", "chip uid"];
/// Header of the SHA-256 of the shared image that a unit carries.
const IMAGE: &str = "image_sha256";

/// A list of units that exist already, each with its token.
#[derive(Debug)]
pub struct Mapping {
    pub(super) pool: Pool,
    pub(super) units: Vec<Existing>,
}

/// A unit that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Existing {
    pub serial: Serial,
    pub uid: Option<String>,
    pub image: Option<Digest>,
}

impl Mapping {
    /// Takes a token list in which each row is bound to the serial that has the token already.
    ///
    /// The columns `uid` and `image_sha256` are the board's number and the digest of the shared
    /// image; the others stay with the token.
    ///
    /// # Errors
    /// [`ListError::Unbound`] and [`ListError::Row`] with the first row that tells no unit.
    pub fn of(mut pool: Pool) -> Result<Self, LedgerError> {
        let mut units = Vec::with_capacity(pool.rows.len());
        let places: Vec<Place> = (0..pool.rows.len())
            .map(|index| pool.place(index))
            .collect();
        for (place, row) in places.into_iter().zip(&mut pool.rows) {
            let unbound = LedgerError::List(ListError::Unbound { place });
            let serial = row.bound.take().ok_or(unbound)?;
            // The serial says which unit it is.
            let place = Place {
                fingerprint: None,
                ..place
            };
            let image = match take(row, &[IMAGE]) {
                Some(text) => Some(text.parse().map_err(|error| {
                    LedgerError::List(ListError::Row {
                        place,
                        serial: serial.clone(),
                        what: format!("{IMAGE}: {error}"),
                    })
                })?),
                None => None,
            };
            let uid = take(row, &UID);
            if uid.as_deref().is_some_and(is_secret) {
                return Err(LedgerError::List(ListError::Row {
                    place,
                    serial,
                    what: SECRET.to_owned(),
                }));
            }
            // It is on a device: it is never drawn, whatever comes of the rest.
            row.claimed = true;
            units.push(Existing { serial, uid, image });
        }
        pool.source = None;
        Ok(Self { pool, units })
    }

    /// Returns how many units it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Returns whether it names no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Returns each unit with its row, and where that stands.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Place, &Existing, &Row)> {
        let rows = self.units.iter().zip(&self.pool.rows);
        (0..).zip(rows).map(|(index, (unit, row))| {
            let place = Place {
                fingerprint: None,
                ..self.pool.place(index)
            };
            (place, unit, row)
        })
    }
}

/// Takes the first of the columns with one of these headers; an empty cell says nothing.
fn take(row: &mut Row, headers: &[&str]) -> Option<String> {
    let alike = |name: &&String| {
        headers
            .iter()
            .any(|header| name.eq_ignore_ascii_case(header))
    };
    let name = row.columns.keys().find(alike)?.clone();
    let value = row.columns.remove(&name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// What an adoption did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adopted {
    /// Units that are new in the ledger, in the order of the mapping.
    pub added: Vec<UnitRecord>,
    /// Units that the ledger knew, exactly so.
    pub known: usize,
}

impl Ledger {
    /// Takes in units that exist already, with tokens that are on their boards: delivered, with
    /// whatever image. What is known exactly so changes nothing.
    ///
    /// # Errors
    /// [`ListError::Row`] with the first row that contradicts; then no unit was taken in.
    pub fn adopt(&mut self, mapping: &Mapping, by: &Actor) -> Result<Adopted, LedgerError> {
        let frame = self.frame();
        alone(mapping)?;
        // Before anything is written; and once more where it is, since others work meanwhile.
        self.read(|tables| check(tables, &frame, mapping).map(drop))?;
        // Never drawn from here on: a cut leaves tokens that nobody gets, and no unit.
        self.import(&mapping.pool, by)?;
        self.write(|tables| {
            let known = check(tables, &frame, mapping)?;
            enter(tables, &frame)?;
            let mut adopted = Adopted::default();
            for ((_, unit, row), known) in mapping.rows().zip(known) {
                if known {
                    adopted.known += 1;
                } else {
                    let print = row.token.fingerprint();
                    let unit = place(tables, &frame, (unit, print), by)?;
                    adopted.added.push(unit.record(false));
                }
            }
            Ok(adopted)
        })
    }
}

/// Refuses a mapping with one board twice; tokens and serials were compared when it was read.
fn alone(mapping: &Mapping) -> Result<(), LedgerError> {
    let mut boards = HashMap::new();
    for (place, unit, _) in mapping.rows() {
        let Some(uid) = &unit.uid else { continue };
        if let Some(first) = boards.insert(uid, place) {
            let what = format!("the board {uid} stands in {first} too");
            return Err(refuse(place, unit, what));
        }
    }
    Ok(())
}

fn refuse(place: Place, unit: &Existing, what: String) -> LedgerError {
    let serial = unit.serial.clone();
    LedgerError::List(ListError::Row {
        place,
        serial,
        what,
    })
}

/// Tells for each row whether it is known exactly so; refuses the first that contradicts.
fn check(tables: &dyn Tables, frame: &Frame, mapping: &Mapping) -> Result<Vec<bool>, LedgerError> {
    let mut known = Vec::with_capacity(mapping.len());
    for (place, unit, row) in mapping.rows() {
        // Of a part that came back open this is how what it made is told.
        let away = parts::away(tables, frame, &unit.serial)?;
        if let Some(part) = away.filter(|part| !part.open) {
            let what = format!("it is away in part {}", part.number);
            return Err(refuse(place, unit, what));
        }
        match standing(tables, unit, row.token.fingerprint())? {
            Ok(same) => known.push(same),
            Err(what) => return Err(refuse(place, unit, what)),
        }
    }
    Ok(known)
}

/// Tells whether a unit is known exactly so, or what contradicts.
fn standing(
    tables: &dyn Tables,
    unit: &Existing,
    print: Fingerprint,
) -> Result<Result<bool, String>, LedgerError> {
    let folded = unit.serial.folded();
    let row = tables.unit_of(&folded)?;
    if let Some(ended) = row
        .as_ref()
        .filter(|row| row.state == UnitState::Superseded)
        && let Some(refusal) = rehoused(tables, ended)?
    {
        return Ok(Err(refusal.to_string()));
    }
    let row = row.filter(|row| row.state != UnitState::Superseded);
    let board = match &unit.uid {
        Some(uid) => tables.unit_on(uid)?,
        None => None,
    };
    if let Some(holder) = board.filter(|holder| holder.serial.folded() != folded) {
        return Ok(Err(format!("its board is {} already", holder.serial)));
    }
    if let Some(row) = row {
        return Ok(same(unit, print, &row));
    }
    if let Some(fixed) = tables.fixed_any(&folded)?
        && fixed.fingerprint != print
    {
        let other = fixed.fingerprint;
        return Ok(Err(format!("a list fixes it to token {other}")));
    }
    let Some(token) = tables.token(&print)? else {
        return Ok(Ok(false));
    };
    if !token.ours {
        let what = format!("its token {print} is known for another product or template");
        return Ok(Err(what));
    }
    if let Some(fixed) = token.fixed.filter(|fixed| fixed.folded() != folded) {
        return Ok(Err(format!("a list fixes its token {print} to {fixed}")));
    }
    Ok(match token.state {
        TokenState::Free | TokenState::ClaimedElsewhere => Ok(false),
        TokenState::Void => Err(format!("its token {print} is burnt")),
        TokenState::CheckedOut => Err(format!("its token {print} is away in a part")),
        // That the unit exists says what became of the token.
        TokenState::Quarantined if tables.unit_with(token.id)?.is_none() => Ok(false),
        TokenState::Bound | TokenState::Quarantined => {
            let holder = tables.unit_with(token.id)?;
            let holder = holder.map_or_else(String::new, |holder| holder.serial.to_string());
            Err(format!("its token {print} is {holder}'s already"))
        }
    })
}

/// Compares a unit with its record.
fn same(unit: &Existing, print: Fingerprint, row: &UnitRow) -> Result<bool, String> {
    let state = row.state;
    if !row.ours {
        return Err("it is of another template".to_owned());
    }
    if row.fingerprint != print {
        let other = row.fingerprint;
        return Err(format!(
            "it is {state} here with token {other}, not {print}"
        ));
    }
    match (&row.uid, &unit.uid) {
        (Some(known), Some(told)) if known != told => {
            return Err(format!("it is on the board {known} here, not {told}"));
        }
        _ => {}
    }
    match state {
        UnitState::Delivered | UnitState::Labelled => Ok(true),
        _ => Err(format!("it is {state} here: confirm it instead")),
    }
}

/// Gives a unit its record.
fn place(
    tables: &mut dyn Tables,
    frame: &Frame,
    (unit, print): (&Existing, Fingerprint),
    by: &Actor,
) -> Result<UnitRow, LedgerError> {
    let token = tables.token(&print)?.ok_or_else(|| {
        LedgerError::damaged(format!("token {print} was taken in and is missing"))
    })?;
    tables.set_token(&token, TokenState::Bound)?;
    let mut unit = UnitRow {
        state: UnitState::Delivered,
        uid: unit.uid.clone(),
        image: unit.image.unwrap_or(Digest::UNKNOWN),
        target: Target::Program,
        station: by.station.clone(),
        touched: true,
        ..UnitRow::untold(tables.next_unit()?, &unit.serial, &token)
    };
    let body = event::begun(frame, &unit);
    event::append_unit(tables, &by.station, Kind::Adopted, (&mut unit, body.by(by)))?;
    tables.add_unit(&unit)?;
    Ok(unit)
}
