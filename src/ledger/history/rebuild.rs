//! Rebuild: a ledger's tables made from its events, as a mirror has them.

use std::collections::HashMap;

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::history::mirror::History;
use crate::ledger::history::places::Lists;
use crate::ledger::history::replay::each_unit;
use crate::ledger::history::restore::{
    self, MirrorOf, NextNumber, Replayed, is_all, skip_numbers, told_by_mirror,
};
use crate::ledger::part::{Part, PartState};
use crate::ledger::rules::facts::{BEGUN, OPEN, SIMULATED, UNUSED, ledger_number, next_generation};
use crate::ledger::rules::parts;
use crate::ledger::storage::tables::{EventRow, Head, Order, PartRow, Tables, UnitRow};
use crate::ledger::{Actor, Ledger, LedgerError, RestoreError, SetAside};
use crate::pool::Pool;
use crate::unit::Serial;
use crate::vault::recipient::Recipient;

impl Ledger {
    /// Brings a server's backup up to date by its mirror, as [`catch_up`](Self::catch_up) does.
    ///
    /// What is free or reserved then is set aside unless the mirror is of all stations: another station
    /// may have told its own mirror alone.
    ///
    /// # Errors
    /// [`KeyError::RunsLive`](crate::ledger::KeyError::RunsLive) while another run lives, at whichever station; then nothing changed.
    #[cfg(feature = "seal")]
    pub fn caught_up_here(
        &mut self,
        history: &History,
        of: MirrorOf,
        numbers: Option<NextNumber<'_>>,
        by: &Actor,
    ) -> Result<(Replayed, SetAside), LedgerError> {
        let product = self.frame().scope.product.clone();
        self.write(|tables| {
            tables.refuse_other_runs()?;
            let done = catch_up(tables, history, &product, numbers, by)?;
            tables.skip_unit_numbers()?;
            let aside = match of {
                MirrorOf::AllStations => SetAside::default(),
                MirrorOf::OneStation => restore::restored(tables, None, by)?,
            };
            Ok((done, aside))
        })
    }

    /// Brings a ledger that was restored from a backup up to date by its mirror: nothing is set
    /// aside then, as all that was ever acted upon is known.
    ///
    /// # Errors
    /// [`RestoreError::ListsSince`] when lists came in since; those of a damaged mirror.
    #[cfg(feature = "seal")]
    pub fn catch_up(
        &mut self,
        history: &History,
        numbers: Option<NextNumber<'_>>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        self.write(|tables| catch_up(tables, history, &product, numbers, by))
    }

    /// Makes this ledger, which must be empty and have the number of the lost one, from the
    /// mirror of that and from the token lists.
    ///
    /// # Errors
    /// [`LedgerError::Restore`] of a mirror that is damaged or lacks lists, [`LedgerError::List`]; the ledger is of no use then.
    #[cfg(feature = "seal")]
    pub fn rebuild(
        &mut self,
        history: &History,
        lists: &[Pool],
        numbers: Option<NextNumber<'_>>,
        by: &Actor,
    ) -> Result<Replayed, LedgerError> {
        let product = self.frame().scope.product.clone();
        let mut done = self.write(|tables| {
            if let Some(numbers) = numbers {
                restore::skip_numbers(tables, numbers)?;
            }
            let done = take(tables, history, &product)?;
            rebuilt(tables, done.events, history.generation(), by)?;
            Ok(done)
        })?;
        for list in lists {
            self.import(list, by)?;
        }
        done.units = self.write(|tables| settle(tables))?;
        Ok(done)
    }
}

/// Brings a restored backup up to date by its mirror.
pub fn catch_up(
    tables: &mut dyn Tables,
    history: &History,
    product: &str,
    numbers: Option<NextNumber<'_>>,
    by: &Actor,
) -> Result<Replayed, LedgerError> {
    if let Some(numbers) = numbers {
        skip_numbers(tables, numbers)?;
    }
    let mut done = take(tables, history, product)?;
    if done.lists > 0 {
        return Err(LedgerError::Restore(RestoreError::ListsSince {
            lists: done.lists,
        }));
    }
    caught_up(tables, done.events, history.generation(), by)?;
    done.units = settle(tables)?;
    Ok(done)
}

/// Takes in the events of a mirror that are not there yet, each chain checked link by link.
pub fn take(
    tables: &mut dyn Tables,
    history: &History,
    product: &str,
) -> Result<Replayed, LedgerError> {
    let number = ledger_number(tables)?;
    if number != history.ledger() {
        return Err(LedgerError::Restore(RestoreError::MirrorOther {
            path: history.path().to_owned(),
            has: number.chars().take(12).collect(),
        }));
    }
    let mut heads: HashMap<String, Head> = HashMap::new();
    let mut known: HashMap<String, Head> = HashMap::new();
    let mut done = Replayed::default();
    history.each(&mut |row| {
        let station = row.event.station.clone();
        let odd =
            |what: &str| history.damaged(format!("event {} of station {station} {what}", row.link));
        let head = heads
            .entry(station.clone())
            .or_insert_with(|| Head::start(&number, &station));
        // Where a share has no locks between computers, two may have told the same.
        if row.link == head.link && row.event.hash == head.hash {
            return Ok(());
        }
        let next = head.next(&row.event.at, &row.event.kind, &row.event.body);
        if next.link != row.link || next.hash != row.event.hash {
            return Err(odd("does not follow from the one before it"));
        }
        *head = next;
        let here = match known.get(&station) {
            Some(here) => *here,
            None => {
                let here = tables.head(&station)?;
                known.insert(station.clone(), here);
                here
            }
        };
        if row.link < here.link {
            return Ok(());
        }
        if row.link == here.link {
            return match here.hash == row.event.hash {
                true => Ok(()),
                false => Err(odd(
                    "is another one in the ledger: the two went apart before it",
                )),
            };
        }
        same_product(&row, product)?;
        note(tables, &row, &mut done)?;
        tables.add_event(&row)?;
        done.events += 1;
        Ok(())
    })?;
    for (station, here) in known {
        if heads
            .get(&station)
            .is_some_and(|head| head.link < here.link)
        {
            return Err(history.damaged(format!(
                "it ends before event {} of station {station}, which the ledger has",
                here.link
            )));
        }
    }
    Ok(done)
}

/// Refuses units of another product: their rows cannot be made under this recipe.
fn same_product(row: &EventRow, product: &str) -> Result<(), LedgerError> {
    if row.unit.is_none() {
        return Ok(());
    }
    match Body::read(&row.event)?.product {
        Some(other) if other != product => Err(LedgerError::Restore(RestoreError::MirrorProduct {
            product: other,
            wanted: product.to_owned(),
        })),
        _ => Ok(()),
    }
}

/// Fixes the facts that an event tells of.
fn note(tables: &mut dyn Tables, row: &EventRow, done: &mut Replayed) -> Result<(), LedgerError> {
    let Ok(kind) = row.event.kind.parse::<Kind>() else {
        return Ok(());
    };
    let at = &row.event.at;
    match kind {
        Kind::Imported => {
            done.lists += 1;
            let unused = Body::read(&row.event)?.mode.as_deref() == Some(UNUSED);
            if unused && tables.fact(UNUSED)?.is_none() {
                tables.set_fact(UNUSED, "")?;
            }
        }
        Kind::Begun if tables.fact(BEGUN)?.is_none() => tables.set_fact(BEGUN, "")?,
        Kind::Reserved | Kind::Joined | Kind::Renewed | Kind::Adopted => {
            if tables.fact(SIMULATED)?.is_none()
                && let Some(simulated) = Body::read(&row.event)?.simulated
            {
                let kind = if simulated { "simulated" } else { "real" };
                tables.set_fact(SIMULATED, kind)?;
            }
        }
        Kind::Split => {
            let body = Body::read(&row.event)?;
            let mut part = known(tables, body.part)?;
            let serials = body.serials.unwrap_or_default();
            // A part is named after the first event that tells of it.
            if part.part.id.is_empty() {
                let told = &mut part.part;
                told.id = row.event.hash.to_string().chars().take(16).collect();
                told.station = body.partner.unwrap_or_default();
                told.to = body.to.as_deref().and_then(Recipient::from_hex);
                told.tokens = body.count.unwrap_or_default();
                told.numbers = body.numbers;
                told.listed = !serials.is_empty();
                told.at.clone_from(at);
                if told.state == PartState::Begun {
                    told.since.clone_from(at);
                }
                tables.set_part(&part)?;
            }
            for serial in serials {
                let serial: Serial = serial
                    .parse()
                    .map_err(|_| LedgerError::damaged("a split names no serial"))?;
                let number = part.part.number;
                if tables.part_serial(number, &serial.folded())?.is_none() {
                    tables.set_part_serial(number, &serial, None)?;
                }
            }
        }
        Kind::Handed | Kind::Burnt => {
            let part = known(tables, Body::read(&row.event)?.part)?;
            let state = match kind {
                Kind::Handed => PartState::Handed,
                _ => PartState::Void,
            };
            parts::advance(tables, part, state, at)?;
        }
        Kind::Merged => {
            let body = Body::read(&row.event)?;
            let mut part = known(tables, body.part)?;
            // Long ones are told in several events.
            if part.part.state != PartState::Merged {
                part.part.open = body.mode.as_deref() == Some(OPEN);
                part.heads = Some(body.heads.unwrap_or_default());
                parts::advance(tables, part, PartState::Merged, at)?;
            }
        }
        Kind::Cleared => cleared(tables, row)?,
        _ => {}
    }
    Ok(())
}

/// Clears what open parts may have made, as an event tells.
fn cleared(tables: &mut dyn Tables, row: &EventRow) -> Result<(), LedgerError> {
    let body = Body::read(&row.event)?;
    if is_all(&body) {
        parts::clear(tables)?;
    }
    for serial in body.serials.unwrap_or_default() {
        let number = known(tables, body.part)?.part.number;
        let serial: Serial = serial
            .parse()
            .map_err(|_| LedgerError::damaged("a clearance names no serial"))?;
        tables.set_part_serial(number, &serial, Some(&row.event.at))?;
    }
    Ok(())
}

/// Returns a part's row; one is added for a part that no event told of yet.
fn known(tables: &mut dyn Tables, number: Option<i64>) -> Result<PartRow, LedgerError> {
    let number = number.unwrap_or_default();
    if let Some(known) = tables.part(number)? {
        return Ok(known);
    }
    let row = PartRow {
        part: Part {
            number,
            id: String::new(),
            station: String::new(),
            to: None,
            tokens: 0,
            numbers: None,
            listed: false,
            state: PartState::Begun,
            at: String::new(),
            since: String::new(),
            open: false,
        },
        run: String::new(),
        heads: None,
    };
    tables.add_part(&row)?;
    Ok(row)
}

/// Records that the ledger was made from its mirror; lists that came before do not count.
pub fn rebuilt(
    tables: &mut dyn Tables,
    events: u64,
    generation: u64,
    by: &Actor,
) -> Result<(), LedgerError> {
    let body = Body {
        count: usize::try_from(events).ok(),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Rebuilt, None), body.by(by))?;
    next_generation(tables, generation)
}

/// Records that a backup was brought up to date by its mirror: nothing is set aside.
pub fn caught_up(
    tables: &mut dyn Tables,
    events: u64,
    generation: u64,
    by: &Actor,
) -> Result<(), LedgerError> {
    let body = Body {
        count: usize::try_from(events).ok(),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Restored, None), body.by(by))?;
    told_by_mirror(tables, by)?;
    next_generation(tables, generation)
}

/// Makes units and states of tokens what the events say; returns how many units changed.
pub fn settle(tables: &mut dyn Tables) -> Result<u64, LedgerError> {
    let rows = units(tables)?;
    let mut changed = 0;
    for row in &rows {
        match tables.unit(row.id)? {
            Some(old) if old == *row => continue,
            Some(_) => tables.set_unit(row)?,
            None => tables.add_unit(row)?,
        }
        changed += 1;
    }
    let mut lists = Lists::default();
    tables.scan_events(Order::Chain, &mut |row| lists.note(&row))?;
    let mut moved = Vec::new();
    tables.scan_tokens(&mut |(token, unit)| {
        let state = match unit {
            Some(unit) => lists.held(&token, unit),
            None => lists.resting(&token).0,
        };
        if state != token.state {
            moved.push((token, state));
        }
        Ok(())
    })?;
    for (token, state) in moved {
        tables.set_token(&token, state)?;
    }
    Ok(changed)
}

/// Makes the row of every unit from its events.
fn units(tables: &dyn Tables) -> Result<Vec<UnitRow>, LedgerError> {
    let mut rows = Vec::new();
    let mut missing = (0, None);
    each_unit(tables, &mut |id, expected| {
        let print = expected.fingerprint()?;
        match tables.token(&print)? {
            Some(token) => rows.push(expected.row(id, &token)?),
            None => {
                missing.0 += 1;
                missing.1.get_or_insert(print);
            }
        }
        Ok(())
    })?;
    match missing {
        (count, Some(first)) => Err(LedgerError::Restore(RestoreError::TokensMissing {
            count,
            first,
        })),
        _ => Ok(rows),
    }
}
