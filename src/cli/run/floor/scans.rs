//! The floor with a scanner: one serial after the other, or one for every nest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eol_inject::ledger::{Ledger, Target};
use eol_inject::recipe::SerialSource;

use super::super::panel::{Panel, Taken};
use super::super::worker::{Off, Which};
use super::Floor;
use crate::cli::error::{CliError, exit};
use crate::cli::scan::{self, Scan, Scans, bell};
use crate::cli::unit::{Board, Ended, Place};

impl Floor<'_> {
    /// Makes the units that are scanned.
    pub(super) fn scans(&mut self, ledger: &Ledger) -> Result<(), CliError> {
        let scans = Scans::start();
        let mut instead = None;
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
                let which = match instead.take() {
                    Some(which) => Some(which),
                    None => self.single(&scans)?,
                };
                which.map(|which| vec![which])
            }) else {
                return Ok(());
            };
            let alive: Vec<usize> = (0..self.nests.len())
                .filter(|nest| self.is_idle(*nest))
                .collect();
            for (nest, which) in alive.into_iter().zip(wanted) {
                let off = match which {
                    // From a pipe, what comes is what is meant.
                    _ if !scans.is_terminal() => Off::Nothing,
                    Which::Serial(_) => Off::Made,
                    Which::Source => self.before(nest),
                };
                self.begin(nest, which, off);
            }
            instead = self.attend(&scans)?;
            if !self.goes_on() {
                return Ok(());
            }
            if instead.is_some() {
                continue;
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

    /// Hears until no unit is in hand. A serial that is scanned while the fixture waits for a hand
    /// takes the place of the one before: nothing was begun.
    fn attend(&mut self, scans: &Scans) -> Result<Option<Which>, CliError> {
        while self.busy() > 0 {
            self.hear()?;
            let waits = match self.nests.as_slice() {
                [nest] if scans.is_terminal() && nest.waiting && nest.sign.is_some() => nest,
                _ => continue,
            };
            let (cancel, wanted) = (Arc::clone(&waits.cancel), waits.serial.clone());
            let read = match scans.next() {
                Scan::Line(Ok(line)) if line.trim().is_empty() => continue,
                Scan::Line(Ok(line)) => scan::serial(&self.shared.recipe.serial, &line),
                Scan::Line(Err(misread)) => Err(misread.into()),
                Scan::Nothing => continue,
                // The prompt meets it again.
                Scan::Broken(_) | Scan::End => {
                    cancel.store(true, Ordering::SeqCst);
                    self.finish_all()?;
                    return Ok(None);
                }
            };
            match read {
                Ok(serial) if Some(&serial) == wanted.as_ref() => {}
                Ok(serial) => {
                    cancel.store(true, Ordering::SeqCst);
                    self.finish_all()?;
                    return Ok(Some(Which::Serial(serial)));
                }
                Err(error) => self.misread(error)?,
            }
        }
        Ok(None)
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
                Scan::Line(Ok(line)) => scan::serial(&self.shared.recipe.serial, &line),
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
        ledger: &Ledger,
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
