//! `ledger export`: the record for others, without secrets unless asked.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eol_inject::ledger::{Actor, Ledger, TokenRecord, UnitState};
use eol_inject::recipe::Recipe;
use serde_json::{Value, json};

use crate::cli::args::{self, ForceArg, RecipeArg};
use crate::cli::console::{ConsoleArgs, Listed};
use crate::cli::error::CliError;
use crate::cli::file::{NewFile, Out, Writable};
use crate::cli::guard::Guard;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::Output;
use crate::cli::{recipe, report};

/// How the record is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A table for spreadsheets; `verify --mapping` reads it.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// How it is written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,

    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write the history after this event as JSON Lines, for a system that missed some
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["format", "reveal"])]
    since: Option<i64>,

    #[command(flatten)]
    lists: ConsoleArgs,

    #[command(flatten)]
    force: ForceArg,

    /// Write the AuthTokens too, in the clear; that is recorded
    #[arg(long, requires_all = ["by", "reason", "output"])]
    reveal: bool,

    /// Who decides to reveal, for the record
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Name of this station in the record [default: the computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

pub(crate) fn run(args: &ExportArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    if let Some(file) = &args.output {
        Guard::of(&recipe, &args.recipe.recipe).allow_new(file, args.force.existing())?;
    }
    let actor = args::plain(Actor {
        station: args::station(args.station.as_deref()),
        by: args.by.clone(),
        reason: args.reason.clone(),
    })?;
    if args.lists.any() {
        if args.reveal || args.since.is_some() || args.output.is_some() {
            return Err(CliError::usage(
                "lists for the console are written alone: without -o, --since and --reveal",
            ));
        }
        return lists(args, &recipe, output);
    }
    if args.reveal {
        let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
        return reveal(args, &mut ledger, &actor, output);
    }
    // Nothing else of the record is sealed: no key is needed.
    let ledger = open_ledger::records(&recipe)?;
    if let Some(seq) = args.since {
        return history(&ledger, seq, args.out()?);
    }
    let mut out = args.out()?;
    let csv = |cells: Vec<String>| {
        let mut csv = csv::Writer::from_writer(Vec::new());
        // Memory takes what is written to it.
        let _ = csv.write_record(cells);
        csv.into_inner().unwrap_or_default()
    };
    let mut written = Ok(());
    if matches!(args.format, Format::Csv) {
        let headers = report::HEADERS.iter().map(|header| (*header).to_owned());
        written = out.write(&csv(headers.collect()));
    }
    let view = report::View::of(&ledger)?;
    ledger.units(&mut |unit| {
        if written.is_err() {
            return;
        }
        written = out.write(&match args.format {
            Format::Csv => csv(view.cells(&unit)),
            Format::Jsonl => format!("{}\n", view.object(&unit)).into_bytes(),
        });
    })?;
    written?;
    out.finish()?;
    Ok(0)
}

/// Writes the events after `seq`, one object per line.
fn history(ledger: &Ledger, seq: i64, mut out: Out) -> Result<u8, CliError> {
    let mut written = Ok(());
    ledger.events_since(seq, &mut |event| {
        let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
        let line = json!({
            "v": 1, "seq": event.seq, "at": event.at, "station": event.station,
            "kind": event.kind, "body": body, "event": event.hash.to_string(),
        });
        if written.is_ok() {
            written = out.write(format!("{line}\n").as_bytes());
        }
    })?;
    written?;
    out.finish()?;
    Ok(0)
}

impl ExportArgs {
    /// Opens what takes the record.
    fn out(&self) -> Result<Out, CliError> {
        Out::new(self.output.as_deref(), self.force.existing())
    }
}

/// Writes the lists for the console, by the record alone.
fn lists(args: &ExportArgs, recipe: &Recipe, output: &Output) -> Result<u8, CliError> {
    let existing = args.force.existing();
    args.lists
        .allow(&Guard::of(recipe, &args.recipe.recipe), existing)?;
    let ledger = open_ledger::records(recipe)?;
    let mut listed = Listed::default();
    ledger.tokens(&mut |token| {
        let named = |token: &TokenRecord| {
            let serial = token.holder.as_ref().map(|unit| unit.serial.clone());
            (token.fingerprint, serial)
        };
        if token.is_to_disclaim() {
            listed.disclaim.push(named(&token));
        }
        if token.is_burnt() {
            listed.delete.push(named(&token));
        }
    })?;
    args.lists.write(&ledger, &listed, existing, output)?;
    Ok(0)
}

/// Writes the AuthTokens in the clear, owner-only, after that is on record.
fn reveal(
    args: &ExportArgs,
    ledger: &mut Ledger,
    actor: &Actor,
    output: &Output,
) -> Result<u8, CliError> {
    let Some(file) = &args.output else {
        return Err(CliError::usage("--reveal needs a file: --output FILE"));
    };
    let mut units = Vec::new();
    ledger.units(&mut |unit| {
        // What it had is the next record's, free again, or burnt.
        if unit.state != UnitState::Superseded {
            units.push(unit);
        }
    })?;
    let failed = |error: io::Error| CliError::file("cannot write", file, &error);
    // Before secrets are on their way.
    let mut out = NewFile::create(file, Writable::Owner, args.force.existing())?;
    let revealed = ledger.revealed("export", actor)?;
    let mut count = 0usize;
    writeln!(out, "serial,state,fingerprint,auth_token").map_err(failed)?;
    for unit in units {
        let token = ledger.reveal(&unit.serial, &revealed)?;
        count += 1;
        write!(
            out,
            "{},{},{},",
            unit.serial,
            unit.state,
            unit.fingerprint.to_hex()
        )
        .and_then(|()| out.write_all(token.expose()))
        .and_then(|()| out.write_all(b"\n"))
        .map_err(failed)?;
    }
    out.finish()?;
    output.warning(format_args!(
        "{} holds {count} AuthTokens in the clear: remove it as soon as it has served",
        file.display()
    ));
    Ok(0)
}
