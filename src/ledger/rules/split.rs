//! Split: a share of tokens and serials goes away, in one transaction.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::part::{Handing, Part, PartState, Share};
use crate::ledger::rules::facts::{NAMED, ORIGIN, known, ledger_number};
use crate::ledger::rules::{parts, proof};
use crate::ledger::storage::tables::{Frame, PartRow, Tables, TokenRow};
use crate::ledger::{Actor, Ledger, LedgerError, PartError, TokenState, UnitError, UnitState};
use crate::pool::{Pool, Row};
use crate::recipe::SerialFormat;
use crate::unit::Serial;
use crate::vault::recipient::Recipient;

impl Ledger {
    /// Takes a share of tokens and serials out for a station without network: they are away
    /// from here on. Goes on with the part that was begun for the station and never finished.
    ///
    /// # Errors
    /// [`PartError::PartShort`](crate::ledger::PartError::PartShort), [`PartError::PartSerial`](crate::ledger::PartError::PartSerial),
    /// [`PartError::PartBegun`](crate::ledger::PartError::PartBegun); then nothing was split off.
    pub fn split(
        &mut self,
        station: (&str, &Recipient),
        share: &Share,
        by: &Actor,
    ) -> Result<Handing, LedgerError> {
        self.act(|tables, frame| split(tables, frame, (station, share), by))
    }

    /// Makes this ledger, which must be empty, the part.
    ///
    /// # Errors
    /// Those of [`import`](Self::import); the ledger is of no use then.
    pub fn found_part(&mut self, handing: &Handing, by: &Actor) -> Result<(), LedgerError> {
        self.import(&handing.rows, by)?;
        self.write(|tables| {
            let numbers = handing.part.numbers.as_ref();
            let next = numbers.map(|(format, first, _)| (format.as_str(), *first));
            parts::found(tables, (&handing.ledger, &handing.part), next)
        })
    }

    /// Records that a part's file is whole, before it gets the name by which it leaves.
    ///
    /// # Errors
    /// [`PartError::PartState`] when that was recorded before: a part leaves once.
    pub fn handed(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| handed(tables, part, by))
    }

    /// Burns the tokens of a part that will not come back.
    ///
    /// # Errors
    /// [`PartError::NoPart`], [`PartError::PartState`]
    pub fn void_part(&mut self, part: i64, by: &Actor) -> Result<Part, LedgerError> {
        self.write(|tables| void(tables, part, by))
    }

    /// Records in a part that it goes back: it gives no token out any more.
    ///
    /// # Errors
    /// [`PartError::NotAPart`]
    pub fn close_part(&mut self, by: &Actor) -> Result<(), LedgerError> {
        self.act(|tables, frame| close(tables, frame, by))
    }
}

/// Takes a share out of the pool, or goes on with the part that was begun for the station.
pub fn split(
    tables: &mut dyn Tables,
    frame: &Frame,
    ((station, to), share): ((&str, &Recipient), &Share),
    by: &Actor,
) -> Result<Handing, LedgerError> {
    parts::refuse_part(tables, "it is split by that one only")?;
    // No serial of the part gets a token here meanwhile.
    tables.hold_serials()?;
    let all = parts::all(tables)?;
    let begun = all
        .iter()
        .find(|row| row.part.state == PartState::Begun && row.part.station == station);
    if let Some(begun) = begun {
        return resume(tables, frame, begun, (to, share));
    }
    let number = all
        .last()
        .map_or(1, |row| row.part.number.saturating_add(1));
    let chosen = choose(tables, frame, share)?;
    let numbers = match share {
        Share::Counted(count, format) => Some(run_of_numbers(tables, format, *count)?),
        _ => None,
    };
    let mut part = Part {
        number,
        id: String::new(),
        station: station.to_owned(),
        to: Some(to.clone()),
        tokens: chosen.len(),
        numbers,
        listed: chosen.iter().any(|(_, serial)| serial.is_some()),
        state: PartState::Begun,
        at: String::new(),
        since: String::new(),
        open: false,
    };
    for (index, given) in chosen.chunks(NAMED).enumerate() {
        let names = given.iter().map(|(token, _)| token.fingerprint.to_hex());
        let serials = given.iter().filter_map(|(_, serial)| serial.as_ref());
        let body = Body {
            part: Some(number),
            partner: Some(station.to_owned()),
            to: Some(to.to_hex()),
            count: Some(part.tokens),
            numbers: part.numbers.clone(),
            fingerprints: Some(names.collect()),
            serials: part
                .listed
                .then(|| serials.map(ToString::to_string).collect()),
            ..Body::default()
        };
        let stamp = event::append(tables, &by.station, (Kind::Split, None), body.by(by))?;
        if index == 0 {
            // An event's hash is like no other: so is the part, with nothing to invent.
            part.id = stamp.hash.to_string().chars().take(16).collect();
            part.since.clone_from(&stamp.at);
            part.at = stamp.at;
        }
    }
    tables.add_part(&PartRow {
        part,
        run: frame.run.clone(),
        heads: None,
    })?;
    for (token, serial) in &chosen {
        tables.set_token(token, TokenState::CheckedOut)?;
        if let Some(serial) = serial {
            tables.set_part_serial(number, serial, None)?;
        }
    }
    hand(tables, number, (&chosen, false))
}

/// Goes on with a part whose file was never whole.
fn resume(
    tables: &dyn Tables,
    frame: &Frame,
    PartRow { part, run, .. }: &PartRow,
    (to, share): (&Recipient, &Share),
) -> Result<Handing, LedgerError> {
    let begun = |what| {
        LedgerError::Part(PartError::PartBegun {
            part: part.number,
            station: part.station.clone(),
            count: part.tokens,
            what,
        })
    };
    if *run != frame.run && tables.alive(run) {
        return Err(begun("a run is at it: wait for that, or end it"));
    }
    if part.to.as_ref() != Some(to) {
        return Err(begun(
            "split to the key that it was begun for, or void the part",
        ));
    }
    if share.count() != part.tokens {
        return Err(begun("split the same number again, or void the part"));
    }
    let mut chosen = Vec::with_capacity(part.tokens);
    for fingerprint in parts::tokens(tables, part.number)? {
        let token = known(tables, &fingerprint)?;
        chosen.push((token, None));
    }
    if let Share::Serials(serials) = share {
        // In the order in which they were given.
        for ((_, serial), named) in chosen.iter_mut().zip(serials) {
            if parts::away(tables, frame, named)?.map(|of| of.number) != Some(part.number) {
                return Err(begun("split the same serials again, or void the part"));
            }
            *serial = Some(named.clone());
        }
    }
    hand(tables, part.number, (&chosen, true))
}

/// Opens what goes into the part.
fn hand(
    tables: &dyn Tables,
    number: i64,
    (chosen, resumed): (&[(TokenRow, Option<Serial>)], bool),
) -> Result<Handing, LedgerError> {
    let mut rows = Vec::with_capacity(chosen.len());
    for (token, serial) in chosen {
        let secrets = tables.secrets(token.id)?;
        rows.push(Row {
            token: secrets.token,
            qr: secrets.qr,
            picture: tables.picture(token.id)?,
            bound: serial.clone().or_else(|| token.fixed.clone()),
            columns: secrets.columns,
            claimed: false,
        });
    }
    let origin = tables.fact(ORIGIN)?.and_then(|text| text.parse().ok());
    Ok(Handing {
        part: parts::must(tables, number)?,
        ledger: ledger_number(tables)?,
        rows: Pool {
            rows,
            origin: origin.unwrap_or_default(),
            ..Pool::default()
        },
        #[cfg(feature = "seal")]
        home: tables.home()?,
        resumed,
    })
}

/// Chooses the tokens of a share, with the serials that they are for.
fn choose(
    tables: &mut dyn Tables,
    frame: &Frame,
    share: &Share,
) -> Result<Vec<(TokenRow, Option<Serial>)>, LedgerError> {
    let wanted = share.count();
    let short = |free: usize| LedgerError::Part(PartError::PartShort { wanted, free });
    if wanted == 0 {
        return Err(short(0));
    }
    let serials = match share {
        Share::Loose(_) | Share::Counted(..) => {
            let mut chosen = Vec::with_capacity(wanted.min(1 << 16));
            while chosen.len() < wanted {
                let token = tables.draw()?.ok_or_else(|| short(chosen.len()))?;
                proof::of_token(tables, &token)?;
                // Drawn is drawn: the next look finds the next one.
                tables.set_token(&token, TokenState::CheckedOut)?;
                chosen.push((token, None));
            }
            return Ok(chosen);
        }
        Share::Bound(count) => {
            let serials = tables.fixed_free(*count)?;
            if serials.len() < wanted {
                return Err(short(serials.len()));
            }
            serials
        }
        Share::Serials(serials) => serials.clone(),
    };
    let mut chosen = Vec::with_capacity(serials.len());
    for serial in serials {
        let refused = |what: String| {
            LedgerError::Part(PartError::PartSerial {
                serial: serial.clone(),
                what,
            })
        };
        if let Some(what) = taken(tables, frame, &serial)? {
            return Err(refused(what));
        }
        let token = match tables.fixed(&serial.folded())? {
            Some(token) if token.state == TokenState::Free => token,
            Some(token) => {
                let state = token.state;
                return Err(refused(format!(
                    "the token that the list fixes to it is {state}"
                )));
            }
            None => tables.draw()?.ok_or_else(|| short(chosen.len()))?,
        };
        proof::of_token(tables, &token)?;
        tables.set_token(&token, TokenState::CheckedOut)?;
        chosen.push((token, Some(serial)));
    }
    Ok(chosen)
}

/// Says who has a serial already.
fn taken(
    tables: &dyn Tables,
    frame: &Frame,
    serial: &Serial,
) -> Result<Option<String>, LedgerError> {
    let unit = tables.unit_of(&serial.folded())?;
    if let Some(unit) = unit.filter(|unit| unit.state != UnitState::Superseded) {
        return Ok(Some(format!("it is {} here", unit.state)));
    }
    let away = parts::away(tables, frame, serial)?;
    Ok(away.map(|part| match part.open {
        true => format!(
            "part {}, which came back unclosed, may have made it",
            part.number
        ),
        false => format!("part {} has it", part.number),
    }))
}

/// Takes a run of numbers out of a format in which no unit is known.
fn run_of_numbers(
    tables: &mut dyn Tables,
    format: &SerialFormat,
    count: usize,
) -> Result<(String, u64, u64), LedgerError> {
    let name = format.to_string();
    let used_up = || {
        LedgerError::Unit(UnitError::SerialsUsedUp {
            format: name.clone(),
            part: None,
            left: 0,
        })
    };
    let mut first = tables.counter(&name)?;
    let mut next = first;
    let mut found = 0;
    while found < count {
        let made = format.serial(next).map_err(|source| {
            LedgerError::Unit(UnitError::SerialFormat {
                format: name.clone(),
                source,
            })
        })?;
        let serial = made.ok_or_else(used_up)?;
        next = next.checked_add(1).ok_or_else(used_up)?;
        found += 1;
        if tables.unit_of(&serial.folded())?.is_some() {
            // The station cannot step over a unit that it does not know of.
            first = next;
            found = 0;
        }
    }
    tables.set_counter(&name, next)?;
    Ok((name, first, next))
}

/// Records that a part's file is whole, before it gets the name by which it leaves.
pub fn handed(tables: &mut dyn Tables, number: i64, by: &Actor) -> Result<Part, LedgerError> {
    let row = parts::row(tables, number)?;
    let part = &row.part;
    if part.state != PartState::Begun {
        return Err(LedgerError::Part(PartError::PartState {
            part: number,
            state: part.state.into(),
            what: "it leaves once only",
        }));
    }
    let body = Body {
        part: Some(number),
        part_id: Some(part.id.clone()),
        partner: Some(part.station.clone()),
        ..Body::default()
    };
    let stamp = event::append(tables, &by.station, (Kind::Handed, None), body.by(by))?;
    parts::advance(tables, row, PartState::Handed, &stamp.at)
}

/// Burns the tokens of a part that will not come back.
pub fn void(tables: &mut dyn Tables, number: i64, by: &Actor) -> Result<Part, LedgerError> {
    // It may be on its way back: one of both comes first.
    tables.hold_serials()?;
    let row = parts::row(tables, number)?;
    let part = &row.part;
    if !matches!(part.state, PartState::Begun | PartState::Handed) {
        return Err(LedgerError::Part(PartError::PartState {
            part: number,
            state: part.state.into(),
            what: "it cannot be voided any more",
        }));
    }
    let mut names = Vec::with_capacity(part.tokens);
    for fingerprint in parts::tokens(tables, number)? {
        let token = known(tables, &fingerprint)?;
        if token.state == TokenState::CheckedOut {
            tables.set_token(&token, TokenState::Void)?;
            names.push(fingerprint.to_hex());
        }
    }
    let mut at = String::new();
    for names in names.chunks(NAMED) {
        let body = Body {
            part: Some(number),
            part_id: Some(part.id.clone()),
            partner: Some(part.station.clone()),
            fingerprints: Some(names.to_vec()),
            ..Body::default()
        };
        at = event::append(tables, &by.station, (Kind::Burnt, None), body.by(by))?.at;
    }
    parts::advance(tables, row, PartState::Void, &at)
}

/// Records in a part that it goes back: from here on it gives no token out.
pub fn close(tables: &mut dyn Tables, frame: &Frame, by: &Actor) -> Result<(), LedgerError> {
    let of = parts::part_of(tables)?.ok_or(LedgerError::Part(PartError::NotAPart))?;
    if of.closed {
        return Ok(());
    }
    let mut busy = None;
    tables.scan_all_units(&mut |unit| {
        if frame.in_hand(tables, &unit) {
            busy = Some(unit);
        }
        Ok(())
    })?;
    if let Some(unit) = busy {
        return Err(LedgerError::Unit(UnitError::NotReleasable {
            serial: unit.serial,
            reason: format!(
                "it is in work at station {}; end that run first",
                unit.station
            ),
        }));
    }
    let body = Body {
        part: Some(of.part.number),
        part_id: Some(of.part.id),
        ..Body::default()
    };
    let stamp = event::append(tables, &by.station, (Kind::Returned, None), body.by(by))?;
    parts::close(tables, &stamp.at)
}
