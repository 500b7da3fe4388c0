//! `label`: makes labels again, and compares what was scanned with the record.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};

use clap::{Args, Subcommand};
use eol_inject::deliver::Sync;
use eol_inject::label::{self, LabelFolder, Labels as _, Scan};
use eol_inject::ledger::{Entry, Ledger, LedgerError, UnitRecord, UnitState};
use eol_inject::unit::Serial;
use serde_json::json;

use super::context::{self, Missing};
use super::error::{CliError, exit};
use super::output::{BAD, GOOD, Output, count};
use super::{DecisionArgs, RecipeArg, StationArgs, verify};

/// What to do with labels.
#[derive(Args)]
pub(crate) struct LabelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the labels of this station's finished units that are missing or damaged
    Print(PrintArgs),
    /// Make one unit's label again, on record
    Reprint(ReprintArgs),
    /// Compare scanned labels with the record: lines of serial, Tab and scanned text on standard
    /// input; or the two on lines of their own, as a scanner types them
    Scan(ScanArgs),
}

#[derive(Args)]
struct PrintArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Make the labels of all stations' units; a label must not be stuck at two of them
    #[arg(long)]
    all_stations: bool,

    /// Whose units are meant [default: this computer's name]
    #[arg(long, value_name = "NAME", env = "EOL_STATION")]
    station: Option<String>,
}

#[derive(Args)]
struct ReprintArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
struct ScanArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    #[command(flatten)]
    station: StationArgs,
}

pub(crate) fn run(args: &LabelArgs, output: &Output) -> Result<u8, CliError> {
    match &args.command {
        Command::Print(args) => print(args, output),
        Command::Reprint(args) => reprint(args, output),
        Command::Scan(args) => scan(args, output),
    }
}

fn print(args: &PrintArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let ledger = context::records(&recipe)?;
    let folder = context::labels(&recipe, Sync::Durable);
    // Of the records that a serial had, the last one counts.
    let mut states = BTreeMap::new();
    let mut order = 0usize;
    ledger.units(&mut |unit: UnitRecord| {
        order += 1;
        let key = unit.serial.folded();
        states.insert(key, (order, unit.serial, unit.state, unit.station));
    })?;
    let own = context::station(args.station.as_deref());
    let mut elsewhere = 0usize;
    let mut units: Vec<_> = states.into_values().collect();
    units.sort();
    let mut code = 0;
    let mut made = 0usize;
    for (_, serial, state, station) in units {
        if is_burnt(state) {
            discard(&folder, &serial, output)?;
            continue;
        }
        if !args.all_stations && station != own {
            elsewhere += usize::from(verify::is_made(state));
            continue;
        }
        let Some(entry) = ledger.entry(&serial)? else {
            continue;
        };
        match folder.put(&entry) {
            Ok(false) => {}
            Ok(true) => {
                made += 1;
                told(&entry, &folder, output);
            }
            Err(error) => {
                let error = CliError::from(error);
                code = error.code;
                output.object(&json!({
                    "v": 1, "serial": serial.as_str(), "outcome": "fail", "error": error.json(),
                }));
                output.line(format_args!(
                    "{BAD}{serial}{BAD:#}  {error} ({})",
                    error.code
                ));
            }
        }
    }
    output.line(format_args!("{made} labels made"));
    if elsewhere > 0 {
        output.note(format_args!(
            "{} of other stations than {own} left out: --station NAME or --all-stations takes them",
            count(elsewhere, "unit")
        ));
    }
    Ok(code)
}

/// Removes the label files of a unit that has none any more.
pub(crate) fn discard(
    folder: &LabelFolder,
    serial: &Serial,
    output: &Output,
) -> Result<bool, CliError> {
    let found = folder.discard(serial)?;
    if found {
        let file = folder.picture(serial).display().to_string();
        output.object(&json!({ "v": 1, "serial": serial.as_str(), "removed": file }));
        output.line(format_args!(
            "{serial}  {file} is removed: it counts no more"
        ));
    }
    Ok(found)
}

pub(crate) fn told(entry: &Entry, folder: &LabelFolder, output: &Output) {
    let serial = &entry.record().serial;
    let file = folder.picture(serial).display().to_string();
    output.object(&json!({
        "v": 1, "serial": serial.as_str(), "outcome": "pass", "label": file,
    }));
    output.line(format_args!("{GOOD}{serial}{GOOD:#}  {file}"));
}

fn reprint(args: &ReprintArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let serial = recipe.serial.read(&args.serial)?;
    let actor = args.decision.actor()?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    finished(&*ledger, &serial)?;
    let entry = ledger.reprinted(&serial, &actor)?;
    let folder = context::labels(&recipe, Sync::Durable);
    folder.put(&entry)?;
    told(&entry, &folder, output);
    Ok(0)
}

/// Returns the entry of a finished unit.
fn finished(ledger: &dyn Ledger, serial: &Serial) -> Result<Entry, CliError> {
    if let Some(entry) = ledger.entry(serial)? {
        return Ok(entry);
    }
    match ledger.find(serial)? {
        Some(unit) => Err(CliError::new(
            exit::REFUSED,
            "unit-unfinished",
            format!("{serial} is {}: it has no label", unit.state),
        )),
        None => Err(LedgerError::NoUnit {
            serial: serial.clone(),
        }
        .into()),
    }
}

/// One comparison, told.
struct Pair {
    serial: Option<Serial>,
    code: u8,
    name: &'static str,
    message: String,
}

fn scan(args: &ScanArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = context::recipe(&args.recipe.recipe)?;
    let actor = args.station.actor()?;
    let mut ledger = context::ledger(&recipe, &actor, Missing::Refuse)?;
    let mut seen: BTreeMap<String, Serial> = BTreeMap::new();
    let mut code = 0;
    let (mut right, mut wrong) = (0usize, 0usize);
    let mut lines = io::stdin().lock().lines();
    while let Some(line) = lines.next() {
        let line = line.map_err(|error| CliError::file("cannot read", "-".as_ref(), &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let (serial, text) = match line.split_once(['\t', ',', ';']) {
            Some((serial, text)) => (serial.to_owned(), text.to_owned()),
            None => match lines.next() {
                Some(Ok(text)) => (line, text),
                _ => (line, String::new()),
            },
        };
        let pair = match recipe.serial.read(&serial) {
            Ok(serial) => compare(&mut *ledger, serial, &text, &mut seen, &actor)?,
            Err(error) => {
                let error = CliError::from(error);
                Pair {
                    serial: None,
                    code: error.code,
                    name: error.name,
                    message: error.message,
                }
            }
        };
        if pair.code == 0 {
            right += 1;
        } else {
            wrong += 1;
        }
        if code == 0 {
            code = pair.code;
        }
        tell(&pair, output);
    }
    output.line(format_args!("{right} labels right, {wrong} wrong"));
    Ok(code)
}

fn tell(pair: &Pair, output: &Output) {
    let serial = pair.serial.as_ref().map_or("?", Serial::as_str);
    let pass = pair.code == 0;
    output.object(&json!({
        "v": 1,
        "serial": pair.serial.as_ref().map(Serial::as_str),
        "outcome": if pass { "pass" } else { "fail" },
        "error": (!pass).then(|| json!({
            "code": pair.code, "name": pair.name, "message": pair.message,
        })),
    }));
    if pass {
        output.line(format_args!(
            "{GOOD}PASS{GOOD:#}  {serial:<14} {}",
            pair.message
        ));
    } else {
        output.line(format_args!(
            "{BAD}FAIL{BAD:#}  {serial:<14} {} ({})",
            pair.message, pair.code
        ));
    }
}

/// Returns whether a token that the unit had is burnt.
const fn is_burnt(state: UnitState) -> bool {
    matches!(state, UnitState::Void | UnitState::Superseded)
}

/// Compares one scan with the record, and records a right one.
fn compare(
    ledger: &mut dyn Ledger,
    serial: Serial,
    text: &str,
    seen: &mut BTreeMap<String, Serial>,
    actor: &eol_inject::ledger::Actor,
) -> Result<Pair, CliError> {
    let told = |code, name, message: &str| Pair {
        serial: Some(serial.clone()),
        code,
        name,
        message: message.to_owned(),
    };
    let owner = label::scanned(text).map(|code| ledger.owner(&code));
    let owner = owner.transpose()?.flatten();
    if let Some(owner) = owner.as_ref().filter(|owner| is_burnt(owner.state)) {
        let message = format!(
            "the label was {}'s, whose token was burnt on {}: destroy the label",
            owner.serial, owner.at
        );
        return Ok(told(exit::LABEL, "label-burnt", &message));
    }
    let other = owner
        .as_ref()
        .filter(|owner| owner.serial.folded() != serial.folded());
    let whose = match other {
        Some(other) => format!("the label is {}'s", other.serial),
        None => "the label is no unit's of this ledger".to_owned(),
    };
    let wrong = format!("{whose}: take it off, and quarantine the unit");
    let entry = match finished(ledger, &serial) {
        Ok(entry) => entry,
        Err(error) if error.code == exit::REFUSED && other.is_some() => {
            let message = format!("{wrong}; {}", error.message);
            return Ok(told(exit::LABEL, "label-other", &message));
        }
        Err(error) if error.code == exit::REFUSED => {
            return Ok(told(error.code, error.name, &error.message));
        }
        Err(error) => return Err(error),
    };
    match label::scan(&entry, text)? {
        Scan::Matches => {}
        Scan::DoesNotMatch => return Ok(told(exit::LABEL, "label-other", &wrong)),
        Scan::Secret => {
            return Ok(told(
                exit::LABEL,
                "label-auth-token",
                "the label shows an AuthToken, a secret: destroy the label (the text is not repeated)",
            ));
        }
        Scan::NotALabel => {
            return Ok(told(
                exit::LABEL,
                "label-unknown",
                "what was scanned is no QR Token: scan the label's QR symbol",
            ));
        }
    }
    // The same symbol on two units: the record cannot show it, this pile can.
    let symbol = text.trim().to_owned();
    if let Some(other) = seen.get(&symbol)
        && other.folded() != serial.folded()
    {
        let message = format!("the same label is on {other} too");
        return Ok(told(exit::LABEL, "label-twice", &message));
    }
    seen.insert(symbol, serial.clone());
    let entry = ledger.labelled(&serial, actor)?;
    let message = format!("label matches token {}", entry.record().fingerprint);
    Ok(told(0, "pass", &message))
}
