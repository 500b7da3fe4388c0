//! `ledger adopt`: units that exist already, from a mapping of serial, token and board.

use std::path::PathBuf;

use clap::Args;
use eol_inject::ledger::{Mapping, Simulated};
use eol_inject::pool;
use eol_inject::recipe::{PoolSpec, Recipe};

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::{CliError, exit};
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::Output;
use crate::cli::{recipe, report};

/// Header of the serials.
const SERIAL: &str = "serial";

#[derive(Args)]
pub(crate) struct AdoptArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The units: columns serial and token; uid, image_sha256, QR Token and others where known.
    /// The whole file is taken in, or nothing of it
    #[arg(long, value_name = "CSV")]
    mapping: PathBuf,

    #[command(flatten)]
    decision: DecisionArgs,
}

pub(crate) fn run(args: &AdoptArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let mut list = read(args, &recipe)?;
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Create, Simulated::No)?;
    // A mapping does not tell whether its tokens are the cloud's or trial ones.
    list.origin = ledger.stock()?.origin.unwrap_or_default();
    let file = args.mapping.display();
    let mapping = Mapping::of(list).map_err(|error| CliError::from(error).about(&file))?;
    let adopted = ledger
        .adopt(&mapping, &actor)
        .map_err(|error| CliError::from(error).about(&file))?;
    let view = report::View::of(&ledger)?;
    for unit in &adopted.added {
        output.object(&view.object(unit));
    }
    output.line(format_args!(
        "{file}: {} units adopted, {} known already",
        adopted.added.len(),
        adopted.known
    ));
    output.note("the file holds AuthTokens in the clear: remove it");
    Ok(0)
}

/// Reads the mapping, with serials as the recipe has them.
fn read(args: &AdoptArgs, recipe: &Recipe) -> Result<pool::Pool, CliError> {
    let spec = PoolSpec {
        bind: Some(SERIAL.to_owned()),
        ..PoolSpec::default()
    };
    let failed = |error| CliError::from(error).about_file(&args.mapping);
    let mut list = pool::folder::open(&args.mapping, &spec).map_err(failed)?;
    let places: Vec<_> = (0..list.rows.len())
        .map(|index| list.place(index))
        .collect();
    for (place, row) in places.into_iter().zip(&mut list.rows) {
        if let Some(serial) = &row.bound {
            let read = recipe.serial.matching(serial.as_str()).map_err(|error| {
                let error = CliError::from(error).with_code(exit::RECIPE);
                error.about(format_args!("{}: {place}", args.mapping.display()))
            })?;
            row.bound = Some(read);
        }
    }
    Ok(list)
}
