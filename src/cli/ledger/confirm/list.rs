//! A list of results as a witness: the CSV that a line without the program fills in.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use eol_inject::ledger::{Evidence, Witness};
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Digest, Fingerprint};

use crate::cli::context;
use crate::cli::error::{CliError, exit};
use crate::cli::export::plain;

/// Reads the result of each unit; every row must be right.
pub(super) fn read(recipe: &Recipe, file: &Path) -> Result<Vec<Evidence>, CliError> {
    let wrong = |what: String| {
        let message = format!("{}: {what}", file.display());
        CliError::new(exit::RECIPE, "confirm-list", message)
    };
    let bytes = context::read(file, exit::RECIPE, "the list")?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let headers = reader
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .clone();
    let column = |names: &[&str]| {
        headers
            .iter()
            .position(|header| names.iter().any(|name| header.eq_ignore_ascii_case(name)))
    };
    let (Some(serial), Some(result)) = (column(&["serial"]), column(&["result"])) else {
        let what = "the first line names no columns serial and result";
        return Err(wrong(what.to_owned()));
    };
    let uid = column(&["uid", "chip_uid"]);
    let (print, image) = (column(&["fingerprint"]), column(&["image_sha256"]));
    let mut seen = BTreeMap::new();
    let mut results = Vec::new();
    for (row, record) in (1usize..).zip(reader.records()) {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let cell = |column: usize| plain(record.get(column).unwrap_or_default());
        let given = |column: Option<usize>| column.map(cell).filter(|cell| !cell.is_empty());
        let at = |what: String| wrong(format!("row {row}: {what}"));
        let [_, serial] = recipe.serial.known(cell(serial)).map_err(|error| {
            CliError::from(error).about(format_args!("{}: row {row}", file.display()))
        })?;
        if let Some(first) = seen.insert(serial.folded(), row) {
            return Err(at(format!("{serial} stands in row {first} too")));
        }
        let passed = match cell(result).to_ascii_lowercase().as_str() {
            "pass" => true,
            "fail" => false,
            _ => {
                return Err(at(format!(
                    "the result of {serial} is neither pass nor fail"
                )));
            }
        };
        results.push(Evidence {
            row,
            fingerprint: parsed::<Fingerprint>(given(print)).map_err(at)?,
            uid: given(uid).map(str::to_owned),
            image: parsed::<Digest>(given(image)).map_err(at)?,
            serial,
            witness: Witness::List,
            passed,
        });
    }
    Ok(results)
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(cell: Option<&str>) -> Result<Option<T>, String> {
    cell.map(str::parse)
        .transpose()
        .map_err(|error: T::Err| error.to_string())
}
