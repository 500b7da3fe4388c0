//! `ledger list`: the units, one per line.

use clap::Args;
use eol_inject::ledger::UnitState;

use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::{RecipeArg, context, export};

/// Which units.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Only units in this state
    #[arg(long, value_name = "STATE")]
    state: Option<UnitState>,
}

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    output.line(format_args!(
        "{:<20} {:<10} {:<12}  {:<20}  {}",
        "serial", "state", "token", "at", "station"
    ));
    ledger.units(&mut |unit| {
        if args.state.is_none_or(|state| state == unit.state) {
            output.object(&export::object(&unit));
            let at: String = unit.at.chars().take(19).collect();
            output.line(format_args!(
                "{:<20} {:<10} {:<12}  {at:<20}  {}",
                unit.serial,
                unit.state.to_string(),
                unit.fingerprint,
                unit.station,
            ));
        }
    })?;
    Ok(0)
}
