//! Which fixture a recipe and the arguments mean.

use eol_inject::deliver::{DeliverError, Fixture, Program, Programmer};
#[cfg(feature = "probe")]
use eol_inject::deliver::{Probe, ProbeError, ProbeFault, ProbeSetup};
use eol_inject::ledger::{Simulated, Target};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Serial;

#[cfg(feature = "probe")]
use crate::cli::books;
use crate::cli::error::{CliError, exit};

/// How boards are reached.
#[derive(Clone)]
pub(crate) enum Reach {
    /// By the line's own programmer.
    Program(Box<Programmer>),
    /// By a probe, real or simulated.
    Probe(String),
}

impl Reach {
    /// Finds out how the recipe reaches boards; `probe` goes before what the recipe names.
    pub(crate) fn of(recipe: &Recipe, probe: Option<&str>) -> Result<Self, CliError> {
        let Some(flash) = &recipe.flash else {
            return Err(CliError::new(
                exit::RECIPE,
                "recipe-no-flash",
                "the recipe has no [flash]: name the chip and the probe",
            ));
        };
        if let Some(programmer) = Programmer::of(recipe, probe) {
            return Ok(Self::Program(Box::new(programmer)));
        }
        match probe.or(flash.probe.as_deref()) {
            Some(probe) => Ok(Self::Probe(probe.to_owned())),
            None => Err(CliError::new(
                exit::RECIPE,
                "recipe-no-probe",
                "no probe is named: write probe = \"VID:PID:SERIAL\" under [flash], or say --probe",
            )),
        }
    }

    /// Returns how records call it.
    pub(crate) const fn target(&self) -> Target {
        match self {
            Self::Program(_) => Target::Program,
            Self::Probe(_) => Target::Probe,
        }
    }

    /// Returns whether its boards are real.
    pub(crate) fn simulated(&self) -> Simulated {
        match self {
            Self::Probe(probe) if probe == "sim" || probe.starts_with("sim:") => Simulated::Yes,
            _ => Simulated::No,
        }
    }

    /// Returns whether the serial decides which board is there, instead of a hand.
    pub(crate) fn by_serial(&self) -> bool {
        self.simulated() == Simulated::Yes
    }

    /// Returns what `--probe` would be for it.
    pub(crate) fn probe(&self) -> &str {
        match self {
            Self::Program(programmer) => programmer.probe(),
            Self::Probe(probe) => probe,
        }
    }

    /// Returns the name for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Program(_) => "the recipe's own programmer".to_owned(),
            Self::Probe(probe) => format!("probe {probe}"),
        }
    }

    /// Returns whether there is no board to look at: a simulated one is made by a delivery only.
    pub(crate) fn is_unmade(&self, recipe: &Recipe, serial: Option<&Serial>) -> bool {
        match self {
            #[cfg(feature = "probe")]
            Self::Probe(probe) => {
                ProbeSetup::of(recipe, Some(probe)).is_some_and(|setup| setup.is_unmade(serial))
            }
            _ => {
                let _ = (recipe, serial);
                false
            }
        }
    }

    /// Opens the fixture for one unit.
    pub(crate) fn open(
        &self,
        recipe: &Recipe,
        serial: Option<&Serial>,
    ) -> Result<Box<dyn Fixture>, DeliverError> {
        #[cfg(not(feature = "probe"))]
        let _ = (recipe, serial);
        match self {
            Self::Program(programmer) => Ok(Box::new(Program::new((**programmer).clone()))),
            #[cfg(feature = "probe")]
            Self::Probe(probe) => {
                let setup = ProbeSetup::of(recipe, Some(probe));
                let journal = books::journal(recipe);
                let missing = || ProbeFault::Selector {
                    text: probe.clone(),
                };
                let setup = setup.ok_or_else(|| ProbeError::new(missing(), false))?;
                Ok(Box::new(Probe::new(setup, serial, Box::new(journal))?))
            }
            #[cfg(not(feature = "probe"))]
            Self::Probe(probe) => Err(DeliverError::Folder {
                folder: probe.into(),
                source: std::io::ErrorKind::Unsupported.into(),
            }),
        }
    }
}
