//! `ledger rework`: a unit is worked on once more; says what becomes of token and label.

use clap::{Args, ValueEnum};
use eol_inject::label::{LabelFolder, Labels as _};
use eol_inject::ledger::{Content, Ledger, Rework, Reworked};
use eol_inject::recipe::{Recipe, SlotValue};
use eol_inject::target::Sync;
use eol_inject::unit::Serial;
use serde_json::json;

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::CliError;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::Output;
use crate::cli::{labels, recipe, report};

/// What is done with the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Deliver it again to the board that it is on; token and label stay
    SameBoard,
    /// Another board takes the serial: the token is burnt, the next run gives a new one and its label
    BoardSwapped,
    /// Board and token get the serial of --to; the label is made again
    Rehoused,
    /// A customer gave it back: deliver it again, and disclaim its token in the console
    Returned,
}

#[derive(Args)]
pub(crate) struct ReworkArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    /// What is done with it
    #[arg(long, value_enum)]
    mode: Mode,

    /// Its new serial
    #[arg(
        long,
        value_name = "SERIAL",
        allow_hyphen_values = true,
        required_if_eq("mode", "rehoused")
    )]
    to: Option<String>,

    #[command(flatten)]
    decision: DecisionArgs,
}

impl ReworkArgs {
    fn rework(&self, recipe: &Recipe) -> Result<Rework, CliError> {
        Ok(match (self.mode, &self.to) {
            (Mode::Rehoused, Some(to)) => Rework::Rehoused {
                to: super::serial(recipe, to)?,
                content: content(recipe),
            },
            (Mode::Rehoused, None) => return Err(CliError::usage("--mode rehoused needs --to")),
            (_, Some(_)) => return Err(CliError::usage("--to goes with --mode rehoused only")),
            (Mode::SameBoard, None) => Rework::SameBoard,
            (Mode::BoardSwapped, None) => Rework::BoardSwapped,
            (Mode::Returned, None) => Rework::Returned,
        })
    }
}

/// Returns whether a board's content is right under another serial.
fn content(recipe: &Recipe) -> Content {
    let named = recipe
        .slots
        .iter()
        .any(|slot| slot.value == SlotValue::Serial);
    if named {
        Content::Changes
    } else {
        Content::Stays
    }
}

pub(crate) fn run(args: &ReworkArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let rework = args.rework(&recipe)?;
    let actor = args.decision.actor()?;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let serial = open_ledger::on_record(&recipe, &ledger, &args.serial)?;
    let done = ledger.rework(&serial, &rework, &actor)?;
    announce(&rework, &done, report::View::of(&ledger)?, output);
    // The record stands; `label print` finishes what a cut leaves of this.
    let folder = LabelFolder::of(&recipe, Sync::Durable);
    labels(&mut ledger, &folder, &done, output)?;
    next_steps(&rework, &done, output);
    Ok(0)
}

/// Removes the label of the serial that ended, and makes that of a unit that is finished as it is.
fn labels(
    ledger: &mut Ledger,
    folder: &LabelFolder,
    done: &Reworked,
    output: &Output,
) -> Result<(), CliError> {
    let before = &done.before.serial;
    let moved = |after: &Serial| after.folded() != before.folded();
    if done.after.as_ref().is_none_or(|unit| moved(&unit.serial)) {
        labels::discard(folder, before, output)?;
    }
    let Some(after) = &done.after else {
        return Ok(());
    };
    if let Some(entry) = ledger.entry(&after.serial)? {
        folder.put(&entry)?;
        if folder.wanted().is_some() {
            labels::announce(&entry, folder, output);
        }
    }
    Ok(())
}

fn announce(rework: &Rework, done: &Reworked, view: report::View, output: &Output) {
    let burnt = *rework == Rework::BoardSwapped;
    output.object(&json!({
        "v": 1,
        "kind": "rework",
        "mode": rework.mode(),
        "serial": done.before.serial.as_str(),
        "fingerprint": done.before.fingerprint.to_hex(),
        "token": if burnt { "void" } else { "kept" },
        "before": view.object(&done.before),
        "after": done.after.as_ref().map(|after| view.object(after)),
    }));
    let (serial, token) = (&done.before.serial, done.before.fingerprint);
    match rework {
        Rework::SameBoard => output.line(format_args!(
            "{serial} is to be delivered again, with its token {token}; its label stays"
        )),
        Rework::BoardSwapped => output.line(format_args!(
            "{serial} is to get another board; its token {token} is burnt, its label void"
        )),
        Rework::Rehoused { to, .. } => {
            output.line(format_args!("{serial} is {to} now, with its token {token}"))
        }
        Rework::Returned => output.line(format_args!(
            "{serial} is to be delivered again, with its token {token}; its label is read again"
        )),
    }
}

/// Says what is left to do by hand.
fn next_steps(rework: &Rework, done: &Reworked, output: &Output) {
    let board = match done.before.uid.as_deref() {
        Some(uid) => format!("its board {uid}"),
        None => "its board".to_owned(),
    };
    let due = done
        .after
        .as_ref()
        .is_some_and(|unit| unit.state == eol_inject::ledger::UnitState::Reserved);
    match rework {
        Rework::SameBoard => output.note(format_args!("next: make it again on {board}")),
        Rework::BoardSwapped => output.note(
            "next: destroy the old label, make the serial on the new board, and delete the old \
             token in the console (eol-inject ledger export --delete-list FILE)",
        ),
        Rework::Rehoused { to, .. } if due => output.note(format_args!(
            "next: make {to} on {board}, which still says the old serial; then stick its new label"
        )),
        Rework::Rehoused { .. } => output.note("next: destroy the old label, stick the new one"),
        Rework::Returned => output.note(format_args!(
            "next: disclaim its token in the console (eol-inject ledger export --disclaim-list \
             FILE), then make it again on {board}"
        )),
    }
}
