//! `ledger release` and `ledger void`: the record corrected, with a name and a reason.

use clap::{ArgGroup, Args};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Actor, Ledger, LedgerError, UnitRecord};
use eol_inject::target::Sync;
use eol_inject::unit::Serial;

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::CliError;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::Output;
use crate::cli::{labels, recipe, report};

#[derive(Args)]
pub(crate) struct CorrectArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["serial", "part"])))]
pub(crate) struct VoidArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: Option<String>,

    /// A part that is lost: all tokens that it was given
    #[arg(long, value_name = "N")]
    part: Option<i64>,

    #[command(flatten)]
    decision: DecisionArgs,
}

pub(crate) fn release(args: &CorrectArgs, output: &Output) -> Result<u8, CliError> {
    let (unit, view) = correct(&args.recipe, &args.serial, &args.decision, Ledger::release)?;
    output.object(&view.object(&unit));
    output.line(format_args!(
        "{} is released; its token {} is free again",
        unit.serial, unit.fingerprint
    ));
    Ok(0)
}

pub(crate) fn void(args: &VoidArgs, output: &Output) -> Result<u8, CliError> {
    if let Some(number) = args.part {
        return super::part::void(&args.recipe, number, &args.decision, output);
    }
    let serial = args.serial.as_deref().unwrap_or_default();
    let (unit, view) = correct(&args.recipe, serial, &args.decision, Ledger::void)?;
    output.object(&view.object(&unit));
    output.line(format_args!(
        "{} is void; its token {} is burnt: delete it in the console, and scrap its label",
        unit.serial, unit.fingerprint
    ));
    // The record stands; `label print` finishes what a cut leaves of this.
    let recipe = recipe::read(&args.recipe.recipe)?;
    let folder = LabelFolder::of(&recipe, Sync::Durable);
    labels::discard(&folder, &unit.serial, output)?;
    Ok(0)
}

fn correct(
    recipe: &RecipeArg,
    serial: &str,
    decision: &DecisionArgs,
    act: impl FnOnce(&mut Ledger, &Serial, &Actor) -> Result<UnitRecord, LedgerError>,
) -> Result<(UnitRecord, report::View), CliError> {
    let recipe = recipe::read(&recipe.recipe)?;
    let actor = decision.actor()?;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let serial = open_ledger::on_record(&recipe, &ledger, serial)?;
    let unit = act(&mut ledger, &serial, &actor)?;
    Ok((unit, report::View::of(&ledger)?))
}
