//! What others keep: heads and events of this ledger, and the units of other sites.

use std::collections::BTreeMap;
use std::path::Path;

use eol_inject::ledger::{Sighting, Witnessed};
use serde_json::Value;

use crate::cli::error::{CliError, exit};
use crate::cli::exported::{self, Row};
use crate::cli::file;

fn wrong(file: &Path, what: impl std::fmt::Display) -> CliError {
    CliError::new(
        exit::RECIPE,
        "outside",
        format!("{}: {what}", file.display()),
    )
}

fn text_of(file: &Path) -> Result<String, CliError> {
    let bytes = file::read(file, exit::RECIPE, "what others keep in")?;
    String::from_utf8(bytes).map_err(|_| wrong(file, "it is not UTF-8 text"))
}

fn field<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// Reads heads that an audit printed, JSON lines of units, or a mirror.
pub(super) fn witnesses(file: &Path) -> Result<Vec<Witnessed>, CliError> {
    let text = text_of(file)?;
    let mut witnesses = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Ok(object) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let head = field(&object, "kind") == Some("head");
        let (hash, link) = if head {
            ("hash", "seq")
        } else {
            ("event", "link")
        };
        let Some(event) = field(&object, hash).and_then(|text| text.parse().ok()) else {
            continue;
        };
        let station = field(&object, "station").map(str::to_owned);
        let link = object.get(link).and_then(Value::as_i64);
        witnesses.push(Witnessed {
            place: format!("{} line {number}", file.display()),
            link: station.zip(link),
            event,
        });
    }
    if witnesses.is_empty() {
        return Err(wrong(
            file,
            "it holds no heads of an audit, no units and no mirror, one JSON object a line",
        ));
    }
    Ok(witnesses)
}

/// Reads the units of another site: an exported CSV, JSON lines, or a mirror.
pub(super) fn sightings(file: &Path) -> Result<Vec<Sighting>, CliError> {
    let text = text_of(file)?;
    let units = if text.trim_start().starts_with('{') {
        from_lines(file, &text)?
    } else {
        from_table(file, &text)?
    };
    if units.is_empty() {
        return Err(wrong(file, "it holds no units"));
    }
    Ok(units)
}

fn sighting(file: &Path, place: &str, told: &Row) -> Result<Option<Sighting>, CliError> {
    // What has no token any more is no use of one.
    if matches!(told.state.as_str(), "void" | "superseded") {
        return Ok(None);
    }
    Ok(Some(Sighting {
        site: file.display().to_string(),
        serial: told
            .serial
            .parse()
            .map_err(|error| wrong(file, format_args!("{place}: {error}")))?,
        fingerprint: told
            .fingerprint
            .parse()
            .map_err(|error| wrong(file, format_args!("{place}: {error}")))?,
        uid: (!told.uid.is_empty()).then(|| told.uid.clone()),
    }))
}

fn from_table(file: &Path, text: &str) -> Result<Vec<Sighting>, CliError> {
    let rows = exported::rows(text.as_bytes(), &|what| wrong(file, what))?;
    let mut units = Vec::new();
    for row in rows {
        units.extend(sighting(file, &format!("line {}", row.line), &row)?);
    }
    Ok(units)
}

fn from_lines(file: &Path, text: &str) -> Result<Vec<Sighting>, CliError> {
    let mut units = Vec::new();
    // A mirror tells a unit again and again: the last word counts.
    let mut mirrored: BTreeMap<i64, Row> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let place = format!("line {number}");
        let object: Value = serde_json::from_str(line)
            .map_err(|error| wrong(file, format_args!("{place}: {error}")))?;
        if let Some(unit) = object.get("unit").and_then(Value::as_i64) {
            let body = field(&object, "body").unwrap_or_default();
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let told = mirrored.entry(unit).or_default();
            for (name, to) in [
                ("serial", &mut told.serial),
                ("fingerprint", &mut told.fingerprint),
                ("uid", &mut told.uid),
                ("state", &mut told.state),
            ] {
                if let Some(text) = field(&body, name) {
                    text.clone_into(to);
                }
            }
        } else if let (Some(serial), Some(print)) =
            (field(&object, "serial"), field(&object, "fingerprint"))
        {
            let told = Row {
                serial: serial.to_owned(),
                fingerprint: print.to_owned(),
                uid: field(&object, "chip_uid").unwrap_or_default().to_owned(),
                state: field(&object, "state").unwrap_or_default().to_owned(),
                ..Row::default()
            };
            units.extend(sighting(file, &place, &told)?);
        }
    }
    for (unit, told) in &mirrored {
        units.extend(sighting(file, &format!("unit {unit}"), told)?);
    }
    Ok(units)
}
