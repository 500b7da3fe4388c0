//! Label files, for every command that changes a unit: made, removed, and told of.

use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Entry, Ledger, LedgerError, UnitError};
use eol_inject::recipe::Recipe;
use eol_inject::target::Sync;
use eol_inject::unit::Serial;
use serde_json::json;

use super::error::{CliError, exit};
use super::output::{GOOD, Output};

/// Returns the folder of labels, where the recipe wants some.
pub(crate) fn wanted(recipe: &Recipe) -> Result<LabelFolder, CliError> {
    let folder = LabelFolder::of(recipe, Sync::Durable);
    match folder.wanted() {
        Some(_) => Ok(folder),
        None => Err(CliError::new(
            exit::RECIPE,
            "label-unwanted",
            "[label] when = \"none\": the units of this recipe get no label",
        )),
    }
}

/// Removes the label files of a unit that has none any more.
pub(crate) fn discard(
    folder: &LabelFolder,
    serial: &Serial,
    output: &Output,
) -> Result<bool, CliError> {
    let found = folder.discard(serial)?;
    if found {
        let file = folder.picture(serial).display().to_string();
        output.object(&json!({ "v": 1, "serial": serial.as_str(), "removed": file }));
        output.line(format_args!(
            "{serial}  {file} is removed: it counts no more"
        ));
    }
    Ok(found)
}

pub(crate) fn announce(entry: &Entry, folder: &LabelFolder, output: &Output) {
    let serial = &entry.record().serial;
    let file = folder.picture(serial).display().to_string();
    output.object(&json!({
        "v": 1, "serial": serial.as_str(), "outcome": "pass", "label": file,
    }));
    output.line(format_args!("{GOOD}{serial}{GOOD:#}  {file}"));
}

/// Returns the entry of a finished unit.
pub(crate) fn finished(ledger: &Ledger, serial: &Serial) -> Result<Entry, CliError> {
    if let Some(entry) = ledger.entry(serial)? {
        return Ok(entry);
    }
    match ledger.find(serial)? {
        Some(unit) => Err(CliError::new(
            exit::REFUSED,
            "unit-unfinished",
            format!("{serial} is {}: it has no label", unit.state),
        )),
        None => Err(LedgerError::Unit(UnitError::NoUnit {
            serial: serial.clone(),
        })
        .into()),
    }
}
