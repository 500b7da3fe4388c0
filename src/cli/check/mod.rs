//! `check`: the proof, before the shift; it changes nothing.
//!
//! All that the next unit would meet is tried, and all that is in the way is told at once, each
//! with its cure. The exit code is what the next command would give.

mod fixture;
mod folders;
mod image;
mod ledger;
mod sheet;
mod tokens;

use clap::Args;
use eol_inject::mes::Hooks;
use eol_inject::recipe::{MesDown, Recipe};

use self::sheet::{Sheet, Stage};
use super::args::{self, RecipeArg};
use super::error::CliError;
use super::output::Output;
use super::run::fixture::Hardware;
use super::{firmware, recipe};

#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Leave the hardware out: probes, boards and the line's own programmer
    #[arg(long)]
    offline: bool,

    /// Whose mirror is looked at [default: this computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

impl CheckArgs {
    const fn hardware(&self) -> Hardware {
        if self.offline {
            Hardware::LeftOut
        } else {
            Hardware::Tried
        }
    }
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = match recipe::read(&args.recipe.recipe) {
        Ok(recipe) => recipe,
        Err(error) => return Ok(Sheet::unread(error, output)),
    };
    let mut sheet = Sheet::new(Some(&recipe.product), output);
    prove(args, &recipe, &mut sheet);
    Ok(sheet.end())
}

/// Looks at everything, in the order in which it is shown.
fn prove(args: &CheckArgs, recipe: &Recipe, sheet: &mut Sheet<'_>) {
    for error in recipe.hindrances() {
        sheet.find(Stage::Recipe, error.into());
    }
    let master = sheet.take(Stage::Image, firmware::master(recipe));
    if let Some(master) = &master {
        image::show(recipe, master, sheet);
    }
    let list = tokens::list(recipe, sheet);
    let station = args::station(args.station.as_deref());
    let books = ledger::show(recipe, &station, sheet);
    let own = books.as_ref().map(|books| &books.ledger);
    let kind = fixture::try_reach(recipe, master.as_ref(), args.hardware(), sheet);
    for error in super::neighbours::judge(recipe, own, kind, sheet.output) {
        sheet.find(Stage::Ledger, error);
    }
    ledger::same_kind(books.as_ref(), kind, sheet);
    folders::try_write(recipe, sheet);
    let supply = tokens::Supply {
        recipe,
        master: master.as_ref(),
        station: &station,
        list,
        books,
    };
    supply.judge(sheet);
    hooks(recipe, sheet);
}

/// Tries whether the factory's system can be asked and told.
fn hooks(recipe: &Recipe, sheet: &mut Sheet<'_>) {
    let hooks = Hooks::new(&recipe.hook, recipe.folder());
    if let Err(error) = hooks.can_ask() {
        sheet.find(Stage::Hook, error.into());
    }
    // Only boards are told of.
    if recipe.flash.is_none() {
        return;
    }
    match (hooks.can_tell(), recipe.hook.mes_down) {
        (Err(error), MesDown::Stop) => sheet.find(Stage::Hook, error.into()),
        (Err(error), MesDown::Queue) => sheet
            .output
            .warning(format_args!("{error}: results will wait in the outbox")),
        (Ok(()), _) => {}
    }
}
