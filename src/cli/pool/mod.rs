//! `pool`: takes tokens in, counts, requests and generates them.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use eol_inject::ledger::{Actor, Simulated};
use eol_inject::pool::{self, Request, Trial};
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::unit::Serial;
use serde_json::json;

use super::args::ForceArg;
use super::args::{DecisionArgs, RecipeArg, StationArgs};
use super::error::{CliError, exit};
use super::file::Writable;
use super::guard::Guard;
use super::open_ledger::Missing;
use super::output::{GOOD, Output, WARN};
use super::report::grouped;
use super::token_list::Misfits;
use super::trial;
use super::{file, open_ledger, recipe, report, token_list};

mod reconcile;

/// Most serials that are handed out for one request.
const MOST_NUMBERS: usize = 1_000_000;

/// What to do with tokens.
#[derive(Args)]
pub(crate) struct PoolArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take token lists into the ledger: zip or folder of an export, CSV, or saved API pages
    Import(ImportArgs),
    /// Count tokens by state
    Status(StatusArgs),
    /// Compare all tokens of the cloud with the ledger's, and list what to do in the console
    Reconcile(reconcile::ReconcileArgs),
    /// Write the CSV that the console makes static tokens from
    Request(RequestArgs),
    /// Make trial tokens, in the shape of an export; no cloud knows them
    Generate(GenerateArgs),
}

#[derive(Args)]
struct ImportArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The lists; one that was taken in before changes nothing [default: file in [pool]]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Their tokens are on devices already that this ledger does not know: never hand one out
    #[arg(long)]
    used: bool,

    /// Decide that their tokens are on no unit, though the ledger cannot know: it stands in the place
    /// of a lost one, or units of another ledger lie beside it
    #[arg(long, conflicts_with = "used", requires_all = ["by", "reason"])]
    unused: bool,

    /// Who decides, for the record
    #[arg(long, value_name = "NAME", requires = "unused")]
    by: Option<String>,

    /// Why, for the record
    #[arg(long, value_name = "TEXT", requires = "unused")]
    reason: Option<String>,

    #[command(flatten)]
    station: StationArgs,
}

#[derive(Args)]
struct StatusArgs {
    #[command(flatten)]
    recipe: RecipeArg,
}

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
struct RequestArgs {
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

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
struct GenerateArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Make this many tokens for any serial
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Make a token for each serial of this file, one a line; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// Organisation in the QR Tokens
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    organisation: u32,

    /// The zip to write, owner-only: it holds the secrets
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    force: ForceArg,
}

impl ImportArgs {
    /// Returns who takes the lists in, and why where that is a decision.
    fn actor(&self) -> Result<Actor, CliError> {
        let (Some(by), Some(reason)) = (&self.by, &self.reason) else {
            return self.station.actor();
        };
        let decision = DecisionArgs {
            by: by.clone(),
            reason: reason.clone(),
            station: self.station.station.clone(),
        };
        decision.actor()
    }

    /// Returns the lists that are meant: those named, else the recipe's.
    fn files(&self, recipe: &Recipe) -> Result<Vec<PathBuf>, CliError> {
        if !self.files.is_empty() {
            return Ok(self.files.clone());
        }
        // Which tokens are on devices already is said by a list of its own.
        let file = recipe.pool.as_ref().and_then(|pool| pool.file.as_ref());
        match file.filter(|_| !self.used) {
            Some(file) => Ok(vec![recipe.path(file)]),
            None => Err(CliError::usage(
                "no list is named: eol-inject pool import FILE, or file = \"...\" under [pool] in the recipe",
            )),
        }
    }
}

impl PoolArgs {
    /// Returns whether nothing is lost when it ends early.
    pub(crate) const fn only_looks(&self) -> bool {
        matches!(self.command, Command::Status(_))
    }

    /// Returns whether a list is taken in.
    pub(crate) const fn imports(&self) -> bool {
        matches!(self.command, Command::Import(_))
    }
}

pub(crate) fn run(args: PoolArgs, output: &Output) -> Result<u8, CliError> {
    match args.command {
        Command::Import(args) => import(&args, output),
        Command::Status(args) => status(&args, output),
        Command::Reconcile(args) => reconcile::run(&args, output),
        Command::Request(args) => request(&args, output),
        Command::Generate(args) => generate(&args, output),
    }
}

fn import(args: &ImportArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.actor()?;
    // All lists are read before the first is taken in: a wrong one leaves the ledger as it was.
    let mut lists = Vec::new();
    for file in args.files(&recipe)? {
        let list = match args.used {
            true => token_list::used(&file)?,
            false => token_list::read(&file, &recipe)?,
        };
        let faults = match args.used {
            // What is used is given to no unit.
            true => Misfits::default(),
            false => Misfits::serials(&recipe, &list),
        };
        if let Some(error) = faults.errors().next() {
            return Err(error.about_file(&file));
        }
        let list = match args.unused {
            true => list.unused(),
            false => list,
        };
        lists.push((file, list));
    }
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Create)?;
    for (file, list) in lists {
        let import = ledger
            .import(&list, &actor)
            .map_err(|error| CliError::from(error).about(file.display()))?;
        for note in token_list::notes(&recipe, &list) {
            output.warning(note);
        }
        output.object(&json!({
            "v": 1, "kind": "import", "file": file.display().to_string(), "added": import.added,
            "known": import.known, "gone": import.gone, "completed": import.completed,
            "kept": import.kept,
        }));
        output.line(format_args!(
            "{}: {} new tokens, {} known, {} of the new ones claimed already",
            file.display(),
            grouped_usize(import.added),
            grouped_usize(import.known),
            grouped_usize(import.gone),
        ));
        if import.completed > 0 {
            output.line(format_args!(
                "  {} of the known ones were completed: QR Token, organisation, picture or columns",
                grouped_usize(import.completed)
            ));
        }
        if import.kept > 0 {
            output.warning(format_args!(
                "{} of the known ones have another picture or column in this list: what was known first stays",
                grouped_usize(import.kept)
            ));
        }
    }
    let stock = ledger.stock()?;
    output.line(format_args!("{} tokens are free", grouped(stock.free)));
    Ok(0)
}

fn grouped_usize(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}

fn status(args: &StatusArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let ledger = open_ledger::records(&recipe)?;
    let stock = ledger.stock()?;
    output.object(&json!({
        "v": 1, "kind": "stock", "product": recipe.product, "free": stock.free,
        "bound": stock.bound, "void": stock.void, "gone": stock.gone, "away": stock.away,
        "quarantined": stock.quarantined, "pictures": stock.pictures,
        "simulated": stock.simulated == Some(Simulated::Yes),
    }));
    let style = if stock.free == 0 { WARN } else { GOOD };
    output.line(format_args!(
        "{}: {style}{} tokens free{style:#}, {} bound to units, {} void, {} gone; {} with a picture",
        recipe.product,
        grouped(stock.free),
        grouped(stock.bound),
        grouped(stock.void),
        grouped(stock.gone),
        grouped(stock.pictures),
    ));
    if stock.simulated == Some(Simulated::Yes) {
        output.line(format_args!(
            "  {WARN}SIMULATED{WARN:#}: no unit of this ledger is real"
        ));
    }
    if stock.away > 0 {
        output.line(format_args!(
            "  {} away in parts, at stations without network",
            grouped(stock.away)
        ));
    }
    if stock.quarantined > 0 {
        output.line(format_args!(
            "  {WARN}{} set aside{WARN:#}, as nobody knows what became of them: eol-inject ledger clear",
            grouped(stock.quarantined)
        ));
    }
    for part in ledger.parts()? {
        output.object(&report::part_object(&part));
        output.line(format_args!("  {}", report::part_line(&part)));
    }
    Ok(if stock.free == 0 { exit::POOL_EMPTY } else { 0 })
}

fn request(args: &RequestArgs, output: &Output) -> Result<u8, CliError> {
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
            grouped_usize(MOST_NUMBERS)
        )));
    }
    let files = count.div_ceil(args.rows.max(1));
    for number in 1..=files {
        let path = numbered(&args.output, (files > 1).then_some(number));
        guard.allow_new(&path, args.force.existing())?;
    }
    let serials = match (&args.serials, args.count) {
        (Some(file), _) => super::serials::listed(file, &recipe)?,
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
        let how = (Writable::Anybody, args.force.existing());
        file::write(&path, text.as_bytes(), how)?;
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

fn generate(args: &GenerateArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let bind = recipe.pool.as_ref().and_then(|pool| pool.bind.clone());
    let (serials, bind) = match (&args.serials, args.count) {
        (Some(file), _) => {
            let serials = super::serials::listed(file, &recipe)?;
            let header = bind.unwrap_or_else(|| "Serial Number".to_owned());
            (serials, Some(header))
        }
        (None, count) => (trial::placeholders(count.unwrap_or(0))?, None),
    };
    let existing = args.force.existing();
    Guard::of(&recipe, &args.recipe.recipe).allow_new(&args.output, existing)?;
    let trial = Trial {
        organisation: args.organisation,
        bind,
    };
    trial::make(&trial, &serials, (&args.output, existing))?;
    output.object(&json!({
        "v": 1, "kind": "generate", "file": args.output.display().to_string(),
        "tokens": serials.len(),
    }));
    output.line(format_args!(
        "{}: {} trial tokens; a ledger takes either these or exported ones",
        args.output.display(),
        serials.len(),
    ));
    Ok(0)
}
