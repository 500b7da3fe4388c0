//! The log of a programmer as a witness: the lines that say of a unit that it passed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use eol_inject::ledger::{Evidence, Witness};
use eol_inject::recipe::Recipe;
use eol_inject::unit::{Fingerprint, Serial};
use regex_lite::Regex;

use crate::cli::context;
use crate::cli::error::{CliError, exit};
use crate::cli::sheet::Sheet;

/// Units of a block by the number of their line.
type Block = BTreeMap<u64, (Serial, Fingerprint)>;

/// Reads the units that passed; at least one line must say so.
pub(super) fn read(
    recipe: &Recipe,
    file: &Path,
    (pattern, block): (&str, Option<&Path>),
) -> Result<Vec<Evidence>, CliError> {
    let regex = Regex::new(pattern)
        .map_err(|error| CliError::usage(format!("--pattern is no regular expression: {error}")))?;
    let group = if block.is_some() { "line" } else { "serial" };
    if !regex.capture_names().flatten().any(|name| name == group) {
        return Err(CliError::usage(format!(
            "--pattern has no group (?<{group}>...)"
        )));
    }
    let block = block.map(read_block).transpose()?;
    let bytes = context::read(file, exit::RECIPE, "the log")?;
    // Programmers write in whatever encoding; what names a unit is ASCII in all of them.
    let text = String::from_utf8_lossy(&bytes);
    let mut seen = BTreeSet::new();
    let mut passed = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let Some(found) = regex.captures(line) else {
            continue;
        };
        let at = |error: CliError| error.about(format_args!("{}: line {number}", file.display()));
        let name = found.name(group).map_or("", |found| found.as_str());
        let (serial, fingerprint) = match &block {
            Some(block) => {
                let unit = name.parse().ok().and_then(|line: u64| block.get(&line));
                let (serial, print) = unit.ok_or_else(|| {
                    let message = "the block has no line of this number";
                    at(CliError::new(exit::RECIPE, "confirm-log", message))
                })?;
                (serial.clone(), Some(*print))
            }
            None => {
                let known = recipe.serial.known(name);
                let [_, serial] = known.map_err(|error| at(error.into()))?;
                (serial, None)
            }
        };
        let uid = found.name("uid").map(|uid| uid.as_str().to_owned());
        // A unit that was programmed twice passed twice.
        if seen.insert((serial.folded(), uid.clone())) {
            passed.push(Evidence {
                line: number,
                serial,
                fingerprint,
                uid,
                image: None,
                witness: Witness::Log,
                passed: true,
            });
        }
    }
    if passed.is_empty() {
        return Err(CliError::new(
            exit::RECIPE,
            "confirm-log",
            format!("{}: no line fits the pattern", file.display()),
        ));
    }
    Ok(passed)
}

/// Reads which unit each line of a block is.
fn read_block(file: &Path) -> Result<Block, CliError> {
    let wrong = |what: String| {
        let message = format!("{}: {what}", file.display());
        CliError::new(exit::RECIPE, "confirm-block", message)
    };
    let bytes = context::read(file, exit::RECIPE, "the block")?;
    let mut sheet = Sheet::new(&bytes).map_err(wrong)?;
    let column = |name: &str| sheet.column(&[name]).map_err(wrong);
    let (Some(line), Some(serial), Some(print)) =
        (column("line")?, column("serial")?, column("fingerprint")?)
    else {
        let what = "the first line names no columns line, serial and fingerprint";
        return Err(wrong(what.to_owned()));
    };
    let mut block = Block::new();
    while let Some(number) = sheet.next().map_err(wrong)? {
        let cell = |column: usize| sheet.cell(column);
        let unit = cell(line).parse().ok().zip(cell(serial).parse().ok());
        let unit = unit.zip(cell(print).parse().ok());
        let ((line, serial), print) =
            unit.ok_or_else(|| wrong(format!("line {number} is none of a block")))?;
        if block.insert(line, (serial, print)).is_some() {
            return Err(wrong(format!(
                "line {number}: unit {line} of the block stands there twice"
            )));
        }
    }
    Ok(block)
}
