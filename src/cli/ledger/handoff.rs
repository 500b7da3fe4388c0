//! `ledger handoff`: a block of units for a programmer that works alone, one line each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use eol_inject::handoff::{self, Programmer};
use eol_inject::image::Address;
use eol_inject::label::{LabelFolder, Labels as _};
use eol_inject::ledger::{
    Actor, Attempt, Entry, Failure, Ledger, Receipt, Reservation, Simulated, UnitRecord, UnitState,
};
use eol_inject::line::LineError;
use eol_inject::master::{self, Master};
use eol_inject::pool::neutral;
use eol_inject::recipe::Recipe;
use eol_inject::seal::{self, Sealed};
use eol_inject::target::{Folder, Sync};
use eol_inject::unit::{Fingerprint, Serial, Values};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::args::ForceArg;
use crate::cli::args::{DecisionArgs, RecipeArg};
use crate::cli::error::{CliError, exit};
use crate::cli::file::judged;
use crate::cli::file::{Existing, Writable};
use crate::cli::guard::Guard;
use crate::cli::open_ledger::Missing;
use crate::cli::output::{Output, count};
use crate::cli::{batch, gate, neighbours};
use crate::cli::{file, firmware, open_ledger, recipe, token_list};

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

/// One unit of a block between its claim and its record.
struct Unit {
    serial: Serial,
    fingerprint: Fingerprint,
    /// The claim; none for a unit that is prepared already.
    claim: Option<Reservation>,
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
        .map(|file| batch::serials(file, &recipe))
        .transpose()?;
    if listed.is_none() {
        batch::makes_serials(&recipe)?;
    }
    let master = firmware::master(&recipe)?;
    let folder = LabelFolder::of(&recipe, Sync::Durable);
    for file in [&args.output, &args.block] {
        let file = Folder::exactly(file);
        gate::outputs((&recipe, &master), Some(&file), &folder)?;
    }
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, (Missing::Create, Simulated::No))?;
    neighbours::refuse(&recipe, &ledger, None)?;
    token_list::import((&recipe, &master), &mut ledger, &actor, output)?;
    let serials = match listed {
        Some(serials) => serials,
        None => some(&recipe, &mut ledger, (&actor, args.count.unwrap_or(0)))?,
    };
    let (units, sealed) = claim(&master, &recipe, (&mut ledger, serials))?;
    let written = hand_over(args, &master, (&mut ledger, &actor), (&units, &sealed));
    let (event, receipts) = match written {
        Ok(written) => written,
        Err((error, touched)) => {
            give_up(&mut ledger, units, (&error, touched))?;
            return Err(error);
        }
    };
    let entries = record(&mut ledger, units, receipts)?;
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
fn some(
    recipe: &Recipe,
    ledger: &mut Ledger,
    (actor, count): (&Actor, usize),
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
        serials.extend(batch::new_serials(recipe, ledger, (more, &known))?);
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
    (ledger, serials): (&mut Ledger, Vec<Serial>),
) -> Result<(Vec<Unit>, Vec<Sealed<'m>>), CliError> {
    for serial in &serials {
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
    let (mut units, mut sealed, mut wrong) = (Vec::new(), Vec::new(), None);
    for (answer, serial) in ledger.reserve(&claims)?.into_iter().zip(&serials) {
        let taken = match answer {
            Ok(Attempt::Go(claim)) => {
                let made = seal(master, claim.values());
                units.push(Unit {
                    serial: claim.serial().clone(),
                    fingerprint: claim.fingerprint(),
                    claim: Some(claim),
                });
                made
            }
            Ok(Attempt::Done { entry, values }) => again(master, &entry, &values).inspect(|_| {
                units.push(Unit {
                    serial: entry.record().serial.clone(),
                    fingerprint: entry.record().fingerprint,
                    claim: None,
                });
            }),
            Err(refusal) => Err(refusal.into()),
        };
        match taken {
            Ok(made) => sealed.push(made),
            Err(error) => wrong = wrong.or_else(|| Some(error.about(serial))),
        }
    }
    let Some(error) = wrong else {
        return Ok((units, sealed));
    };
    give_up(ledger, units, (&error, false))?;
    Err(error)
}

fn seal<'m>(master: &'m Master, values: &Values) -> Result<Sealed<'m>, CliError> {
    let patched = master::apply(master, values).map_err(LineError::from)?;
    Ok(seal::seal(patched).map_err(LineError::from)?)
}

/// Seals a unit that is prepared already; a board that has its token gets no second one.
fn again<'m>(master: &'m Master, entry: &Entry, values: &Values) -> Result<Sealed<'m>, CliError> {
    let state = entry.record().state;
    if state != UnitState::Prepared {
        let message = format!("it is {state}: its token is on a board already");
        return Err(CliError::new(exit::REFUSED, "unit-made", message));
    }
    seal(master, values)
}

/// Writes the programmer's file and the list beside it, after the disclosure is on record.
///
/// On an error it is said whether anything may hold the tokens now.
fn hand_over(
    args: &HandoffArgs,
    master: &Master,
    (ledger, actor): (&mut Ledger, &Actor),
    (units, sealed): (&[Unit], &[Sealed<'_>]),
) -> Result<(String, Vec<Receipt>), (CliError, bool)> {
    let programmer = args.programmer();
    let text = handoff::write(master, sealed, programmer).map_err(|error| (error.into(), false))?;
    let list = list(units, programmer).map_err(|error| (error, false))?;
    let existing = args.force.existing();
    // The same block is the same file: it may be there. Anything else is somebody's.
    for (file, bytes) in [(&args.block, &list), (&args.output, &*text)] {
        judged(file, bytes, existing).map_err(|error| (error, false))?;
    }
    let what = format!("hand-off of {}", count(units.len(), "unit"));
    let revealed = ledger
        .revealed(&what, actor)
        .map_err(|error| (error.into(), false))?;
    let open = (Writable::Anybody, existing);
    write(&args.block, &list, open).map_err(|error| (error, false))?;
    let secret = (Writable::Owner, existing);
    let found = write(&args.output, &text, secret).map_err(|error| (error, true))?;
    let receipts = handoff::read_back(&found, (master, sealed), programmer);
    let receipts = receipts.map_err(|error| (error.into(), true))?;
    Ok((revealed.event().to_string(), receipts))
}

/// Writes a file whole or not at all, durably; returns what is read back.
fn write(
    file: &Path,
    bytes: &[u8],
    (who, existing): (Writable, Existing),
) -> Result<Zeroizing<Vec<u8>>, CliError> {
    file::write(file, bytes, (who, existing))?;
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
fn list(units: &[Unit], programmer: Programmer) -> Result<Vec<u8>, CliError> {
    let failed = |error: csv::Error| CliError::usage(error.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["line", "serial", "fingerprint", "result"])
        .map_err(failed)?;
    for (line, unit) in (programmer.first_line()..).zip(units) {
        let serial = neutral(unit.serial.to_string());
        csv.write_record([&line.to_string(), &serial, &unit.fingerprint.to_hex(), ""])
            .map_err(failed)?;
    }
    csv.into_inner()
        .map_err(|error| CliError::usage(error.error().to_string()))
}

/// Records that nothing came of the claims.
fn give_up(
    ledger: &mut Ledger,
    units: Vec<Unit>,
    (error, touched): (&CliError, bool),
) -> Result<(), CliError> {
    for claim in units.into_iter().filter_map(|unit| unit.claim) {
        let failure = Failure {
            name: error.name.to_owned(),
            message: error.message.clone(),
            touched,
            swapped: false,
        };
        ledger.fail(claim, &failure)?;
    }
    Ok(())
}

/// Records that the units are prepared, by what their lines say; returns the entries of all, in the
/// block's order.
fn record(
    ledger: &mut Ledger,
    units: Vec<Unit>,
    receipts: Vec<Receipt>,
) -> Result<Vec<Entry>, CliError> {
    let serials: Vec<Serial> = units.iter().map(|unit| unit.serial.clone()).collect();
    let done: Vec<(Reservation, Receipt)> = units
        .into_iter()
        .zip(receipts)
        .filter_map(|(unit, receipt)| Some((unit.claim?, receipt)))
        .collect();
    ledger.confirm(&done)?;
    let mut entries = Vec::with_capacity(serials.len());
    for serial in serials {
        entries.extend(ledger.entry(&serial)?);
    }
    Ok(entries)
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
