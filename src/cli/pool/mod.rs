//! `pool`: takes tokens in, counts, requests and generates them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use eol_inject::ledger::{Actor, Simulated};
use eol_inject::recipe::Recipe;
use serde_json::json;

use super::args::{DecisionArgs, RecipeArg, StationArgs};
use super::error::{CliError, exit};
use super::open_ledger::{self, Missing};
use super::output::{GOOD, Output, WARN};
use super::recipe;
use super::report::{self, grouped};
use super::token_list::{self, Misfits};

mod generate;
mod reconcile;
mod request;

#[derive(Args)]
pub(crate) struct PoolArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take token lists into the ledger: zip or folder of an export, CSV, or saved API pages
    Import(ImportArgs),
    /// Count tokens by state
    Status(StatusArgs),
    /// Compare all tokens of the cloud with the ledger's, and list what to do in the console
    Reconcile(reconcile::ReconcileArgs),
    /// Write the CSV that the console makes static tokens from
    Request(request::RequestArgs),
    /// Make trial tokens, in the shape of an export; no cloud knows them
    Generate(generate::GenerateArgs),
}

#[derive(Args)]
struct ImportArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The lists; one that was taken in before changes nothing [default: file in [pool]]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Their tokens are on devices already that this ledger does not know: never hand one out
    #[arg(long)]
    used: bool,

    /// Decide that their tokens are on no unit, though the ledger cannot know: it stands in the place
    /// of a lost one, or units of another ledger lie beside it
    #[arg(long, conflicts_with = "used", requires_all = ["by", "reason"])]
    unused: bool,

    /// Who decides, for the record
    #[arg(long, value_name = "NAME", requires = "unused")]
    by: Option<String>,

    /// Why, for the record
    #[arg(long, value_name = "TEXT", requires = "unused")]
    reason: Option<String>,

    #[command(flatten)]
    station: StationArgs,
}

#[derive(Args)]
struct StatusArgs {
    #[command(flatten)]
    recipe: RecipeArg,
}

impl ImportArgs {
    /// Returns who takes the lists in, and why where that is a decision.
    fn actor(&self) -> Result<Actor, CliError> {
        let (Some(by), Some(reason)) = (&self.by, &self.reason) else {
            return self.station.actor();
        };
        let decision = DecisionArgs {
            by: by.clone(),
            reason: reason.clone(),
            station: self.station.station.clone(),
        };
        decision.actor()
    }

    /// Returns the lists that are meant: those named, else the recipe's.
    fn files(&self, recipe: &Recipe) -> Result<Vec<PathBuf>, CliError> {
        if !self.files.is_empty() {
            return Ok(self.files.clone());
        }
        // Which tokens are on devices already is said by a list of its own.
        let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
        match file.filter(|_| !self.used) {
            Some(file) => Ok(vec![recipe.path(file)]),
            None => Err(CliError::usage(
                "no list is named: eol-inject pool import FILE, or file = \"...\" under [pool] in the recipe",
            )),
        }
    }
}

impl PoolArgs {
    /// Returns whether nothing is lost when it ends early.
    pub(crate) const fn only_looks(&self) -> bool {
        matches!(self.command, Command::Status(_))
    }

    /// Returns whether a list is taken in.
    pub(crate) const fn imports(&self) -> bool {
        matches!(self.command, Command::Import(_))
    }
}

pub(crate) fn run(args: PoolArgs, output: &Output) -> Result<u8, CliError> {
    match args.command {
        Command::Import(args) => import(&args, output),
        Command::Status(args) => status(&args, output),
        Command::Reconcile(args) => reconcile::run(&args, output),
        Command::Request(args) => request::run(&args, output),
        Command::Generate(args) => generate::run(&args, output),
    }
}

fn import(args: &ImportArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.actor()?;
    // All lists are read before the first is taken in: a wrong one leaves the ledger as it was.
    let mut lists = Vec::new();
    for file in args.files(&recipe)? {
        let list = match args.used {
            true => token_list::used(&file)?,
            false => token_list::read(&file, &recipe)?,
        };
        let faults = match args.used {
            // What is used is given to no unit.
            true => Misfits::default(),
            false => Misfits::serials(&recipe, &list),
        };
        if let Some(error) = faults.errors().next() {
            return Err(error.about_file(&file));
        }
        let list = match args.unused {
            true => list.unused(),
            false => list,
        };
        lists.push((file, list));
    }
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Create)?;
    for (file, list) in lists {
        let import = ledger
            .import(&list, &actor)
            .map_err(|error| CliError::from(error).about(file.display()))?;
        for note in token_list::notes(&recipe, &list) {
            output.warning(note);
        }
        output.object(&json!({
            "v": 1, "kind": "import", "file": file.display().to_string(), "added": import.added,
            "known": import.known, "gone": import.gone, "completed": import.completed,
            "kept": import.kept,
        }));
        output.line(format_args!(
            "{}: {} new tokens, {} known, {} of the new ones claimed already",
            file.display(),
            grouped(import.added),
            grouped(import.known),
            grouped(import.gone),
        ));
        if import.completed > 0 {
            output.line(format_args!(
                "  {} of the known ones were completed: QR Token, organisation, picture or columns",
                grouped(import.completed)
            ));
        }
        if import.kept > 0 {
            output.warning(format_args!(
                "{} of the known ones have another picture or column in this list: what was known first stays",
                grouped(import.kept)
            ));
        }
    }
    let stock = ledger.stock()?;
    output.line(format_args!("{} tokens are free", grouped(stock.free)));
    Ok(0)
}

fn status(args: &StatusArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let stock = ledger.stock()?;
    output.object(&json!({
        "v": 1, "kind": "stock", "product": recipe.product, "free": stock.free,
        "bound": stock.bound, "void": stock.void, "gone": stock.gone, "away": stock.away,
        "quarantined": stock.quarantined, "pictures": stock.pictures,
        "simulated": stock.simulated == Some(Simulated::Yes),
    }));
    let style = if stock.free == 0 { WARN } else { GOOD };
    output.line(format_args!(
        "{}: {style}{} tokens free{style:#}, {} bound to units, {} void, {} gone; {} with a picture",
        recipe.product,
        grouped(stock.free),
        grouped(stock.bound),
        grouped(stock.void),
        grouped(stock.gone),
        grouped(stock.pictures),
    ));
    if stock.simulated == Some(Simulated::Yes) {
        output.line(format_args!(
            "  {WARN}SIMULATED{WARN:#}: no unit of this ledger is real"
        ));
    }
    if stock.away > 0 {
        output.line(format_args!(
            "  {} away in parts, at stations without network",
            grouped(stock.away)
        ));
    }
    if stock.quarantined > 0 {
        output.line(format_args!(
            "  {WARN}{} set aside{WARN:#}, as nobody knows what became of them: eol-inject ledger clear",
            grouped(stock.quarantined)
        ));
    }
    for part in ledger.parts()? {
        output.object(&report::part_object(&part));
        output.line(format_args!("  {}", report::part_line(&part)));
    }
    Ok(if stock.free == 0 { exit::POOL_EMPTY } else { 0 })
}
