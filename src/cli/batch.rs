//! `batch`: the images of many units.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use eol_inject::label::LabelFolder;
use eol_inject::ledger::{Claim, Ledger, LedgerError, Refusal, Simulated, UnitError};
use eol_inject::line::LineError;
use eol_inject::line::batch::{Batch, Outcome};
use eol_inject::master::Master;
use eol_inject::mes::{Hooks, Question};
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::target::{Folder, Sync};
use eol_inject::unit::Serial;

use super::args::ForceArg;
use super::args::{FormArgs, RecipeArg, StationArgs};
use super::error::{CliError, exit};
use super::form;
use super::gate;
use super::guard::Guard;
use super::interrupt::Interrupt;
use super::neighbours::{self, Images};
use super::open_ledger::Missing;
use super::output::{Output, count};
use super::serials;
use super::sweep;
use super::unit::{Ended, Place, Tally, known};
use super::{firmware, open_ledger, recipe, token_list};

/// New serials that are taken at once.
const STRIDE: usize = 4096;

/// Threads that keep a disk busy while it syncs.
const DURABLE_WORKERS: usize = 16;

/// Which units, and where to.
#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["serials", "count"])))]
pub(crate) struct BatchArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    /// A file with one serial a line; - for standard input
    #[arg(long, value_name = "FILE")]
    serials: Option<PathBuf>,

    /// Make this many good units: this station's open claims first, then new serials
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// The folder that takes one image per unit
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Sync every file to the disk and read it back before it is recorded
    #[arg(long)]
    durable: bool,

    /// Also record the SHA-256 of each unit's own file
    #[arg(long)]
    digest: bool,

    /// Threads that stamp and write [default: one per core; 16 with --durable]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// Stop after this many failures in a row
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    stop_after: u64,

    #[command(flatten)]
    force: ForceArg,

    #[command(flatten)]
    form: FormArgs,

    #[command(flatten)]
    station: StationArgs,
}

pub(crate) fn run(args: &BatchArgs, output: &Output) -> Result<u8, CliError> {
    let started = Instant::now();
    let recipe = recipe::of_units(&args.recipe.recipe)?;
    let listed = args
        .serials
        .as_deref()
        .map(|file| serials::listed(file, &recipe));
    let listed = listed.transpose()?;
    if listed.is_none() {
        serials::require_source(&recipe)?;
    }
    let master = firmware::master(&recipe)?;
    let form = args.form.conversion(master.image().format())?;
    form::announce(master.image(), form, output)?;
    let actor = args.station.actor()?;
    let extension = firmware::extension(&recipe, master.image(), form)?;
    let target = target(args, &extension)
        .converted(form)
        .with_others(args.force.others());
    let labels = LabelFolder::of(&recipe, args.sync());
    gate::outputs(&recipe, &master, Some(&target), &labels)?;
    let interrupt = Interrupt::listen();
    let interrupted = interrupt.flag();
    sweep::parts(&recipe, Some(&args.output));
    let mut ledger = open_ledger::ledger_for(&recipe, &actor, Missing::Create, Simulated::No)?;
    let images = Images {
        folder: &args.output,
        extension: &extension,
        form,
    };
    neighbours::refuse(&recipe, &ledger, Some(&images))?;
    token_list::import(&recipe, &master, &mut ledger, &actor, output)?;
    let mut tally = Tally::new(output, &actor.station, &master);
    let total = listed.as_ref().map_or(args.count.unwrap_or(0), Vec::len);
    tally.every_line = total <= 20 || output.json();
    output.bar(u64::try_from(total).unwrap_or(u64::MAX), "units");
    let mut batch = BatchRun {
        args,
        recipe: &recipe,
        master: &master,
        target: &target,
        labels: &labels,
        interrupted: &interrupted,
        hooks: Hooks::new(&recipe.hook, recipe.folder()),
        stopped: false,
        failed: BTreeSet::new(),
    };
    interrupt.holds(vec!["units".to_owned()]);
    let outcome = match listed {
        Some(serials) => batch.pass(&mut ledger, serials, &mut tally),
        None => batch.count(&mut ledger, args.count.unwrap_or(0), &mut tally),
    };
    output.done();
    // What was done before the ledger went is told all the same.
    // A ledger that is gone is not waited for once more.
    let gone = matches!(&outcome, Err(error) if error.is_gone());
    let left = (!gone).then(|| ledger.stock().ok()).flatten();
    summary(&tally, left.map(|stock| stock.free), started, args);
    outcome?;
    if batch.stopped && tally.counters.in_a_row >= args.stop_after {
        output.say(format_args!(
            "stopped after {} failures in a row",
            tally.counters.in_a_row
        ));
    }
    if interrupted.load(Ordering::SeqCst) && tally.code == 0 {
        output.say("interrupted: every unit in hand is finished; the others keep their claims");
        return Ok(exit::INTERRUPTED);
    }
    Ok(tally.code)
}

/// What every unit of this call shares.
struct BatchRun<'s> {
    args: &'s BatchArgs,
    recipe: &'s Recipe,
    master: &'s Master,
    target: &'s Folder,
    labels: &'s LabelFolder,
    interrupted: &'s AtomicBool,
    hooks: Hooks,
    stopped: bool,
    /// Serials that did not pass.
    failed: BTreeSet<String>,
}

impl BatchRun<'_> {
    /// Takes the given serials down the line; one after the other where each is asked for first.
    fn pass(
        &mut self,
        ledger: &mut Ledger,
        serials: Vec<Serial>,
        tally: &mut Tally<'_>,
    ) -> Result<(), CliError> {
        if !self.hooks.asks() {
            return self.make(ledger, serials, tally);
        }
        for serial in serials {
            if self.stopped || self.interrupted.load(Ordering::SeqCst) {
                break;
            }
            match self.asked(&serial, tally) {
                Ok(()) => self.make(ledger, vec![serial], tally)?,
                Err(error) => self.refused(serial, error, tally),
            }
        }
        Ok(())
    }

    /// Asks the factory's own system for a unit.
    fn asked(&self, serial: &Serial, tally: &Tally<'_>) -> Result<(), CliError> {
        let question = Question {
            product: &self.recipe.product,
            image: self.master.digest(),
            station: tally.report.station,
            operator: self.args.station.operator.as_deref(),
            order: None,
        };
        Ok(self.hooks.may_begin(serial, &question)?)
    }

    /// Counts a unit that may not be made.
    fn refused(&mut self, serial: Serial, error: CliError, tally: &mut Tally<'_>) {
        self.failed.insert(serial.folded());
        tally.output.step();
        tally.unit(&Ended {
            serial: Some(&serial),
            attempt: None,
            result: Err(&error),
            elapsed: Duration::ZERO,
            place: Place::File(self.target.path(&serial)),
            label: self.labels.of_unit(&serial),
        });
        self.stopped |= tally.counters.in_a_row >= self.args.stop_after;
    }

    /// Makes the given units.
    fn make(
        &mut self,
        ledger: &mut Ledger,
        serials: Vec<Serial>,
        tally: &mut Tally<'_>,
    ) -> Result<(), CliError> {
        let (recipe, master) = (self.recipe, self.master);
        let interrupted = self.interrupted;
        let sync = self.args.sync();
        let guard = Guard::of(recipe, &self.args.recipe.recipe);
        for serial in &serials {
            guard.allow_unit(
                &self.target.path(serial),
                serial,
                ledger,
                self.args.force.others(),
            )?;
        }
        let mut claims = serials
            .into_iter()
            .take_while(|_| !interrupted.load(Ordering::SeqCst))
            .map(|serial| -> Claim { gate::claim(serial, master, recipe, sync) });
        let mut batch = Batch {
            master,
            ledger,
            target: self.target,
            labels: self.labels,
            workers: self.workers(),
        };
        let (target, labels, stop_after) = (self.target, self.labels, self.args.stop_after);
        let mut stopped = false;
        let counted = self.args.count.is_some();
        let failed = &mut self.failed;
        let mut each = |outcome: Outcome| {
            let named = known(&outcome.result, &outcome.serial);
            let (file, label) = (target.path(named), labels.of_unit(named));
            let empty = match &outcome.result {
                Err(LineError::Refused(Refusal::PoolEmpty { serial })) => *serial == outcome.serial,
                Err(LineError::Refused(Refusal::NotListed { .. })) => counted,
                _ => false,
            };
            tally.output.step();
            if outcome.result.is_err() {
                failed.insert(outcome.serial.folded());
            }
            let result = outcome.result.map_err(CliError::from);
            tally.unit(&Ended {
                serial: Some(&outcome.serial),
                attempt: outcome.attempt,
                result: result.as_ref(),
                elapsed: outcome.elapsed,
                place: Place::File(file),
                label,
            });
            let in_a_row = tally.counters.in_a_row >= stop_after;
            if in_a_row || empty {
                stopped = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let outcome = batch.run(&mut claims, &mut each);
        self.stopped |= stopped;
        Ok(outcome?)
    }

    /// Makes `count` good units: open claims first, then new serials.
    fn count(
        &mut self,
        ledger: &mut Ledger,
        count: usize,
        tally: &mut Tally<'_>,
    ) -> Result<(), CliError> {
        let mut open: VecDeque<Serial> = ledger.open_claims(tally.report.station)?.into();
        loop {
            let good = usize::try_from(tally.counters.passed).unwrap_or(usize::MAX);
            // A few at a time: neither memory nor the numbers that a cut wastes grow with the count.
            let wanted = count.saturating_sub(good).min(STRIDE);
            if wanted == 0 || self.stopped || self.interrupted.load(Ordering::SeqCst) {
                return Ok(());
            }
            let mut serials: Vec<Serial> = open.drain(..wanted.min(open.len())).collect();
            if serials.is_empty() {
                // A number that no token is there for is lost; one says that the pool is empty.
                let wanted = match self.recipe.serial.source {
                    SerialSource::Next => ledger.free(wanted)?.max(1),
                    _ => wanted,
                };
                serials = self
                    .vacant(ledger, wanted)
                    .and_then(|()| self.numbers_left(ledger, wanted))
                    .map_err(|error| match error.name {
                        "ledger-serials-used-up" => {
                            error.about(format_args!("{good} of {count} units are made"))
                        }
                        _ => error,
                    })?;
            }
            self.pass(ledger, serials, tally)?;
        }
    }

    /// Refuses to hand numbers out for images that would replace what others laid there: a number that
    /// is handed out is lost.
    fn vacant(&self, ledger: &Ledger, wanted: usize) -> Result<(), CliError> {
        let (SerialSource::Next, Some(format)) =
            (self.recipe.serial.source, &self.recipe.serial.format)
        else {
            return Ok(());
        };
        let guard = Guard::of(self.recipe, &self.args.recipe.recipe);
        let coming = match ledger.coming_serials(format, wanted) {
            Err(LedgerError::Unit(UnitError::SerialsUsedUp { left, .. })) if left > 0 => {
                ledger.coming_serials(format, left)?
            }
            coming => coming?,
        };
        for serial in &coming {
            let file = self.target.path(serial);
            guard.allow_unit(&file, serial, ledger, self.args.force.others())?;
        }
        Ok(())
    }

    /// Returns new serials: as many as are wanted, or as are left.
    fn numbers_left(
        &self,
        ledger: &mut Ledger,
        mut wanted: usize,
    ) -> Result<Vec<Serial>, CliError> {
        let (SerialSource::Next, Some(format)) =
            (self.recipe.serial.source, &self.recipe.serial.format)
        else {
            return serials::new(self.recipe, ledger, wanted, &self.failed);
        };
        loop {
            match ledger.next_serials(format, wanted) {
                // Others may take of them meanwhile: then it is asked again.
                Err(LedgerError::Unit(UnitError::SerialsUsedUp { left, .. })) if left > 0 => {
                    wanted = left
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        match self.args.jobs {
            Some(jobs) => jobs.max(1),
            None if self.args.durable => DURABLE_WORKERS,
            None => cores(),
        }
    }
}

impl BatchArgs {
    /// Returns how far files must have got.
    const fn sync(&self) -> Sync {
        if self.durable {
            Sync::Durable
        } else {
            Sync::Written
        }
    }
}

fn target(args: &BatchArgs, extension: &str) -> Folder {
    let folder = Folder::new(&args.output, extension, args.sync());
    if args.digest {
        folder.with_digest()
    } else {
        folder
    }
}

fn summary(tally: &Tally<'_>, left: Option<u64>, started: Instant, args: &BatchArgs) {
    let left = left.map_or_else(|| "?".to_owned(), |free| free.to_string());
    let seconds = started.elapsed().as_millis();
    tally.output.good(format_args!(
        "{} in {}.{:01} s: {} passed ({} of them done already), {} failed; {left} tokens left",
        count(tally.counters.seq, "unit"),
        seconds / 1000,
        seconds % 1000 / 100,
        tally.counters.passed,
        tally.counters.already,
        tally.counters.failed,
    ));
    if tally.counters.passed > 0 && tally.counters.failed == 0 {
        tally.output.note(format_args!(
            "next: eol-inject verify --recipe {}{} {}",
            args.recipe.recipe.display(),
            args.form.again(),
            args.output.display()
        ));
    }
}
