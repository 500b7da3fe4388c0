//! Replay: what a unit must look like after its events.

use crate::ledger::history::event::{Body, Kind};
#[cfg(feature = "seal")]
use crate::ledger::storage::tables::TokenRow;
use crate::ledger::storage::tables::{EventRow, UnitRow};
use crate::ledger::{LedgerError, UnitState};
#[cfg(feature = "seal")]
use crate::unit::Fingerprint;

/// What a unit's events say about it.
#[derive(Debug, Default)]
pub struct Expected {
    serial: Option<String>,
    fingerprint: Option<String>,
    state: Option<String>,
    epoch: i64,
    run: Option<String>,
    station: String,
    target: Option<String>,
    uid: Option<String>,
    image: Option<String>,
    recipe: Option<String>,
    digest: Option<String>,
    durable: bool,
    pending: bool,
    touched: bool,
    label: Option<String>,
    at: String,
    event: String,
    /// Whether the unit was simulated, where an event says so.
    pub simulated: Option<bool>,
    /// What the events alone already contradict.
    pub wrong: Vec<String>,
}

impl Expected {
    /// Takes the next event in.
    pub fn apply(&mut self, row: &EventRow) -> Result<(), LedgerError> {
        let event = &row.event;
        let body = Body::read(event)?;
        let Ok(kind) = event.kind.parse::<Kind>() else {
            self.note(event.seq, "is of a kind that this version does not know");
            return Ok(());
        };
        match kind {
            Kind::Reserved => self.reserved(event.seq, &event.station, &body),
            Kind::Prepared | Kind::Delivered => self.confirmed(event.seq, &body),
            Kind::Failed => {
                self.expect(event.seq, &body);
                self.pending = false;
                self.touched |= body.touched.unwrap_or(true);
                if body.swapped == Some(true) {
                    self.uid = None;
                }
            }
            Kind::Labelled => {
                self.expect(event.seq, &body);
                self.label = Some(event.at.clone());
            }
            Kind::Reprinted => self.expect(event.seq, &body),
            Kind::Renewed | Kind::Adopted => self.begun(event.seq, &event.station, &body),
            Kind::Attested => self.attested(event.seq, &body),
            Kind::Released | Kind::Voided | Kind::Reworked => {
                self.expect(event.seq, &body);
                self.pending = false;
            }
            Kind::Joined => self.joined(event.seq, &body),
            _ => {
                self.note(event.seq, "is not about a unit");
            }
        }
        self.state = body.state;
        self.at.clone_from(&event.at);
        self.event = event.hash.to_string();
        Ok(())
    }

    /// Takes a claim in.
    fn reserved(&mut self, seq: i64, station: &str, body: &Body) {
        if self.epoch > 0 {
            let same = self.serial == body.serial && self.fingerprint == body.fingerprint;
            if !same {
                self.note(seq, "moves the unit to another serial or token");
            }
        }
        if body.epoch != self.epoch.checked_add(1) {
            self.note(seq, "does not claim the next epoch");
        }
        self.serial.clone_from(&body.serial);
        self.fingerprint.clone_from(&body.fingerprint);
        self.epoch = body.epoch.unwrap_or_default();
        self.run.clone_from(&body.run);
        station.clone_into(&mut self.station);
        self.target.clone_from(&body.target);
        self.uid.clone_from(&body.uid);
        self.image.clone_from(&body.image);
        self.recipe.clone_from(&body.recipe);
        self.simulated = body.simulated;
        self.digest = None;
        self.durable = false;
        self.touched |= self.pending;
        self.pending = true;
    }

    /// Takes in a unit that came with all that it is.
    fn joined(&mut self, seq: i64, body: &Body) {
        if self.epoch > 0 {
            self.note(seq, "brings a unit that is here already");
        }
        self.serial.clone_from(&body.serial);
        self.fingerprint.clone_from(&body.fingerprint);
        self.epoch = body.epoch.unwrap_or_default();
        self.run.clone_from(&body.run);
        self.station = body.partner.clone().unwrap_or_default();
        self.target.clone_from(&body.target);
        self.uid.clone_from(&body.uid);
        self.image.clone_from(&body.image);
        self.recipe.clone_from(&body.recipe);
        self.digest.clone_from(&body.digest);
        self.durable = body.durable.unwrap_or_default();
        self.simulated = body.simulated;
        self.pending = body.pending.unwrap_or_default();
        self.touched = body.touched.unwrap_or(true);
        self.label.clone_from(&body.label);
    }

    /// Takes the beginning of a unit in that no claim began.
    fn begun(&mut self, seq: i64, station: &str, body: &Body) {
        if self.epoch > 0 {
            self.note(seq, "begins a unit that there is already");
        }
        self.reserved(seq, station, body);
        self.digest.clone_from(&body.digest);
        self.durable = body.durable.unwrap_or_default();
        self.label.clone_from(&body.label);
        self.touched = body.touched.unwrap_or(true);
        self.pending = false;
    }

    /// Takes an outcome in.
    fn confirmed(&mut self, seq: i64, body: &Body) {
        self.expect(seq, body);
        if !self.pending {
            self.note(seq, "confirms a unit that was not claimed");
        }
        // Earlier versions said neither: both were the claim's.
        if body.target.is_some() {
            self.target.clone_from(&body.target);
            self.uid.clone_from(&body.uid);
        }
        self.digest.clone_from(&body.digest);
        self.durable = body.durable.unwrap_or_default();
        self.pending = false;
        self.touched = true;
    }

    /// Takes in what a witness says.
    fn attested(&mut self, seq: i64, body: &Body) {
        self.expect(seq, body);
        if self.state.as_deref() != Some(UnitState::Prepared.into()) {
            self.note(seq, "delivers a unit that was not prepared");
        }
        self.target.clone_from(&body.target);
        self.uid.clone_from(&body.uid);
    }

    /// Checks that an event is about the claim that stands.
    fn expect(&mut self, seq: i64, body: &Body) {
        let same = self.serial == body.serial
            && self.fingerprint == body.fingerprint
            && body.epoch == Some(self.epoch);
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
        read(self.fingerprint.as_deref(), "token")
    }

    /// Returns the row that a unit must have.
    #[cfg(feature = "seal")]
    pub fn row(&self, id: i64, token: &TokenRow) -> Result<UnitRow, LedgerError> {
        Ok(UnitRow {
            id,
            serial: read(self.serial.as_deref(), "serial")?,
            token: token.id,
            fingerprint: token.fingerprint,
            state: read(self.state.as_deref(), "state")?,
            uid: self.uid.clone(),
            image: read(self.image.as_deref(), "image")?,
            recipe: read(self.recipe.as_deref(), "recipe")?,
            digest: match &self.digest {
                Some(digest) => Some(read(Some(digest), "digest")?),
                None => None,
            },
            target: read(self.target.as_deref(), "target")?,
            durable: self.durable,
            station: self.station.clone(),
            run: self.run.clone().unwrap_or_default(),
            epoch: self.epoch,
            pending: self.pending,
            touched: self.touched,
            label: self.label.clone(),
            at: self.at.clone(),
            event: read(Some(&self.event), "event")?,
            ours: true,
        })
    }

    /// Lists the fields in which a row differs from its events, as `field is A, its events say B`.
    pub fn differences(&self, unit: &UnitRow) -> Vec<String> {
        let text = |value: &dyn ToString| Some(value.to_string());
        let yes = |value: bool| Some(value.to_string());
        let fields = [
            ("serial", text(&unit.serial), self.serial.clone()),
            (
                "token",
                Some(unit.fingerprint.to_hex()),
                self.fingerprint.clone(),
            ),
            ("state", text(&unit.state), self.state.clone()),
            ("epoch", text(&unit.epoch), text(&self.epoch)),
            ("run", text(&unit.run), self.run.clone()),
            ("station", text(&unit.station), text(&self.station)),
            ("target", text(&unit.target), self.target.clone()),
            ("board", unit.uid.clone(), self.uid.clone()),
            ("image", text(&unit.image), self.image.clone()),
            ("recipe", text(&unit.recipe), self.recipe.clone()),
            (
                "digest",
                unit.digest.map(|digest| digest.to_string()),
                self.digest.clone(),
            ),
            ("durable", yes(unit.durable), yes(self.durable)),
            ("pending", yes(unit.pending), yes(self.pending)),
            ("touched", yes(unit.touched), yes(self.touched)),
            ("label", unit.label.clone(), self.label.clone()),
            ("time", text(&unit.at), text(&self.at)),
            ("event", text(&unit.event), text(&self.event)),
        ];
        fields
            .into_iter()
            .filter(|(_, row, events)| row != events)
            .map(|(name, row, events)| {
                let short = |text: Option<String>| -> String {
                    text.map_or_else(
                        || "nothing".to_owned(),
                        |text| text.chars().take(24).collect(),
                    )
                };
                format!(
                    "its {name} is {}, its events say {}",
                    short(row),
                    short(events)
                )
            })
            .collect()
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
