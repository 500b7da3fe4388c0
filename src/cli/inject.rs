//! `inject`: one unit to a file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use eol_inject::deliver::{Folder, Sync};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::Simulated;
use eol_inject::line::{self, Ports};
use eol_inject::recipe::Recipe;

use super::context::{self, Missing};
use super::error::CliError;
use super::form;
use super::output::Output;
use super::unit::{Ended, Place, Tally};
use super::{FormArgs, RecipeArg, StationArgs};

/// Which unit, and where to.
#[derive(Args)]
pub(crate) struct InjectArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit's serial
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    /// The file to write, or a folder that takes it under the serial's name
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Also record the SHA-256 of the unit's own file
    #[arg(long)]
    digest: bool,

    #[command(flatten)]
    form: FormArgs,

    #[command(flatten)]
    station: StationArgs,
}

pub(crate) fn run(args: &InjectArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let serial = recipe.serial.read(&args.serial)?;
    let master = context::master(&recipe)?;
    let actor = args.station.actor();
    let form = args.form.conversion(master.image().format())?;
    form::announce(master.image(), form, output)?;
    let extension = context::extension(&recipe, master.image(), form);
    let target = target(args, &extension).converted(form);
    guard(&target.path(&serial), &recipe, &args.recipe.recipe)?;
    let labels = LabelFolder::new(&recipe.path(&recipe.label.dir));
    let mut ledger = context::ledger_for(&recipe, &actor, (Missing::Create, Simulated::No))?;
    context::import_pool(&recipe, &mut ledger, &actor, output)?;
    let since = Instant::now();
    let claim = context::claim(serial.clone(), &master, &recipe);
    let mut ports = Ports {
        ledger: &mut ledger,
        target: &target,
        labels: &labels,
    };
    let result = line::run_unit(&master, claim, &mut ports);
    let mut tally = Tally::new(output, &actor.station, &master);
    tally.unit(&Ended {
        attempt: result
            .as_ref()
            .ok()
            .map(|passed| passed.entry.record().epoch),
        place: Place::File(target.path(&serial)),
        label: labels.picture(&serial),
        serial: Some(serial),
        result: result.map_err(CliError::from),
        elapsed: since.elapsed(),
    });
    Ok(tally.code)
}

fn target(args: &InjectArgs, extension: &str) -> Folder {
    let folder = if args.output.is_dir() {
        Folder::new(&args.output, extension, Sync::Durable)
    } else {
        Folder::exactly(&args.output)
    };
    if args.digest {
        folder.with_digest()
    } else {
        folder
    }
}

/// Refuses to write over what the line itself needs.
pub(crate) fn guard(out: &Path, recipe: &Recipe, recipe_file: &Path) -> Result<(), CliError> {
    let mut inputs = vec![recipe_file.to_owned(), recipe.path(&recipe.image.file)];
    inputs.extend(recipe.image.symbols.as_ref().map(|file| recipe.path(file)));
    let list = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    inputs.extend(list.map(|file| recipe.path(file)));
    inputs.push(context::ledger_file(recipe));
    let same = |input: &PathBuf| match (input.canonicalize(), out.canonicalize()) {
        (Ok(input), Ok(out)) => input == out,
        _ => false,
    };
    match inputs.iter().find(|input| same(input)) {
        Some(input) => Err(CliError::usage(format!(
            "{} is an input of the line and is not written over",
            input.display()
        ))),
        None => Ok(()),
    }
}
