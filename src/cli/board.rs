//! One board on the fixture, read and judged: `ledger resolve` and `verify --probe`.

use clap::Args;
use eol_inject::image::{Edits, Span};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Claim, Finished, Outcome, Seated, UnitError, UnitState};
use eol_inject::line::Ports;
use eol_inject::line::settle::{self, Settled, Settlement};
use eol_inject::recipe::Recipe;
use eol_inject::target::{Sync, Target, Unwatched};
use eol_inject::unit::Serial;
use eol_inject::verify::{Expected, Judge};
use serde_json::json;

use super::args::{DecisionArgs, RecipeArg};
use super::error::{CliError, exit};
use super::open_ledger::Missing;
use super::output::{BAD, GOOD, Output};
use super::run::fixture::Reach;
use super::{firmware, open_ledger, recipe};

/// Which unit is in doubt.
#[derive(Args)]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// The unit
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: String,

    /// The probe, instead of the recipe's
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,

    #[command(flatten)]
    decision: DecisionArgs,
}

pub(crate) fn resolve(args: &ResolveArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.decision.actor()?;
    let reach = Reach::of(&recipe, args.probe.as_deref())?;
    let master = firmware::master(&recipe)?;
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Refuse, reach.simulated())?;
    let serial = open_ledger::on_record(&recipe, &ledger, &args.serial)?;
    let record = ledger.find(&serial)?;
    let known = record.ok_or_else(|| unknown(&serial))?;
    let unfinished = known.state == UnitState::Reserved && known.outcome != Outcome::InWork;
    if !unfinished && known.outcome != Outcome::Confirmed {
        return Err(CliError::new(
            exit::REFUSED,
            "unit-not-in-doubt",
            format!(
                "{serial} is {}, {}: nothing is in doubt",
                known.state, known.outcome
            ),
        ));
    }
    let mut board = reach.open(&recipe, Some(&serial))?;
    let labels = LabelFolder::of(&recipe, Sync::Durable);
    let claim = Claim {
        serial: serial.clone(),
        uid: None,
        seated: Seated::LookedAt,
        image: master.digest(),
        recipe: recipe.digest,
        target: reach.target(),
        finished: Finished::Written,
    };
    let mut ports = Ports {
        ledger: &mut ledger,
        target: board.as_mut(),
        labels: &labels,
        watch: &mut Unwatched,
    };
    let Settlement { seen, settled } = settle::settle(&master, claim, &mut ports)?;
    let uid = seen.and_then(|seen| seen.uid);
    Ok(tell(&serial, uid, &settled, output))
}

fn unknown(serial: &Serial) -> CliError {
    eol_inject::ledger::LedgerError::Unit(UnitError::NoUnit {
        serial: serial.clone(),
    })
    .into()
}

/// Tells what a unit turned out to be, and what to do.
fn tell(serial: &Serial, uid: Option<String>, settled: &Settled, output: &Output) -> u8 {
    let (code, name, words) = match settled {
        Settled::Delivered(entry) => (
            0,
            "delivered",
            format!(
                "holds its token {} and the whole image: it is delivered; label print makes its label",
                entry.record().fingerprint
            ),
        ),
        Settled::Already(_) => (0, "already", "was delivered, and still is".to_owned()),
        Settled::Blank => (
            0,
            "blank",
            "is blank: run it again, with the same token".to_owned(),
        ),
        Settled::Torn => (
            0,
            "torn",
            "holds a part of its image: run it again on this board, with the same token".to_owned(),
        ),
        Settled::Stranger => (
            exit::IN_DOUBT,
            "stranger",
            "does not hold its token, and nothing tells that this is its board".to_owned(),
        ),
        Settled::Another(print) => (
            exit::IN_DOUBT,
            "another",
            format!("holds the token {print}, which is another unit's: set the board aside"),
        ),
    };
    output.object(&json!({
        "v": 1, "kind": "resolve", "serial": serial.as_str(), "settled": name, "chip_uid": uid,
        "code": code,
    }));
    let style = if code == 0 { GOOD } else { BAD };
    output.line(format_args!("{style}{serial}{style:#}  {words}"));
    if let Settled::Stranger = settled {
        output.note(super::error::doubt(serial));
    }
    code
}

/// The board that is verified.
pub(crate) struct Verified<'v> {
    /// The probe, instead of the recipe's where it is named.
    pub(crate) probe: &'v str,
    /// Which unit it must be.
    pub(crate) expected: Option<Expected>,
}

/// Reads the board on the fixture and judges it as offline verification judges a dump.
pub(crate) fn verify(
    recipe: &Recipe,
    judge: &Judge,
    board: &Verified<'_>,
    output: &Output,
) -> Result<u8, CliError> {
    let reach = Reach::of(recipe, Some(board.probe).filter(|probe| !probe.is_empty()))?;
    let serial = board.expected.as_ref().map(|expected| &expected.serial);
    if reach.is_unmade(recipe, serial) {
        let which = serial.map_or("of this number".to_owned(), |serial| format!("of {serial}"));
        return Err(CliError::new(
            exit::DELIVERY,
            "probe-no-board",
            format!("no simulated board {which} was made here: eol-inject run makes it"),
        ));
    }
    let mut fixture = reach.open(recipe, serial)?;
    let seen = fixture.identify(judge.master(), &mut Unwatched)?;
    let read = read(recipe, judge, &mut *fixture);
    let released = fixture.release();
    let examined = judge.examine_board(&read?, board.expected.as_ref());
    released?;
    let findings = examined.findings.iter();
    let findings: Vec<_> = findings
        .map(|finding| json!({ "name": finding.name(), "message": finding.to_string() }))
        .collect();
    let right = findings.is_empty();
    output.object(&json!({
        "v": 1,
        "probe": reach.probe(),
        "chip": seen.as_ref().map(|seen| &seen.chip),
        "chip_uid": seen.as_ref().map(|seen| &seen.uid),
        "simulated": seen.as_ref().map(|seen| seen.simulated),
        "serial": serial.map(Serial::as_str),
        "outcome": if right { "pass" } else { "fail" },
        "fingerprint": examined.fingerprint.map(|print| print.to_string()),
        "findings": findings,
    }));
    let name = serial.map_or("the board", Serial::as_str);
    for finding in &examined.findings {
        output.line(format_args!(
            "{BAD}{name}{BAD:#}  {finding}   ({})",
            exit::DIFFERS
        ));
    }
    if !right {
        return Ok(exit::DIFFERS);
    }
    let token = examined.fingerprint.map(|print| print.to_string());
    let simulated = seen.as_ref().is_some_and(|seen| seen.simulated);
    let word = if simulated { "SIMULATED  " } else { "" };
    output.line(format_args!(
        "{GOOD}{name}{GOOD:#}  {word}token {}  right: only slots and checksums differ from the shared image",
        token.unwrap_or_default()
    ));
    Ok(0)
}

/// Reads all that an image stores from a board. What stays off the board by the recipe is not read:
/// it counts as the shared image has it.
fn read(recipe: &Recipe, judge: &Judge, board: &mut dyn Target) -> Result<Edits, CliError> {
    let flash = recipe.flash.iter();
    let skip: Vec<Span> = flash
        .flat_map(|flash| flash.skip.iter().map(|area| area.span()))
        .collect();
    let whole = judge.runs();
    let runs = Span::outside(whole.clone(), skip.iter().copied());
    let mut read = board.read(&runs, &mut Unwatched)?;
    for (run, skip) in whole
        .iter()
        .flat_map(|run| skip.iter().map(move |skip| (run, skip)))
    {
        if let Some(part) = run.intersection(*skip) {
            read.put(part.start(), &judge.master().image().bytes(part)?);
        }
    }
    Ok(read)
}
