//! `ledger confirm`: prepared units become delivered by what a witness outside says.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use eol_inject::image::Address;
use eol_inject::ledger::{Attested, Evidence, Ledger};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;
use eol_inject::witness::{self, Block, Log, WitnessError};
use serde_json::json;

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::{CliError, exit};
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::{BAD, GOOD, Output, count};
use crate::cli::{file, recipe};

mod dump;

#[derive(Args)]
#[command(group(ArgGroup::new("witness").required(true).args(["dump", "log", "list"])))]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// A dump of a unit's flash from BASE on, or a folder of dumps named by serial
    #[arg(value_name = "FILE|DIR", requires = "dump")]
    path: Option<PathBuf>,

    /// Judge flash dumps that start at this address
    #[arg(long, value_name = "BASE", requires = "path")]
    dump: Option<Address>,

    /// The unit that one dump is of [default: the file's name]
    #[arg(
        long,
        value_name = "SERIAL",
        requires = "dump",
        allow_hyphen_values = true
    )]
    serial: Option<String>,

    /// Read the log of a programmer; the whole file counts, or nothing of it
    #[arg(long, value_name = "FILE", requires = "pattern")]
    log: Option<PathBuf>,

    /// What a line of the log looks like that says a unit passed, as a regular expression with
    /// the group (?<serial>...) or, with --block, (?<line>...); (?<uid>...) where it tells
    #[arg(long, value_name = "REGEX", requires = "log")]
    pattern: Option<String>,

    /// The list that `ledger handoff` wrote, where the log counts lines instead of serials
    #[arg(long, value_name = "CSV", requires = "log")]
    block: Option<PathBuf>,

    /// Read a list with the columns serial and result (pass or fail); fingerprint, uid and
    /// image_sha256 are compared where they are given. The whole file counts, or nothing of it
    #[arg(long, value_name = "CSV")]
    list: Option<PathBuf>,

    #[command(flatten)]
    decision: DecisionArgs,
}

/// What came of one unit.
struct Verdict {
    serial: Option<Serial>,
    outcome: Result<Attested, CliError>,
}

pub(crate) fn run(args: &ConfirmArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    if let (Some(base), Some(path)) = (args.dump, &args.path) {
        let dumps = dump::find(&recipe, path, args.serial.as_deref())?;
        let judge = crate::cli::firmware::judge(&recipe)?;
        let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
        let verdicts = dumps.into_iter().map(|dump| {
            let outcome = dump.outcome(&judge, base, &mut ledger, &actor);
            Verdict {
                serial: Some(dump.serial),
                outcome,
            }
        });
        return Ok(report(verdicts, output));
    }
    let (file, evidence) = match (&args.list, &args.log) {
        (Some(file), _) => (file, listed(&recipe, file)?),
        (None, Some(file)) => {
            let pattern = args.pattern.as_deref().unwrap_or_default();
            let block = args.block.as_deref();
            (file, logged(&recipe, file, pattern, block)?)
        }
        (None, None) => {
            return Err(CliError::usage(
                "--dump, --log or --list says what was seen",
            ));
        }
    };
    let mut ledger: Ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let attested = ledger
        .attest(&evidence, &actor)
        .map_err(|error| CliError::from(error).about(file.display()))?;
    let verdicts = attested.into_iter().map(|one| Verdict {
        serial: Some(one.entry.record().serial.clone()),
        outcome: if one.passed {
            Ok(one)
        } else {
            Err(failed(&one))
        },
    });
    Ok(report(verdicts, output))
}

/// Reads a list of results.
fn listed(recipe: &Recipe, file: &Path) -> Result<Vec<Evidence>, CliError> {
    let bytes = file::read(file, exit::RECIPE, "the list")?;
    witness::list(&bytes, &recipe.serial).map_err(|error| wrong(file, error))
}

/// Reads the log of a programmer.
fn logged(
    recipe: &Recipe,
    file: &Path,
    pattern: &str,
    block: Option<&Path>,
) -> Result<Vec<Evidence>, CliError> {
    let block = block.map(|block| {
        let bytes = file::read(block, exit::RECIPE, "the block")?;
        Block::read(&bytes).map_err(|error| wrong(block, error))
    });
    let log = Log::new(pattern, block.transpose()?)
        .map_err(|error| CliError::usage(format!("--pattern {error}")))?;
    let bytes = file::read(file, exit::RECIPE, "the log")?;
    log.read(&bytes, &recipe.serial)
        .map_err(|error| wrong(file, error))
}

/// Names the file that is no witness; a serial that is none keeps its own words.
fn wrong(file: &Path, error: WitnessError) -> CliError {
    match error {
        WitnessError::Serial { line, source } => {
            CliError::from(source).about(format_args!("{}: line {line}", file.display()))
        }
        error => CliError::from(error).about(file.display()),
    }
}

/// Says of a unit that it failed outside, and what it is now.
fn failed(one: &Attested) -> CliError {
    let state = one.entry.record().state;
    let message = format!("the list says that it failed; it stays {state}");
    CliError::new(exit::DELIVERY, "confirm-failed", message)
}

/// Tells what came of each unit; returns the exit code of the first that failed.
fn report(verdicts: impl Iterator<Item = Verdict>, output: &Output) -> u8 {
    let (mut new, mut known, mut failed, mut code) = (0usize, 0usize, 0usize, 0u8);
    for verdict in verdicts {
        let serial = verdict.serial.as_ref().map_or("?", Serial::as_str);
        match &verdict.outcome {
            Ok(one) => {
                let record = one.entry.record();
                if one.already {
                    known += 1;
                } else {
                    new += 1;
                }
                output.object(&json!({
                    "v": 1, "kind": "confirm", "serial": serial, "outcome": "pass",
                    "already": one.already, "state": record.state.to_string(),
                    "fingerprint": record.fingerprint.to_hex(), "chip_uid": record.uid,
                    "event": record.event.to_string(),
                }));
                output.line(format_args!(
                    "{GOOD}PASS{GOOD:#}  {serial:<14} token {}  {}{}",
                    record.fingerprint,
                    record.state,
                    if one.already { " before" } else { "" }
                ));
            }
            Err(error) => {
                failed += 1;
                if code == 0 {
                    code = error.code;
                }
                output.object(&json!({
                    "v": 1, "kind": "confirm", "serial": serial, "outcome": "fail",
                    "error": error.json(),
                }));
                output.line(format_args!(
                    "{BAD}FAIL{BAD:#}  {serial:<14} {error} ({})",
                    error.code
                ));
            }
        }
    }
    output.line(format_args!(
        "{} confirmed, {known} before, {failed} failed",
        count(new, "unit")
    ));
    code
}
