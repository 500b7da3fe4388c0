//! What the images are compared with: a list of records, a ledger, or the shared image alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use eol_inject::ledger::UnitState;
use eol_inject::recipe::{LedgerUrl, Recipe};
use eol_inject::unit::{Fingerprint, Serial};
use eol_inject::verify::Expected;

use crate::cli::error::{CliError, exit};
use crate::cli::{exported, file, open_ledger, report};

/// The records to compare with.
#[derive(Args)]
#[command(group(ArgGroup::new("records").args(["mapping", "ledger", "no_ledger"])))]
pub(super) struct RecordArgs {
    /// Compare with the records in this CSV, as `ledger export` writes it
    #[arg(long, value_name = "CSV")]
    mapping: Option<PathBuf>,

    /// Compare with the records of the recipe's ledger, which must be there; a folder must hold an
    /// image for each [default: its records are asked where it is here]
    #[arg(long)]
    ledger: bool,

    /// Compare with no record, though the recipe's ledger is here
    #[arg(long)]
    no_ledger: bool,

    /// Miss in the folder only images of units that this station made
    #[arg(long, value_name = "NAME", requires = "ledger")]
    station: Option<String>,
}

/// The records to compare with, by folded serial.
type BySerial = BTreeMap<String, (Serial, Fingerprint)>;

/// What is known of the units beside the shared image.
pub(super) struct Records {
    units: Option<BySerial>,
    /// Folded serials of units that other stations made than the one in question.
    elsewhere: BTreeSet<String>,
    /// Whether a folder must hold an image for each record.
    all: Completeness,
    /// Whether the units are simulated: none of them is real.
    pub simulated: bool,
    /// Where they come from, or why there are none.
    pub source: String,
}

/// Whether a folder must hold an image for each record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Completeness {
    /// The caller named the records.
    Asked,
    /// The ledger happens to be here.
    Unasked,
}

impl Records {
    /// Reads the records that the caller names, else those of the recipe's ledger where it is here.
    pub(super) fn of(args: &RecordArgs, recipe: &Recipe) -> Result<Self, CliError> {
        if let Some(file) = &args.mapping {
            let bytes = file::read(file, exit::RECIPE, "the mapping")?;
            let about = |error: CliError| error.about(file.display());
            let rows = exported::rows(&bytes, &wrong).map_err(about)?;
            return Ok(Self {
                simulated: rows.iter().any(|row| row.simulated),
                units: Some(mapped(rows).map_err(about)?),
                elsewhere: BTreeSet::new(),
                all: Completeness::Asked,
                source: file.display().to_string(),
            });
        }
        if args.no_ledger {
            return Ok(Self::none("--no-ledger".to_owned()));
        }
        let url = recipe.ledger_url();
        let opened = match args.ledger {
            true => Some(open_ledger::records(recipe)?),
            false => match open_ledger::records_if_any(recipe) {
                Ok(opened) => opened,
                // Whoever judges files need not reach the line's server.
                Err(error) if is_away(&url, &error) => {
                    return Ok(Self::none(format!("{url}: {error}")));
                }
                Err(error) => return Err(error),
            },
        };
        let Some(ledger) = opened else {
            return Ok(Self::none(format!("no ledger at {url}")));
        };
        let mut this = Self {
            units: Some(BTreeMap::new()),
            elsewhere: BTreeSet::new(),
            all: match args.ledger {
                true => Completeness::Asked,
                false => Completeness::Unasked,
            },
            simulated: !report::View::of(&ledger)?.word().is_empty(),
            source: url.to_string(),
        };
        ledger.units(&mut |unit| {
            if !unit.state.is_made() {
                return;
            }
            let asked = args.station.as_ref();
            if asked.is_some_and(|station| *station != unit.station) {
                this.elsewhere.insert(unit.serial.folded());
            }
            if let Some(units) = &mut this.units {
                units.insert(unit.serial.folded(), (unit.serial, unit.fingerprint));
            }
        })?;
        Ok(this)
    }

    const fn none(source: String) -> Self {
        Self {
            units: None,
            elsewhere: BTreeSet::new(),
            all: Completeness::Unasked,
            simulated: false,
            source,
        }
    }

    /// Returns whether there are records to ask.
    pub(super) const fn are_asked(&self) -> bool {
        self.units.is_some()
    }

    /// Returns the record of a unit.
    pub(super) fn get(&self, serial: &Serial) -> Option<&(Serial, Fingerprint)> {
        self.units.as_ref()?.get(&serial.folded())
    }

    /// Returns what an image of this unit must carry.
    pub(super) fn expected(&self, serial: Serial) -> Expected {
        let record = self.get(&serial);
        Expected {
            fingerprint: record.map(|(_, fingerprint)| *fingerprint),
            serial,
        }
    }

    /// Returns the record that has a token.
    pub(super) fn holder(&self, token: Fingerprint) -> Option<&Serial> {
        let mut units = self.units.iter().flatten();
        units
            .find(|(_, (_, fingerprint))| *fingerprint == token)
            .map(|(_, (serial, _))| serial)
    }

    /// Returns the records that must have an image in a folder that has those of `seen`.
    pub(super) fn missing(&self, seen: &BTreeSet<String>) -> Vec<Serial> {
        if self.all == Completeness::Unasked {
            return Vec::new();
        }
        let units = self.units.iter().flatten();
        units
            .filter(|(folded, _)| !seen.contains(*folded) && !self.elsewhere.contains(*folded))
            .map(|(_, (serial, _))| serial.clone())
            .collect()
    }
}

/// Returns whether a ledger cannot be asked from here.
fn is_away(url: &LedgerUrl, error: &CliError) -> bool {
    matches!(url, LedgerUrl::Postgres(_)) && error.is_gone()
}

/// Returns the file or folder that is judged, which must be there.
pub(super) fn present(path: &Path) -> Result<(), CliError> {
    std::fs::metadata(path)
        .map(|_| ())
        .map_err(|error| CliError::file("cannot read", path, &error).with_code(exit::IMAGE))
}

/// Takes the units of an exported CSV that have an image.
fn mapped(rows: Vec<exported::Row>) -> Result<BySerial, CliError> {
    let mut records = BTreeMap::new();
    for row in rows {
        let at = |what: &dyn fmt::Display| wrong(format!("line {}: {what}", row.line));
        if !row.state.is_empty() {
            let state: UnitState = row.state.parse().map_err(|_| at(&"its state is none"))?;
            if !state.is_made() {
                continue;
            }
        }
        let serial: Serial = row.serial.parse().map_err(|error| at(&error))?;
        let print: Fingerprint = row.fingerprint.parse().map_err(|error| at(&error))?;
        if records
            .insert(serial.folded(), (serial.clone(), print))
            .is_some()
        {
            return Err(at(&format_args!("{serial} stands there twice")));
        }
    }
    Ok(records)
}

fn wrong(message: String) -> CliError {
    CliError::new(exit::RECIPE, "mapping", message)
}
