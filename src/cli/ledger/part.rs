//! `ledger split`, `return` and `merge`: stations without network.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use eol_inject::ledger::{
    Actor, Handing, Ledger, LedgerError, Part, PartError, PartFile, Recipient, Share, Sqlite,
    StorageError,
};
use eol_inject::recipe::{Recipe, SerialSource};
use serde_json::{Value, json};

use crate::cli::args::{self, DecisionArgs, RecipeArg, StationArgs};
use crate::cli::error::{CliError, exit};
use crate::cli::guard::Guard;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::{BAD, GOOD, Output, WARN, count};
use crate::cli::{file, ledger_key, neighbours, recipe, report};

#[derive(Args)]
#[command(group(ArgGroup::new("share").required(true).args(["count", "serials"])))]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The station that the part is for
    #[arg(long, value_name = "NAME")]
    station: String,

    /// The station's public key, as `ledger key new --station` made it there
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// Give so many tokens, with as many serials where the recipe or the token list has them
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Give these serials, one a line, each with a token; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// The file to write: the part's ledger
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Name of this station in the record [default: the computer's name]
    #[arg(long = "as", value_name = "NAME", env = "EOL_STATION")]
    own: Option<String>,

    /// Who hands it out, for the record
    #[arg(long, value_name = "NAME", env = "EOL_OPERATOR")]
    operator: Option<String>,
}

#[derive(Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The part's ledger, as it came back
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    station: StationArgs,
}

#[derive(Args)]
pub(crate) struct ReturnArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The file to write: the part as it goes back
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Bring back what this file knows, without closing the part: it is a copy, or its last hours are
    /// lost
    #[arg(long)]
    open: bool,

    #[command(flatten)]
    station: StationArgs,
}

pub(crate) fn split(args: &SplitArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    Guard::of(&recipe, &args.recipe.recipe).allow(&args.output)?;
    let to = public_key(&args.to)?;
    let actor = args::plain(Actor {
        station: args::station(args.own.as_deref()),
        by: args.operator.clone(),
        reason: None,
    })?;
    let station = args::plain(Actor {
        station: args.station.clone(),
        ..actor.clone()
    })?
    .station;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    if let Some((file, part)) = PartFile::left_over(&args.output, &ledger.parts()?)? {
        // A cut came between the record and the name.
        file.release()?;
        announce(&part, &args.output, output);
        return Ok(0);
    }
    if args.output.symlink_metadata().is_ok() {
        // Before tokens go away: what would be written over may be a part.
        let error = std::io::ErrorKind::AlreadyExists.into();
        return Err(CliError::file("cannot write", &args.output, &error));
    }
    neighbours::refuse(&recipe, &ledger, None)?;
    let share = share(args, &recipe)?;
    let handing = ledger.split((&station, &to), &share, &actor)?;
    if handing.resumed() {
        output.note(format_args!(
            "part {} was begun before and is finished now",
            handing.part().number
        ));
    }
    let part = hand_out(args, &recipe, &mut ledger, &handing, &actor);
    let part = part.map_err(|error| {
        let part = handing.part();
        let again = format!(
            "the {} of part {} are away; the same command goes on with it",
            count(part.tokens, "token"),
            part.number
        );
        error.with_hint(Some(&again))
    })?;
    announce(&part, &args.output, output);
    Ok(0)
}

/// Makes the file, records that it leaves, and gives it its name: in this order.
fn hand_out(
    args: &SplitArgs,
    recipe: &Recipe,
    ledger: &mut Ledger,
    handing: &Handing,
    actor: &Actor,
) -> Result<Part, CliError> {
    let scope = open_ledger::scope(recipe);
    let file = PartFile::make(&args.output, &scope, handing, actor)?;
    match ledger.handed(handing.part().number, actor) {
        Ok(part) => {
            file.release()?;
            Ok(part)
        }
        Err(error) => {
            if matches!(error, LedgerError::Part(PartError::PartState { .. })) {
                file.discard();
            }
            Err(error.into())
        }
    }
}

fn announce(part: &Part, file: &Path, output: &Output) {
    let key = part.to.as_ref().map(Recipient::id).unwrap_or_default();
    let mut told = report::part_object(part);
    if let Value::Object(map) = &mut told {
        map.insert("file".to_owned(), json!(file.display().to_string()));
        map.insert("key".to_owned(), json!(key));
    }
    output.object(&told);
    output.line(format_args!(
        "part {} for station {}: {}{}, in {}",
        part.number,
        part.station,
        count(part.tokens, "token"),
        report::serials_of(part),
        file.display(),
    ));
    output.note(format_args!(
        "only the station with the key {key} opens it, and only if its recipe names this ledger as home \
         (eol-inject ledger key show-id); take this one file there and keep no copy"
    ));
}

fn public_key(file: &Path) -> Result<Recipient, CliError> {
    let bytes = file::read(file, exit::RECIPE, "the station's public key")?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    Recipient::parse(&text).ok_or_else(|| {
        CliError::new(
            exit::RECIPE,
            "station-key",
            format!(
                "{} is no station's public key: make one there with eol-inject ledger key new --station",
                file.display()
            ),
        )
    })
}

/// Returns what the recipe's kind of serials makes of the arguments.
fn share(args: &SplitArgs, recipe: &Recipe) -> Result<Share, CliError> {
    if let Some(file) = &args.serials {
        return Ok(Share::Serials(crate::cli::serials::listed(file, recipe)?));
    }
    let wanted = args.count.unwrap_or(0);
    Ok(match (recipe.serial.source, &recipe.serial.format) {
        (SerialSource::Next, Some(format)) => Share::Counted(wanted, format.clone()),
        (SerialSource::Pool, _) => Share::Bound(wanted),
        _ => Share::Loose(wanted),
    })
}

pub(crate) fn give_back(args: &ReturnArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    Guard::of(&recipe, &args.recipe.recipe).allow(&args.output)?;
    let actor = args.station.actor()?;
    let file = open_ledger::file(&recipe)?;
    if args.output.symlink_metadata().is_ok() {
        // Before the part is closed: nobody goes on with it then.
        let path = args.output.clone();
        return Err(LedgerError::Storage(StorageError::Occupied { path }).into());
    }
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    if !args.open {
        ledger.close_part(&actor)?;
    }
    let of = ledger
        .part_of()?
        .ok_or(LedgerError::Part(PartError::NotAPart))?;
    drop(ledger);
    let (scope, place) = (open_ledger::scope(&recipe), ledger_key::place(&recipe));
    Sqlite::give_back(&file, &args.output, &scope, &place)?;
    output.object(&json!({
        "v": 1, "kind": "return", "part": of.part.number, "id": of.part.id, "closed": of.closed,
        "file": args.output.display().to_string(),
    }));
    let (number, file) = (of.part.number, args.output.display());
    match of.closed {
        true => output.line(format_args!(
            "part {number} is closed and gives no token any more; {file} goes back"
        )),
        false => output.line(format_args!(
            "part {number} is not closed: what {file} does not tell stays set aside at home"
        )),
    }
    Ok(0)
}

pub(crate) fn merge(args: &MergeArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.station.actor()?;
    let about = |error: LedgerError| CliError::from(error).about_file(&args.file);
    let part = Sqlite::inspect_sealed(&args.file, &open_ledger::scope(&recipe)).map_err(about)?;
    let back = part.bring_back().map_err(about)?;
    drop(part);
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let merge = match ledger.merge(&back, &actor) {
        Ok(merge) => merge,
        Err(LedgerError::Part(PartError::PartConflict {
            part,
            first,
            findings,
        })) => {
            for finding in &findings {
                output.object(&json!({
                    "v": 1, "kind": "finding", "about": finding.about, "what": finding.what,
                }));
                output.line(format_args!(
                    "{BAD}{}{BAD:#}  {}",
                    finding.about, finding.what
                ));
            }
            return Err(LedgerError::Part(PartError::PartConflict {
                part,
                first,
                findings,
            })
            .into());
        }
        Err(error) => return Err(error.into()),
    };
    output.object(&json!({
        "v": 1, "kind": "merge", "part": merge.part.number, "id": merge.part.id,
        "units": merge.units, "free": merge.free, "quarantined": merge.quarantined,
        "already": merge.already,
    }));
    let number = merge.part.number;
    if merge.already {
        output.line(format_args!(
            "part {number} was merged before: nothing changed"
        ));
        return Ok(0);
    }
    output.line(format_args!(
        "{GOOD}part {number} is merged{GOOD:#}: {}, {} free again",
        count(merge.units, "unit"),
        count(merge.free, "token"),
    ));
    if merge.part.open {
        output.warning(format_args!(
            "the part was not closed by {WARN}ledger return{WARN:#}: {} may be on boards that the file does not know; \
             they stay aside, and its serials are refused, until {WARN}ledger clear{WARN:#}",
            count(merge.quarantined, "token"),
        ));
    }
    Ok(0)
}

/// Burns the tokens of a part.
pub(crate) fn void(
    recipe: &RecipeArg,
    number: i64,
    decision: &DecisionArgs,
    output: &Output,
) -> Result<u8, CliError> {
    let recipe = recipe::read(&recipe.recipe)?;
    let actor = decision.actor()?;
    let mut ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let part = ledger.void_part(number, &actor)?;
    output.object(&report::part_object(&part));
    output.line(format_args!(
        "part {} of station {} is void; its {} are burnt: delete them in the console",
        part.number,
        part.station,
        count(part.tokens, "token"),
    ));
    Ok(0)
}
