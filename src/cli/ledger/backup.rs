//! `ledger backup`, `restore`, `clear` and `rebuild`: a lost ledger, before and after.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use eol_inject::ledger::{
    Actor, Clear, History, Identity, KeyPlace, MirrorOf, NextNumber, Remaking, Replayed, Scope,
    SetAside, Simulated, Sqlite,
};
use eol_inject::recipe::{LedgerUrl, Recipe};
use serde_json::json;

use crate::cli::args::{DecisionArgs, RecipeArg, StationArgs};
use crate::cli::error::CliError;
use crate::cli::guard::Guard;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::{GOOD, Output, WARN, count};
use crate::cli::{ledger_key, recipe, token_list};

#[derive(Args)]
#[command(group(ArgGroup::new("how").required(true).args(["output", "elsewhere"])))]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The file to write, owner-only; on another disk it is worth most
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Only record that a backup was made by other means: pg_dump, a snapshot
    #[arg(long)]
    elsewhere: bool,

    #[command(flatten)]
    station: StationArgs,
}

#[derive(Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The backup; none for a ledger on a server, which its own means bring back first
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// The mirror that brings it up to date [default: mirror in [ledger]]
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,

    /// Restore the backup alone, though there is a mirror
    #[arg(long, conflicts_with = "mirror")]
    no_mirror: bool,

    /// Of a server: all its stations told this mirror, and nothing has to be set aside
    #[arg(long)]
    whole: bool,

    /// The first number that was never handed out, for serials that are counted
    #[arg(long, value_name = "N")]
    next: Option<u64>,

    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["all", "serial"])))]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Everything that is set aside
    #[arg(long)]
    all: bool,

    /// The claim of this unit; several times for several
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: Vec<String>,

    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The folder of the lost ledger's mirror
    #[arg(long, value_name = "DIR")]
    mirror: PathBuf,

    /// Which ledger, by the first digits of its number, where the folder has several
    #[arg(long, value_name = "DIGITS")]
    ledger: Option<String>,

    /// A token list that the lost ledger had; once for each
    #[arg(long, value_name = "FILE", required = true)]
    pool: Vec<PathBuf>,

    /// The first number that was never handed out, for serials that are counted
    #[arg(long, value_name = "N")]
    next: Option<u64>,

    #[command(flatten)]
    decision: DecisionArgs,
}

pub(crate) fn backup(args: &BackupArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.station.actor()?;
    let Some(out) = &args.output else {
        open_ledger::ledger(&recipe, &actor, Missing::Refuse)?.saved(&actor)?;
        output.line("recorded: a backup was made elsewhere");
        return Ok(0);
    };
    Guard::of(&recipe, &args.recipe.recipe).allow(out)?;
    let file = open_ledger::file(&recipe)?;
    // It is opened first: a ledger whose key is not at hand is not worth a backup.
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    Sqlite::copy(&file, out)?;
    ledger.saved(&actor)?;
    let bytes = std::fs::metadata(out).map_or(0, |meta| meta.len());
    output.object(&json!({
        "v": 1, "kind": "backup", "file": out.display().to_string(), "bytes": bytes,
    }));
    output.line(format_args!("{}: {bytes} bytes, synced", out.display()));
    let key = match ledger_key::place(&recipe) {
        KeyPlace::Beside => Sqlite::key_path(&file).display().to_string(),
        KeyPlace::From(source, _) | KeyPlace::Part(source, _, _) => source.to_string(),
    };
    output.note(format_args!(
        "the key is not in it, and without the key it gives no token: keep a copy of {key} elsewhere"
    ));
    Ok(0)
}

/// Returns the format whose numbers the ledger counts, with where new ones begin.
fn numbers(recipe: &Recipe, next: Option<u64>) -> Option<NextNumber<'_>> {
    let format = recipe.serial.format.as_ref();
    format.map(|format| NextNumber { format, next })
}

/// What a ledger's file is made anew with.
struct RestoreJob {
    path: PathBuf,
    scope: Scope,
    place: KeyPlace,
    actor: Actor,
}

impl RestoreJob {
    fn of(recipe: &Recipe, decision: &DecisionArgs) -> Result<Self, CliError> {
        Ok(Self {
            path: open_ledger::file(recipe)?,
            scope: open_ledger::scope(recipe),
            place: ledger_key::place(recipe),
            actor: decision.actor()?,
        })
    }

    /// Tells the work apart from the line's: it makes no unit, of either kind.
    fn remaking(&self, simulated: Simulated) -> Remaking<'_> {
        Remaking {
            path: &self.path,
            scope: &self.scope,
            identity: Identity {
                station: self.actor.station.clone(),
                simulated,
            },
            place: &self.place,
        }
    }
}

pub(crate) fn restore(args: &RestoreArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let file = match (&args.file, recipe.ledger_url()) {
        (Some(file), LedgerUrl::Sqlite(_)) => file,
        (None, LedgerUrl::Sqlite(_)) => {
            return Err(CliError::usage(
                "name the backup: eol-inject ledger restore FILE",
            ));
        }
        (None, LedgerUrl::Postgres(_)) => return restore_server(args, &recipe, output),
        (Some(_), url @ LedgerUrl::Postgres(_)) => {
            return Err(CliError::usage(format!(
                "{url} is brought back by the server's own means (pg_restore, a snapshot), with all stations \
                 stopped; then: eol-inject ledger restore, without a file"
            )));
        }
    };
    let job = RestoreJob::of(&recipe, &args.decision)?;
    let about = |error| CliError::from(error).about_file(file);
    let old = Sqlite::inspect_sealed(file, &job.scope).map_err(about)?;
    let simulated = old.simulated()?.unwrap_or_default();
    let number = old.number()?;
    drop(old);
    let numbers = numbers(&recipe, args.next);
    let remaking = job.remaking(simulated);
    if let Some(history) = mirror(args, &recipe, &number)? {
        let done = remaking.from_backup(file, |ledger| {
            ledger.catch_up(&history, numbers, &job.actor)
        })?;
        caught_up(&done, &history, output);
        return Ok(0);
    }
    let aside = remaking.from_backup(file, |ledger| ledger.restored(numbers, &job.actor))?;
    set_aside(aside, &file.display(), output);
    Ok(0)
}

/// Deals with a server that was brought back: as it stands, its backup's free tokens are on boards.
#[cfg(feature = "postgres")]
fn restore_server(args: &RestoreArgs, recipe: &Recipe, output: &Output) -> Result<u8, CliError> {
    let actor = args.decision.actor()?;
    let url = recipe.ledger_url();
    let about = |error| CliError::from(error).about(&url);
    let mut ledger = open_ledger::whole_ledger(recipe, &actor)?;
    let number = ledger.number().map_err(about)?;
    let numbers = numbers(recipe, args.next);
    match mirror(args, recipe, &number)? {
        Some(history) => {
            let of = match args.whole {
                true => MirrorOf::AllStations,
                false => MirrorOf::OneStation,
            };
            let done = ledger.caught_up_here(&history, of, numbers, &actor);
            let (done, aside) = done.map_err(about)?;
            caught_up(&done, &history, output);
            if !args.whole {
                set_aside(aside, &"the server's backup and this mirror", output);
            }
        }
        None => {
            let aside = ledger.restored_here(numbers, &actor).map_err(about)?;
            set_aside(aside, &"the server's backup", output);
        }
    }
    Ok(0)
}

#[cfg(not(feature = "postgres"))]
fn restore_server(_: &RestoreArgs, recipe: &Recipe, _: &Output) -> Result<u8, CliError> {
    Err(open_ledger::unknown(&recipe.ledger_url()))
}

fn caught_up(done: &Replayed, history: &History, output: &Output) {
    replayed_object(done, "restore", output);
    output.line(format_args!(
        "{GOOD}restored{GOOD:#} and brought up to date by {}: {} since the backup",
        history.path().display(),
        count(done.events, "event"),
    ));
}

fn set_aside(aside: SetAside, from: &dyn std::fmt::Display, output: &Output) {
    output.object(&json!({
        "v": 1, "kind": "restore", "free": aside.free, "reserved": aside.reserved,
    }));
    output.line(format_args!("{GOOD}restored{GOOD:#} from {from}"));
    output.warning(format_args!(
        "nobody knows what the lost ledger did since: {} that it calls free and {} that it calls \
         reserved are set aside until {WARN}eol-inject ledger clear{WARN:#}",
        count(aside.free, "token"),
        count(aside.reserved, "unit"),
    ));
}

/// Finds the mirror that knows what came after the backup.
fn mirror(args: &RestoreArgs, recipe: &Recipe, number: &str) -> Result<Option<History>, CliError> {
    if args.no_mirror {
        return Ok(None);
    }
    if let Some(folder) = &args.mirror {
        return Ok(Some(History::find(folder, Some(number))?));
    }
    match open_ledger::mirror(recipe) {
        Some(folder) if folder.exists() => Ok(Some(History::find(&folder, Some(number))?)),
        _ => Ok(None),
    }
}

fn replayed_object(done: &Replayed, kind: &str, output: &Output) {
    output.object(&json!({
        "v": 1, "kind": kind, "events": done.events, "units": done.units, "lists": done.lists,
    }));
}

pub(crate) fn clear(args: &ClearArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let which = if args.all {
        Clear::All
    } else {
        let serials = args.serial.iter();
        let serials = serials.map(|text| open_ledger::on_record(&recipe, &ledger, text));
        Clear::Serials(serials.collect::<Result<_, _>>()?)
    };
    let cleared = ledger.clear(&which, &actor)?;
    output.object(&json!({
        "v": 1, "kind": "clear", "tokens": cleared.tokens, "serials": cleared.serials,
        "parts": cleared.parts,
    }));
    let are = if cleared.tokens == 1 {
        "that was set aside is"
    } else {
        "that were set aside are"
    };
    output.line(format_args!(
        "{} {are} used again",
        count(cleared.tokens, "token")
    ));
    if cleared.serials > 0 {
        let serials = count(cleared.serials, "serial");
        output.line(format_args!(
            "{serials} of parts that were not closed may be made here"
        ));
    }
    if cleared.parts > 0 {
        let parts = count(cleared.parts, "part");
        output.line(format_args!(
            "all serials of {parts} that came back unclosed may be made here"
        ));
    }
    Ok(0)
}

pub(crate) fn rebuild(args: &RebuildArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let job = RestoreJob::of(&recipe, &args.decision)?;
    let history = History::find(&args.mirror, args.ledger.as_deref())?;
    let mut lists = Vec::new();
    for file in &args.pool {
        lists.push(token_list::read(file, &recipe)?);
    }
    let numbers = numbers(&recipe, args.next);
    let (done, home) = job
        .remaking(Simulated::No)
        .anew(history.ledger(), |ledger| {
            let done = ledger.rebuild(&history, &lists, numbers, &job.actor)?;
            Ok((done, ledger.home()?))
        })?;
    replayed_object(&done, "rebuild", output);
    output.line(format_args!(
        "{GOOD}rebuilt{GOOD:#} {} from {}: {}, {}",
        LedgerUrl::Sqlite(job.path.clone()),
        history.path().display(),
        count(done.events, "event"),
        count(done.units, "unit"),
    ));
    if let Some(home) = home {
        output.warning(format_args!(
            "its identity is a new one: stations that get parts name it, home = \"{home}\" under [ledger]"
        ));
    }
    Ok(0)
}
