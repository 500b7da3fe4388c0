//! Replay: what a unit must look like after its events.

use crate::ledger::history::event::{self, Body, Kind};
#[cfg(feature = "seal")]
use crate::ledger::storage::tables::TokenRow;
use crate::ledger::storage::tables::{EventRow, Order, Tables, UnitRow};
use crate::ledger::{LedgerError, UnitState};
#[cfg(feature = "seal")]
use crate::unit::Fingerprint;

/// What a unit's events say about it.
#[derive(Debug)]
pub struct Expected {
    /// What an event would say that tells of the whole row.
    row: Body,
    station: String,
    at: String,
    event: String,
    /// Whether the unit was simulated, where an event says so.
    pub simulated: Option<bool>,
    /// What the events alone already contradict.
    pub wrong: Vec<String>,
}

impl Default for Expected {
    fn default() -> Self {
        let row = Body {
            epoch: Some(0),
            durable: Some(false),
            pending: Some(false),
            touched: Some(false),
            ..Body::default()
        };
        Self {
            row,
            station: String::new(),
            at: String::new(),
            event: String::new(),
            simulated: None,
            wrong: Vec::new(),
        }
    }
}

impl Expected {
    /// Takes the next event in.
    pub fn apply(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        let event = &row.event;
        let (seq, station) = (event.seq, &event.station);
        let mut body = Body::read(event)?;
        let Ok(kind) = event.kind.parse::<Kind>() else {
            self.note(seq, "is of a kind that this version does not know");
            return Ok(());
        };
        let state = body.state.take();
        match kind {
            Kind::Reserved => self.reserved(seq, station, body),
            Kind::Prepared | Kind::Delivered => self.confirmed(seq, body),
            Kind::Failed => {
                self.expect(seq, &body);
                self.row.pending = Some(false);
                self.touch(body.touched.unwrap_or(true));
                if body.swapped == Some(true) {
                    self.row.uid = None;
                }
            }
            Kind::Labelled => {
                self.expect(seq, &body);
                self.row.label = Some(event.at.clone());
            }
            Kind::Reprinted => self.expect(seq, &body),
            Kind::Renewed | Kind::Adopted => {
                if self.row.epoch > Some(0) {
                    self.note(seq, "begins a unit that there is already");
                }
                let whole = body.clone();
                self.reserved(seq, station, body);
                self.whole(whole);
                self.row.pending = Some(false);
            }
            Kind::Attested => {
                self.expect(seq, &body);
                if self.row.state.as_deref() != Some(UnitState::Prepared.into()) {
                    self.note(seq, "delivers a unit that was not prepared");
                }
                self.row.target = body.target;
                self.row.uid = body.uid;
            }
            Kind::Released | Kind::Voided | Kind::Reworked => {
                self.expect(seq, &body);
                self.row.pending = Some(false);
            }
            Kind::Joined => {
                if self.row.epoch > Some(0) {
                    self.note(seq, "brings a unit that is here already");
                }
                let whole = body.clone();
                self.claim(body.partner.clone().unwrap_or_default(), body);
                self.whole(whole);
            }
            _ => self.note(seq, "is not about a unit"),
        }
        self.row.state = state;
        self.at.clone_from(&event.at);
        self.event = event.hash.to_string();
        Ok(())
    }

    /// Takes a claim in.
    fn reserved(&mut self, seq: i64, station: &str, body: Body) {
        let begun = self.row.epoch.unwrap_or_default();
        let same = self.row.serial == body.serial && self.row.fingerprint == body.fingerprint;
        if begun > 0 && !same {
            self.note(seq, "moves the unit to another serial or token");
        }
        if body.epoch != begun.checked_add(1) {
            self.note(seq, "does not claim the next epoch");
        }
        self.claim(station.to_owned(), body);
        self.row.digest = None;
        self.row.durable = Some(false);
        self.touch(self.row.pending == Some(true));
        self.row.pending = Some(true);
    }

    /// Takes in whose claim stands, and for what.
    fn claim(&mut self, station: String, body: Body) {
        self.row = Body {
            serial: body.serial,
            fingerprint: body.fingerprint,
            epoch: Some(body.epoch.unwrap_or_default()),
            run: body.run,
            target: body.target,
            uid: body.uid,
            image: body.image,
            recipe: body.recipe,
            ..std::mem::take(&mut self.row)
        };
        self.station = station;
        self.simulated = body.simulated;
    }

    /// Takes in what came of a unit elsewhere, or before.
    fn whole(&mut self, body: Body) {
        self.row.digest = body.digest;
        self.row.durable = Some(body.durable.unwrap_or_default());
        self.row.pending = Some(body.pending.unwrap_or_default());
        self.row.touched = Some(body.touched.unwrap_or(true));
        self.row.label = body.label;
    }

    fn touch(&mut self, touched: bool) {
        self.row.touched = Some(touched || self.row.touched == Some(true));
    }

    /// Takes an outcome in.
    fn confirmed(&mut self, seq: i64, body: Body) {
        self.expect(seq, &body);
        if self.row.pending != Some(true) {
            self.note(seq, "confirms a unit that was not claimed");
        }
        // Earlier versions said neither: both were the claim's.
        if body.target.is_some() {
            self.row.target = body.target;
            self.row.uid = body.uid;
        }
        self.row.digest = body.digest;
        self.row.durable = Some(body.durable.unwrap_or_default());
        self.row.pending = Some(false);
        self.row.touched = Some(true);
    }

    /// Checks that an event is about the claim that stands.
    fn expect(&mut self, seq: i64, body: &Body) {
        let same = self.row.serial == body.serial
            && self.row.fingerprint == body.fingerprint
            && body.epoch == self.row.epoch;
        if !same {
            self.note(seq, "is about another claim than the one before it");
        }
    }

    fn note(&mut self, seq: i64, what: &str) {
        self.wrong.push(format!("event {seq} {what}"));
    }

    /// Returns the token that the events name.
    #[cfg(feature = "seal")]
    pub fn fingerprint(&self) -> Result<Fingerprint, LedgerError> {
        read(self.row.fingerprint.as_deref(), "token")
    }

    /// Returns the row that a unit must have.
    #[cfg(feature = "seal")]
    pub fn row(&self, id: i64, token: &TokenRow) -> Result<UnitRow, LedgerError> {
        let row = &self.row;
        Ok(UnitRow {
            id,
            serial: read(row.serial.as_deref(), "serial")?,
            token: token.id,
            fingerprint: token.fingerprint,
            state: read(row.state.as_deref(), "state")?,
            uid: row.uid.clone(),
            image: read(row.image.as_deref(), "image")?,
            recipe: read(row.recipe.as_deref(), "recipe")?,
            digest: match &row.digest {
                Some(digest) => Some(read(Some(digest), "digest")?),
                None => None,
            },
            target: read(row.target.as_deref(), "target")?,
            durable: row.durable == Some(true),
            station: self.station.clone(),
            run: row.run.clone().unwrap_or_default(),
            attempt: row.epoch.unwrap_or_default(),
            pending: row.pending == Some(true),
            touched: row.touched == Some(true),
            labelled_at: row.label.clone(),
            at: self.at.clone(),
            event: read(Some(&self.event), "event")?,
            ours: true,
        })
    }

    /// Lists the fields in which a row differs from its events, as `field is A, its events say B`.
    pub fn differences(&self, unit: &UnitRow) -> Vec<String> {
        let short = |text: Option<String>| match text {
            Some(text) => text.chars().take(24).collect(),
            None => "nothing".to_owned(),
        };
        let last = (
            unit.station.as_str(),
            unit.at.as_str(),
            unit.event.to_string(),
        );
        let has = words(&event::whole(unit), last);
        let last = (self.station.as_str(), self.at.as_str(), self.event.clone());
        let says = words(&self.row, last);
        let pairs = has.into_iter().zip(says);
        pairs
            .filter(|(has, says)| has != says)
            .map(|((name, has), (_, says))| {
                format!(
                    "its {name} is {}, its events say {}",
                    short(has),
                    short(says)
                )
            })
            .collect()
    }
}

/// Names what a row says.
fn words(
    row: &Body,
    (station, at, event): (&str, &str, String),
) -> [(&'static str, Option<String>); 17] {
    let yes = |value: Option<bool>| value.map(|value| value.to_string());
    [
        ("serial", row.serial.clone()),
        ("token", row.fingerprint.clone()),
        ("state", row.state.clone()),
        ("epoch", row.epoch.map(|epoch| epoch.to_string())),
        ("run", row.run.clone()),
        ("station", Some(station.to_owned())),
        ("target", row.target.clone()),
        ("board", row.uid.clone()),
        ("image", row.image.clone()),
        ("recipe", row.recipe.clone()),
        ("digest", row.digest.clone()),
        ("durable", yes(row.durable)),
        ("pending", yes(row.pending)),
        ("touched", yes(row.touched)),
        ("label", row.label.clone()),
        ("time", Some(at.to_owned())),
        ("event", Some(event)),
    ]
}

/// Replays the events of each unit.
pub fn each_unit(
    tables: &dyn Tables,
    each: &mut dyn FnMut(i64, Expected) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut current: Option<(i64, Expected)> = None;
    tables.scan_events(Order::Unit, &mut |row| {
        let Some(unit) = row.unit else {
            return Ok(());
        };
        if current.as_ref().is_none_or(|(id, _)| *id != unit)
            && let Some((id, expected)) = current.replace((unit, Expected::default()))
        {
            each(id, expected)?;
        }
        match &mut current {
            Some((_, expected)) => expected.apply(&row),
            None => Ok(()),
        }
    })?;
    match current {
        Some((id, expected)) => each(id, expected),
        None => Ok(()),
    }
}

/// Returns what state the token of a live unit must be in.
pub const fn holds_token(state: UnitState) -> bool {
    matches!(
        state,
        UnitState::Reserved | UnitState::Prepared | UnitState::Delivered | UnitState::Labelled
    )
}

/// Reads what an event says of a field.
#[cfg(feature = "seal")]
fn read<T: std::str::FromStr>(text: Option<&str>, what: &str) -> Result<T, LedgerError> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| LedgerError::damaged(format!("its events name no {what}")))
}
