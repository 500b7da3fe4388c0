//! Restore: what a backup calls free or reserved is set aside until somebody knows.

use std::collections::HashSet;

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::part::PartState;
use crate::ledger::rules::facts::{BEGUN, NAMED, known, next_generation};
use crate::ledger::rules::look::live;
use crate::ledger::rules::parts;
use crate::ledger::rules::proof;
use crate::ledger::storage::tables::{Order, Tables};
use crate::ledger::{Actor, Ledger, LedgerError, OpenError, RestoreError, TokenState, UnitState};
use crate::recipe::SerialFormat;
use crate::unit::{Fingerprint, Serial};

/// How much a restore set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetAside {
    /// Tokens that the backup calls free.
    pub free: usize,
    /// Tokens of units that the backup calls reserved.
    pub reserved: usize,
}

/// Where the numbers of a format go on after a loss.
#[derive(Debug, Clone, Copy)]
pub struct NextNumber<'a> {
    /// The format.
    pub format: &'a SerialFormat,
    /// The first number that was never handed out, where somebody says it.
    pub next: Option<u64>,
}

/// Whose events a mirror has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorOf {
    /// Those of all stations.
    AllStations,
    /// Those of one: others may have told mirrors of their own.
    OneStation,
}

/// Which tokens that are set aside are used again.
#[derive(Debug, Clone)]
pub enum Clear {
    /// All of them.
    All,
    /// Those of these units.
    Serials(Vec<Serial>),
    /// These.
    Tokens(Vec<Fingerprint>),
}

/// What is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Tokens that were set aside.
    pub tokens: usize,
    /// Serials of parts that came back without having been closed.
    pub serials: usize,
    /// Such parts, with all of their serials.
    pub parts: usize,
}

/// What a mirror brought into a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events that were not there.
    pub events: u64,
    /// Units that were made or changed.
    pub units: u64,
    /// Token lists that were taken in among the events.
    pub lists: u64,
}

/// What somebody else keeps of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Where it stands, for people.
    pub place: String,
    /// Station and place in its chain, where they are known.
    pub link: Option<(String, i64)>,
    /// The event's hash.
    pub event: crate::unit::Digest,
}

/// A unit as another site has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which site: the name of its file.
    pub site: String,
    /// The unit.
    pub serial: Serial,
    /// Its token.
    pub fingerprint: Fingerprint,
    /// Its board, where one was seen.
    pub uid: Option<String>,
}

impl Ledger {
    /// Records that a backup was made, after it was.
    ///
    /// # Errors
    /// [`StorageError::Storage`](crate::ledger::StorageError::Storage) when its storage does not answer.
    pub fn saved(&mut self, by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| {
            let body = Body::default().by(by);
            event::append(tables, &by.station, (Kind::Saved, None), body).map(drop)
        })
    }

    /// Records that this ledger was begun in the place of one that is lost, what that left beside
    /// it, and who decided so.
    ///
    /// # Errors
    /// [`OpenError::Begun`] unless this is the ledger's first event.
    pub fn begun(&mut self, traces: &[std::path::PathBuf], by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| {
            let mut others = false;
            tables.scan_events(Order::After(0), &mut |_| {
                others = true;
                Ok(())
            })?;
            if others {
                return Err(LedgerError::Open(OpenError::Begun));
            }
            // A server's tables say so already.
            if tables.fact(BEGUN)?.is_none() {
                tables.set_fact(BEGUN, "")?;
            }
            let names = traces.iter().map(|path| path.display().to_string());
            let body = Body {
                message: Some(names.collect::<Vec<_>>().join(", ")),
                ..Body::default()
            };
            event::append(tables, &by.station, (Kind::Begun, None), body.by(by)).map(drop)
        })
    }

    /// Sets aside all that a backup, which this ledger was restored from, calls free or
    /// reserved; new numbers of the format begin where it is said.
    ///
    /// # Errors
    /// [`RestoreError::NextNumber`] when it must be said and is not.
    pub fn restored(
        &mut self,
        numbers: Option<NextNumber<'_>>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.write(|tables| restored(tables, numbers, by))
    }

    /// Sets aside, as [`restored`](Self::restored) does, all that the backup calls free or reserved
    /// which a server was brought back from.
    ///
    /// # Errors
    /// [`KeyError::RunsLive`](crate::ledger::KeyError::RunsLive) while another run lives, at whichever station; then nothing changed.
    #[cfg(feature = "seal")]
    pub fn restored_here(
        &mut self,
        numbers: Option<NextNumber<'_>>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.write(|tables| {
            tables.refuse_other_runs()?;
            restored(tables, numbers, by)
        })
    }

    /// Takes back what was set aside: tokens, and serials of parts that came back without having
    /// been closed.
    ///
    /// # Errors
    /// [`UnitError::NoUnit`](crate::ledger::UnitError::NoUnit), [`RestoreError::NoToken`]
    pub fn clear(&mut self, which: &Clear, by: &Actor) -> Result<Cleared, LedgerError> {
        self.write(|tables| {
            // No part comes back meanwhile.
            tables.hold_serials()?;
            let mut aside = Vec::new();
            let mut held = Vec::new();
            match which {
                Clear::All => tables.scan_tokens(&mut |(token, unit)| {
                    if token.state == TokenState::Quarantined {
                        aside.push((token, unit));
                    }
                    Ok(())
                })?,
                Clear::Serials(serials) => {
                    let mut named = HashSet::new();
                    for serial in serials
                        .iter()
                        .filter(|serial| named.insert(serial.folded()))
                    {
                        let unit = match live(tables, serial) {
                            Ok(unit) => unit,
                            Err(unknown) => {
                                let part = parts::open_with(tables, serial)?.ok_or(unknown)?;
                                let fixed = tables.fixed(&serial.folded())?;
                                aside.extend(fixed.map(|token| (token, None)));
                                held.push((part.number, serial));
                                continue;
                            }
                        };
                        aside.push((known(tables, &unit.fingerprint)?, Some(unit.state)));
                    }
                }
                Clear::Tokens(prints) => {
                    for print in prints {
                        let token = tables.token(print)?.ok_or(LedgerError::Restore(
                            RestoreError::NoToken {
                                fingerprint: *print,
                            },
                        ))?;
                        let unit = tables.unit_with(token.id)?.map(|unit| unit.state);
                        aside.push((token, unit));
                    }
                }
            }
            aside.retain(|(token, _)| token.state == TokenState::Quarantined);
            for (token, unit) in &aside {
                proof::of_token(tables, token)?;
                let state = match unit {
                    Some(UnitState::Reserved) => TokenState::Bound,
                    _ => TokenState::Free,
                };
                tables.set_token(token, state)?;
            }
            let prints: Vec<Fingerprint> =
                aside.iter().map(|(token, _)| token.fingerprint).collect();
            let mut cleared = Cleared {
                tokens: prints.len(),
                serials: held.len(),
                parts: 0,
            };
            if matches!(which, Clear::All) {
                cleared.parts = all_clear(tables, prints.len(), by)?;
                return Ok(cleared);
            }
            for (part, serial) in held {
                let body = Body {
                    part: Some(part),
                    serials: Some(vec![serial.to_string()]),
                    // It says of no token that it is free.
                    fingerprints: Some(Vec::new()),
                    ..Body::default()
                };
                let stamp = event::append(tables, &by.station, (Kind::Cleared, None), body.by(by))?;
                tables.set_part_serial(part, serial, Some(&stamp.at))?;
            }
            for names in prints.chunks(NAMED) {
                let body = Body {
                    fingerprints: Some(names.iter().map(Fingerprint::to_hex).collect()),
                    ..Body::default()
                };
                event::append(tables, &by.station, (Kind::Cleared, None), body.by(by))?;
            }
            Ok(cleared)
        })
    }
}

/// Sets aside all that a backup calls free or reserved.
pub fn restored(
    tables: &mut dyn Tables,
    numbers: Option<NextNumber<'_>>,
    by: &Actor,
) -> Result<SetAside, LedgerError> {
    if let Some(numbers) = numbers {
        skip_numbers(tables, numbers)?;
    }
    let mut found = Vec::new();
    let mut aside = SetAside::default();
    tables.scan_tokens(&mut |(token, unit)| {
        match (token.state, unit) {
            (TokenState::Free, _) => aside.free += 1,
            (TokenState::Bound, Some(UnitState::Reserved)) => aside.reserved += 1,
            _ => return Ok(()),
        }
        found.push(token);
        Ok(())
    })?;
    for token in &found {
        tables.set_token(token, TokenState::Quarantined)?;
    }
    let body = Body {
        count: Some(found.len()),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Restored, None), body.by(by))?;
    leave(tables, by)?;
    next_generation(tables, 0)?;
    Ok(aside)
}

/// Takes it that every part that was begun has left since: none is made a second time.
fn leave(tables: &mut dyn Tables, by: &Actor) -> Result<(), LedgerError> {
    for row in parts::all(tables)? {
        let part = &row.part;
        if part.state == PartState::Begun {
            let body = Body {
                part: Some(part.number),
                part_id: Some(part.id.clone()),
                partner: Some(part.station.clone()),
                ..Body::default()
            };
            let stamp = event::append(tables, &by.station, (Kind::Handed, None), body.by(by))?;
            parts::advance(tables, row, PartState::Handed, &stamp.at)?;
        }
    }
    Ok(())
}

/// Goes on behind the numbers that were handed out since the backup.
pub fn skip_numbers(tables: &mut dyn Tables, numbers: NextNumber<'_>) -> Result<(), LedgerError> {
    let NextNumber { format, next } = numbers;
    let name = format.to_string();
    let known = tables.counter(&name)?;
    match next {
        Some(next) if next >= known => tables.set_counter(&name, next),
        // No number was handed out when it was made.
        None if known <= 1 => Ok(()),
        given => Err(LedgerError::Restore(RestoreError::NextNumber {
            format: name,
            known,
            given,
        })),
    }
}

/// Records that nothing is set aside any more; returns how many parts were held back.
fn all_clear(tables: &mut dyn Tables, count: usize, by: &Actor) -> Result<usize, LedgerError> {
    if count == 0 && parts::open(tables)?.is_empty() {
        return Ok(0);
    }
    let body = Body {
        count: Some(count),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Cleared, None), body.by(by))?;
    parts::clear(tables)
}

/// How a clearance says that a mirror told what became of what a backup called free.
#[cfg(feature = "seal")]
const MIRROR: &str = "mirror";

/// Records that a mirror told all since a backup: nothing of it is set aside.
///
/// What a part did that was not closed no mirror knows.
#[cfg(feature = "seal")]
pub fn told_by_mirror(tables: &mut dyn Tables, by: &Actor) -> Result<(), LedgerError> {
    let body = Body {
        count: Some(0),
        mode: Some(MIRROR.to_owned()),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Cleared, None), body.by(by)).map(drop)
}

/// Returns whether a clearance is of everything that was set aside.
pub fn is_all(cleared: &Body) -> bool {
    cleared.fingerprints.is_none() && cleared.mode.is_none()
}
