//! `ledger`: looks into the record, and corrects it with a name and a reason.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use eol_inject::ledger::{Actor, Ledger as _, LedgerError, UnitRecord, UnitState};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;
use serde_json::{Value, json};

use super::context::{self, Missing, Writable};
use super::error::{CliError, exit};
use super::guard::Guard;
use super::output::{BAD, GOOD, Output};
use super::{DecisionArgs, RecipeArg, export};

/// What to do with the record.
#[derive(Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List units
    List(ListArgs),
    /// Show everything about one unit
    Show(ShowArgs),
    /// Settle a unit in doubt by reading its board, which must be on the fixture
    Resolve(super::board::ResolveArgs),
    /// Take back a claim that no delivery started for: its token is free again
    Release(CorrectArgs),
    /// Burn a unit's token: it is never handed out again, and the serial is refused
    Void(CorrectArgs),
    /// Write the record as CSV or JSON Lines, without secrets unless asked
    Export(ExportArgs),
    /// Replay the history against the record, and check every sum and uniqueness
    Audit(AuditArgs),
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Only units in this state
    #[arg(long, value_name = "STATE")]
    state: Option<UnitState>,
}

#[derive(Args)]
struct ShowArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(allow_hyphen_values = true)]
    serial: String,
}

#[derive(Args)]
struct CorrectArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    #[command(flatten)]
    decision: DecisionArgs,
}

/// How the record is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A table for spreadsheets; `verify --mapping` reads it.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

#[derive(Args)]
struct ExportArgs {
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

#[derive(Args)]
struct AuditArgs {
    #[command(flatten)]
    recipe: RecipeArg,
}

pub(crate) fn run(args: LedgerArgs, output: &Output) -> Result<u8, CliError> {
    match args.command {
        Command::List(args) => list(&args, output),
        Command::Show(args) => show(&args, output),
        Command::Resolve(args) => super::board::resolve(&args, output),
        Command::Release(args) => release(&args, output),
        Command::Void(args) => void(&args, output),
        Command::Export(args) => write(&args, output),
        Command::Audit(args) => audit(&args, output),
    }
}

fn serial(recipe: &Recipe, text: &str) -> Result<Serial, CliError> {
    Ok(recipe.serial.read(text)?)
}

fn list(args: &ListArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    output.line(format_args!(
        "{:<20} {:<10} {:<12}  {:<20}  {}",
        "serial", "state", "token", "at", "station"
    ));
    ledger.units(&mut |unit| {
        if args.state.is_none_or(|state| state == unit.state) {
            output.object(&export::object(&unit));
            let at: String = unit.at.chars().take(19).collect();
            output.line(format_args!(
                "{:<20} {:<10} {:<12}  {at:<20}  {}",
                unit.serial,
                unit.state.to_string(),
                unit.fingerprint,
                unit.station,
            ));
        }
    })?;
    Ok(0)
}

fn show(args: &ShowArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let serial = serial(&recipe, &args.serial)?;
    let ledger = context::records(&recipe)?;
    let unit = ledger.find(&serial)?;
    let unit = unit.ok_or(LedgerError::NoUnit {
        serial: serial.clone(),
    })?;
    let history = ledger.history(&serial)?;
    let mut object = export::object(&unit);
    let events: Vec<Value> = history
        .iter()
        .map(|event| {
            json!({
                "seq": event.seq, "at": event.at, "station": event.station, "kind": event.kind,
                "body": serde_json::from_str::<Value>(&event.body).ok(),
                "hash": event.hash.to_string(),
            })
        })
        .collect();
    if let Value::Object(map) = &mut object {
        map.insert("history".to_owned(), Value::Array(events));
    }
    output.object(&object);
    for (name, cell) in export::HEADERS.iter().zip(export::cells(&unit)) {
        if !cell.is_empty() {
            output.line(format_args!("{name:<14} {cell}"));
        }
    }
    output.line("history");
    for event in history {
        let at: String = event.at.chars().take(19).collect();
        output.line(format_args!(
            "  {:>6}  {at}  {:<10} {}  {}",
            event.seq,
            event.kind,
            event.station,
            told(&event.body)
        ));
    }
    Ok(0)
}

/// Returns what people want to read of an event: not the digests, which `--json` shows.
fn told(body: &str) -> String {
    const SHOWN: [&str; 9] = [
        "epoch", "target", "uid", "durable", "name", "message", "touched", "by", "reason",
    ];
    let Ok(Value::Object(body)) = serde_json::from_str(body) else {
        return String::new();
    };
    let shown = SHOWN.iter().filter_map(|key| {
        let value = body.get(*key)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(format!("{key} {text}"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn release(args: &CorrectArgs, output: &Output) -> Result<u8, CliError> {
    let unit = correct(args, |ledger, serial, actor| ledger.release(serial, actor))?;
    output.object(&export::object(&unit));
    output.line(format_args!(
        "{} is released; its token {} is free again",
        unit.serial, unit.fingerprint
    ));
    Ok(0)
}

fn void(args: &CorrectArgs, output: &Output) -> Result<u8, CliError> {
    let unit = correct(args, |ledger, serial, actor| ledger.void(serial, actor))?;
    output.object(&export::object(&unit));
    output.line(format_args!(
        "{} is void; its token {} is burnt: delete it in the console, and scrap its label",
        unit.serial, unit.fingerprint
    ));
    Ok(0)
}

fn correct(
    args: &CorrectArgs,
    act: impl FnOnce(
        &mut eol_inject::ledger::Sqlite,
        &Serial,
        &Actor,
    ) -> Result<UnitRecord, LedgerError>,
) -> Result<UnitRecord, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let serial = serial(&recipe, &args.serial)?;
    let actor = args.decision.actor()?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    Ok(act(&mut ledger, &serial, &actor)?)
}

fn write(args: &ExportArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    if let Some(file) = &args.output {
        Guard::of(&recipe, &args.recipe.recipe).allow(file)?;
    }
    let actor = context::plain(Actor {
        station: context::station(args.station.as_deref()),
        by: args.by.clone(),
        reason: args.reason.clone(),
    })?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    if args.reveal {
        return reveal(args, &mut ledger, &actor, output);
    }
    if let Some(seq) = args.since {
        return export::history(&ledger, seq, args.output.as_deref());
    }
    let failed = |error: io::Error| {
        let file = args.output.clone().unwrap_or_else(|| "-".into());
        CliError::file("cannot write", &file, &error)
    };
    let mut out: Box<dyn Write> = match &args.output {
        Some(file) => Box::new(context::create(file, Writable::Anybody).map_err(failed)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut written: io::Result<()> = Ok(());
    let mut csv = csv::Writer::from_writer(Vec::new());
    if matches!(args.format, Format::Csv) {
        written = csv.write_record(export::HEADERS).map_err(io::Error::other);
    }
    ledger.units(&mut |unit| {
        if written.is_err() {
            return;
        }
        written = match args.format {
            Format::Csv => csv
                .write_record(export::cells(&unit))
                .map_err(io::Error::other),
            Format::Jsonl => writeln!(out, "{}", export::object(&unit)),
        };
    })?;
    written.map_err(failed)?;
    let table = csv
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    out.write_all(&table)
        .and_then(|()| out.flush())
        .map_err(failed)?;
    Ok(0)
}

/// Writes the AuthTokens in the clear, owner-only, after that is on record.
fn reveal(
    args: &ExportArgs,
    ledger: &mut eol_inject::ledger::Sqlite,
    actor: &Actor,
    output: &Output,
) -> Result<u8, CliError> {
    let Some(file) = &args.output else {
        return Err(CliError::usage("--reveal needs a file: --output FILE"));
    };
    let mut units = Vec::new();
    ledger.units(&mut |unit| units.push(unit))?;
    let revealed = ledger.revealed("export", actor)?;
    let failed = |error: io::Error| CliError::file("cannot write", file, &error);
    let mut out = context::create(file, Writable::Owner).map_err(failed)?;
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
    out.sync_all().map_err(failed)?;
    output.warning(format_args!(
        "{} holds {count} AuthTokens in the clear: remove it as soon as it has served",
        file.display()
    ));
    Ok(0)
}

fn audit(args: &AuditArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    let audit = ledger.audit()?;
    for (station, seq, hash) in &audit.heads {
        output.object(&json!({
            "v": 1, "kind": "head", "station": station, "seq": seq, "hash": hash.to_string(),
        }));
        output.line(format_args!("head   {station}  event {seq}  {hash}"));
    }
    for finding in &audit.findings {
        output.object(&json!({
            "v": 1, "kind": "finding", "about": finding.about, "what": finding.what,
        }));
        output.line(format_args!(
            "{BAD}{}{BAD:#}  {}",
            finding.about, finding.what
        ));
    }
    output.object(&json!({
        "v": 1, "kind": "audit", "events": audit.events, "units": audit.units,
        "tokens": audit.tokens, "findings": audit.findings.len(),
    }));
    let counts = format!(
        "{} events, {} units, {} tokens",
        audit.events, audit.units, audit.tokens
    );
    if audit.findings.is_empty() {
        output.line(format_args!("{GOOD}clean{GOOD:#}  {counts}"));
        output.note("a record cut off at its end shows only against a head kept elsewhere");
        return Ok(0);
    }
    output.line(format_args!("{counts}: {} findings", audit.findings.len()));
    Ok(exit::DIFFERS)
}
