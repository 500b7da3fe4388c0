//! `ledger key`: keys made, shown by their id, and replaced.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use eol_inject::ledger::{LedgerKey, Sqlite, StationKey};
use eol_inject::recipe::LedgerUrl;
use serde_json::json;

use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::{CliError, exit};
use crate::cli::file::{self, Existing, Writable};
use crate::cli::output::{BAD, GOOD, Output};
use crate::cli::{open_ledger, recipe};

#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key file, owner-only: for a ledger, or a pair for a station that gets parts
    New(NewArgs),
    /// Seal everything in the ledger with a new key; goes on with what was begun
    Rotate(RotateArgs),
    /// Show which key the ledger has, whether the one at hand is it, and the ledger's identity
    ShowId(ShowArgs),
}

#[derive(Args)]
struct NewArgs {
    /// Make a station's pair: FILE stays there, FILE.pub goes to whoever splits
    #[arg(long)]
    station: bool,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Args)]
struct RotateArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
struct ShowArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Show the id of the key in this file instead
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) fn run(args: KeyArgs, output: &Output) -> Result<u8, CliError> {
    match args.command {
        Command::New(args) => new(&args, output),
        Command::Rotate(args) => rotate(&args, output),
        Command::ShowId(args) => match &args.file {
            Some(file) => of_file(file, output),
            None => of_ledger(&args, output),
        },
    }
}

fn new(args: &NewArgs, output: &Output) -> Result<u8, CliError> {
    let file = &args.output;
    // A key that is written over is lost, with all that it opens: that cannot be forced.
    let fresh =
        |file: &Path| file::vacant(file, Existing::Stays).map_err(|error| error.with_hint(None));
    fresh(file)?;
    if !args.station {
        let key = LedgerKey::make()?;
        file::write(
            file,
            key.to_text().as_bytes(),
            Writable::Owner,
            Existing::Stays,
        )?;
        shown("ledger", &key.id(), file, output);
        return Ok(0);
    }
    let mut public = file.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    fresh(&public)?;
    let key = StationKey::make()?;
    let recipient = key.recipient()?;
    file::write(
        file,
        key.to_text().as_bytes(),
        Writable::Owner,
        Existing::Stays,
    )?;
    file::write(
        &public,
        recipient.to_text().as_bytes(),
        Writable::Anybody,
        Existing::Stays,
    )?;
    shown("station", &recipient.id(), file, output);
    output.note(format_args!(
        "{} goes to whoever splits; {} stays here and is copied nowhere",
        public.display(),
        file.display()
    ));
    Ok(0)
}

fn shown(of: &str, id: &str, file: &Path, output: &Output) {
    output.object(&json!({
        "v": 1, "kind": "key", "of": of, "id": id, "file": file.display().to_string(),
    }));
    output.line(format_args!("{}: {of} key {id}", file.display()));
}

fn rotate(args: &RotateArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let name = recipe.ledger_url();
    let base = recipe.ledger_base();
    let mut left = None;
    let rotation = open_ledger::whole_ledger(&recipe, &actor)?.rotate(&actor, &mut |now| {
        let before = *left.get_or_insert_with(|| {
            output.bar(now, "sealing");
            now
        });
        for _ in now..before {
            output.step();
        }
        left = Some(now);
    });
    output.done();
    let rotation = rotation?;
    output.object(&json!({
        "v": 1, "kind": "key", "of": "ledger", "id": rotation.id, "was": rotation.was,
        "sealed": rotation.rows, "placed": rotation.placed,
    }));
    output.line(format_args!(
        "{name}: ledger key {}, {} values sealed anew",
        rotation.id, rotation.rows
    ));
    let key = Sqlite::key_path(&base);
    let key = key.display();
    match name {
        LedgerUrl::Sqlite(_) if rotation.placed => output.note(format_args!(
            "backups made before open with the old key only, kept as {key}.*: keep it with them, or destroy both"
        )),
        LedgerUrl::Sqlite(_) => output.warning(format_args!(
            "the new key is in {key}.next: put it where the recipe's key comes from, then remove that file"
        )),
        LedgerUrl::Postgres(_) => output.warning(format_args!(
            "the new key is in {key}.next: put it where each station's key comes from, then remove that file; \
             backups made before open with the old key only"
        )),
    }
    Ok(0)
}

fn of_file(file: &Path, output: &Output) -> Result<u8, CliError> {
    let bytes = file::read(file, exit::RECIPE, "the key")?;
    let text = zeroize::Zeroizing::new(String::from_utf8(bytes).unwrap_or_default());
    let (of, id) = if let Some(key) = StationKey::parse(&text) {
        ("station", key.recipient()?.id())
    } else if let Some(public) = eol_inject::ledger::Recipient::parse(&text) {
        ("station public", public.id())
    } else if let Some(key) = LedgerKey::parse(&text) {
        ("ledger", key.id())
    } else {
        let message = format!("{} holds no key", file.display());
        return Err(CliError::new(exit::RECIPE, "key", message));
    };
    shown(of, &id, file, output);
    Ok(0)
}

fn of_ledger(args: &ShowArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let name = recipe.ledger_url();
    let (wants, fits) = open_ledger::keys(&recipe)?;
    let current = wants.first().cloned().unwrap_or_default();
    output.object(&json!({
        "v": 1, "kind": "key", "of": "ledger", "id": current,
        "rotating": wants.len() > 1, "at_hand": matches!(fits, Ok(Some(_))),
        "identity": fits.as_ref().ok().and_then(|home| home.as_ref().map(ToString::to_string)),
    }));
    output.line(format_args!("{name}: ledger key {current}"));
    if wants.len() > 1 {
        output.line("a change of the key was begun and not finished: eol-inject ledger key rotate");
    }
    match fits {
        Ok(Some(home)) => {
            output.line(format_args!("{GOOD}the key at hand is it{GOOD:#}"));
            output.line(format_args!(
                "identity {home}: stations that get parts name it, home = \"{home}\" under [ledger]"
            ));
            Ok(0)
        }
        Ok(None) => {
            output.line(format_args!("{BAD}no key is at hand{BAD:#}"));
            Ok(exit::LEDGER)
        }
        Err(error) => Err(error),
    }
}
