//! `run`: the whole line, unit after unit.

mod eye;
pub(crate) mod fixture;
mod floor;
mod mes;
mod panel;
mod rehearse;
mod screen;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Actor, Ledger, Seated, Simulated, Stock};
use eol_inject::master::Master;
use eol_inject::mes::Hooks;
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::target::Sync;
use eol_inject::unit::Serial;

use self::fixture::{Hardware, Reach};
use self::floor::{Floor, Plan};
use self::mes::Mes;
use self::worker::Shared;
use super::args::{RecipeArg, StationArgs};
use super::error::{CliError, exit};
use super::gate;
use super::interrupt::Interrupt;
use super::neighbours;
use super::open_ledger;
use super::open_ledger::Missing;
use super::output::{Output, count};
use super::scan;
use super::sweep;
use super::unit::Tally;
use super::{error, firmware, recipe, token_list};

/// Which units, and on what.
#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["serial", "count"])))]
pub(crate) struct RunArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// Make this unit only
    #[arg(long, value_name = "SERIAL", allow_hyphen_values = true)]
    serial: Option<String>,

    /// Make this many good units: this station's open claims first, then new serials
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// The probe, instead of the recipe's: sim, sim:CHIP or VID:PID[:SERIAL]
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,

    /// Try the whole line on simulated boards, with a ledger, labels and tokens to throw away
    #[arg(long, conflicts_with = "probe")]
    rehearse: bool,

    /// Leave these nests out, with commas between
    #[arg(long, value_name = "NESTS", value_delimiter = ',')]
    skip: Vec<String>,

    /// Say that the board on the fixture is the unit's own, where neither a number nor its token
    /// tells: a run that died, or failed, may have written to it
    #[arg(long, requires_all = ["serial", "by", "reason"], conflicts_with = "rehearse")]
    same_board: bool,

    /// Who says so, for the record
    #[arg(long, value_name = "NAME", requires = "same_board")]
    by: Option<String>,

    /// Why, for the record
    #[arg(long, value_name = "TEXT", requires = "same_board")]
    reason: Option<String>,

    /// The order that the units are made for, as it stands in results
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,

    /// Stop after this many failures in a row; 0 never stops
    #[arg(long, value_name = "N", default_value_t = 3)]
    stop_after: u64,

    #[command(flatten)]
    station: StationArgs,
}

/// One active position of the fixture.
struct Nest {
    /// Its name; none where there is only one.
    name: Option<String>,
    reach: Reach,
}

pub(crate) fn run(args: &RunArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    error::no_token(args.order.as_deref().unwrap_or_default(), "--order")?;
    if args.rehearse {
        return rehearse::run(args, recipe, output);
    }
    let plan = plan(args, &recipe)?;
    let nests = nests(args, &recipe)?;
    line(args, (recipe, plan, nests), output)
}

/// Runs the line with this recipe, for these units and on these nests.
fn line(
    args: &RunArgs,
    (recipe, plan, nests): (Recipe, Plan, Vec<Nest>),
    output: &Output,
) -> Result<u8, CliError> {
    if nests.len() > 1 && matches!(plan, Plan::One(_)) {
        return Err(CliError::usage(
            "--serial makes one unit, and the recipe has several nests: leave all but one out \
             with --skip",
        ));
    }
    let master = firmware::master(&recipe)?;
    let actor = args.station.actor()?;
    let simulated = fixture::kind(nests.iter().map(|nest| &nest.reach))?;
    for nest in &nests {
        nest.at_hand(&recipe, &master)?;
    }
    if simulated == Simulated::Yes && args.probe.is_some() {
        no_real_tokens(&recipe)?;
    }
    let labels = LabelFolder::of(&recipe, Sync::Durable);
    gate::outputs((&recipe, &master), None, &labels)?;
    let interrupt = Interrupt::listen();
    sweep::parts(&recipe, None);
    sweep::boards(&recipe);
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, (Missing::Create, simulated))?;
    if simulated == Simulated::No {
        neighbours::refuse(&recipe, &ledger, None)?;
    }
    token_list::import((&recipe, &master), &mut ledger, &actor, output)?;
    let mes = Mes::new(&recipe, output);
    let limit = recipe.flash.as_ref().map_or(120, |flash| flash.timeout);
    let shared = Arc::new(Shared {
        master,
        labels,
        hooks: Hooks::new(&recipe.hook, recipe.folder()),
        station: actor.station.clone(),
        operator: actor.by.clone(),
        order: args.order.clone(),
        interrupted: interrupt.flag(),
        interrupt: Arc::clone(&interrupt),
        seated: seated(args, &actor),
        recipe,
    });
    let mut tally = Tally::new(output, &actor.station, &shared.master);
    tally.operator = actor.by.as_deref();
    tally.order = args.order.as_deref();
    tally.simulated = simulated == Simulated::Yes;
    heading(&shared.recipe, &nests, output);
    let mut floor = Floor::new((&shared, output), tally, mes);
    floor.stop_after = args.stop_after;
    // A programmer's commands are ended one by one; this is for what hangs beyond help.
    floor.limit = Duration::from_secs(limit.saturating_mul(3).saturating_add(5));
    floor.steps = nests.len() == 1 && plan.is_short();
    for nest in nests {
        let own = open_ledger::ledger_for(&shared.recipe, &actor, (Missing::Create, simulated))?;
        floor.add(nest, own);
    }
    let ended = floor.run(plan, &ledger);
    floor.close();
    output.done();
    summary(&floor, &ledger, args, output);
    ended?;
    if interrupt.flag().load(std::sync::atomic::Ordering::SeqCst) {
        output.say(interrupt.told());
        return Ok(exit::INTERRUPTED);
    }
    Ok(floor.tally.code)
}

/// Returns what is said of the board on the fixture.
fn seated(args: &RunArgs, actor: &Actor) -> Seated {
    if !args.same_board {
        return Seated::Unknown;
    }
    Seated::Vouched(Box::new(Actor {
        by: args.by.clone(),
        reason: args.reason.clone(),
        ..actor.clone()
    }))
}

/// Returns which units are wanted.
fn plan(args: &RunArgs, recipe: &Recipe) -> Result<Plan, CliError> {
    if let Some(serial) = &args.serial {
        let serial: Serial = scan::serial(&recipe.serial, serial)?;
        return Ok(Plan::One(serial));
    }
    match (args.count, recipe.serial.source) {
        (Some(_), SerialSource::Scan) => Err(CliError::usage(
            "--count needs serials from the line itself, but [serial] source is \"scan\": scan \
             the units, or use source = \"next\", \"pool\" or \"chip-uid\"",
        )),
        (Some(count), _) => Ok(Plan::Count(count)),
        (None, _) => Ok(Plan::Scans),
    }
}

/// Returns the fixture's active positions.
fn nests(args: &RunArgs, recipe: &Recipe) -> Result<Vec<Nest>, CliError> {
    let known = |name: &String| {
        let mut nests = recipe.nests.iter();
        nests.any(|nest| nest.name.eq_ignore_ascii_case(name))
    };
    if let Some(name) = args.skip.iter().find(|name| !known(name)) {
        return Err(CliError::usage(format!("--skip: there is no nest {name}")));
    }
    let one = |probe: Option<&str>| -> Result<Vec<Nest>, CliError> {
        let reach = Reach::of(recipe, probe)?;
        Ok(vec![Nest { name: None, reach }])
    };
    // A probe that is named stands for the whole fixture.
    if recipe.nests.is_empty() || args.probe.is_some() {
        return one(args.probe.as_deref());
    }
    let skipped = |name: &str| args.skip.iter().any(|skip| skip.eq_ignore_ascii_case(name));
    let active = recipe.nests.iter().filter(|nest| !skipped(&nest.name));
    let nests: Vec<Nest> = active
        .map(|nest| {
            Ok(Nest {
                name: Some(nest.name.clone()),
                reach: Reach::of(recipe, Some(&nest.probe))?,
            })
        })
        .collect::<Result<_, CliError>>()?;
    if nests.is_empty() {
        return Err(CliError::usage("--skip leaves no nest"));
    }
    Ok(nests)
}

impl Nest {
    /// Makes sure that its boards can be reached and take the image.
    fn at_hand(&self, recipe: &Recipe, master: &Master) -> Result<(), CliError> {
        let found = self.reach.at_hand((recipe, master), Hardware::Tried);
        found.map_err(|error| match &self.name {
            Some(name) => error.about(format_args!("nest {name}")),
            None => error,
        })
    }
}

/// Refuses to try a real line on simulated boards with its own tokens: a ledger that has none but
/// simulated units keeps them for ever.
fn no_real_tokens(recipe: &Recipe) -> Result<(), CliError> {
    let meant = match recipe.nests.as_slice() {
        [] => Reach::of(recipe, None).is_ok_and(|reach| reach.simulated() == Simulated::Yes),
        nests => nests.iter().all(|nest| fixture::is_simulated(&nest.probe)),
    };
    if meant {
        return Ok(());
    }
    let ledger = open_ledger::records_if_any(recipe)?;
    let decided = ledger.map(|ledger| ledger.simulated()).transpose()?;
    match decided.flatten() {
        // A ledger of real units says so itself.
        Some(_) => Ok(()),
        None => Err(CliError::new(
            exit::USAGE,
            "run-simulated",
            "the recipe's boards are real: on simulated ones its tokens would be used up for nothing",
        )),
    }
}

/// Says what the line is set up for.
fn heading(recipe: &Recipe, nests: &[Nest], output: &Output) {
    let chip = recipe.flash.as_ref().map_or("", |flash| &flash.chip);
    let mode = recipe.flash.as_ref().and_then(|flash| flash.mode);
    let mode = mode.map_or_else(String::new, |mode| format!(", {mode} mode"));
    let reach = match nests {
        [nest] => nest.reach.name(),
        _ => count(nests.len(), "nest"),
    };
    let kind = match nests.first().map(|nest| nest.reach.simulated()) {
        Some(Simulated::Yes) => "  (SIMULATED)",
        _ => "",
    };
    let told = format!("{} on {chip}, {reach}{mode}{kind}", recipe.product);
    output.note(screen::wrapped(&told, 2));
}

/// Says what came of the run.
fn summary(floor: &Floor<'_>, ledger: &Ledger, args: &RunArgs, output: &Output) {
    let tally = &floor.tally;
    let left = ledger.stock().as_ref().map(|stock: &Stock| stock.free).ok();
    let left = left.map_or_else(|| "?".to_owned(), |free| free.to_string());
    let units = count(usize::try_from(tally.seq).unwrap_or(usize::MAX), "unit");
    let already = match tally.already {
        0 => String::new(),
        already => format!(" ({already} done already)"),
    };
    output.good(format_args!(
        "{units}: {} passed{already}, {} failed; {left} tokens left",
        tally.passed, tally.failed,
    ));
    if let Some(why) = &floor.stopped {
        output.say(format_args!("stopped: {why}"));
    }
    let recipe = args.recipe.recipe.display();
    if let Some((serial, probe)) = &floor.last_good
        && tally.failed == 0
        && !args.rehearse
    {
        // A programmer that no probe is named for is the recipe's own.
        let probe = match probe.as_str() {
            "" => String::new(),
            probe => format!(" {probe}"),
        };
        output.note(format_args!(
            "next: eol-inject verify --recipe {recipe} --probe{probe} --serial {serial}\n\
             \x20     eol-inject label scan --recipe {recipe}"
        ));
    }
}
