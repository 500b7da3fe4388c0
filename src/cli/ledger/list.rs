//! `ledger list`: the units, one per line.

use clap::{Args, ValueEnum};
use eol_inject::ledger::{Outcome, UnitRecord, UnitState};

use crate::cli::args::RecipeArg;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::{open_ledger, recipe, report};

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Only units in this state; those in doubt or in work are reserved too
    #[arg(long, value_name = "STATE")]
    state: Option<State>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Reserved,
    InDoubt,
    InWork,
    Prepared,
    Delivered,
    Labelled,
    Void,
    Superseded,
}

impl State {
    fn takes(self, unit: &UnitRecord) -> bool {
        match self {
            Self::InDoubt => unit.outcome == Outcome::InDoubt,
            Self::InWork => unit.outcome == Outcome::InWork,
            Self::Reserved => unit.state == UnitState::Reserved,
            Self::Prepared => unit.state == UnitState::Prepared,
            Self::Delivered => unit.state == UnitState::Delivered,
            Self::Labelled => unit.state == UnitState::Labelled,
            Self::Void => unit.state == UnitState::Void,
            Self::Superseded => unit.state == UnitState::Superseded,
        }
    }
}

pub(crate) fn run(args: &ListArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let view = report::View::of(&ledger)?;
    output.line(format_args!(
        "{:<20} {:<10} {:<12}  {:<20}  {}",
        "serial", "state", "token", "at", "station"
    ));
    ledger.units(&mut |unit| {
        if args.state.is_none_or(|state| state.takes(&unit)) {
            output.object(&view.object(&unit));
            let at: String = unit.at.chars().take(19).collect();
            let told = format!(
                "{:<20} {:<10} {:<12}  {at:<20}  {}  {}",
                unit.serial,
                report::state(&unit),
                unit.fingerprint,
                unit.station,
                view.word(),
            );
            output.line(told.trim_end());
        }
    })?;
    Ok(0)
}
