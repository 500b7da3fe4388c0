//! A list of results: the CSV that a line without the program fills in.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::WitnessError;
use crate::ledger::{Evidence, Witness};
use crate::pool::Sheet;
use crate::recipe::SerialSpec;
use crate::unit::{Digest, Fingerprint};

/// Reads the result of each unit; every row must be right.
///
/// # Errors
/// [`WitnessError`]
pub fn list(bytes: &[u8], serials: &SerialSpec) -> Result<Vec<Evidence>, WitnessError> {
    let mut sheet = Sheet::new(bytes)?;
    let (Some(serial), Some(result)) = (sheet.column(&["serial"])?, sheet.column(&["result"])?)
    else {
        let wanted = "serial and result";
        return Err(WitnessError::Columns { wanted });
    };
    let uid = sheet.column(&["uid", "chip_uid"])?;
    let print = sheet.column(&["fingerprint"])?;
    let image = sheet.column(&["image_sha256"])?;
    let mut seen = BTreeMap::new();
    let mut results = Vec::new();
    while let Some(line) = sheet.next_row()? {
        let known = serials.known(sheet.cell(serial));
        let [_, serial] = known.map_err(|source| WitnessError::Serial { line, source })?;
        if let Some(first) = seen.insert(serial.folded(), line) {
            return Err(WitnessError::Twice {
                line,
                serial,
                first,
            });
        }
        let passed = match sheet.cell(result).to_ascii_lowercase().as_str() {
            "pass" => true,
            "fail" => false,
            _ => return Err(WitnessError::Result { line, serial }),
        };
        results.push(Evidence {
            line,
            fingerprint: parsed::<Fingerprint>(line, sheet.given(print))?,
            uid: sheet.given(uid).map(str::to_owned),
            image: parsed::<Digest>(line, sheet.given(image))?,
            serial,
            witness: Witness::List,
            passed,
        });
    }
    Ok(results)
}

fn parsed<T: FromStr<Err: Display>>(
    line: u32,
    cell: Option<&str>,
) -> Result<Option<T>, WitnessError> {
    cell.map(str::parse)
        .transpose()
        .map_err(|error: T::Err| WitnessError::Cell {
            line,
            what: error.to_string(),
        })
}
