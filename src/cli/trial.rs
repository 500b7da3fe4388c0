//! Trial tokens, in the shape of an export: no cloud knows them.

use std::path::Path;

use eol_inject::pool::{self, Pool, Trial};
use eol_inject::recipe::PoolSpec;
use eol_inject::unit::Serial;

use super::error::CliError;
use super::file::{Existing, NewFile, Writable};

/// Makes a trial list, owner-only.
pub(crate) fn make(
    trial: &Trial,
    serials: &[Serial],
    file: &Path,
    existing: Existing,
) -> Result<(), CliError> {
    let mut out = NewFile::create(file, Writable::Owner, existing)?;
    pool::generate(trial, serials, &mut out)
        .map_err(|error| CliError::from(error).about_file(file))?;
    out.finish()
}

/// Which trial tokens a rehearsal takes.
pub(crate) struct Trials {
    pub(crate) count: usize,
    /// Whether each is fixed to a serial.
    pub(crate) bound: bool,
}

impl Trials {
    /// Most tokens at once.
    pub(crate) const MOST: usize = Trial::MOST;
}

/// Makes trial tokens for a rehearsal; `file` takes them on the way.
pub(crate) fn list(trials: &Trials, file: &Path) -> Result<Pool, CliError> {
    let trial = Trial {
        organisation: 1,
        bind: trials.bound.then(|| "Serial Number".to_owned()),
    };
    let serials = placeholders(trials.count)?;
    make(&trial, &serials, file, Existing::Stays)?;
    let spec = PoolSpec {
        bind: trial.bind,
        ..PoolSpec::default()
    };
    pool::folder::open(file, &spec).map_err(|error| CliError::from(error).about_file(file))
}

/// Stands in for serials where the list fixes none.
pub(crate) fn placeholders(count: usize) -> Result<Vec<Serial>, CliError> {
    Trial::fits(count)?;
    (1..=count)
        .map(|number| {
            format!("T{number}")
                .parse()
                .map_err(|error| CliError::usage(format!("{error}")))
        })
        .collect()
}
