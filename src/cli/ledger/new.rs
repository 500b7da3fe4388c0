//! `ledger new`: another ledger in the place of a lost one, by decision.

use clap::Args;
use serde_json::json;

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::CliError;
use crate::cli::output::{GOOD, Output};
use crate::cli::{open_ledger, recipe};

#[derive(Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    #[command(flatten)]
    decision: DecisionArgs,
}

pub(crate) fn run(args: &NewArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let aside = open_ledger::afresh(&recipe, &actor)?;
    let aside: Vec<_> = aside
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    output.object(&json!({ "v": 1, "kind": "new", "aside": aside }));
    output.line(format_args!("{GOOD}begun{GOOD:#}: {}", recipe.ledger_url()));
    for path in &aside {
        output.line(format_args!("  set aside  {path}"));
    }
    output.warning(
        "it does not know which tokens the lost ledger put on units, and takes in no list by itself: eol-inject \
         pool import --unused FILE --by NAME --reason TEXT, for one that the lost ledger never had; \
         pool import --used FILE for what may be on units",
    );
    Ok(0)
}
