//! What several commands show: records, parts, images, and what may be wrong with them.

use std::fmt::Display;

use eol_inject::image::{Address, Format, Image, Span};
use eol_inject::ledger::{Ledger, LedgerError, Outcome, Part, Simulated, UnitRecord};
use eol_inject::pool::neutral;
use eol_inject::slot::Slot;
use eol_inject::unit::Digest;
use serde_json::{Value, json};

use super::output::{Output, count};

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
        digest_text(&unit.image).unwrap_or_default(),
        digest_text(&unit.recipe).unwrap_or_default(),
        unit.digest
            .map(|digest| digest.to_string())
            .unwrap_or_default(),
        unit.target.to_string(),
        unit.durable.to_string(),
        unit.station.clone(),
        unit.attempt.to_string(),
        unit.at.clone(),
        unit.event.to_string(),
    ]
    .into_iter()
    .map(neutral)
    .collect()
}

/// Returns a digest as text, unless nobody knows it.
fn digest_text(digest: &Digest) -> Option<String> {
    digest.known().map(ToString::to_string)
}

fn object(unit: &UnitRecord) -> Value {
    json!({
        "v": 1,
        "serial": unit.serial.as_str(),
        "state": unit.state.to_string(),
        "fingerprint": unit.fingerprint.to_hex(),
        "chip_uid": unit.uid,
        "image_sha256": digest_text(&unit.image),
        "recipe_sha256": digest_text(&unit.recipe),
        "sha256": unit.digest.map(|digest| digest.to_string()),
        "target": unit.target.to_string(),
        "durable": unit.durable,
        "station": unit.station,
        "epoch": unit.attempt,
        "at": unit.at,
        "event": unit.event.to_string(),
    })
}

/// Says which serials a part has.
pub(crate) fn serials_of(part: &Part) -> String {
    match &part.numbers {
        Some((format, first, end)) => {
            let last = end.saturating_sub(1);
            format!(", numbers {first} to {last} of {format}")
        }
        None if part.listed => " with their serials".to_owned(),
        None => String::new(),
    }
}

/// Returns a part as an object.
pub(crate) fn part_object(part: &Part) -> Value {
    let numbers = part.numbers.as_ref().map(|(format, first, end)| {
        json!({ "format": format, "first": first, "last": end.saturating_sub(1) })
    });
    json!({
        "v": 1, "kind": "part", "part": part.number, "id": part.id, "station": part.station,
        "tokens": part.tokens, "numbers": numbers, "listed": part.listed,
        "state": part.state.to_string(), "open": part.open, "at": part.at, "since": part.since,
    })
}

/// Returns what people read of a part.
pub(crate) fn part_line(part: &Part) -> String {
    let since: String = part.since.chars().take(19).collect();
    let open = match part.open {
        true => "; not closed: its serials wait for eol-inject ledger clear",
        false => "",
    };
    format!(
        "part {}  station {}  {}{}, {} since {since}{open}",
        part.number,
        part.station,
        count(part.tokens, "token"),
        serials_of(part),
        part.state,
    )
}

/// Returns `ELF32 little-endian ARM`, or the container's name with the ELF that names its places.
pub(crate) fn describe(image: &Image) -> String {
    let format = image.format().to_string().to_uppercase();
    let Some(machine) = image.machine() else {
        return format;
    };
    let elf = format!("ELF{} {} {}", machine.bits, machine.endian, machine.name);
    match image.format() {
        Format::Elf => elf,
        _ => format!("{format} with the names of an {elf}"),
    }
}

/// Writes a number with commas between thousands.
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns how many bytes are stored.
pub(crate) fn stored(runs: &[Span]) -> u64 {
    runs.iter().map(|run| run.len()).sum()
}

/// Warns of a firmware in the same file that gets no token.
pub(crate) fn second_firmware(image: &Image, output: &Output) {
    let records = image.other_board_records();
    if records > 0 {
        output.warning(format_args!(
            "{} are a second firmware for another board (micro:bit V2 in a universal HEX): it stays as it \
             is and gets no token; take the HEX that is for the one board",
            count(records, "record")
        ));
    }
}

/// Says why a slot may be dead.
pub(crate) fn dead_slot(slot: &Slot, at: &[Address]) -> String {
    let first = at.first().map(ToString::to_string).unwrap_or_default();
    format!(
        "words of the placeholder for {} stand in the code ({}, first at {first}): the compiler may \
         have folded it, so that the firmware never reads the slot; declare it volatile",
        slot.value(),
        count(at.len(), "place"),
    )
}
