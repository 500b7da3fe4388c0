//! The rules of the ledger, written once, over any back end's tables.

mod adopt;
mod attest;
mod audit;
mod claim;
mod complete;
mod doubt;
mod finish;
mod import;
mod join;
mod merge;
mod met;
mod parts;
mod places;
mod proof;
#[cfg(feature = "seal")]
pub(super) mod rebuild;
mod replay;
pub(super) mod restore;
mod rework;
mod rows;
mod sites;
mod split;
mod steps;
mod undo;
mod witness;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use self::audit::FORGED;
#[cfg(feature = "sqlite")]
pub use self::audit::tokens_digest;
#[cfg(feature = "sqlite")]
pub use self::merge::bring;
#[cfg(feature = "seal")]
pub use self::parts::ledger_number;
#[cfg(feature = "sqlite")]
pub use self::parts::{PART_OF, SIGNATURE};

use std::sync::Arc;

use super::event::{self, Body, Kind};
#[cfg(feature = "seal")]
use super::mirror::History;
use super::part::{Handing, Merge, Part, PartOf, Return, Share};
use super::recipient::Recipient;
#[cfg(feature = "seal")]
use super::restore::Replayed;
use super::restore::{Clear, Cleared, SetAside, Sighting, Witnessed};
use super::tables::{Frame, Order, Store, Tables, TokenRow, TokenState, UnitRow};
use super::{
    Actor, Adopted, Attempt, Attested, Audit, Claim, Entry, Event, Evidence, Failure, Finding,
    Import, Ledger, LedgerError, Mapping, Met, Preview, ReadyToken, Receipt, Refusal, Reservation,
    Revealed, Rework, Reworked, Spot, Stock, TokenRecord, UnitRecord, UnitState,
};
use crate::pool::Pool;
use crate::recipe::SerialFormat;
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};

/// Fact: whether the units are real or simulated.
pub const SIMULATED: &str = "simulated";
/// Fact: the ledger stands in the place of a lost one.
pub const BEGUN: &str = "begun";
/// Fact, and how an import says so: somebody decided that tokens of a list are on no unit.
const UNUSED: &str = "unused";
/// Facts: how often the ledger was restored or made anew.
const GENERATION: &str = "generation";
/// Fact: where the tokens come from.
pub const ORIGIN: &str = "origin";
/// Facts: whose tokens a product's are.
const ORGANISATION: &str = "organisation";

impl<S: Store> Ledger for S {
    fn import(&mut self, pool: &Pool, by: &Actor) -> Result<Import, LedgerError> {
        import::import(self, pool, by)
    }

    fn stock(&self) -> Result<Stock, LedgerError> {
        self.read(|tables| {
            let mut stock = tables.stock()?;
            stock.origin = tables.fact(ORIGIN)?.and_then(|text| text.parse().ok());
            stock.simulated = tables.fact(SIMULATED)?.and_then(|text| text.parse().ok());
            stock.unused = tables.fact(UNUSED)?.is_some();
            Ok(stock)
        })
    }

    fn free(&self, most: usize) -> Result<usize, LedgerError> {
        self.read(|tables| tables.free(most))
    }

    fn simulated(&self) -> Result<Option<super::Simulated>, LedgerError> {
        self.read(|tables| {
            let fact = tables.fact(SIMULATED)?;
            Ok(fact.and_then(|text| text.parse().ok()))
        })
    }

    fn open_claims(&self, station: &str) -> Result<Vec<Serial>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| {
            let units = tables.reserved_at(station)?.into_iter();
            // Rework is for the unit's own board, not for whichever comes next.
            Ok(units
                .filter(|unit| !unit.run.is_empty() && !frame.in_hand(tables, unit))
                // Nor is a claim that may be on a board which nothing tells from others.
                .filter(doubt::is_free_of)
                .map(|unit| unit.serial)
                .collect())
        })
    }

    fn next_serials(
        &mut self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.write(|tables| next_serials(tables, format, count))
    }

    fn give_back(&mut self, format: &SerialFormat, serial: &Serial) -> Result<(), LedgerError> {
        self.write(|tables| give_back(tables, format, serial))
    }

    fn coming_serials(
        &self,
        format: &SerialFormat,
        count: usize,
    ) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| Ok(numbers(tables, format, count)?.0))
    }

    fn preview(&self, pool: &Pool) -> Result<Preview, LedgerError> {
        import::preview(self, pool)
    }

    fn ready_tokens(&self, each: &mut dyn FnMut(&ReadyToken)) -> Result<(), LedgerError> {
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, unit)| {
                // A claim that is open is the first that the next run takes up.
                let open = token.state == TokenState::Bound && unit == Some(UnitState::Reserved);
                if token.ours && (open || token.state == TokenState::Free) {
                    let secrets = tables.secrets(token.id)?;
                    each(&ReadyToken {
                        fingerprint: token.fingerprint,
                        state: token.state,
                        bound: token.fixed,
                        token: secrets.token,
                        qr: secrets.qr,
                        columns: secrets.columns,
                    });
                }
                Ok(())
            })
        })
    }

    fn bound_serials(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        self.read(|tables| tables.fixed_free(count))
    }

    fn hopeless(&self, serial: &Serial) -> Result<Option<Refusal>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| claim::hopeless(tables, &frame, serial))
    }

    fn reserve(&mut self, claims: &[Claim]) -> Result<Vec<Result<Attempt, Refusal>>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| claim::reserve(tables, &frame, claims))
    }

    fn confirm(&mut self, done: &[(Reservation, Receipt)]) -> Result<Vec<Entry>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| {
            done.iter()
                .map(|(reservation, receipt)| finish::confirm(tables, &frame, reservation, receipt))
                .collect()
        })
    }

    fn fail(&mut self, reservation: Reservation, failure: &Failure) -> Result<(), LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| finish::fail(tables, &frame, &reservation, failure))
    }

    fn labelled(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| finish::labelled(tables, &frame, serial, by))
    }

    fn reprinted(&mut self, serial: &Serial, by: &Actor) -> Result<Entry, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| finish::reprinted(tables, &frame, serial, by))
    }

    fn owner(&self, code: &QrToken) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| {
            let token = tables.token_of_qr(&event::qr_print(code))?;
            bearer(tables, &frame, token)
        })
    }

    fn knows(&self, source: &Digest) -> Result<bool, LedgerError> {
        self.read(|tables| Ok(tables.fact(&import::source_fact(source))?.is_some()))
    }

    fn find(&self, serial: &Serial) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| {
            let unit = tables.unit_of(&serial.folded())?;
            Ok(unit.map(|unit| record(tables, &frame, unit)))
        })
    }

    fn on_board(&self, uid: &str) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| {
            let unit = tables.unit_on(uid)?;
            Ok(unit.map(|unit| record(tables, &frame, unit)))
        })
    }

    fn holder(&self, fingerprint: &Fingerprint) -> Result<Option<UnitRecord>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| {
            let token = tables.token(fingerprint)?;
            bearer(tables, &frame, token)
        })
    }

    fn met(&mut self, fingerprint: &Fingerprint, spot: Spot<'_>) -> Result<Met, LedgerError> {
        met::met(self, fingerprint, spot)
    }

    fn entry(&self, serial: &Serial) -> Result<Option<Entry>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.read(|tables| match tables.unit_of(&serial.folded())? {
            Some(unit) if is_finished(unit.state) => entry(tables, &frame, unit).map(Some),
            _ => Ok(None),
        })
    }

    fn units(&self, each: &mut dyn FnMut(UnitRecord)) -> Result<(), LedgerError> {
        let frame = Arc::clone(self.frame());
        self.scan(|tables| {
            tables.scan_units(&mut |unit| {
                each(record(tables, &frame, unit));
                Ok(())
            })
        })
    }

    fn history(&self, serial: &Serial) -> Result<Vec<Event>, LedgerError> {
        self.read(|tables| tables.events_of(&serial.folded()))
    }

    fn release(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| undo::release(tables, &frame, serial, by))
    }

    fn void(&mut self, serial: &Serial, by: &Actor) -> Result<UnitRecord, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| undo::void(tables, &frame, serial, by))
    }

    fn rework(
        &mut self,
        serial: &Serial,
        rework: &Rework,
        by: &Actor,
    ) -> Result<Reworked, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| rework::rework(tables, &frame, (serial, rework), by))
    }

    fn adopt(&mut self, mapping: &Mapping, by: &Actor) -> Result<Adopted, LedgerError> {
        adopt::adopt(self, mapping, by)
    }

    fn attest(&mut self, evidence: &[Evidence], by: &Actor) -> Result<Vec<Attested>, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| attest::attest(tables, &frame, evidence, by))
    }

    fn tokens(&self, each: &mut dyn FnMut(TokenRecord)) -> Result<(), LedgerError> {
        let frame = Arc::clone(self.frame());
        self.scan(|tables| {
            tables.scan_tokens(&mut |(token, _)| {
                if token.ours {
                    each(token_record(tables, &frame, token)?);
                }
                Ok(())
            })
        })
    }

    fn code(&self, fingerprint: &Fingerprint) -> Result<Option<QrToken>, LedgerError> {
        self.read(|tables| match tables.token(fingerprint)? {
            Some(token) => Ok(tables.secrets(token.id)?.qr),
            None => Ok(None),
        })
    }

    fn revealed(&mut self, what: &str, by: &Actor) -> Result<Revealed, LedgerError> {
        self.write(|tables| {
            let body = Body {
                message: Some(what.to_owned()),
                ..Body::default()
            };
            let stamp = event::append(tables, &by.station, (Kind::Revealed, None), body.by(by))?;
            Ok(Revealed { event: stamp.hash })
        })
    }

    fn copied(&mut self, serial: &Serial) -> Result<Revealed, LedgerError> {
        let by = Actor {
            station: self.frame().identity.station.clone(),
            by: None,
            reason: None,
        };
        self.revealed(&format!("another image of {serial}"), &by)
    }

    fn reveal(&self, serial: &Serial, _proof: &Revealed) -> Result<AuthToken, LedgerError> {
        self.read(|tables| {
            let unit = tables
                .unit_of(&serial.folded())?
                .filter(|unit| unit.state != UnitState::Superseded)
                .ok_or_else(|| LedgerError::NoUnit {
                    serial: serial.clone(),
                })?;
            Ok(tables.secrets(unit.token)?.token)
        })
    }

    fn events_since(&self, seq: i64, each: &mut dyn FnMut(Event)) -> Result<(), LedgerError> {
        self.settle()?;
        self.scan(|tables| {
            tables.scan_events(Order::After(seq), &mut |row| {
                each(row.event);
                Ok(())
            })
        })
    }

    fn audit(&self) -> Result<Audit, LedgerError> {
        self.read(|tables| audit::audit(tables, audit::Secrets::Open))
    }

    #[cfg(feature = "seal")]
    fn mirror_state(
        &self,
        station: &str,
        folder: &std::path::Path,
    ) -> Result<super::MirrorState, LedgerError> {
        super::mirror::state(self, station, folder)
    }

    fn saved(&mut self, by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| restore::saved(tables, by))
    }

    fn begun(&mut self, traces: &[std::path::PathBuf], by: &Actor) -> Result<(), LedgerError> {
        self.write(|tables| restore::begun(tables, traces, by))
    }

    fn restored(
        &mut self,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.write(|tables| restore::restored(tables, numbers, by))
    }

    fn clear(&mut self, which: &Clear, by: &Actor) -> Result<Cleared, LedgerError> {
        self.write(|tables| restore::clear(tables, which, by))
    }

    #[cfg(feature = "seal")]
    fn catch_up(
        &mut self,
        history: &History,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        self.write(|tables| rebuild::catch_up(tables, (history, &product), numbers, by))
    }

    #[cfg(feature = "seal")]
    fn rebuild(
        &mut self,
        (history, lists): (&History, &[Pool]),
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        let mut done = self.write(|tables| {
            if let Some((format, next)) = numbers {
                restore::skip_numbers(tables, format, next)?;
            }
            let done = rebuild::take(tables, history, &product)?;
            rebuild::rebuilt(tables, (&done, history.generation()), by)?;
            Ok(done)
        })?;
        for list in lists {
            import::import(self, list, by)?;
        }
        done.units = self.write(|tables| rebuild::settle(tables))?;
        Ok(done)
    }

    fn compare(&self, seen: &[Witnessed]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| witness::compare(tables, seen))
    }

    fn compare_sites(&self, seen: &[Sighting]) -> Result<Vec<Finding>, LedgerError> {
        self.read(|tables| sites::compare(tables, seen))
    }

    fn split(
        &mut self,
        station: (&str, &Recipient),
        share: &Share,
        by: &Actor,
    ) -> Result<Handing, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| split::split(tables, &frame, (station, share), by))
    }

    fn handed(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| split::handed(tables, part, by))
    }

    fn parts(&self) -> Result<Vec<Part>, LedgerError> {
        self.read(|tables| {
            let parts = parts::all(tables)?.into_iter();
            Ok(parts.map(|(part, _)| part).collect())
        })
    }

    fn void_part(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| split::void(tables, part, by))
    }

    fn found_part(&mut self, handing: &Handing, by: &Actor) -> Result<(), LedgerError> {
        import::import(self, &handing.rows, by)?;
        self.write(|tables| {
            let numbers = handing.part.numbers.as_ref();
            let next = numbers.map(|(format, first, _)| (format.as_str(), *first));
            parts::found(tables, (&handing.ledger, &handing.part), next)
        })
    }

    fn part_of(&self) -> Result<Option<PartOf>, LedgerError> {
        self.read(|tables| parts::part_of(tables))
    }

    fn close_part(&mut self, by: &Actor) -> Result<(), LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| split::close(tables, &frame, by))
    }

    fn bring_back(&self) -> Result<Return, LedgerError> {
        self.read(|tables| merge::bring(tables))
    }

    fn merge(&mut self, back: &Return, by: &Actor) -> Result<Merge, LedgerError> {
        let frame = Arc::clone(self.frame());
        self.write(|tables| merge::merge(tables, &frame, back, by))
    }
}

/// Returns whether a unit's image exists and was read back.
const fn is_finished(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// Returns what people may see of a unit.
fn record(tables: &(impl Tables + ?Sized), frame: &Frame, unit: UnitRow) -> UnitRecord {
    let alive = frame.in_hand(tables, &unit);
    unit.record(alive)
}

/// Returns what people may see of a token.
fn token_record(
    tables: &dyn Tables,
    frame: &Frame,
    token: TokenRow,
) -> Result<TokenRecord, LedgerError> {
    let (fingerprint, state) = (token.fingerprint, token.state);
    let unit = match state {
        TokenState::Free | TokenState::Gone | TokenState::Away => None,
        TokenState::Bound | TokenState::Void | TokenState::Quarantined => {
            tables.unit_with(token.id)?
        }
    };
    let returned = match &unit {
        Some(unit) => rework::returned(tables, unit)?,
        None => None,
    };
    Ok(TokenRecord {
        fingerprint,
        state,
        holder: unit.map(|unit| record(tables, frame, unit)),
        returned,
    })
}

/// Returns the unit that has a token, or had it when it was burnt.
fn bearer(
    tables: &(impl Tables + ?Sized),
    frame: &Frame,
    token: Option<TokenRow>,
) -> Result<Option<UnitRecord>, LedgerError> {
    let Some(token) = token else {
        return Ok(None);
    };
    let unit = tables
        .unit_with(token.id)?
        .filter(|unit| unit.state != UnitState::Superseded || token.state == TokenState::Void);
    Ok(unit.map(|unit| record(tables, frame, unit)))
}

/// Returns a finished unit with what its label needs.
fn entry(
    tables: &(impl Tables + ?Sized),
    frame: &Frame,
    unit: UnitRow,
) -> Result<Entry, LedgerError> {
    Ok(Entry {
        qr: tables.secrets(unit.token)?.qr,
        picture: tables.picture(unit.token)?,
        record: Box::new(record(tables, frame, unit)),
    })
}

/// Returns the live unit of a serial.
fn live(tables: &(impl Tables + ?Sized), serial: &Serial) -> Result<UnitRow, LedgerError> {
    tables
        .unit_of(&serial.folded())?
        .filter(|unit| unit.state != UnitState::Superseded)
        .ok_or_else(|| LedgerError::NoUnit {
            serial: serial.clone(),
        })
}

/// Returns how often the ledger was restored or made anew: each time its mirror begins anew.
pub fn generation(tables: &(impl Tables + ?Sized)) -> Result<u64, LedgerError> {
    let mut generation = 0;
    while tables.fact(&generation_fact(generation + 1))?.is_some() {
        generation += 1;
    }
    Ok(generation)
}

fn generation_fact(generation: u64) -> String {
    format!("{GENERATION} {generation}")
}

/// Begins the next generation, behind those that a mirror has.
fn next_generation(tables: &mut dyn Tables, mirrored: u64) -> Result<(), LedgerError> {
    let own = generation(tables)?;
    for generation in own..mirrored.max(own) + 1 {
        tables.set_fact(&generation_fact(generation + 1), "")?;
    }
    Ok(())
}

/// Refuses to mix real and simulated units; the first unit decides.
pub fn check_simulated(
    tables: &(impl Tables + ?Sized),
    frame: &Frame,
) -> Result<bool, LedgerError> {
    let asked: &'static str = frame.identity.simulated.into();
    let Some(has) = kind(tables)? else {
        return Ok(false);
    };
    let has = has
        .parse::<super::Simulated>()
        .map_err(|_| LedgerError::damaged("it is neither real nor simulated"))?;
    if has == frame.identity.simulated {
        return Ok(true);
    }
    Err(LedgerError::SimulatedMixed {
        has: has.into(),
        asked,
    })
}

/// Returns which kind of units a ledger says that it has; `None` before the first one.
///
/// # Errors
/// [`LedgerError::Forged`] for one that has units and does not say it: the first one did.
fn kind(tables: &(impl Tables + ?Sized)) -> Result<Option<String>, LedgerError> {
    if let Some(has) = tables.proved(SIMULATED)? {
        return Ok(Some(has));
    }
    let mut units = false;
    tables.scan_all_units(&mut |_| {
        units = true;
        Ok(())
    })?;
    if !units {
        return Ok(None);
    }
    // On a server somebody else may have made the first one between the two looks.
    let has = tables.proved(SIMULATED)?;
    has.map(Some).ok_or_else(|| LedgerError::Forged {
        what: format!("fact {SIMULATED}"),
    })
}

/// Returns where the numbers end that a part was given.
fn own_numbers(of: &PartOf, format: &str) -> Result<u64, LedgerError> {
    if of.closed {
        return Err(LedgerError::PartState {
            part: of.part.number,
            state: "closed",
            what: "it gives no serial and no token any more",
        });
    }
    match &of.part.numbers {
        Some((own, _, end)) if own == format => Ok(*end),
        _ => Err(LedgerError::IsPart {
            part: of.part.number,
            what: "it was given no numbers of this format",
        }),
    }
}

/// Hands out numbers that no unit had.
fn next_serials(
    tables: &mut dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<Vec<Serial>, LedgerError> {
    let (serials, next) = numbers(tables, format, count)?;
    tables.set_counter(&format.to_string(), next)?;
    Ok(serials)
}

/// Takes back the number that was handed out last, if no unit has it.
fn give_back(
    tables: &mut dyn Tables,
    format: &SerialFormat,
    serial: &Serial,
) -> Result<(), LedgerError> {
    let name = format.to_string();
    let Some(number) = format.number(serial) else {
        return Ok(());
    };
    let last = number.checked_add(1) == Some(tables.counter(&name)?);
    if last && tables.unit_of(&serial.folded())?.is_none() {
        tables.set_counter(&name, number)?;
    }
    Ok(())
}

/// Returns the next numbers that no unit had, and the one behind them.
fn numbers(
    tables: &dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<(Vec<Serial>, u64), LedgerError> {
    let name = format.to_string();
    let mut next = tables.counter(&name)?;
    let of = parts::part_of(tables)?;
    let end = of.as_ref().map(|of| own_numbers(of, &name)).transpose()?;
    let part = of.map(|of| of.part.number);
    let mut serials = Vec::with_capacity(count.min(1 << 16));
    while serials.len() < count {
        let made = format
            .serial(next)
            .map_err(|source| LedgerError::SerialFormat {
                format: name.clone(),
                source,
            })?;
        let left = serials.len();
        let used_up = || LedgerError::SerialsUsedUp {
            format: name.clone(),
            part,
            left,
        };
        let serial = made.ok_or_else(used_up)?;
        if end.is_some_and(|end| next >= end) {
            return Err(used_up());
        }
        next = next.checked_add(1).ok_or_else(used_up)?;
        if tables.unit_of(&serial.folded())?.is_none() {
            serials.push(serial);
        }
    }
    Ok((serials, next))
}
