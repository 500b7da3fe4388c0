//! The factory's system, as the loop meets it: results in the outbox, then out of it.

use std::time::{Duration, Instant};

use eol_inject::mes::{HookError, Hooks, Outbox};
use eol_inject::recipe::{MesDown, Recipe};

use crate::cli::error::CliError;
use crate::cli::open_ledger;
use crate::cli::output::{Output, count};

/// How long a system that did not answer in time is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// Tells results.
pub(super) struct Mes<'o> {
    hooks: Hooks,
    down: MesDown,
    outbox: Outbox,
    output: &'o Output,
    /// Since when it does not answer.
    silent: Option<Instant>,
    told: bool,
}

impl<'o> Mes<'o> {
    pub(super) fn new(recipe: &Recipe, output: &'o Output) -> Self {
        Self {
            hooks: Hooks::new(&recipe.hook, recipe.folder()),
            down: recipe.hook.mes_down,
            outbox: Outbox::beside(&open_ledger::ledger_file(recipe)),
            output,
            silent: None,
            told: false,
        }
    }

    /// Sends what earlier runs left.
    ///
    /// # Errors
    /// The outbox cannot be used, or the system is down and the recipe says to stop then.
    pub(super) fn start(&mut self) -> Result<(), CliError> {
        if !self.hooks.tells() {
            return Ok(());
        }
        self.send()
    }

    /// Tells how a unit ended: into the outbox first, so that nothing is lost.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(super) fn tell(&mut self, result: &str) -> Result<(), CliError> {
        if !self.hooks.tells() {
            return Ok(());
        }
        self.outbox.put(result)?;
        self.send()
    }

    fn send(&mut self) -> Result<(), CliError> {
        let resting = self.silent.is_some_and(|since| since.elapsed() < PAUSE);
        if resting && self.down == MesDown::Queue {
            return Ok(());
        }
        let sent = self.outbox.send(&self.hooks)?;
        let Some(error) = sent.error else {
            if self.told {
                let taken = count(sent.taken, "result");
                self.output.note(format_args!(
                    "the factory's system answers again: {taken} sent"
                ));
            }
            (self.silent, self.told) = (None, false);
            return Ok(());
        };
        self.silent = matches!(error, HookError::TimedOut { .. }).then(Instant::now);
        let waiting = count(sent.waiting, "result");
        if self.down == MesDown::Stop {
            let file = self.outbox.path().display();
            let error = CliError::from(error);
            return Err(error.about(format_args!("{waiting} not taken, kept in {file}")));
        }
        if !self.told {
            self.told = true;
            let error = CliError::from(error);
            self.output.warning(format_args!(
                "results are not taken and wait in {} ({waiting}): {error}",
                self.outbox.path().display()
            ));
        }
        Ok(())
    }
}
