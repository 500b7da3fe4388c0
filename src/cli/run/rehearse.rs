//! `run --rehearse`: the whole line with nothing at stake.
//!
//! Simulated boards, a ledger and labels in a temporary folder, and tokens that no cloud knows.

use std::fs;
use std::path::Path;

use eol_inject::ledger::{Actor, Simulated};
use eol_inject::recipe::Recipe;

use super::{RunArgs, line};
use crate::cli::context::{self, Missing};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::sweep;

/// Trial tokens per rehearsal.
const TOKENS: usize = 200;

pub(super) fn run(args: &RunArgs, recipe: Recipe, output: &Output) -> Result<u8, CliError> {
    sweep::rehearsals(&std::env::temp_dir());
    let folder = tempfile::Builder::new()
        .prefix(&format!("{}{}-", sweep::REHEARSAL, std::process::id()))
        .tempdir()
        .map_err(|error| CliError::file("cannot make", &std::env::temp_dir(), &error))?;
    let recipe = recipe.rehearsal(folder.path());
    let actor = args.station.actor()?;
    tokens(&recipe, folder.path(), &actor)?;
    output.note("rehearsal: simulated boards, trial tokens, a ledger to throw away");
    let code = line(args, recipe, output);
    // Nothing of it stays; a folder that cannot be removed holds trial tokens only.
    let _ = fs::remove_dir_all(folder.path());
    code
}

/// Takes trial tokens into the throw-away ledger.
fn tokens(recipe: &Recipe, folder: &Path, actor: &Actor) -> Result<(), CliError> {
    let file = folder.join("trial.zip");
    let pool = super::super::pool::trial(recipe, TOKENS, &file)?;
    let setting = (Missing::Create, Simulated::Yes);
    let mut ledger = context::ledger_for(recipe, actor, setting)?;
    ledger.import(&pool, actor)?;
    Ok(())
}
