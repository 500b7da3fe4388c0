//! Flash dumps as witnesses: each is judged as offline verification judges it.

use std::path::{Path, PathBuf};

use eol_inject::image::Address;
use eol_inject::ledger::{
    Actor, Attested, Evidence, Ledger, LedgerError, ListError, UnitError, Witness,
};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;
use eol_inject::verify::{Expected, Judge};

use crate::cli::error::{CliError, exit};
use crate::cli::file;

/// One dump, and the unit that it is of.
pub(super) struct Dump {
    pub(super) serial: Serial,
    file: PathBuf,
}

/// Lists the dumps: one file, or all of a folder, each named by its serial.
pub(super) fn find(
    recipe: &Recipe,
    path: &Path,
    serial: Option<&str>,
) -> Result<Vec<Dump>, CliError> {
    let named = |file: PathBuf| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let [_, serial] = recipe
            .serial
            .known(&stem)
            .map_err(|error| CliError::from(error).about(file.display()))?;
        Ok(Dump { serial, file })
    };
    match (path.is_dir(), serial) {
        (true, Some(_)) => Err(CliError::usage(
            "--serial names the unit of one dump, and this is a folder",
        )),
        (false, Some(serial)) => {
            let [_, serial] = recipe.serial.known(serial)?;
            let file = path.to_owned();
            Ok(vec![Dump { serial, file }])
        }
        (false, None) => Ok(vec![named(path.to_owned())?]),
        (true, None) => files(path)?.into_iter().map(named).collect(),
    }
}

/// Lists the files of a folder by their names; hidden ones are nobody's dump.
fn files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut files = file::list(folder)?;
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && !name.starts_with('.')
    });
    if files.is_empty() {
        return Err(CliError::usage(format!(
            "{} holds no dump",
            folder.display()
        )));
    }
    Ok(files)
}

impl Dump {
    /// Judges the dump and records what it shows.
    pub(super) fn outcome(
        &self,
        judge: &Judge,
        base: Address,
        ledger: &mut Ledger,
        actor: &Actor,
    ) -> Result<Attested, CliError> {
        let known = ledger.find(&self.serial)?;
        let known = known.ok_or_else(|| {
            LedgerError::Unit(UnitError::NoUnit {
                serial: self.serial.clone(),
            })
        })?;
        let bytes = file::read(&self.file, exit::DIFFERS, "the dump")?;
        let expected = Expected {
            serial: known.serial,
            fingerprint: Some(known.fingerprint),
        };
        let examined = judge.examine_dump(base, bytes, Some(&expected));
        if let Some(finding) = examined.findings.first() {
            return Err(CliError::new(
                exit::DIFFERS,
                finding.name(),
                format!("{}: {finding}", self.file.display()),
            ));
        }
        let evidence = Evidence {
            line: 1,
            serial: self.serial.clone(),
            fingerprint: examined.fingerprint,
            uid: None,
            image: Some(judge.digest()),
            witness: Witness::Dump,
            passed: true,
        };
        let mut attested = ledger
            .attest(&[evidence], actor)
            .map_err(|error| match error {
                LedgerError::List(ListError::Row { what, .. }) => {
                    CliError::new(exit::REFUSED, "unit-dump", what)
                }
                other => other.into(),
            })?;
        attested.pop().ok_or_else(|| {
            CliError::new(
                exit::LEDGER,
                "ledger-no-answer",
                "the ledger gave no answer",
            )
        })
    }
}
