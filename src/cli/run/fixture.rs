//! Which fixture a recipe and the arguments mean.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use eol_inject::ledger::{Simulated, Target};
use eol_inject::master::Master;
use eol_inject::recipe::{Recipe, SerialSource};
use eol_inject::station::Boards;
#[cfg(feature = "sim")]
use eol_inject::station::uid_serial;
use eol_inject::target::{self, Program, Programmer, StandIns, TargetError};
#[cfg(feature = "sim")]
use eol_inject::target::{MemoryJournal, Target as _, Unwatched};
#[cfg(feature = "probe")]
use eol_inject::target::{Probe, ProbeSetup, ReachFault};
use eol_inject::unit::Serial;

use crate::cli::error::{CliError, exit};
#[cfg(feature = "probe")]
use crate::cli::open_ledger;

/// Returns whether a probe's name means simulated boards.
pub(crate) fn is_simulated(probe: &str) -> bool {
    probe == "sim" || probe.starts_with("sim:")
}

/// Returns whether the boards are real; all nests alike.
pub(crate) fn kind<'r>(reaches: impl Iterator<Item = &'r Reach>) -> Result<Simulated, CliError> {
    let mut kinds = reaches.map(Reach::simulated);
    let first = kinds.next().unwrap_or_default();
    if kinds.any(|kind| kind != first) {
        return Err(CliError::new(
            exit::RECIPE,
            "recipe-nest",
            "some nests are simulated and some are not: a ledger takes one kind only",
        ));
    }
    Ok(first)
}

/// Whether probes and programmers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hardware {
    /// They must be there.
    Tried,
    /// They may be elsewhere.
    LeftOut,
}

/// Looks at a simulated board as a unit would.
#[cfg(feature = "sim")]
fn board(setup: ProbeSetup, recipe: &Recipe, master: &Master) -> Result<(), CliError> {
    let board = setup.new_board(master)?;
    let journal = Box::new(MemoryJournal::default());
    let mut probe = Probe::on_board(setup, board, journal);
    let seen = probe.identify(master, &mut Unwatched);
    let looked = seen.and_then(|seen| probe.accept(master, &mut Unwatched).map(|()| seen));
    let released = probe.release();
    let seen = looked?;
    released?;
    if recipe.serial.source == SerialSource::ChipUid {
        let serial = uid_serial(recipe, seen.and_then(|seen| seen.uid).as_deref())?;
        master.accept(&serial)?;
    }
    Ok(())
}

/// How boards are reached.
#[derive(Clone)]
pub(crate) enum Reach {
    /// By the line's own programmer.
    Program(Box<Programmer>),
    /// By a probe, real or simulated.
    Probe(String),
    /// Not at all: boards of memory stand in for them.
    StandIn(StandIns),
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
        if flash.program.is_some() && probe.is_some_and(is_simulated) {
            return Err(CliError::new(
                exit::USAGE,
                "run-simulated",
                "the recipe's own programmer writes real boards: none of them is simulated",
            ));
        }
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
            Self::Probe(_) | Self::StandIn(_) => Target::Probe,
        }
    }

    /// Returns whether its boards are real.
    pub(crate) fn simulated(&self) -> Simulated {
        match self {
            Self::StandIn(_) => Simulated::Yes,
            Self::Probe(probe) if is_simulated(probe) => Simulated::Yes,
            _ => Simulated::No,
        }
    }

    /// Makes sure that boards can be reached and take the image, before a unit costs a token.
    pub(crate) fn at_hand(
        &self,
        recipe: &Recipe,
        master: &Master,
        hardware: Hardware,
    ) -> Result<(), CliError> {
        match (self, hardware) {
            (Self::Program(programmer), Hardware::Tried) => {
                Ok(programmer.at_hand().map_err(TargetError::from)?)
            }
            #[cfg(feature = "probe")]
            (Self::Probe(probe), _) => {
                let Some(setup) = ProbeSetup::of(recipe, Some(probe)) else {
                    return Ok(());
                };
                setup.footprint(master)?;
                let found = match hardware {
                    Hardware::Tried => setup.at_hand(),
                    Hardware::LeftOut => setup.is_named(),
                };
                Ok(found?)
            }
            _ => {
                let _ = (recipe, master);
                Ok(())
            }
        }
    }

    /// Goes as far with a board as can be gone before its claim, where boards are simulated: it is
    /// a new one, of which nothing stays.
    pub(crate) fn tried(&self, recipe: &Recipe, master: &Master) -> Result<(), CliError> {
        #[cfg(feature = "sim")]
        if let Self::Probe(probe) = self
            && is_simulated(probe)
            && let Some(setup) = ProbeSetup::of(recipe, Some(probe))
        {
            return board(setup, recipe, master);
        }
        let _ = (recipe, master);
        Ok(())
    }

    /// Returns the number of a simulated chip that nobody has seen yet, where boards have numbers.
    fn new_number(&self, recipe: &Recipe) -> Option<String> {
        match self {
            Self::StandIn(boards) => boards.number(&RandomState::new().hash_one(0).to_string()),
            #[cfg(feature = "sim")]
            Self::Probe(probe) => ProbeSetup::of(recipe, Some(probe))?.new_number(),
            _ => None,
        }
    }

    /// Returns what `--probe` would be for it.
    pub(crate) fn probe(&self) -> &str {
        match self {
            Self::Program(programmer) => programmer.probe(),
            Self::Probe(probe) => probe,
            Self::StandIn(_) => "",
        }
    }

    /// Returns the name for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Program(_) => "the recipe's own programmer".to_owned(),
            Self::Probe(probe) => format!("probe {probe}"),
            Self::StandIn(_) => "boards that stand in".to_owned(),
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
    ) -> Result<Box<dyn target::Target>, TargetError> {
        #[cfg(not(feature = "probe"))]
        let _ = (recipe, serial);
        match self {
            Self::Program(programmer) => Ok(Box::new(Program::new((**programmer).clone()))),
            Self::StandIn(boards) => {
                let name = serial.map(Serial::folded).unwrap_or_default();
                Ok(Box::new(boards.board(&name)))
            }
            #[cfg(feature = "probe")]
            Self::Probe(probe) => {
                let setup = ProbeSetup::of(recipe, Some(probe));
                let journal = open_ledger::journal(recipe);
                let setup = setup.ok_or_else(|| ReachFault::Selector {
                    text: probe.clone(),
                })?;
                Ok(Box::new(Probe::new(setup, serial, Box::new(journal))?))
            }
            #[cfg(not(feature = "probe"))]
            Self::Probe(probe) => Err(TargetError::Folder {
                folder: probe.into(),
                source: std::io::ErrorKind::Unsupported.into(),
            }),
        }
    }
}

/// The boards of one nest.
pub(super) struct NestBoards {
    pub(super) reach: Reach,
    pub(super) recipe: Arc<Recipe>,
}

impl Boards for NestBoards {
    fn open(&self, serial: Option<&Serial>) -> Result<Box<dyn target::Target>, TargetError> {
        self.reach.open(&self.recipe, serial)
    }

    fn target(&self) -> Target {
        self.reach.target()
    }

    /// A simulated board is made for its serial.
    fn by_serial(&self) -> bool {
        self.reach.simulated() == Simulated::Yes
    }

    fn new_number(&self) -> Option<String> {
        self.reach.new_number(&self.recipe)
    }
}
