//! The record as CSV or JSON Lines, and the mapping read back from it.

use std::collections::BTreeMap;
use std::fmt;

use eol_inject::ledger::{Ledger, LedgerError, Outcome, Simulated, UnitRecord, UnitState};
use eol_inject::pool::{Sheet, SheetError, neutral};
use eol_inject::unit::{Digest, Fingerprint, Serial};
use serde_json::{Value, json};

use super::error::{CliError, exit};
use super::file::Out;

/// Columns of the exported CSV, in order.
pub(crate) const HEADERS: &[&str] = &[
    "serial",
    "state",
    "fingerprint",
    "chip_uid",
    "image_sha256",
    "recipe_sha256",
    "sha256",
    "target",
    "durable",
    "station",
    "epoch",
    "at",
    "event",
    "outcome",
    "simulated",
];

/// How records of one ledger are shown: whether its units are real stands with each of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    simulated: bool,
}

impl View {
    /// Looks at what the ledger says of all its units.
    pub(crate) fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let simulated = ledger.simulated()? == Some(Simulated::Yes);
        Ok(Self { simulated })
    }

    /// Returns whether its units are not real.
    pub(crate) const fn is_simulated(self) -> bool {
        self.simulated
    }

    /// Returns what people must see beside a unit that is not real.
    pub(crate) const fn word(self) -> &'static str {
        if self.simulated { "SIMULATED" } else { "" }
    }

    /// Returns a record's cells, safe in a spreadsheet.
    pub(crate) fn cells(self, unit: &UnitRecord) -> Vec<String> {
        let mut cells = cells(unit);
        cells.extend([unit.outcome.to_string(), self.simulated.to_string()]);
        cells
    }

    /// Returns a record as an object.
    pub(crate) fn object(self, unit: &UnitRecord) -> Value {
        let mut object = object(unit);
        if let Value::Object(map) = &mut object {
            map.insert("outcome".to_owned(), unit.outcome.to_string().into());
            map.insert("simulated".to_owned(), self.simulated.into());
        }
        object
    }
}

/// Returns a unit's state as people have to know it: a claim that nobody finished, and whose board
/// may hold anything, is in doubt.
pub(crate) fn state(unit: &UnitRecord) -> String {
    match unit.outcome {
        Outcome::InDoubt | Outcome::InWork => unit.outcome.to_string(),
        _ => unit.state.to_string(),
    }
}

fn cells(unit: &UnitRecord) -> Vec<String> {
    [
        unit.serial.to_string(),
        unit.state.to_string(),
        unit.fingerprint.to_hex(),
        unit.uid.clone().unwrap_or_default(),
        told(&unit.image).unwrap_or_default(),
        told(&unit.recipe).unwrap_or_default(),
        unit.digest
            .map(|digest| digest.to_string())
            .unwrap_or_default(),
        unit.target.to_string(),
        unit.durable.to_string(),
        unit.station.clone(),
        unit.epoch.to_string(),
        unit.at.clone(),
        unit.event.to_string(),
    ]
    .into_iter()
    .map(neutral)
    .collect()
}

/// Returns a digest as text, unless nobody knows it.
fn told(digest: &Digest) -> Option<String> {
    digest.known().map(ToString::to_string)
}

fn object(unit: &UnitRecord) -> Value {
    json!({
        "v": 1,
        "serial": unit.serial.as_str(),
        "state": unit.state.to_string(),
        "fingerprint": unit.fingerprint.to_hex(),
        "chip_uid": unit.uid,
        "image_sha256": told(&unit.image),
        "recipe_sha256": told(&unit.recipe),
        "sha256": unit.digest.map(|digest| digest.to_string()),
        "target": unit.target.to_string(),
        "durable": unit.durable,
        "station": unit.station,
        "epoch": unit.epoch,
        "at": unit.at,
        "event": unit.event.to_string(),
    })
}

/// Reads `serial` and `fingerprint` of an exported CSV; rows without an image are left out.
pub(crate) fn read_mapping(
    bytes: &[u8],
) -> Result<BTreeMap<String, (Serial, Fingerprint)>, CliError> {
    let wrong = |message: String| CliError::new(exit::RECIPE, "mapping", message);
    let no_sheet = |error: SheetError| wrong(error.to_string());
    let mut sheet = Sheet::new(bytes).map_err(no_sheet)?;
    let column = |names: &[&str]| sheet.column(names).map_err(no_sheet);
    let (Some(serial), Some(print)) = (column(&["serial"])?, column(&["fingerprint"])?) else {
        return Err(wrong(
            "the first line names no columns serial and fingerprint".to_owned(),
        ));
    };
    let state = column(&["state"])?;
    let mut records = BTreeMap::new();
    while let Some(line) = sheet.next_row().map_err(no_sheet)? {
        let at = |what: &dyn fmt::Display| wrong(format!("line {line}: {what}"));
        let state: Option<UnitState> = match sheet.given(state) {
            Some(state) => Some(state.parse().map_err(|_| at(&"its state is none"))?),
            None => None,
        };
        if !state.is_none_or(super::verify::is_made) {
            continue;
        }
        let serial: Serial = sheet.cell(serial).parse().map_err(|error| at(&error))?;
        let print: Fingerprint = sheet.cell(print).parse().map_err(|error| at(&error))?;
        if records
            .insert(serial.folded(), (serial.clone(), print))
            .is_some()
        {
            return Err(at(&format_args!("{serial} stands there twice")));
        }
    }
    Ok(records)
}

/// Returns whether an exported CSV says of any unit that it is not real.
pub(crate) fn is_simulated(bytes: &[u8]) -> bool {
    let mut reader = csv::Reader::from_reader(bytes);
    let column = reader.headers().ok().and_then(|headers| {
        let mut names = headers.iter();
        names.position(|header| header.trim() == "simulated")
    });
    let says =
        |row: csv::StringRecord| column.and_then(|at| row.get(at).map(|cell| cell == "true"));
    reader.records().flatten().filter_map(says).any(|says| says)
}

/// Writes the events after `seq`, one object per line.
pub(crate) fn history(ledger: &Ledger, seq: i64, mut out: Out) -> Result<u8, CliError> {
    let mut written = Ok(());
    ledger.events_since(seq, &mut |event| {
        let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
        let line = json!({
            "v": 1, "seq": event.seq, "at": event.at, "station": event.station,
            "kind": event.kind, "body": body, "event": event.hash.to_string(),
        });
        if written.is_ok() {
            written = out.write(format!("{line}\n").as_bytes());
        }
    })?;
    written?;
    out.finish()?;
    Ok(0)
}
