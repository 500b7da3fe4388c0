//! `ledger handoff`: a block of units for a programmer that works alone, one line each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use eol_inject::handoff::{self, Programmer};
use eol_inject::image::Address;
use eol_inject::label::{LabelFolder, Labels as _};
use eol_inject::ledger::{
    Actor, Entry, Failure, Ledger, Receipt, Simulated, UnitRecord, UnitState,
};
use eol_inject::line::block::{Block, BlockUnit, Unfit};
use eol_inject::master::Master;
use eol_inject::pool::neutral;
use eol_inject::recipe::Recipe;
use eol_inject::target::{Folder, Sync};
use eol_inject::unit::Serial;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::args::{DecisionArgs, ForceArg, RecipeArg};
use crate::cli::error::{CliError, exit};
use crate::cli::file::Writable;
use crate::cli::file::judged;
use crate::cli::guard::Guard;
use crate::cli::open_ledger::Missing;
use crate::cli::output::{Output, count};
use crate::cli::{file, firmware, gate, neighbours, open_ledger, recipe, serials, token_list};

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Patches.txt of a stand-alone SEGGER Flasher; lines are counted from 0, as Serial.txt does
    Flasher,
    /// Serialization from file of Elnec's PG4UW; each line is labelled with its serial
    Pg4uw,
}

/// Which units, for which programmer, who decides, and why.
#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
pub(crate) struct HandoffArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Whose file it is
    #[arg(long, value_enum)]
    format: Format,

    /// A file with one serial a line; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// Take this many units: this station's open claims first, then new serials
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// The load address that stands at address 0 of PG4UW's buffer
    /// [default: 0]
    #[arg(long, value_name = "ADDRESS")]
    buffer_base: Option<Address>,

    /// The file for the programmer, owner-only: it holds AuthTokens in the clear
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The list that says which unit each line is, without secrets; fill in its results, or give
    /// it to `ledger confirm --block`
    #[arg(long, value_name = "CSV")]
    block: PathBuf,

    #[command(flatten)]
    force: ForceArg,

    #[command(flatten)]
    decision: DecisionArgs,
}

impl HandoffArgs {
    const fn programmer(&self) -> Programmer {
        match (self.format, self.buffer_base) {
            (Format::Flasher, _) => Programmer::Flasher,
            (Format::Pg4uw, Some(base)) => Programmer::Pg4uw { base },
            (Format::Pg4uw, None) => Programmer::Pg4uw {
                base: Address::new(0),
            },
        }
    }
}

pub(crate) fn run(args: &HandoffArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    if args.format == Format::Flasher && args.buffer_base.is_some() {
        return Err(CliError::usage(
            "--buffer-base goes with --format pg4uw only",
        ));
    }
    if args.output == args.block {
        return Err(CliError::usage("-o and --block name one file"));
    }
    let guard = Guard::of(&recipe, &args.recipe.recipe);
    guard.allow(&args.output)?;
    guard.allow(&args.block)?;
    let listed = args.serials.as_deref();
    let listed = listed
        .map(|file| serials::listed(file, &recipe))
        .transpose()?;
    if listed.is_none() {
        serials::require_source(&recipe)?;
    }
    let master = firmware::master(&recipe)?;
    let folder = LabelFolder::of(&recipe, Sync::Durable);
    for file in [&args.output, &args.block] {
        let file = Folder::exactly(file);
        gate::outputs(&recipe, &master, Some(&file), &folder)?;
    }
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Create, Simulated::No)?;
    neighbours::refuse(&recipe, &ledger, None)?;
    token_list::import(&recipe, &master, &mut ledger, &actor, output)?;
    let serials = match listed {
        Some(serials) => serials,
        None => next_units(&recipe, &mut ledger, &actor, args.count.unwrap_or(0))?,
    };
    let block = claim(&master, &recipe, &serials, &mut ledger)?;
    let listed = Files::of(args, &master, &block).and_then(|files| {
        let what = format!("hand-off of {}", count(block.units().len(), "unit"));
        // The disclosure is on record before anything is written.
        let revealed = ledger.revealed(&what, &actor)?;
        files.write_list()?;
        Ok((files, revealed.event().to_string()))
    });
    let touched = listed.is_ok();
    let handed = listed.and_then(|(files, event)| Ok((files.write_tokens(&block)?, event)));
    let (receipts, event) = match handed {
        Ok(handed) => handed,
        Err(error) => {
            block.give_up(&failure(&error, touched), &mut ledger)?;
            return Err(error);
        }
    };
    let entries = block.record(receipts, &mut ledger)?;
    let code = labels(&folder, &entries, output);
    output.object(&json!({
        "v": 1, "kind": "handoff", "file": args.output.display().to_string(),
        "block": args.block.display().to_string(), "units": entries.len(), "event": event,
        "serials": entries.iter().map(|entry| entry.record().serial.as_str()).collect::<Vec<_>>(),
    }));
    output.line(format_args!(
        "{}: {} prepared, listed in {}",
        args.output.display(),
        count(entries.len(), "unit"),
        args.block.display()
    ));
    output.warning(format_args!(
        "{} holds AuthTokens in the clear: take it to the programmer, and remove it here and there \
         when the block is done",
        args.output.display()
    ));
    output.note("next: eol-inject ledger confirm --list or --log, with what the programmer says");
    Ok(code)
}

/// Takes the station's open claims, then new serials.
fn next_units(
    recipe: &Recipe,
    ledger: &mut Ledger,
    actor: &Actor,
    count: usize,
) -> Result<Vec<Serial>, CliError> {
    let mut serials = Vec::new();
    for serial in ledger.open_claims(&actor.station)? {
        if serials.len() < count && board(ledger, &serial)?.is_none() {
            serials.push(serial);
        }
    }
    let more = count.saturating_sub(serials.len());
    if more > 0 {
        let known = serials.iter().map(Serial::folded).collect::<BTreeSet<_>>();
        serials.extend(serials::new(recipe, ledger, more, &known)?);
    }
    if serials.len() < count {
        let message = format!(
            "{count} units are asked for, the list names {}",
            serials.len()
        );
        return Err(CliError::new(exit::POOL_EMPTY, "unit-pool-empty", message));
    }
    Ok(serials)
}

/// Returns the board that a unit belongs to and is not finished on.
fn board(ledger: &Ledger, serial: &Serial) -> Result<Option<String>, CliError> {
    let open = |unit: &UnitRecord| matches!(unit.state, UnitState::Reserved | UnitState::Prepared);
    Ok(ledger.find(serial)?.filter(open).and_then(|unit| unit.uid))
}

/// Claims and seals every unit of the block; where one is refused, none goes out.
fn claim<'m>(
    master: &'m Master,
    recipe: &Recipe,
    serials: &[Serial],
    ledger: &mut Ledger,
) -> Result<Block<'m>, CliError> {
    for serial in serials {
        master
            .accept(serial)
            .map_err(|error| CliError::from(error).about(serial))?;
        // The programmer tells no boards apart: it would put the token on another one.
        if let Some(uid) = board(ledger, serial)? {
            let message = format!("{serial} belongs to the board {uid}: make it there");
            return Err(CliError::new(exit::REFUSED, "unit-on-board", message));
        }
    }
    let claims: Vec<_> = serials
        .iter()
        .map(|serial| gate::claim(serial.clone(), master, recipe, Sync::Written))
        .collect();
    let (block, misfit) = Block::claim(master, &claims, ledger)?;
    let Some(misfit) = misfit else {
        return Ok(block);
    };
    let error = match misfit.reason {
        Unfit::Line(error) => CliError::from(error),
        Unfit::Made(state) => {
            let message = format!("it is {state}: its token is on a board already");
            CliError::new(exit::REFUSED, "unit-made", message)
        }
    };
    let error = error.about(&misfit.serial);
    block.give_up(&failure(&error, false), ledger)?;
    Err(error)
}

/// Returns what the ledger keeps of a block that did not go out; `touched` says whether anything may
/// hold its tokens now.
fn failure(error: &CliError, touched: bool) -> Failure {
    Failure {
        name: error.name.to_owned(),
        message: error.message.clone(),
        touched,
        swapped: false,
    }
}

/// The programmer's file and the list beside it, as they are to be written.
struct Files<'a> {
    args: &'a HandoffArgs,
    text: Zeroizing<Vec<u8>>,
    list: Vec<u8>,
}

impl<'a> Files<'a> {
    /// Makes both, and refuses where one would replace what is not this block's.
    fn of(args: &'a HandoffArgs, master: &Master, block: &Block<'_>) -> Result<Self, CliError> {
        let programmer = args.programmer();
        let text = handoff::write(master, block.sealed(), programmer)?;
        let list = list(block.units(), programmer)?;
        // The same block is the same file: it may be there. Anything else is somebody's.
        for (file, bytes) in [(&args.block, &list), (&args.output, &*text)] {
            judged(file, bytes, args.force.existing())?;
        }
        Ok(Self { args, text, list })
    }

    /// Writes the list, which holds no secret.
    fn write_list(&self) -> Result<(), CliError> {
        let existing = self.args.force.existing();
        file::write(&self.args.block, &self.list, Writable::Anybody, existing)?;
        read_back(&self.args.block, &self.list).map(drop)
    }

    /// Writes the programmer's file, and vouches for each unit by what is read back.
    fn write_tokens(&self, block: &Block<'_>) -> Result<Vec<Receipt>, CliError> {
        let existing = self.args.force.existing();
        file::write(&self.args.output, &self.text, Writable::Owner, existing)?;
        let found = read_back(&self.args.output, &self.text)?;
        let programmer = self.args.programmer();
        Ok(handoff::read_back(&found, block.sealed(), programmer)?)
    }
}

/// Returns what is read back of a file, where it is what was written.
fn read_back(file: &Path, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let found = Zeroizing::new(file::read(file, exit::DELIVERY, "back")?);
    if found.as_slice() == bytes {
        return Ok(found);
    }
    let message = format!(
        "{} reads back otherwise than it was written",
        file.display()
    );
    Err(CliError::new(exit::DIFFERS, "handoff-differs", message))
}

/// Returns the list that says which unit each line is.
fn list(units: &[BlockUnit], programmer: Programmer) -> Result<Vec<u8>, CliError> {
    let failed = |error: csv::Error| CliError::usage(error.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["line", "serial", "fingerprint", "result"])
        .map_err(failed)?;
    for (line, unit) in (programmer.first_line()..).zip(units) {
        let (serial, print) = (unit.serial().to_string(), unit.fingerprint().to_hex());
        csv.write_record([&line.to_string(), &neutral(serial), &print, ""])
            .map_err(failed)?;
    }
    csv.into_inner()
        .map_err(|error| CliError::usage(error.error().to_string()))
}

/// Makes the labels; returns the exit code of the first that could not be made.
fn labels(folder: &LabelFolder, entries: &[Entry], output: &Output) -> u8 {
    let mut code = 0;
    for entry in entries {
        if let Err(error) = folder.put(entry) {
            let error = CliError::from(error);
            output.warning(format_args!("{error} ({})", error.code));
            if code == 0 {
                code = error.code;
            }
        }
    }
    code
}
