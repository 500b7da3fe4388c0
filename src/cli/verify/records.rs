//! What the images are compared with: a list of records, a ledger, or the shared image alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use eol_inject::recipe::{LedgerUrl, Recipe};
use eol_inject::unit::{Fingerprint, Serial};

use super::{VerifyArgs, is_made};
use crate::cli::context;
use crate::cli::error::{CliError, exit};
use crate::cli::{books, export};

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
    pub(super) fn of(args: &VerifyArgs, recipe: &Recipe) -> Result<Self, CliError> {
        if let Some(file) = &args.mapping {
            let bytes = context::read(file, exit::RECIPE, "the mapping")?;
            let units = export::read_mapping(&bytes);
            return Ok(Self {
                units: Some(units.map_err(|error| error.about(file.display()))?),
                elsewhere: BTreeSet::new(),
                all: Completeness::Asked,
                simulated: export::is_simulated(&bytes),
                source: file.display().to_string(),
            });
        }
        if args.no_ledger {
            return Ok(Self::none("--no-ledger".to_owned()));
        }
        let url = recipe.ledger_url();
        let opened = match args.ledger {
            true => Some(context::records(recipe)?),
            false => match books::records_if_any(recipe) {
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
            simulated: !export::View::of(&ledger)?.word().is_empty(),
            source: url.to_string(),
        };
        ledger.units(&mut |unit| {
            if !is_made(unit.state) {
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
    matches!(url, LedgerUrl::Postgres(_)) && error.name == "ledger-unreachable"
}

/// Returns the file or folder that is judged, which must be there.
pub(super) fn present(path: &Path) -> Result<(), CliError> {
    std::fs::metadata(path)
        .map(|_| ())
        .map_err(|error| CliError::file("cannot read", path, &error).with_code(exit::IMAGE))
}
