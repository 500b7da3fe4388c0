//! `pool generate`: trial tokens in the shape of an export.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use eol_inject::pool::Trial;
use serde_json::json;

use crate::cli::args::{ForceArg, RecipeArg};
use crate::cli::error::CliError;
use crate::cli::guard::Guard;
use crate::cli::output::Output;
use crate::cli::{recipe, serials, trial};

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Make this many tokens for any serial
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Make a token for each serial of this file, one a line; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// Organisation in the QR Tokens
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    organisation: u32,

    /// The zip to write, owner-only: it holds the secrets
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    force: ForceArg,
}

pub(super) fn run(args: &GenerateArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let bind = recipe.pool.as_ref().and_then(|pool| pool.bind.clone());
    let (serials, bind) = match (&args.serials, args.count) {
        (Some(file), _) => {
            let serials = serials::listed(file, &recipe)?;
            let header = bind.unwrap_or_else(|| "Serial Number".to_owned());
            (serials, Some(header))
        }
        (None, count) => (trial::placeholders(count.unwrap_or(0))?, None),
    };
    let existing = args.force.existing();
    Guard::of(&recipe, &args.recipe.recipe).allow_new(&args.output, existing)?;
    let trial = Trial {
        organisation: args.organisation,
        bind,
    };
    trial::make(&trial, &serials, &args.output, existing)?;
    output.object(&json!({
        "v": 1, "kind": "generate", "file": args.output.display().to_string(),
        "tokens": serials.len(),
    }));
    output.line(format_args!(
        "{}: {} trial tokens; a ledger takes either these or exported ones",
        args.output.display(),
        serials.len(),
    ));
    Ok(0)
}
