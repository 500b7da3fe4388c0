//! `label`: makes labels again, and compares what was scanned with the record.

mod compare;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use eol_inject::label::Labels as _;
use eol_inject::ledger::UnitRecord;
use serde_json::json;

use super::args::{self, DecisionArgs, RecipeArg};
use super::error::CliError;
use super::open_ledger::{self, Missing};
use super::output::{BAD, Output, count};
use super::{labels, recipe};

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
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let folder = labels::wanted(&recipe)?;
    // Of the records that a serial had, the last one counts.
    let mut states = BTreeMap::new();
    let mut order = 0usize;
    ledger.units(&mut |unit: UnitRecord| {
        order += 1;
        let key = unit.serial.folded();
        states.insert(key, (order, unit.serial, unit.state, unit.station));
    })?;
    let own = args::station(args.station.as_deref());
    let mut elsewhere = 0usize;
    let mut units: Vec<_> = states.into_values().collect();
    units.sort();
    let mut code = 0;
    let mut made = 0usize;
    for (_, serial, state, station) in units {
        if state.is_over() {
            labels::discard(&folder, &serial, output)?;
            continue;
        }
        if !args.all_stations && station != own {
            elsewhere += usize::from(state.is_made());
            continue;
        }
        let Some(entry) = ledger.entry(&serial)? else {
            continue;
        };
        match folder.put(&entry) {
            Ok(false) => {}
            Ok(true) => {
                made += 1;
                labels::announce(&entry, &folder, output);
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
    if !super::report::View::of(&ledger)?.word().is_empty() {
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

fn reprint(args: &ReprintArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let serial = open_ledger::on_record(&recipe, &ledger, &args.serial)?;
    let folder = labels::wanted(&recipe)?;
    labels::finished(&ledger, &serial)?;
    let entry = ledger.reprinted(&serial, &actor)?;
    folder.put(&entry)?;
    labels::announce(&entry, &folder, output);
    Ok(0)
}
