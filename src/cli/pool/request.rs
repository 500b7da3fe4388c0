//! `pool request`: the CSV that the console makes static tokens from.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use eol_inject::ledger::Actor;
use eol_inject::pool::{self, Request};
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::unit::Serial;
use serde_json::json;

use crate::cli::args::{ForceArg, RecipeArg, StationArgs};
use crate::cli::error::CliError;
use crate::cli::file::{self, Writable};
use crate::cli::guard::Guard;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::Output;
use crate::cli::report::grouped;
use crate::cli::{recipe, serials};

/// Most serials that are handed out for one request.
const MOST_NUMBERS: usize = 1_000_000;

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
pub(super) struct RequestArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// A file with one serial a line; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// Take this many new serials of the recipe's format; they are never handed out again
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Header of the serials, exactly as the template's metadata field [default: bind in [pool]]
    #[arg(long, value_name = "NAME")]
    header: Option<String>,

    /// A further column that is the same for every unit
    #[arg(long, value_name = "NAME=VALUE")]
    column: Vec<String>,

    /// Most rows in a file
    #[arg(long, value_name = "N", default_value_t = Request::ROWS)]
    rows: usize,

    /// The file to write; several get a number before the extension
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    force: ForceArg,

    #[command(flatten)]
    station: StationArgs,
}

pub(super) fn run(args: &RequestArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let bind = recipe.pool.as_ref().and_then(|pool| pool.bind.clone());
    let header = args.header.clone().or(bind).ok_or_else(|| {
        CliError::usage("which metadata field takes the serial: --header, or bind = in [pool]")
    })?;
    let mut fixed = Vec::new();
    for column in &args.column {
        let (name, value) = column
            .split_once('=')
            .ok_or_else(|| CliError::usage("--column is NAME=VALUE"))?;
        fixed.push((name.to_owned(), value.to_owned()));
    }
    // Before numbers are handed out for good.
    let guard = Guard::of(&recipe, &args.recipe.recipe);
    guard.allow(&args.output)?;
    let count = args.count.unwrap_or(0);
    if count > MOST_NUMBERS {
        return Err(CliError::usage(format!(
            "--count is at most {}: ask for more another time",
            grouped(MOST_NUMBERS)
        )));
    }
    let files = count.div_ceil(args.rows.max(1));
    for number in 1..=files {
        let path = numbered(&args.output, (files > 1).then_some(number));
        guard.allow_new(&path, args.force.existing())?;
    }
    let serials = match (&args.serials, args.count) {
        (Some(file), _) => serials::listed(file, &recipe)?,
        (None, count) => new_serials(&recipe, &args.station.actor()?, count.unwrap_or(0))?,
    };
    let wanted = Request {
        serial: header,
        fixed,
        rows: args.rows,
    };
    let files = pool::request(&wanted, &serials)?;
    let many = files.len() > 1;
    for (number, text) in (1..).zip(&files) {
        let path = numbered(&args.output, many.then_some(number));
        guard.allow(&path)?;
        let existing = args.force.existing();
        file::write(&path, text.as_bytes(), Writable::Anybody, existing)?;
        let rows = text.lines().count().saturating_sub(1);
        output.object(&json!({
            "v": 1, "kind": "request", "file": path.display().to_string(), "rows": rows,
        }));
        output.line(format_args!("{}: {rows} rows", path.display()));
    }
    output.note("upload it under Static Tokens, Create From File; then import what is exported");
    Ok(0)
}

/// Takes new serials from the ledger, so that no unit gets one of them otherwise.
fn new_serials(recipe: &Recipe, actor: &Actor, count: usize) -> Result<Vec<Serial>, CliError> {
    let format = match (recipe.serial.source, &recipe.serial.format) {
        (SerialSource::Next | SerialSource::Pool, Some(format)) => format,
        _ => {
            return Err(CliError::usage(
                "--count needs a format in [serial]: use --serials, or format = \"...{:06}\"",
            ));
        }
    };
    let mut ledger = open_ledger::ledger(recipe, actor, Missing::Create)?;
    Ok(ledger.next_serials(format, count)?)
}

/// Returns `tokens-2.csv` for the second of several files.
fn numbered(path: &Path, number: Option<usize>) -> PathBuf {
    let Some(number) = number else {
        return path.to_owned();
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}
