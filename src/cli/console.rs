//! Lists of what to do in the console by hand: which tokens to disclaim, which to delete.

use std::path::{Path, PathBuf};

use clap::Args;
use eol_inject::ledger::Ledger;
use eol_inject::pool::neutral;
use eol_inject::unit::{Fingerprint, Serial};
use serde_json::json;

use super::error::CliError;
use super::file::{self, Existing, Writable};
use super::guard::Guard;
use super::output::Output;

#[derive(Args)]
pub(crate) struct ConsoleArgs {
    /// Write the tokens to disclaim, by QR Token and serial: units that customers gave back
    #[arg(long, value_name = "FILE")]
    pub(crate) disclaim_list: Option<PathBuf>,

    /// Write the tokens to delete, by QR Token and serial: units that were scrapped or lost their
    /// board
    #[arg(long, value_name = "FILE")]
    pub(crate) delete_list: Option<PathBuf>,
}

/// The tokens of both lists.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) disclaim: Vec<Named>,
    pub(crate) delete: Vec<Named>,
}

/// A token and the unit that has it, or had it.
pub(crate) type Named = (Fingerprint, Option<Serial>);

impl ConsoleArgs {
    /// Returns whether a list is wanted.
    pub(crate) fn any(&self) -> bool {
        self.disclaim_list.is_some() || self.delete_list.is_some()
    }

    /// Refuses to write over what the line needs, or somebody else.
    pub(crate) fn allow(&self, guard: &Guard, existing: Existing) -> Result<(), CliError> {
        let files = [&self.disclaim_list, &self.delete_list];
        files
            .into_iter()
            .flatten()
            .try_for_each(|file| guard.allow_new(file, existing))
    }

    /// Writes the lists that are wanted.
    pub(crate) fn write(
        &self,
        ledger: &Ledger,
        listed: &Listed,
        existing: Existing,
        output: &Output,
    ) -> Result<(), CliError> {
        let lists = [
            (&self.disclaim_list, "disclaim", &listed.disclaim),
            (&self.delete_list, "delete", &listed.delete),
        ];
        for (file, what, tokens) in lists {
            if let Some(file) = file {
                list(ledger, file, tokens, existing)?;
                output.object(&json!({
                    "v": 1, "kind": what, "file": file.display().to_string(),
                    "tokens": tokens.len(),
                }));
                output.line(format_args!(
                    "{}: {} tokens to {what} in the console",
                    file.display(),
                    tokens.len()
                ));
            }
        }
        Ok(())
    }
}

/// Writes one list, owner-only: a QR Token claims a device.
fn list(
    ledger: &Ledger,
    file: &Path,
    tokens: &[Named],
    existing: Existing,
) -> Result<(), CliError> {
    let failed = |error: csv::Error| {
        let error = std::io::Error::other(error);
        CliError::file("cannot write", file, &error)
    };
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["QR Token", "Serial Number", "Fingerprint"])
        .map_err(failed)?;
    let mut tokens = tokens.to_vec();
    tokens.sort_by(|one, other| (&one.1, one.0.as_bytes()).cmp(&(&other.1, other.0.as_bytes())));
    for (print, serial) in &tokens {
        let code = ledger.code(print)?;
        let code = code.map(|code| code.token().to_owned()).unwrap_or_default();
        let serial = serial.as_ref().map_or("", Serial::as_str).to_owned();
        csv.write_record([code, neutral(serial), print.to_hex()])
            .map_err(failed)?;
    }
    let table = csv
        .into_inner()
        .map_err(|error| CliError::file("cannot write", file, error.error()))?;
    file::write(file, &table, Writable::Owner, existing)
}
