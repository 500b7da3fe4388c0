//! `run --rehearse`: the whole line with nothing at stake.
//!
//! Simulated boards, a ledger and labels in a temporary folder, and tokens that no cloud knows. All
//! else is as in a run: serials and columns are those of the list, the line's own programmer and
//! chips that are not simulated have boards of memory alone to stand in for theirs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eol_inject::ledger::{Actor, Simulated, TokenState};
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::target::StandIns;
use eol_inject::unit::Serial;
use zeroize::Zeroizing;

use super::args::{Nest, RunArgs};
use super::fixture::{Hardware, Reach};
use super::wiring::Wiring;
use crate::cli::error::CliError;
use crate::cli::open_ledger;
use crate::cli::open_ledger::Missing;
use crate::cli::output::Output;
use crate::cli::sweep;
use crate::cli::token_list::Misfits;
use crate::cli::trial::{self, Trials};
use crate::cli::{firmware, token_list};

/// Trial tokens per rehearsal, at least.
const TOKENS: usize = 200;

pub(super) fn run(args: &RunArgs, recipe: Recipe, output: &Output) -> Result<u8, CliError> {
    sweep::rehearsals(&std::env::temp_dir());
    let folder = tempfile::Builder::new()
        .prefix(&format!("{}{}-", sweep::REHEARSAL, std::process::id()))
        .tempdir()
        .map_err(|error| CliError::file("cannot make", &std::env::temp_dir(), &error))?;
    let actor = args.station.actor()?;
    let rows = rows(&recipe)?;
    let mut rehearsal = recipe.clone().rehearsal(folder.path());
    let counted = args.count.is_some() && rehearsal.serial.source == SerialSource::Scan;
    if counted && !rehearsal.serial.stand_in(rows.iter().any(Like::is_bound)) {
        output.note("nobody scans: the serials T1, T2 and so on stand in");
    }
    let plan = args.plan(&rehearsal)?;
    let mut nests = args.nests(&rehearsal)?;
    let master = firmware::master(&recipe)?;
    for nest in &mut nests {
        let modelled = nest.reach.at_hand(&rehearsal, &master, Hardware::Tried);
        stand_in(nest, &recipe, modelled.err());
    }
    tokens(
        &rehearsal,
        &rows,
        args.count,
        &folder.path().join("trial.zip"),
        &actor,
    )?;
    output.note("rehearsal: simulated boards, trial tokens, a ledger to throw away");
    let wiring = Wiring {
        recipe: rehearsal,
        plan,
        nests,
    };
    let code = wiring.run(args, output);
    // Nothing of it stays; a folder that cannot be removed holds trial tokens only.
    let _ = fs::remove_dir_all(folder.path());
    code
}

/// Puts boards of memory in the place of those that the recipe's chip has no model for, or that the
/// line's own programmer writes; `error` says why a simulated one is not at hand.
fn stand_in(nest: &mut Nest, recipe: &Recipe, error: Option<CliError>) {
    let program = recipe.flash.as_ref().map(|flash| flash.program.is_some());
    let unmodelled = |error: CliError| matches!(error.name, "probe-simulated" | "probe-no-sim");
    if let Some(boards) = StandIns::of(recipe)
        && (program == Some(true) || error.is_some_and(unmodelled))
    {
        nest.reach = Reach::StandIn(boards);
    }
}

/// What a trial token has in common with one of the list.
struct Like {
    bound: Option<Serial>,
    columns: BTreeMap<String, Zeroizing<String>>,
    /// Whether a label can be made for it.
    labelled: bool,
}

impl Like {
    const fn is_bound(&self) -> bool {
        self.bound.is_some()
    }
}

/// Returns what goes with the tokens that units would get: the list's, or else those of the ledger
/// that are free.
fn rows(recipe: &Recipe) -> Result<Vec<Like>, CliError> {
    let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
    let path = file.map(|file| recipe.path(file));
    if let Some(path) = path.filter(|path| path.exists()) {
        let list = token_list::read(&path, recipe)?;
        let master = firmware::master(recipe)?;
        if let Some(error) = Misfits::of(recipe, &master, &list).errors().next() {
            return Err(error.about_file(&path));
        }
        let rows = list.rows.into_iter().filter(|row| !row.claimed);
        let like = rows.map(|row| Like {
            bound: row.bound,
            columns: row.columns,
            labelled: row.qr.is_some(),
        });
        return Ok(like.collect());
    }
    let mut rows = Vec::new();
    // One that cannot be opened has nothing to say here.
    if let Ok(Some(ledger)) = open_ledger::records_if_any(recipe) {
        let _ = ledger.ready_tokens(&mut |token| {
            if token.state == TokenState::Free {
                rows.push(Like {
                    bound: token.bound.clone(),
                    columns: token.columns.clone(),
                    labelled: token.qr.is_some(),
                });
            }
        });
    }
    Ok(rows)
}

/// Takes trial tokens into the throw-away ledger, each like one of the list.
fn tokens(
    recipe: &Recipe,
    rows: &[Like],
    wanted: Option<u64>,
    file: &Path,
    actor: &Actor,
) -> Result<(), CliError> {
    let wanted = wanted.and_then(|count| usize::try_from(count).ok());
    let many = TOKENS.max(wanted.unwrap_or(0)).min(Trials::MOST);
    let count = match rows.iter().any(Like::is_bound) {
        true => rows.len().min(Trials::MOST),
        false => many,
    };
    let trials = Trials {
        count,
        bound: rows.is_empty() && recipe.serial.source == SerialSource::Pool,
    };
    let mut list = trial::list(&trials, file)?;
    for (trial, like) in list.rows.iter_mut().zip(rows.iter().cycle()) {
        trial.bound.clone_from(&like.bound);
        trial.columns.clone_from(&like.columns);
        if !like.labelled {
            (trial.qr, trial.picture) = (None, None);
        }
    }
    let mut ledger = open_ledger::ledger_for(recipe, actor, Missing::Create, Simulated::Yes)?;
    ledger.import(&list, actor)?;
    Ok(())
}
