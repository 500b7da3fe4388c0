//! `run`: the whole line, unit after unit.

mod args;
pub(crate) mod fixture;
mod rehearse;
mod screen;
mod terminal;
mod wiring;
mod words;

pub(crate) use args::RunArgs;

use self::wiring::Wiring;
use super::error::{self, CliError};
use super::output::Output;
use super::recipe;

pub(crate) fn run(args: &RunArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    error::no_token(args.order.as_deref().unwrap_or_default(), "--order")?;
    if args.rehearse {
        return rehearse::run(args, recipe, output);
    }
    let wiring = Wiring {
        plan: args.plan(&recipe)?,
        nests: args.nests(&recipe)?,
        recipe,
    };
    wiring.run(args, output)
}
