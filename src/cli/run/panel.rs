//! Scans for several nests: `A<TAB>serial`, or one panel number for all.

use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;

use crate::cli::error::{CliError, exit};
use crate::cli::scan;

/// What a scan did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A nest that had none got its serial.
    New,
    /// A nest got another serial than it had, in these words.
    Instead(String),
}

/// The serials of the next start, nest by nest.
pub(super) struct Panel {
    names: Vec<String>,
    serials: Vec<Option<Serial>>,
}

impl Panel {
    /// Begins a start of the nests with these names; one without a name takes plain serials.
    pub(super) fn new(names: Vec<String>) -> Self {
        let serials = names.iter().map(|_| None).collect();
        Self { names, serials }
    }

    /// Takes a scan.
    ///
    /// # Errors
    /// [`CliError`]: it names no nest, no serial, or one that another nest has.
    pub(super) fn take(&mut self, recipe: &Recipe, line: &str) -> Result<Taken, CliError> {
        if let Some(form) = &recipe.serial.panel {
            let number = line.trim();
            for (name, place) in self.names.iter().zip(&mut self.serials) {
                let serial = form.replace("{panel}", number).replace("{nest}", name);
                *place = Some(scan::serial(&recipe.serial, &serial)?);
            }
            return Ok(Taken::New);
        }
        let Some((nest, serial)) = line.trim().split_once(['\t', ',', ';', ' ']) else {
            return Err(wrong("say which nest: its name, Tab, the serial"));
        };
        let nest = nest.trim();
        let mut names = self.names.iter();
        let Some(at) = names.position(|name| name.eq_ignore_ascii_case(nest)) else {
            // What stands there may be a serial or a secret: it is not repeated.
            return Err(wrong(format!(
                "no active nest has that name: there are {}",
                self.names.join(", ")
            )));
        };
        let serial = scan::serial(&recipe.serial, serial)?;
        for (other, name) in self.serials.iter().zip(&self.names) {
            let same = other
                .as_ref()
                .is_some_and(|other| other.folded() == serial.folded());
            if same && !name.eq_ignore_ascii_case(nest) {
                return Err(wrong(format!(
                    "nest {name} has the serial {serial} already"
                )));
            }
        }
        let told = serial.to_string();
        let before = self
            .serials
            .get_mut(at)
            .and_then(|place| place.replace(serial));
        Ok(match before {
            Some(before) if before.as_str() != told => Taken::Instead(format!(
                "nest {nest}: {told} takes the place of {before}, which is not started"
            )),
            _ => Taken::New,
        })
    }

    /// Returns whether anything was scanned.
    pub(super) fn begun(&self) -> bool {
        self.serials.iter().any(Option::is_some)
    }

    /// Returns the nests that have no serial yet.
    pub(super) fn missing(&self) -> Vec<&str> {
        let pairs = self.names.iter().zip(&self.serials);
        pairs
            .filter(|(_, serial)| serial.is_none())
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Returns the serials in the order of the nests.
    pub(super) fn serials(self) -> Vec<Serial> {
        self.serials.into_iter().flatten().collect()
    }
}

fn wrong(message: impl Into<String>) -> CliError {
    CliError::new(exit::RECIPE, "serial-nest", message)
}
