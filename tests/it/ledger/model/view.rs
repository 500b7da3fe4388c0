//! The state as one transaction of one scope sees it.

use std::collections::HashMap;

use super::state::{State, Stored, Undo};
use eol_inject::ledger::tables::{
    Completion, Each, EventRow, Events, Facts, Head, Imports, NewToken, Order, PartRow, PartSerial,
    Parts, Pending, SealedValues, Secrets, TokenRow, Tokens, UnitRow, Units,
};
use eol_inject::ledger::{
    Event, Finding, LedgerError, OpenError, Scope, Stock, TokenState, UnitState,
};
use eol_inject::unit::{AuthToken, Digest, Fingerprint, Serial};

/// The state as one scope sees it.
pub struct View<'a> {
    pub state: &'a mut State,
    pub scope: &'a Scope,
}

impl View<'_> {
    /// Returns the first token that nobody sees yet.
    fn horizon(&self) -> i64 {
        self.state
            .pending
            .as_ref()
            .map_or(i64::MAX, |pending| pending.first)
    }

    fn row(&self, stored: &Stored) -> TokenRow {
        TokenRow {
            ours: stored.scope == *self.scope,
            ..stored.row.clone()
        }
    }

    fn see(&self, (unit, scope): &(UnitRow, Scope)) -> UnitRow {
        UnitRow {
            ours: scope == self.scope,
            ..unit.clone()
        }
    }

    /// Returns the scope's free tokens that are seen, in order.
    fn free(&self) -> impl Iterator<Item = &Stored> {
        self.state
            .free
            .range(..self.horizon())
            .filter_map(|id| self.state.tokens.get(id))
            .filter(|stored| stored.scope == *self.scope)
    }

    fn printed(&self, print: &[u8; 32]) -> Option<TokenRow> {
        let id = self.state.prints.get(print)?;
        Some(self.row(self.state.tokens.get(id)?))
    }

    fn key(&self, text: &str) -> (String, String) {
        (self.scope.product.clone(), text.to_owned())
    }

    /// Returns all units that a serial had, oldest first.
    fn had(&self, folded: &str) -> &[i64] {
        let ids = self.state.serials.get(&self.key(folded));
        ids.map_or(&[], Vec::as_slice)
    }

    fn stored(&self, id: i64) -> Result<&Stored, LedgerError> {
        self.state
            .tokens
            .get(&id)
            .ok_or_else(|| LedgerError::damaged(format!("token {id} is missing")))
    }
}

impl Facts for View<'_> {
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError> {
        if name == "ledger" {
            return Ok(Some("memory".to_owned()));
        }
        Ok(self.state.facts.get(name).cloned())
    }

    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError> {
        let name = name.to_owned();
        self.state.facts.insert(name.clone(), value.to_owned());
        self.state.undo.push(Undo::Fact(name));
        Ok(())
    }

    fn alive(&self, run: &str) -> bool {
        self.state.runs.contains(run)
    }

    fn counter(&self, format: &str) -> Result<u64, LedgerError> {
        let next = self.state.counters.get(&self.key(format));
        Ok(next.copied().unwrap_or(1))
    }

    fn set_counter(&mut self, format: &str, next: u64) -> Result<(), LedgerError> {
        let key = self.key(format);
        let old = self.state.counters.insert(key.clone(), next);
        self.state.undo.push(Undo::Counter(key, old));
        Ok(())
    }
}

impl Tokens for View<'_> {
    fn token(&self, fingerprint: &Fingerprint) -> Result<Option<TokenRow>, LedgerError> {
        let row = self.printed(fingerprint.as_bytes());
        Ok(row.filter(|row| row.fingerprint == *fingerprint))
    }

    fn token_of_qr(&self, qr: &Digest) -> Result<Option<TokenRow>, LedgerError> {
        let row = self.printed(qr.as_bytes());
        Ok(row.filter(|row| row.qr.as_ref() == Some(qr)))
    }

    fn draw(&self) -> Result<Option<TokenRow>, LedgerError> {
        let stored = self.free().find(|stored| stored.row.fixed.is_none());
        Ok(stored.map(|stored| self.row(stored)))
    }

    fn fixed(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        let seen = self.state.tokens.range(..self.horizon());
        let mut rows: Vec<_> = seen
            .map(|(_, stored)| self.row(stored))
            .filter(|row| row.ours && is_fixed_to(row, folded))
            .collect();
        rows.sort_by_key(|row| !is_usable(row));
        Ok(rows.into_iter().next())
    }

    fn fixed_any(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        let rows = self.state.tokens.values().map(|stored| self.row(stored));
        let mut usable = rows.filter(|row| row.ours && is_usable(row));
        Ok(usable.find(|row| is_fixed_to(row, folded)))
    }

    fn fixed_free(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        let fixed = self.free().filter_map(|stored| stored.row.fixed.clone());
        Ok(fixed.take(count).collect())
    }

    fn free(&self, most: usize) -> Result<usize, LedgerError> {
        Ok(View::free(self).take(most).count())
    }

    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
        let id = token.id;
        let old = self.stored(id)?.row.state;
        self.state.undo.push(Undo::Token(id, old));
        self.state.put_token(id, state);
        Ok(())
    }

    fn stock(&self) -> Result<Stock, LedgerError> {
        let mut stock = Stock::default();
        for (_, stored) in self.state.tokens.range(..self.horizon()) {
            if stored.scope != *self.scope {
                continue;
            }
            stock.pictures += u64::from(stored.picture.is_some());
            *stock.tokens(stored.row.state) += 1;
        }
        for (unit, _) in self.state.units.values().filter(|(_, of)| of == self.scope) {
            if let Some(count) = stock.units(unit.state) {
                *count += 1;
            }
        }
        Ok(stock)
    }

    fn scan_tokens(
        &self,
        each: Each<'_, (TokenRow, Option<UnitState>)>,
    ) -> Result<(), LedgerError> {
        let units = self.state.units.values();
        let live: HashMap<i64, UnitState> = units
            .filter(|(unit, _)| unit.state != UnitState::Superseded)
            .map(|(unit, _)| (unit.token, unit.state))
            .collect();
        let mut seen = self.state.tokens.range(..self.horizon());
        seen.try_for_each(|(id, stored)| each((self.row(stored), live.get(id).copied())))
    }

    fn integrity(&self) -> Result<Vec<Finding>, LedgerError> {
        Ok(Vec::new())
    }
}

impl SealedValues for View<'_> {
    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError> {
        let stored = self.stored(id)?;
        let token = AuthToken::parse(stored.token.expose())
            .map_err(|error| LedgerError::damaged(error.to_string()))?;
        Ok(Secrets {
            token,
            qr: stored.qr.clone(),
            columns: stored.columns.clone(),
        })
    }

    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.stored(id)?.picture.clone())
    }

    fn add_token(&mut self, new: &NewToken<'_>) -> Result<(), LedgerError> {
        let (id, row) = (new.id, new.row);
        let token = AuthToken::parse(row.token.expose())
            .map_err(|error| LedgerError::damaged(error.to_string()))?;
        let state = if row.claimed {
            TokenState::ClaimedElsewhere
        } else {
            self.state.free.insert(id);
            TokenState::Free
        };
        let stored = Stored {
            row: TokenRow {
                id,
                import: new.import,
                fingerprint: new.fingerprint,
                state,
                fixed: row.bound.clone(),
                qr: new.qr,
                claimed: row.claimed,
                ours: true,
                mark: None,
            },
            scope: self.scope.clone(),
            token,
            qr: row.qr.clone(),
            picture: row.picture.clone(),
            columns: row.columns.clone(),
        };
        self.state.tokens.insert(id, stored);
        self.state.undo.push(Undo::AddedToken(id));
        Ok(())
    }

    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
        self.state.prints.insert(*print, token);
        self.state.undo.push(Undo::AddedPrint(*print));
        Ok(())
    }

    fn complete(&mut self, token: &TokenRow, more: &Completion, _: i64) -> Result<(), LedgerError> {
        let old = self.secrets(token.id)?;
        let Some(stored) = self.state.tokens.get_mut(&token.id) else {
            return Err(LedgerError::damaged(format!(
                "token {} is missing",
                token.id
            )));
        };
        let mut picture = stored.picture.clone();
        let qr = more.secrets.qr.as_ref();
        let was = std::mem::replace(&mut stored.row.qr, more.qr);
        stored.qr = qr.cloned();
        stored.columns.clone_from(&more.secrets.columns);
        if let Some(more) = &more.picture {
            picture = stored.picture.replace(more.clone());
        }
        let before = Completion {
            secrets: old,
            qr: was,
            picture,
        };
        self.state
            .undo
            .push(Undo::Completed(token.id, Box::new(before)));
        Ok(())
    }
}

impl Imports for View<'_> {
    fn pending(&self) -> Result<Option<Pending>, LedgerError> {
        Ok(self.state.pending.clone())
    }

    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError> {
        if let Some(pending) = &self.state.pending {
            let station = pending.station.clone();
            return Err(LedgerError::Open(OpenError::ImportBusy { station }));
        }
        let last = self.state.tokens.last_key_value().map_or(0, |(id, _)| *id);
        let pending = Pending {
            id: last + 1,
            first: last + 1,
            unit: self.next_unit()? - 1,
            run: run.to_owned(),
            station: station.to_owned(),
        };
        self.state.undo.push(Undo::Pending(None));
        self.state.pending = Some(pending.clone());
        Ok(pending)
    }

    fn drop_tokens(&mut self, pending: &Pending, _: usize) -> Result<bool, LedgerError> {
        let unseen = self.state.tokens.range(pending.first..);
        let ids: Vec<i64> = unseen.map(|(id, _)| *id).collect();
        self.state.prints.retain(|_, token| *token < pending.first);
        for id in ids {
            self.state.tokens.remove(&id);
            self.state.free.remove(&id);
        }
        Ok(false)
    }

    fn drop_import(&mut self, _: &Pending) -> Result<(), LedgerError> {
        let old = self.state.pending.take();
        self.state.undo.push(Undo::Pending(old));
        Ok(())
    }

    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
        for (_, (unit, _)) in self.state.units.range(pending.unit + 1..) {
            let fixed = self.fixed_any(&unit.serial.folded())?;
            if let Some(token) = fixed.filter(|token| token.id >= pending.first)
                && unit.state != UnitState::Superseded
            {
                return Ok(Some((unit.serial.clone(), token.fingerprint)));
            }
        }
        Ok(None)
    }

    fn end_import(&mut self, pending: &Pending, _: u64) -> Result<(), LedgerError> {
        self.drop_import(pending)
    }
}

impl Units for View<'_> {
    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError> {
        Ok(self.state.units.get(&id).map(|unit| self.see(unit)))
    }

    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError> {
        // A superseded unit comes before the one in its place.
        let last = self.had(folded).last();
        let unit = last.and_then(|id| self.state.units.get(id));
        Ok(unit.map(|unit| self.see(unit)))
    }

    fn unit_on(&self, uid: &str) -> Result<Option<UnitRow>, LedgerError> {
        let mut units = self.state.units.values();
        let unit = units.find(|(unit, scope)| {
            scope.product == self.scope.product
                && unit.uid.as_deref() == Some(uid)
                && !matches!(unit.state, UnitState::Void | UnitState::Superseded)
        });
        Ok(unit.map(|unit| self.see(unit)))
    }

    fn unit_with(&self, token: i64) -> Result<Option<UnitRow>, LedgerError> {
        // A superseded unit comes before the one in its place.
        let mut units = self.state.units.values().rev();
        let unit = units.find(|(unit, _)| unit.token == token);
        Ok(unit.map(|unit| self.see(unit)))
    }

    fn next_unit(&self) -> Result<i64, LedgerError> {
        Ok(self.state.units.last_key_value().map_or(0, |(id, _)| *id) + 1)
    }

    fn add_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        let key = self.key(&unit.serial.folded());
        self.state.serials.entry(key).or_default().push(unit.id);
        let stored = (unit.clone(), self.scope.clone());
        self.state.units.insert(unit.id, stored);
        self.state.undo.push(Undo::AddedUnit(unit.id));
        Ok(())
    }

    fn set_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError> {
        if let Some(stored) = self.state.units.get_mut(&unit.id) {
            let old = stored.clone();
            stored.0 = unit.clone();
            self.state.undo.push(Undo::Unit(Box::new(old)));
        }
        Ok(())
    }

    fn reserved_at(&self, station: &str) -> Result<Vec<UnitRow>, LedgerError> {
        let units = self.state.units.values();
        Ok(units
            .filter(|(unit, scope)| {
                scope == self.scope && unit.state == UnitState::Reserved && unit.station == station
            })
            .map(|unit| self.see(unit))
            .collect())
    }

    fn scan_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        let units = self.state.units.values();
        let mut ours = units.filter(|(_, scope)| scope == self.scope);
        ours.try_for_each(|unit| each(self.see(unit)))
    }

    fn scan_all_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError> {
        let mut units = self.state.units.values();
        units.try_for_each(|unit| each(self.see(unit)))
    }
}

impl Events for View<'_> {
    fn head(&self, station: &str) -> Result<Head, LedgerError> {
        let mut events = self.state.events.iter().rev();
        let last = events.find(|row| row.event.station == station);
        Ok(last.map_or_else(
            || Head::start("memory", station),
            |row| Head {
                link: row.link,
                hash: row.event.hash,
            },
        ))
    }

    fn add_event(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        let mut row = row.clone();
        row.event.seq = self.state.events.last().map_or(0, |row| row.event.seq) + 1;
        self.state.events.push(row);
        self.state.undo.push(Undo::Event);
        Ok(())
    }

    fn events_of(&self, folded: &str) -> Result<Vec<Event>, LedgerError> {
        let ids = self.had(folded);
        let events = self.state.events.iter();
        Ok(events
            .filter(|row| row.unit.is_some_and(|unit| ids.contains(&unit)))
            .map(|row| row.event.clone())
            .collect())
    }

    fn events_by(&self, unit: i64) -> Result<Vec<EventRow>, LedgerError> {
        let events = self.state.events.iter();
        Ok(events
            .filter(|row| row.unit == Some(unit))
            .cloned()
            .collect())
    }

    fn last_event(&self, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError> {
        let mut events = self.state.events.iter().rev();
        let row = events.find(|row| row.unit == Some(unit) && row.event.kind == kind);
        Ok(row.map(|row| row.event.clone()))
    }

    fn scan_events(&self, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError> {
        let mut rows: Vec<&EventRow> = self.state.events.iter().collect();
        match order {
            Order::Chain => rows.sort_by_key(|row| (row.event.station.clone(), row.link)),
            Order::Unit => {
                rows.retain(|row| row.unit.is_some());
                rows.sort_by_key(|row| (row.unit, row.event.seq));
            }
            Order::After(seq) => {
                rows.retain(|row| row.event.seq > seq);
                rows.sort_by_key(|row| row.event.seq);
            }
        }
        rows.into_iter().try_for_each(|row| each(row.clone()))
    }
}

impl Parts for View<'_> {
    fn part(&self, number: i64) -> Result<Option<PartRow>, LedgerError> {
        Ok(self.state.parts.get(&number).cloned())
    }

    fn parts_after(&self, number: i64) -> Result<Vec<PartRow>, LedgerError> {
        let parts = self.state.parts.range(number.saturating_add(1)..);
        Ok(parts.map(|(_, row)| row.clone()).collect())
    }

    fn add_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        self.set_part(row)
    }

    fn set_part(&mut self, row: &PartRow) -> Result<(), LedgerError> {
        let number = row.part.number;
        let old = self.state.parts.insert(number, row.clone());
        self.state.undo.push(Undo::Part(number, old.map(Box::new)));
        Ok(())
    }

    fn part_serial(&self, part: i64, folded: &str) -> Result<Option<PartSerial>, LedgerError> {
        let key = (part, folded.to_owned());
        Ok(self.state.part_serials.get(&key).copied())
    }

    fn set_part_serial(
        &mut self,
        part: i64,
        serial: &Serial,
        cleared: Option<&str>,
    ) -> Result<(), LedgerError> {
        let key = (part, serial.folded());
        let new = PartSerial {
            is_cleared: cleared.is_some(),
        };
        let old = self.state.part_serials.insert(key.clone(), new);
        self.state.undo.push(Undo::PartSerial(key, old));
        Ok(())
    }

    fn generation(&self) -> Result<i64, LedgerError> {
        Ok(self.state.generation)
    }

    fn add_generation(&mut self, number: i64) -> Result<(), LedgerError> {
        let old = std::mem::replace(&mut self.state.generation, number);
        self.state.undo.push(Undo::Generation(old));
        Ok(())
    }
}

fn is_fixed_to(row: &TokenRow, folded: &str) -> bool {
    let fixed = row.fixed.as_ref();
    fixed.is_some_and(|serial| serial.folded() == folded)
}

const fn is_usable(row: &TokenRow) -> bool {
    !matches!(row.state, TokenState::Void | TokenState::ClaimedElsewhere)
}
