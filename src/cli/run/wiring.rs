//! From a recipe and arguments to a station at work, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eol_inject::label::LabelFolder;
use eol_inject::ledger::Simulated;
use eol_inject::master::Master;
use eol_inject::mes::{Hooks, Outbox};
use eol_inject::recipe::Recipe;
use eol_inject::station::{NestSetup, Plan, Reports, Setup, Station};
use eol_inject::target::Sync;

use super::args::{Nest, RunArgs};
use super::fixture::{self, Hardware, NestBoards, Reach};
use super::screen::{self, Screen};
use super::terminal::Terminal;
use super::words::Words;
use crate::cli::error::{CliError, exit};
use crate::cli::firmware;
use crate::cli::gate;
use crate::cli::interrupt::Interrupt;
use crate::cli::neighbours;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::{Output, count};
use crate::cli::sweep;
use crate::cli::token_list;

/// Which units are made, by which recipe and on which nests.
pub(super) struct Wiring {
    pub(super) recipe: Recipe,
    pub(super) plan: Plan,
    pub(super) nests: Vec<Nest>,
}

impl Wiring {
    /// Runs the line.
    pub(super) fn run(self, args: &RunArgs, output: &Output) -> Result<u8, CliError> {
        let Self {
            recipe,
            plan,
            nests,
        } = self;
        if nests.len() > 1 && matches!(plan, Plan::One(_)) {
            return Err(CliError::usage(
                "--serial makes one unit, and the recipe has several nests: leave all but one out \
             with --skip",
            ));
        }
        let master = firmware::master(&recipe)?;
        let actor = args.station.actor()?;
        let simulated = ready(args, &recipe, &master, &nests)?;
        let interrupt = Interrupt::listen();
        sweep::parts(&recipe, None);
        sweep::boards(&recipe);
        let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Create, simulated)?;
        if simulated == Simulated::No {
            neighbours::refuse(&recipe, &ledger, None)?;
        }
        token_list::import(&recipe, &master, &mut ledger, &actor, output)?;
        heading(&recipe, &nests, output);
        let words = Arc::new(Words {
            actor,
            order: args.order.clone(),
            simulated: simulated == Simulated::Yes,
            image: master.digest(),
            serials: recipe.serial.clone(),
            labels: LabelFolder::of(&recipe, Sync::Durable),
            nests: nests.iter().map(|nest| nest.name.clone()).collect(),
            probes: nests.iter().map(|nest| nest.reach.probe().into()).collect(),
        });
        let recipe = Arc::new(recipe);
        let setup = setup(args, Arc::clone(&recipe), master, &words, interrupt.flag());
        let reports: Arc<dyn Reports> = words.clone();
        let mut station = Station::new(setup, ledger, reports);
        let steps = nests.len() == 1 && is_short(&plan);
        for nest in nests {
            let boards = NestBoards {
                reach: nest.reach,
                recipe: Arc::clone(&recipe),
            };
            station.add(NestSetup {
                name: nest.name,
                boards: Box::new(boards),
                ledger: open_ledger::ledger_for(&recipe, &words.actor, Missing::Create, simulated)?,
            });
        }
        let screen = Screen::new(output, steps);
        let mut terminal = Terminal::new(screen, words, station, Arc::clone(&interrupt));
        let ended = terminal.run(plan);
        terminal.close(args);
        ended?;
        if interrupt.flag().load(Ordering::SeqCst) {
            output.say(interrupt.told());
            return Ok(exit::INTERRUPTED);
        }
        Ok(terminal.code())
    }
}

/// Makes sure that boards can be reached and outputs written; returns whether the boards are real.
fn ready(
    args: &RunArgs,
    recipe: &Recipe,
    master: &Master,
    nests: &[Nest],
) -> Result<Simulated, CliError> {
    let simulated = fixture::kind(nests.iter().map(|nest| &nest.reach))?;
    for nest in nests {
        let found = nest.reach.at_hand(recipe, master, Hardware::Tried);
        found.map_err(|error| match &nest.name {
            Some(name) => error.about(format_args!("nest {name}")),
            None => error,
        })?;
    }
    if simulated == Simulated::Yes && args.probe.is_some() {
        no_real_tokens(recipe)?;
    }
    let labels = LabelFolder::of(recipe, Sync::Durable);
    gate::outputs(recipe, master, None, &labels)?;
    Ok(simulated)
}

/// Returns what all nests share.
fn setup(
    args: &RunArgs,
    recipe: Arc<Recipe>,
    master: Master,
    words: &Words,
    stop: Arc<AtomicBool>,
) -> Setup {
    let actor = &words.actor;
    let limit = recipe.flash.as_ref().map_or(120, |flash| flash.timeout);
    Setup {
        labels: Box::new(LabelFolder::of(&recipe, Sync::Durable)),
        hooks: Hooks::new(&recipe.hook, recipe.folder()),
        outbox: Outbox::beside(&recipe.ledger_base()),
        station: actor.station.clone(),
        operator: actor.by.clone(),
        order: words.order.clone(),
        seated: args.seated(actor),
        stop,
        stop_after: args.stop_after,
        // A programmer's commands are ended one by one; this is for what hangs beyond help.
        limit: Duration::from_secs(limit.saturating_mul(3).saturating_add(5)),
        recipe,
        master,
    }
}

/// Returns whether people want to see each unit's steps.
const fn is_short(plan: &Plan) -> bool {
    match plan {
        Plan::One(_) | Plan::Scans(_) => true,
        Plan::Count(count) => *count <= 20,
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
