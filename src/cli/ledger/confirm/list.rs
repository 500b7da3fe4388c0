//! A list of results as a witness: the CSV that a line without the program fills in.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use eol_inject::ledger::{Evidence, Witness};
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Digest, Fingerprint};

use crate::cli::context;
use crate::cli::error::{CliError, exit};
use crate::cli::sheet::Sheet;

/// Reads the result of each unit; every row must be right.
pub(super) fn read(recipe: &Recipe, file: &Path) -> Result<Vec<Evidence>, CliError> {
    let wrong = |what: String| {
        let message = format!("{}: {what}", file.display());
        CliError::new(exit::RECIPE, "confirm-list", message)
    };
    let bytes = context::read(file, exit::RECIPE, "the list")?;
    let mut sheet = Sheet::new(&bytes).map_err(wrong)?;
    let column = |names: &[&str]| sheet.column(names).map_err(wrong);
    let (Some(serial), Some(result)) = (column(&["serial"])?, column(&["result"])?) else {
        let what = "the first line names no columns serial and result";
        return Err(wrong(what.to_owned()));
    };
    let uid = column(&["uid", "chip_uid"])?;
    let (print, image) = (column(&["fingerprint"])?, column(&["image_sha256"])?);
    let mut seen = BTreeMap::new();
    let mut results = Vec::new();
    while let Some(line) = sheet.next().map_err(wrong)? {
        let at = |what: String| wrong(format!("line {line}: {what}"));
        let [_, serial] = recipe.serial.known(sheet.cell(serial)).map_err(|error| {
            CliError::from(error).about(format_args!("{}: line {line}", file.display()))
        })?;
        if let Some(first) = seen.insert(serial.folded(), line) {
            return Err(at(format!("{serial} stands in line {first} too")));
        }
        let passed = match sheet.cell(result).to_ascii_lowercase().as_str() {
            "pass" => true,
            "fail" => false,
            _ => {
                return Err(at(format!(
                    "the result of {serial} is neither pass nor fail"
                )));
            }
        };
        results.push(Evidence {
            line,
            fingerprint: parsed::<Fingerprint>(sheet.given(print)).map_err(at)?,
            uid: sheet.given(uid).map(str::to_owned),
            image: parsed::<Digest>(sheet.given(image)).map_err(at)?,
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
