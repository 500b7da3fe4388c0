//! Rework: the row ends, and another one takes over what stays.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::record::UnitRecord;
use crate::ledger::rules::facts::known;
use crate::ledger::rules::{parts, proof};
use crate::ledger::storage::tables::{Frame, Tables, UnitRow};
use crate::ledger::{Actor, Ledger, LedgerError, Refusal, TokenState, UnitError, UnitState};
use crate::unit::Serial;

/// What is done with a unit. Its row ends as superseded in every case.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Rework {
    /// The same board is delivered again, with another image perhaps. Token and label stay.
    SameBoard,
    /// Another board takes the serial. The token is burnt and its label with it; the serial
    /// starts anew with the next claim.
    BoardSwapped,
    /// Board and token get another serial. QR Token and token stay, the label is made again.
    Rehoused {
        /// The new serial. The old one is not made any more.
        to: Serial,
        /// What the new serial means for what is on the board.
        content: Content,
    },
    /// It came back from a customer and goes out again. Token and QR Token stay, the cloud's
    /// claim is to be undone, the label is read again.
    Returned,
}

impl Rework {
    /// Returns the mode's stable name.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        self.into()
    }
}

/// Whether what is on a board is right under another serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// It is: the image does not hold the serial.
    Stays,
    /// It is not: the image holds the serial, and the board is delivered again.
    Changes,
}

/// What became of a reworked unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworked {
    /// The row that ended.
    pub before: UnitRecord,
    /// The row in its place; none for a swapped board, whose serial starts anew.
    pub after: Option<UnitRecord>,
}

impl Ledger {
    /// Works on a unit once more: its row ends, and what stays goes into another one.
    ///
    /// # Errors
    /// [`UnitError::NotReworkable`] with what hinders it; then nothing changed.
    pub fn rework(
        &mut self,
        serial: &Serial,
        rework: &Rework,
        by: &Actor,
    ) -> Result<Reworked, LedgerError> {
        self.act(|tables, frame| {
            let unit = tables.unit_of(&serial.folded())?.ok_or_else(|| {
                LedgerError::Unit(UnitError::NoUnit {
                    serial: serial.clone(),
                })
            })?;
            if let Some(reason) = hindered(tables, frame, &unit, rework)? {
                let serial = unit.serial;
                return Err(LedgerError::Unit(UnitError::NotReworkable {
                    serial,
                    reason,
                }));
            }
            proof::of_unit(tables, &unit)?;
            let state = unit.state;
            let before = end(tables, unit, rework, by)?;
            let after = match successor(&before, state, rework, by) {
                Some(mut unit) => {
                    unit.id = tables.next_unit()?;
                    let body = Body {
                        mode: Some(rework.mode().to_owned()),
                        predecessor: Some(before.serial.to_string()),
                        ..event::begun(frame, &unit)
                    };
                    event::append_unit(
                        tables,
                        &by.station,
                        Kind::Renewed,
                        (&mut unit, body.by(by)),
                    )?;
                    tables.add_unit(&unit)?;
                    Some(unit.record(false))
                }
                None => None,
            };
            Ok(Reworked {
                before: before.record(false),
                after,
            })
        })
    }
}

/// Says why a unit cannot be reworked this way, and what to do.
fn hindered(
    tables: &dyn Tables,
    frame: &Frame,
    unit: &UnitRow,
    rework: &Rework,
) -> Result<Option<String>, LedgerError> {
    if !unit.ours {
        return Ok(Some("it is of another template".to_owned()));
    }
    if frame.in_hand(tables, unit) {
        let station = &unit.station;
        let reason = format!("it is in work at station {station}; end that run first");
        return Ok(Some(reason));
    }
    let made = matches!(unit.state, UnitState::Delivered | UnitState::Labelled);
    let state = unit.state;
    let reason = match (state, rework) {
        (UnitState::Void, _) => Some(format!("it is void since {}", unit.at)),
        (UnitState::Superseded, _) => Some(format!("its record ended on {}", unit.at)),
        (_, Rework::SameBoard) if !made => Some(format!(
            "it is {state} and on no board yet; make it as if for the first time"
        )),
        (_, Rework::Returned) if !made => Some(format!("it is {state}: it never left on a board")),
        (_, Rework::Rehoused { to, .. }) => {
            return match elsewhere(tables, frame, to)? {
                None => taken(tables, unit, to),
                reason => Ok(reason),
            };
        }
        _ => None,
    };
    Ok(reason)
}

/// Says which part a serial belongs to, when this ledger is not it.
fn elsewhere(
    tables: &dyn Tables,
    frame: &Frame,
    to: &Serial,
) -> Result<Option<String>, LedgerError> {
    if let Some(of) = parts::part_of(tables)?
        && let Some(refusal) = parts::refused(&of, to)
    {
        return Ok(Some(refusal.to_string()));
    }
    let away = parts::away(tables, frame, to)?;
    Ok(away.map(|part| match part.open {
        true => format!(
            "part {}, which came back unclosed, may have made {to}",
            part.number
        ),
        false => format!("{to} is away in part {}", part.number),
    }))
}

/// Says why a unit cannot get another serial.
fn taken(tables: &dyn Tables, unit: &UnitRow, to: &Serial) -> Result<Option<String>, LedgerError> {
    let folded = to.folded();
    if folded == unit.serial.folded() {
        return Ok(Some(format!("{to} is the serial that it has")));
    }
    let other = tables.unit_of(&folded)?;
    if let Some(other) = other.filter(|other| other.state != UnitState::Superseded) {
        let (serial, state) = (other.serial, other.state);
        return Ok(Some(format!("{serial} is another unit, {state}")));
    }
    let fixed = tables.fixed_any(&folded)?;
    Ok(fixed
        .filter(|token| token.id != unit.token)
        .map(|token| format!("a list fixes {to} to token {}", token.fingerprint)))
}

/// Ends a row, and burns the token where its board is given up.
fn end(
    tables: &mut dyn Tables,
    unit: UnitRow,
    rework: &Rework,
    by: &Actor,
) -> Result<UnitRow, LedgerError> {
    let mut unit = UnitRow {
        state: UnitState::Superseded,
        pending: false,
        ..unit
    };
    let body = Body {
        mode: Some(rework.mode().to_owned()),
        successor: match rework {
            Rework::Rehoused { to, .. } => Some(to.to_string()),
            _ => None,
        },
        ..Body::of(&unit)
    };
    event::append_unit(
        tables,
        &by.station,
        Kind::Reworked,
        (&mut unit, body.by(by)),
    )?;
    if *rework == Rework::BoardSwapped {
        let token = known(tables, &unit.fingerprint)?;
        tables.set_token(&token, TokenState::Void)?;
    }
    tables.set_unit(&unit)?;
    Ok(unit)
}

/// Returns the row that takes over from one that ended in `state`.
fn successor(ended: &UnitRow, state: UnitState, rework: &Rework, by: &Actor) -> Option<UnitRow> {
    let made = matches!(state, UnitState::Delivered | UnitState::Labelled);
    let (serial, state) = match rework {
        Rework::BoardSwapped => return None,
        Rework::SameBoard | Rework::Returned => (ended.serial.clone(), UnitState::Reserved),
        Rework::Rehoused { to, content } => match content {
            Content::Stays if made => (to.clone(), UnitState::Delivered),
            Content::Stays | Content::Changes => (to.clone(), UnitState::Reserved),
        },
    };
    let stays = state == UnitState::Delivered;
    Some(UnitRow {
        serial,
        state,
        digest: ended.digest.filter(|_| stays),
        durable: ended.durable && stays,
        station: by.station.clone(),
        // No run has claimed it: a decision is none.
        run: String::new(),
        attempt: 1,
        pending: false,
        touched: true,
        labelled_at: match rework {
            Rework::SameBoard => ended.labelled_at.clone(),
            _ => None,
        },
        ..ended.clone()
    })
}

/// Refuses a serial that was given up for another one; any other that ended starts anew.
pub fn rehoused(tables: &dyn Tables, ended: &UnitRow) -> Result<Option<Refusal>, LedgerError> {
    let Some(event) = tables.last_event(ended.id, Kind::Reworked.into())? else {
        return Ok(None);
    };
    Ok(Body::read(&event)?.successor.map(|to| Refusal::Rehoused {
        serial: ended.serial.clone(),
        at: event.at,
        to,
    }))
}
