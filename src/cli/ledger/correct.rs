//! `ledger release` and `ledger void`: the record corrected, with a name and a reason.

use clap::Args;
use eol_inject::deliver::Sync;
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Actor, Ledger, LedgerError, UnitRecord};
use eol_inject::unit::Serial;

use crate::cli::context::{self, Missing};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::{DecisionArgs, RecipeArg, export, label};

/// Which unit, who decides, and why.
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

pub(crate) fn release(args: &CorrectArgs, output: &Output) -> Result<u8, CliError> {
    let unit = correct(args, |ledger, serial, actor| ledger.release(serial, actor))?;
    output.object(&export::object(&unit));
    output.line(format_args!(
        "{} is released; its token {} is free again",
        unit.serial, unit.fingerprint
    ));
    Ok(0)
}

pub(crate) fn void(args: &CorrectArgs, output: &Output) -> Result<u8, CliError> {
    let unit = correct(args, |ledger, serial, actor| ledger.void(serial, actor))?;
    output.object(&export::object(&unit));
    output.line(format_args!(
        "{} is void; its token {} is burnt: delete it in the console, and scrap its label",
        unit.serial, unit.fingerprint
    ));
    // The record stands; `label print` finishes what a cut leaves of this.
    let recipe = context::recipe(&args.recipe.recipe)?;
    let folder = LabelFolder::new(&recipe.path(&recipe.label.dir), Sync::Durable);
    label::discard(&folder, &unit.serial, output)?;
    Ok(0)
}

fn correct(
    args: &CorrectArgs,
    act: impl FnOnce(&mut dyn Ledger, &Serial, &Actor) -> Result<UnitRecord, LedgerError>,
) -> Result<UnitRecord, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let serial = super::serial(&recipe, &args.serial)?;
    let actor = args.decision.actor()?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    Ok(act(&mut *ledger, &serial, &actor)?)
}
