//! `inject`: one unit to a file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use eol_inject::label::LabelFolder;
use eol_inject::ledger::Simulated;
use eol_inject::line::{self, Ports};
use eol_inject::mes::{Hooks, Question};
use eol_inject::target::{Folder, Sync, Unwatched};

use super::args::{ForceArg, FormArgs, RecipeArg, StationArgs};
use super::error::CliError;
use super::gate;
use super::guard::Guard;
use super::neighbours::{self, Images};
use super::open_ledger::{self, Missing};
use super::output::Output;
use super::unit::{Ended, Place, Tally, known};
use super::{firmware, form, recipe, scan, sweep, token_list};

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
    force: ForceArg,

    #[command(flatten)]
    form: FormArgs,

    #[command(flatten)]
    station: StationArgs,
}

pub(crate) fn run(args: &InjectArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    let serial = scan::serial(&recipe.serial, &args.serial)?;
    let master = firmware::master(&recipe)?;
    let actor = args.station.actor()?;
    let form = args.form.conversion(master.image().format())?;
    form::announce(master.image(), form, output)?;
    let extension = firmware::extension(&recipe, master.image(), form)?;
    let target = target(args, &extension)
        .converted(form)
        .with_others(args.force.others());
    form::fits(&target.path(&serial), master.image(), form)?;
    sweep::parts(&recipe, Some(&args.output));
    let guard = Guard::of(&recipe, &args.recipe.recipe);
    guard.allow(&target.path(&serial))?;
    let labels = LabelFolder::of(&recipe, Sync::Durable);
    gate::outputs(&recipe, &master, Some(&target), &labels)?;
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Create, Simulated::No)?;
    guard.allow_unit(&target.path(&serial), &serial, &ledger, args.force.others())?;
    let file = target.path(&serial);
    let images = Images {
        folder: file.parent().unwrap_or(Path::new("")),
        extension: &extension,
        form,
    };
    neighbours::refuse(&recipe, &ledger, Some(&images))?;
    token_list::import(&recipe, &master, &mut ledger, &actor, output)?;
    let since = Instant::now();
    let claim = gate::claim(serial.clone(), &master, &recipe, Sync::Durable);
    let mut ports = Ports {
        ledger: &mut ledger,
        target: &mut target.clone(),
        labels: &labels,
        watch: &mut Unwatched,
    };
    let question = Question {
        product: &recipe.product,
        image: master.digest(),
        station: &actor.station,
        operator: actor.by.as_deref(),
        order: None,
    };
    let hooks = Hooks::new(&recipe.hook, recipe.folder());
    let asked = hooks.may_begin(&serial, &question).map_err(CliError::from);
    let result = asked.and_then(|()| Ok(line::run_unit(&master, claim, &mut ports)?));
    let passed = result.as_ref().ok();
    let mut tally = Tally::new(output, &actor.station, &master);
    tally.unit(&Ended {
        serial: Some(&serial),
        attempt: passed.map(|passed| passed.entry.record().attempt),
        place: Place::File(target.path(known(&result, &serial))),
        label: labels.of_unit(known(&result, &serial)),
        result: result.as_ref(),
        elapsed: since.elapsed(),
    });
    Ok(tally.code)
}

fn target(args: &InjectArgs, extension: &str) -> Folder {
    // `out/` is meant as a folder, whether it is there or not.
    let written = args.output.to_string_lossy();
    let folder = if args.output.is_dir() || written.ends_with(std::path::is_separator) {
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
