//! The floor with a scanner: one serial after the other, or one for every nest.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eol_inject::ledger::{Ledger, Target};
use eol_inject::recipe::SerialSource;

use super::super::panel::{Panel, Taken};
use super::super::worker::Which;
use super::Floor;
use crate::cli::error::{CliError, exit};
use crate::cli::scan::{Scan, Scans, bell};
use crate::cli::unit::{Board, Ended, Place};

impl Floor<'_> {
    /// Makes the units that are scanned.
    pub(super) fn scans(&mut self, ledger: &dyn Ledger) -> Result<(), CliError> {
        let scans = Scans::start();
        loop {
            let names: Vec<String> = self
                .nests
                .iter()
                .filter(|nest| nest.alive)
                .map(|nest| nest.name.clone().unwrap_or_default())
                .collect();
            let several = self.nests.iter().any(|nest| nest.name.is_some());
            let Some(wanted) = (if several {
                self.panel(&scans, names, ledger)?
            } else {
                self.single(&scans)?.map(|which| vec![which])
            }) else {
                return Ok(());
            };
            let alive: Vec<usize> = (0..self.nests.len())
                .filter(|nest| self.is_idle(*nest))
                .collect();
            for (nest, which) in alive.into_iter().zip(wanted) {
                // From a pipe, what comes is what is meant.
                let before = self.before(nest).filter(|_| scans.is_terminal());
                self.begin(nest, which, before);
            }
            self.finish_all()?;
            if !self.goes_on() {
                return Ok(());
            }
            match scans.drop_typed() {
                0 => {}
                1 => self.screen.aside("1 scan dropped: a unit was in hand"),
                dropped => self
                    .screen
                    .aside(format_args!("{dropped} scans dropped: a unit was in hand")),
            }
        }
    }

    /// Waits for the scan of one unit; none where no more come.
    fn single(&mut self, scans: &Scans) -> Result<Option<Which>, CliError> {
        let source = self.shared.recipe.serial.source;
        let wanted = match source {
            SerialSource::Scan => "serial",
            _ => "Enter for the next unit",
        };
        scans.ask(wanted);
        while self.goes_on() {
            let read = match scans.next() {
                Scan::Line(Ok(line)) if line.trim().is_empty() => {
                    if source != SerialSource::Scan {
                        return Ok(Some(Which::Source));
                    }
                    scans.ask(wanted);
                    continue;
                }
                Scan::Line(Ok(line)) => self.shared.recipe.serial.read(&line).map_err(Into::into),
                Scan::Line(Err(misread)) => Err(misread.into()),
                Scan::Broken(error) => return Err(error),
                Scan::Nothing => continue,
                Scan::End => break,
            };
            match read {
                Ok(serial) => return Ok(Some(Which::Serial(serial))),
                Err(error) => self.misread(error)?,
            }
            if self.goes_on() {
                scans.ask(wanted);
            }
        }
        self.leave_prompt(scans);
        Ok(None)
    }

    /// Waits until every active nest has its serial.
    fn panel(
        &mut self,
        scans: &Scans,
        names: Vec<String>,
        ledger: &dyn Ledger,
    ) -> Result<Option<Vec<Which>>, CliError> {
        let mut panel = Panel::new(names);
        self.ask(scans, &panel);
        while self.goes_on() {
            let taken = match scans.next() {
                Scan::Line(Ok(line)) if line.trim().is_empty() => continue,
                Scan::Line(Ok(line)) => panel.take(&self.shared.recipe, &line),
                Scan::Line(Err(misread)) => Err(misread.into()),
                Scan::Broken(error) => return Err(error),
                Scan::Nothing => continue,
                Scan::End if panel.begun() => {
                    return Err(CliError::new(
                        exit::RECIPE,
                        "serial-nest",
                        format!(
                            "this panel was not started: nest {} got no serial",
                            panel.missing().join(", ")
                        ),
                    ));
                }
                Scan::End => break,
            };
            match taken {
                Err(error) => self.misread(error)?,
                Ok(Taken::Instead(of)) => {
                    self.output.warning(of);
                    bell();
                }
                Ok(Taken::New) => {}
            }
            if panel.missing().is_empty() {
                let serials = panel.serials();
                let mut new = 0;
                for serial in &serials {
                    new += u64::from(ledger.find(serial)?.is_none());
                }
                self.enough(new, ledger)?;
                return Ok(Some(serials.into_iter().map(Which::Serial).collect()));
            }
            self.ask(scans, &panel);
        }
        self.leave_prompt(scans);
        Ok(None)
    }

    fn ask(&self, scans: &Scans, panel: &Panel) {
        match &self.shared.recipe.serial.panel {
            Some(_) => scans.ask("panel"),
            None => scans.ask(&panel.missing().join(" ")),
        }
    }

    fn leave_prompt(&self, scans: &Scans) {
        let broken_off = self.shared.interrupted.load(Ordering::SeqCst);
        if scans.is_terminal() && (self.goes_on() || broken_off) {
            self.output.note("");
        }
    }

    /// A scan that is no serial: told, counted, and nothing is begun.
    fn misread(&mut self, error: CliError) -> Result<(), CliError> {
        let target = self.nests.first().map_or(Target::Probe, |nest| nest.target);
        let ended = Ended {
            serial: None,
            attempt: None,
            result: Err(error),
            elapsed: Duration::ZERO,
            place: Place::Board(Board {
                target,
                nest: None,
                seen: None,
            }),
            label: None,
        };
        self.ended(&ended, None)
    }
}
