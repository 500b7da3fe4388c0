//! `label scan`: what was scanned on units against the record.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use clap::Args;
use eol_inject::label::{self, Due, Half, Pairs, Scan as Verdict, Step, Wrong};
use eol_inject::ledger::{Actor, Ledger};
use eol_inject::recipe::SerialSpec;
use eol_inject::unit::{QrToken, Serial};
use serde_json::json;

use crate::cli::args::{RecipeArg, StationArgs};
use crate::cli::error::{CliError, exit};
use crate::cli::interrupt::Interrupt;
use crate::cli::open_ledger::{self, Missing};
use crate::cli::output::{BAD, GOOD, Output, count};
use crate::cli::scan::{Scan, Scans, bell, no_serial};
use crate::cli::{labels, recipe, report};

#[derive(Args)]
pub(super) struct ScanArgs {
    #[command(flatten)]
    recipe: RecipeArg,

    #[command(flatten)]
    station: StationArgs,
}

pub(super) fn run(args: &ScanArgs, output: &Output) -> Result<u8, CliError> {
    let recipe = recipe::read(&args.recipe.recipe)?;
    let actor = args.station.actor()?;
    let ledger = open_ledger::ledger(&recipe, &actor, Missing::Refuse)?;
    let view = report::View::of(&ledger)?;
    if view.is_simulated() {
        output.warning("the record's units are SIMULATED: none of these labels is a device's");
    }
    let interrupt = Interrupt::listen();
    let mut pairs = Pairs::new(&recipe.serial);
    let mut pile = Pile {
        ledger,
        actor,
        output,
        view,
        serials: &recipe.serial,
        seen: BTreeMap::new(),
        code: 0,
        right: 0,
        wrong: 0,
    };
    let scans = Scans::start();
    scans.ask(&asked(&pairs.due()));
    while !interrupt.flag().load(Ordering::SeqCst) {
        let line = match scans.next() {
            Scan::Line(line) => line,
            Scan::Broken(error) => return Err(error),
            Scan::Nothing => continue,
            Scan::End => break,
        };
        // What cannot be looked up is found out when it is compared.
        let is_unit = |serial: &Serial| !matches!(pile.ledger.find(serial), Ok(None));
        for step in pairs.take(&line, &is_unit) {
            pile.step(step, &pairs.due())?;
        }
        scans.ask(&asked(&pairs.due()));
    }
    if scans.is_terminal() {
        output.note("");
    }
    if let Some(step) = pairs.end() {
        pile.step(step, &Due::Either)?;
    }
    output.good(format_args!(
        "{} right, {} wrong",
        count(pile.right, "label"),
        pile.wrong
    ));
    if interrupt.flag().load(Ordering::SeqCst) && pile.code == 0 {
        return Ok(exit::INTERRUPTED);
    }
    Ok(pile.code)
}

/// Returns what the operator is asked for.
fn asked(due: &Due) -> String {
    match due {
        Due::Either => "serial or label".to_owned(),
        Due::Label(serial) => format!("label of {serial}"),
        Due::Serial => "serial of this label".to_owned(),
    }
}

/// What was compared so far.
struct Pile<'p> {
    ledger: Ledger,
    actor: Actor,
    output: &'p Output,
    view: report::View,
    serials: &'p SerialSpec,
    /// Whose each label is that was right.
    seen: BTreeMap<String, Serial>,
    code: u8,
    right: usize,
    wrong: usize,
}

impl Pile<'_> {
    /// Tells what a scan came to; `due` is what comes next.
    fn step(&mut self, step: Step, due: &Due) -> Result<(), CliError> {
        match step {
            Step::Half => Ok(()),
            Step::Again(half) => {
                self.again(&half, due);
                Ok(())
            }
            Step::Pair(serial, label) => match self.compare(&serial, &label) {
                Ok(told) => {
                    self.right += 1;
                    self.pass(&serial, &told);
                    Ok(())
                }
                // Nothing can be said of any label any more.
                Err(error) if error.code == exit::LEDGER => Err(error),
                Err(error) => {
                    self.fail(Some(&serial), &error);
                    Ok(())
                }
            },
            Step::Wrong(wrong) => {
                let (serial, error) = words_of(self.serials, wrong);
                self.fail(serial.as_ref(), &error);
                Ok(())
            }
        }
    }

    /// Compares one scan with the record, and records a right one.
    fn compare(&mut self, serial: &Serial, label: &QrToken) -> Result<String, CliError> {
        let owner = self.ledger.owner(label)?;
        if let Some(owner) = owner.as_ref().filter(|owner| owner.state.is_over()) {
            let message = format!(
                "the label was {}'s, whose token was burnt on {}",
                owner.serial, owner.at
            );
            return Err(CliError::new(exit::LABEL, "label-burnt", message));
        }
        let other = owner.filter(|owner| owner.serial.folded() != serial.folded());
        let whose = match &other {
            Some(other) => format!("the label is {}'s", other.serial),
            None => "the label is no unit's of this ledger".to_owned(),
        };
        let wrong = |more: &str| CliError::new(exit::LABEL, "label-other", whose.clone() + more);
        let entry = match labels::finished(&self.ledger, serial) {
            Err(error) if error.code == exit::REFUSED && other.is_some() => {
                return Err(wrong(&format!("; {}", error.message)));
            }
            entry => entry?,
        };
        if label::scan(&entry, &label.payload())? != Verdict::Matches {
            return Err(wrong(""));
        }
        // The same symbol on two units: the record cannot show it, this pile can.
        let symbol = label.payload();
        if let Some(other) = self.seen.get(&symbol)
            && other.folded() != serial.folded()
        {
            let message = format!("the same label is on {other} too");
            return Err(CliError::new(exit::LABEL, "label-twice", message));
        }
        self.seen.insert(symbol, serial.clone());
        let entry = self.ledger.labelled(serial, &self.actor)?;
        Ok(format!(
            "label matches token {}",
            entry.record().fingerprint
        ))
    }

    fn pass(&self, serial: &Serial, told: &str) {
        self.output.object(&json!({
            "v": 1, "serial": serial.as_str(), "outcome": "pass", "action": "next", "error": null,
            "simulated": self.view.is_simulated(),
        }));
        let name = format!("{serial}  {}", self.view.word());
        self.output.good(format_args!(
            "{GOOD}PASS{GOOD:#}  {:<14} {told}",
            name.trim_end()
        ));
    }

    fn again(&self, half: &Half, due: &Due) {
        let serial = match half {
            Half::Serial(serial) => Some(serial.as_str()),
            Half::Label(_) => None,
        };
        let next = format!("scan the {}", asked(due));
        self.output.object(&json!({
            "v": 1, "serial": serial, "outcome": "again", "action": "next", "next": next,
            "simulated": self.view.is_simulated(),
        }));
        self.output.note(format_args!(
            "      read twice, which changes nothing: {next}"
        ));
    }

    fn fail(&mut self, serial: Option<&Serial>, error: &CliError) {
        self.wrong += 1;
        if self.code == 0 {
            self.code = error.code;
        }
        let next = error.next();
        self.output.object(&json!({
            "v": 1,
            "serial": serial.map(Serial::as_str),
            "outcome": "fail",
            "action": next.action(),
            "next": error.sentence(),
            "error": error.json(),
            "simulated": self.view.is_simulated(),
        }));
        let name = serial.map_or("?", Serial::as_str);
        self.output.line(format_args!(
            "{BAD}FAIL{BAD:#}  {name:<14} {error} ({})",
            error.code
        ));
        self.output.line(format_args!("      {}", error.sentence()));
        bell();
    }
}

/// Returns the words for a scan that makes no pair, and the unit that it is about.
fn words_of(serials: &SerialSpec, wrong: Wrong) -> (Option<Serial>, CliError) {
    let label = |name, message: &str| CliError::new(exit::LABEL, name, message);
    match wrong {
        Wrong::LabelLeftOut(serial) => {
            let message = "its label was not scanned";
            (Some(serial), label("label-left-out", message))
        }
        Wrong::SerialLeftOut => {
            let message = "a label was scanned, and the serial of its unit was not";
            (None, label("label-no-serial", message))
        }
        Wrong::NoLabel(serial) => {
            let message = "what was scanned is no QR Token: scan the label's QR symbol";
            (Some(serial), label("label-unknown", message))
        }
        Wrong::Secret(serial) => {
            let message = "what was scanned is an AuthToken, a secret (it is not repeated here)";
            (serial, label("label-auth-token", message))
        }
        Wrong::Neither(error) => {
            tracing::info!("{error}");
            (None, no_serial(serials, &error))
        }
        Wrong::Misread(misread) => (None, misread.into()),
    }
}
