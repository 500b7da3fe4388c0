//! `pool reconcile`: what the cloud has against what the ledger has, offline.

use std::path::PathBuf;

use clap::Args;
use eol_inject::ledger::{Difference, Disagreement, Reconciliation};
use eol_inject::pool::Note;
use eol_inject::unit::Serial;
use serde_json::json;

use crate::cli::args::{ForceArg, RecipeArg};
use crate::cli::console::{ConsoleArgs, Listed, Named};
use crate::cli::error::{CliError, exit};
use crate::cli::guard::Guard;
use crate::cli::output::{BAD, GOOD, Output};
use crate::cli::{open_ledger, recipe, token_list};

#[derive(Args)]
pub(super) struct ReconcileArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// All tokens of the template as the cloud has them now: an export, or all saved API pages
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    lists: ConsoleArgs,

    #[command(flatten)]
    force: ForceArg,
}

pub(super) fn run(args: &ReconcileArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let existing = args.force.existing();
    args.lists
        .allow(&Guard::of(&recipe, &args.recipe.recipe), existing)?;
    let list = token_list::read(&args.file, &recipe)?;
    if let Some(part) = list
        .notes
        .iter()
        .find(|note| matches!(note, Note::Part { .. }))
    {
        // A token that is not in a part may well be there.
        return Err(CliError::new(
            exit::RECIPE,
            "reconcile-part",
            format!("{}: {part}, and reconciling needs all", args.file.display()),
        ));
    }
    let ledger = open_ledger::records(&recipe)?;
    let mut tokens = 0usize;
    let mut both = Reconciliation::new(&list);
    ledger.tokens(&mut |token| {
        tokens += 1;
        both.take(&token);
    })?;
    let found = both.rest();
    for one in &found {
        report(one, output);
    }
    let of = |wanted: &[Difference]| -> Vec<Named> {
        let wanted = found.iter().filter(|one| wanted.contains(&one.difference));
        wanted
            .map(|one| (one.fingerprint, one.serial.clone()))
            .collect()
    };
    let listed = Listed {
        disclaim: of(&[Difference::ReturnedClaimed]),
        delete: of(&[Difference::BurntClaimed, Difference::BurntThere]),
    };
    args.lists.write(&ledger, &listed, existing, output)?;
    output.object(&json!({
        "v": 1, "kind": "reconcile", "there": list.rows.len(), "here": tokens,
        "differences": found.len(), "to_disclaim": listed.disclaim.len(), "to_delete": listed.delete.len(),
    }));
    let counts = format!("{} tokens there, {tokens} here", list.rows.len());
    if found.is_empty() {
        output.line(format_args!("{GOOD}agreed{GOOD:#}  {counts}"));
        return Ok(0);
    }
    output.line(format_args!(
        "{counts}: {} differences, {} to disclaim, {} to delete",
        found.len(),
        listed.disclaim.len(),
        listed.delete.len()
    ));
    Ok(exit::DIFFERS)
}

fn report(one: &Disagreement, output: &Output) {
    let name: &'static str = one.difference.into();
    output.object(&json!({
        "v": 1, "kind": "difference", "difference": name,
        "fingerprint": one.fingerprint.to_hex(),
        "serial": one.serial.as_ref().map(Serial::as_str),
    }));
    let serial = one.serial.as_ref().map_or("-", Serial::as_str);
    output.line(format_args!(
        "{BAD}{serial:<14}{BAD:#} token {}  {}",
        one.fingerprint,
        words(one.difference)
    ));
}

/// Says what a difference means, and what to do.
const fn words(difference: Difference) -> &'static str {
    match difference {
        Difference::MadeDeleted => "on this unit, deleted there: rework it with another board",
        Difference::FreeDeleted => "free here, deleted there: a unit with it never connects",
        Difference::FreeClaimed => {
            "claimed there, free here: pool import this list, and it is gone"
        }
        Difference::StockClaimed => "claimed there, and its unit was never seen on a board",
        Difference::BurntClaimed => "claimed there, burnt here: delete it, find who has its label",
        Difference::BurntThere => "burnt here: delete it there",
        Difference::ReturnedClaimed => "came back: disclaim it there",
        Difference::RemadeClaimed => "came back and was made again: disclaim it unless it was sold",
        Difference::UnknownHere => "there, and not here: pool import this list",
    }
}
