//! `label`: makes labels again, and compares what was scanned with the record.

mod compare;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use eol_inject::label::{LabelFolder, Labels as _};
use eol_inject::ledger::{Entry, Ledger, LedgerError, UnitRecord, UnitState};
use eol_inject::recipe::Recipe;
use eol_inject::target::Sync;
use eol_inject::unit::Serial;
use serde_json::json;

use super::context::{self, Missing};
use super::error::{CliError, exit};
use super::output::{BAD, GOOD, Output, count};
use super::{DecisionArgs, RecipeArg, verify};

/// What to do with labels.
#[derive(Args)]
pub(crate) struct LabelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the labels of this station's finished units that are missing or damaged
    Print(PrintArgs),
    /// Make one unit's label again, on record
    Reprint(ReprintArgs),
    /// Compare scanned labels with the record: a unit's serial and its label, in either order, each
    /// on a line of its own as a scanner types them, or in one line with a Tab between
    Scan(compare::ScanArgs),
}

#[derive(Args)]
struct PrintArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Make the labels of all stations' units; a label must not be stuck at two of them
    #[arg(long)]
    all_stations: bool,

    /// Whose units are meant [default: this computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

#[derive(Args)]
struct ReprintArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    #[command(flatten)]
    decision: DecisionArgs,
}

impl LabelArgs {
    /// Returns whether labels are scanned, one after the other.
    pub(crate) const fn compares(&self) -> bool {
        matches!(self.command, Command::Scan(_))
    }
}

pub(crate) fn run(args: &LabelArgs, output: &Output) -> Result<u8, CliError> {
    match &args.command {
        Command::Print(args) => print(args, output),
        Command::Reprint(args) => reprint(args, output),
        Command::Scan(args) => compare::run(args, output),
    }
}

fn print(args: &PrintArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    let folder = wanted(&recipe)?;
    // Of the records that a serial had, the last one counts.
    let mut states = BTreeMap::new();
    let mut order = 0usize;
    ledger.units(&mut |unit: UnitRecord| {
        order += 1;
        let key = unit.serial.folded();
        states.insert(key, (order, unit.serial, unit.state, unit.station));
    })?;
    let own = context::station(args.station.as_deref());
    let mut elsewhere = 0usize;
    let mut units: Vec<_> = states.into_values().collect();
    units.sort();
    let mut code = 0;
    let mut made = 0usize;
    for (_, serial, state, station) in units {
        if is_burnt(state) {
            discard(&folder, &serial, output)?;
            continue;
        }
        if !args.all_stations && station != own {
            elsewhere += usize::from(verify::is_made(state));
            continue;
        }
        let Some(entry) = ledger.entry(&serial)? else {
            continue;
        };
        match folder.put(&entry) {
            Ok(false) => {}
            Ok(true) => {
                made += 1;
                told(&entry, &folder, output);
            }
            Err(error) => {
                let error = CliError::from(error);
                code = error.code;
                output.object(&json!({
                    "v": 1, "serial": serial.as_str(), "outcome": "fail", "error": error.json(),
                }));
                output.line(format_args!(
                    "{BAD}{serial}{BAD:#}  {error} ({})",
                    error.code
                ));
            }
        }
    }
    if !super::export::View::of(&ledger)?.word().is_empty() {
        output.warning("the record's units are SIMULATED: no label here is a device's");
    }
    output.line(format_args!("{made} labels made"));
    if elsewhere > 0 {
        output.note(format_args!(
            "{} of other stations than {own} left out: --station NAME or --all-stations takes them",
            count(elsewhere, "unit")
        ));
    }
    Ok(code)
}

/// Returns the folder of labels, where the recipe wants some.
fn wanted(recipe: &Recipe) -> Result<LabelFolder, CliError> {
    let folder = LabelFolder::of(recipe, Sync::Durable);
    match folder.wanted() {
        Some(_) => Ok(folder),
        None => Err(CliError::new(
            exit::RECIPE,
            "label-unwanted",
            "[label] when = \"none\": the units of this recipe get no label",
        )),
    }
}

/// Removes the label files of a unit that has none any more.
pub(crate) fn discard(
    folder: &LabelFolder,
    serial: &Serial,
    output: &Output,
) -> Result<bool, CliError> {
    let found = folder.discard(serial)?;
    if found {
        let file = folder.picture(serial).display().to_string();
        output.object(&json!({ "v": 1, "serial": serial.as_str(), "removed": file }));
        output.line(format_args!(
            "{serial}  {file} is removed: it counts no more"
        ));
    }
    Ok(found)
}

pub(crate) fn told(entry: &Entry, folder: &LabelFolder, output: &Output) {
    let serial = &entry.record().serial;
    let file = folder.picture(serial).display().to_string();
    output.object(&json!({
        "v": 1, "serial": serial.as_str(), "outcome": "pass", "label": file,
    }));
    output.line(format_args!("{GOOD}{serial}{GOOD:#}  {file}"));
}

fn reprint(args: &ReprintArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    let serial = context::on_record(&recipe, &ledger, &args.serial)?;
    let folder = wanted(&recipe)?;
    finished(&ledger, &serial)?;
    let entry = ledger.reprinted(&serial, &actor)?;
    folder.put(&entry)?;
    told(&entry, &folder, output);
    Ok(0)
}

/// Returns the entry of a finished unit.
fn finished(ledger: &Ledger, serial: &Serial) -> Result<Entry, CliError> {
    if let Some(entry) = ledger.entry(serial)? {
        return Ok(entry);
    }
    match ledger.find(serial)? {
        Some(unit) => Err(CliError::new(
            exit::REFUSED,
            "unit-unfinished",
            format!("{serial} is {}: it has no label", unit.state),
        )),
        None => Err(LedgerError::NoUnit {
            serial: serial.clone(),
        }
        .into()),
    }
}

/// Returns whether a token that the unit had is burnt.
const fn is_burnt(state: UnitState) -> bool {
    matches!(state, UnitState::Void | UnitState::Superseded)
}
