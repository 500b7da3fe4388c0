//! `ledger show`: everything about one unit.

use clap::{ArgGroup, Args};
use eol_inject::ledger::{LedgerError, UnitError};
use serde_json::{Value, json};

use crate::cli::args::RecipeArg;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::{open_ledger, recipe, report};

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serial", "unit"])))]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: Option<String>,

    /// The unit, as it was named before `--serial`
    #[arg(value_name = "SERIAL", allow_hyphen_values = true, hide = true)]
    unit: Option<String>,
}

pub(crate) fn run(args: &ShowArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let serial = args.serial.as_ref().or(args.unit.as_ref());
    let serial = serial.map_or("", String::as_str);
    let serial = open_ledger::on_record(&recipe, &ledger, serial)?;
    let unit = ledger.find(&serial)?;
    let unit = unit.ok_or(LedgerError::Unit(UnitError::NoUnit {
        serial: serial.clone(),
    }))?;
    let history = ledger.history(&serial)?;
    let view = report::View::of(&ledger)?;
    let mut object = view.object(&unit);
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
    let state = match view.word() {
        "" => report::state(&unit),
        word => format!("{}, {word}: nothing of it is real", report::state(&unit)),
    };
    for (name, cell) in report::HEADERS.iter().zip(view.cells(&unit)) {
        let cell = if *name == "state" {
            state.clone()
        } else {
            cell
        };
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
            event_words(&event.body)
        ));
    }
    Ok(0)
}

/// Returns what people want to read of an event: not the digests, which `--json` shows.
fn event_words(body: &str) -> String {
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
