//! Serials of many units: from a list, or new ones from the line itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use eol_inject::ledger::Ledger;
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::unit::Serial;

use super::error::{CliError, exit};
use super::scan;

/// Returns serials that no unit has.
///
/// A serial of the list that was offered in this call and did not pass is not offered again.
pub(crate) fn new(
    recipe: &Recipe,
    ledger: &mut Ledger,
    count: usize,
    offered: &BTreeSet<String>,
) -> Result<Vec<Serial>, CliError> {
    let spec = &recipe.serial;
    match (spec.source, &spec.format) {
        (SerialSource::Next, Some(format)) => Ok(ledger.next_serials(format, count)?),
        (SerialSource::Pool, _) => {
            let mut serials = ledger.bound_serials(count.saturating_add(offered.len()))?;
            serials.retain(|serial| !offered.contains(&serial.folded()));
            serials.truncate(count);
            let serials = shaped(recipe, serials)?;
            if serials.is_empty() {
                return Err(CliError::new(
                    exit::POOL_EMPTY,
                    "unit-pool-empty",
                    "no free token of the list names a serial",
                ));
            }
            Ok(serials)
        }
        _ => require_source(recipe).map(|()| Vec::new()),
    }
}

/// Refuses a recipe by which the line makes no serial itself.
///
/// # Errors
/// A wrong argument; it is told before anything is done.
pub(crate) fn require_source(recipe: &Recipe) -> Result<(), CliError> {
    match (recipe.serial.source, &recipe.serial.format) {
        (SerialSource::Next, Some(_)) | (SerialSource::Pool, _) => Ok(()),
        (source, _) => Err(CliError::usage(format!(
            "--count needs serials from the line itself, but [serial] source is \"{source}\": \
             use --serials, or source = \"next\" or \"pool\""
        ))),
    }
}

/// Returns the serials of the list as the recipe shapes them, up to the first that it refuses.
///
/// # Errors
/// That of the first one: a unit with it would be refused everywhere else.
fn shaped(recipe: &Recipe, serials: Vec<Serial>) -> Result<Vec<Serial>, CliError> {
    let mut taken = Vec::with_capacity(serials.len());
    for serial in serials {
        match recipe.serial.listed(&serial) {
            Ok(shaped) => taken.push(shaped),
            Err(error) if taken.is_empty() => return Err(CliError::from(error).about(serial)),
            Err(_) => break,
        }
    }
    Ok(taken)
}

/// Reads the serials of a list, and names the line of a wrong one.
pub(crate) fn listed(file: &Path, recipe: &Recipe) -> Result<Vec<Serial>, CliError> {
    let failed =
        |error: &io::Error| CliError::file("cannot read", file, error).with_code(exit::RECIPE);
    let bytes = if file == Path::new("-") {
        super::file::standard_input().map_err(|error| failed(&error))?
    } else {
        super::file::read(file, exit::RECIPE, "the list of serials")?
    };
    let mut reader = io::Cursor::new(bytes);
    let mut serials = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for number in 1.. {
        let Some(line) =
            eol_inject::scan::read_line(&mut reader).map_err(|error| failed(&error))?
        else {
            break;
        };
        let at = |error: CliError| error.about(format_args!("{} line {number}", file.display()));
        let line = line.map_err(|misread| at(misread.into()))?;
        let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
        if line.trim().is_empty() {
            continue;
        }
        let serial = scan::serial(&recipe.serial, line).map_err(at)?;
        if let Some(first) = lines.insert(serial.folded(), number) {
            return Err(CliError::new(
                exit::RECIPE,
                "serial-twice",
                format!(
                    "{} line {number}: {serial} stands in line {first} already",
                    file.display()
                ),
            ));
        }
        serials.push(serial);
    }
    if serials.is_empty() {
        return Err(CliError::new(
            exit::RECIPE,
            "serial-none",
            format!("{} holds no serial", file.display()),
        ));
    }
    Ok(serials)
}
