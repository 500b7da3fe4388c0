//! Where a probe comes from: plugged in, or simulated with its board.

use probe_rs::probe::Probe;

use super::error::{ProbeFault, ReachFault};
use super::list;
use super::setup::ProbeSetup;
use crate::master::Master;
#[cfg(feature = "sim")]
use crate::recipe::Mode;
#[cfg(feature = "sim")]
use crate::sim::{self, Held, Model, SharedBoard, Shelf, Spec, StateError, Uid};
use crate::unit::Serial;

/// What is opened for each attach.
#[derive(Debug)]
pub enum Source {
    /// A probe on USB, by `VID:PID` or `VID:PID:SERIAL`.
    Usb(String),
    /// A simulated board off its shelf.
    #[cfg(feature = "sim")]
    Shelf(Box<Held>),
    /// A simulated board that somebody else keeps.
    #[cfg(feature = "sim")]
    Board(SharedBoard),
}

impl Source {
    /// Finds out what the setup's text names; takes a simulated board off its shelf.
    pub fn of(setup: &ProbeSetup, serial: Option<&Serial>) -> Result<Self, ReachFault> {
        if !setup.is_simulated() {
            list::check(&setup.probe)?;
            return Ok(Self::Usb(setup.probe.clone()));
        }
        #[cfg(feature = "sim")]
        {
            shelf(setup, serial)
        }
        #[cfg(not(feature = "sim"))]
        {
            let _ = serial;
            Err(ReachFault::NoSim)
        }
    }

    /// Opens the probe.
    pub fn open(&self) -> Result<Probe, ReachFault> {
        match self {
            Self::Usb(wanted) => list::open(wanted),
            #[cfg(feature = "sim")]
            Self::Shelf(held) => Ok(sim::open(held.board())),
            #[cfg(feature = "sim")]
            Self::Board(board) => Ok(sim::open(board)),
        }
    }

    /// Puts the shared firmware on a board that was made just now: in slot mode a unit carries it
    /// when it comes to the line.
    pub fn prepare(&self, master: &Master) -> Result<(), ProbeFault> {
        #[cfg(feature = "sim")]
        if let Self::Shelf(held) = self
            && held.is_new()
        {
            preload(held.board(), master)?;
        }
        let _ = master;
        Ok(())
    }

    /// Keeps the state of a simulated board.
    pub fn save(&self) -> Result<(), ReachFault> {
        #[cfg(feature = "sim")]
        if let Self::Shelf(held) = self {
            return held
                .save()
                .map_err(|error| ReachFault::Simulated(error.into()));
        }
        Ok(())
    }
}

/// Puts the shared firmware on a simulated board.
#[cfg(feature = "sim")]
fn preload(board: &SharedBoard, master: &Master) -> Result<(), ProbeFault> {
    let image = master.image();
    for run in image.runs() {
        let start = u32::try_from(run.start().get()).unwrap_or(u32::MAX);
        let bytes = image.bytes(run)?;
        let loaded = board.lock().preload(start, &bytes);
        loaded.map_err(|error| ReachFault::Simulated(error.into()))?;
    }
    Ok(())
}

/// Makes a board that no shelf has.
#[cfg(feature = "sim")]
pub(super) fn board(setup: &ProbeSetup, master: &Master) -> Result<SharedBoard, ProbeFault> {
    let (spec, chip) = model(setup)?;
    let board = spec.board(chip, "check").share();
    if setup.mode == Mode::Slot {
        preload(&board, master)?;
    }
    Ok(board)
}

/// Draws the number of a chip; it is the text's own where that names one.
#[cfg(feature = "sim")]
pub(super) fn number(setup: &ProbeSetup) -> Option<String> {
    use std::hash::{BuildHasher as _, RandomState};
    let (spec, chip) = setup.is_simulated().then(|| model(setup).ok()).flatten()?;
    // Two that are alike would be one board.
    let drawn = || Uid::derived(&RandomState::new().hash_one(0).to_string());
    let number = spec.uid.unwrap_or_else(drawn).to_string();
    let (_, words) = chip.uid_location();
    number.get(..words * 8).map(str::to_owned)
}

/// Returns how the simulated board of a serial is called; without one, that of the number which
/// is named.
#[cfg(feature = "sim")]
fn name(spec: &Spec, serial: Option<&Serial>) -> Option<String> {
    match (serial, spec.uid) {
        (Some(serial), _) => Some(serial.folded()),
        (None, uid) => uid.map(|uid| uid.to_string()),
    }
}

/// Returns whether a simulated board was made before.
#[cfg(feature = "sim")]
pub(super) fn is_kept(setup: &ProbeSetup, serial: Option<&Serial>) -> bool {
    let spec: Option<Spec> = setup.probe.parse().ok();
    let name = spec.and_then(|spec| name(&spec, serial));
    name.is_some_and(|name| Shelf::new(&setup.boards).path(&name).exists())
}

/// Makes sure that the text names a chip that is simulated.
pub fn chip(setup: &ProbeSetup) -> Result<(), ReachFault> {
    #[cfg(feature = "sim")]
    {
        model(setup).map(drop)
    }
    #[cfg(not(feature = "sim"))]
    {
        let _ = setup;
        Err(ReachFault::NoSim)
    }
}

/// Reads the text, and finds its chip, or the recipe's.
#[cfg(feature = "sim")]
fn model(setup: &ProbeSetup) -> Result<(Spec, &'static Model), ReachFault> {
    let simulated = |source: super::error::Cause| ReachFault::Simulated(source);
    let spec: Spec = setup
        .probe
        .parse()
        .map_err(|error: sim::SpecError| simulated(error.into()))?;
    let known = || {
        let chip = &setup.attach.chip;
        Model::by_name(chip).ok_or_else(|| simulated(format!("{chip} is not simulated").into()))
    };
    let chip = match spec.chip {
        Some(chip) => chip,
        None => known()?,
    };
    Ok((spec, chip))
}

/// Takes the board of a serial off the shelf; without one, that of the number which is named.
#[cfg(feature = "sim")]
fn shelf(setup: &ProbeSetup, serial: Option<&Serial>) -> Result<Source, ReachFault> {
    let simulated = |source: super::error::Cause| ReachFault::Simulated(source);
    let (spec, chip) = model(setup)?;
    let Some(name) = name(&spec, serial) else {
        return Err(simulated("a simulated board has a serial or a uid".into()));
    };
    let held = match Shelf::new(&setup.boards).take(chip, &name) {
        Ok(held) => held,
        Err(StateError::Busy { name, .. }) => {
            return Err(ReachFault::Busy { name });
        }
        Err(error) => return Err(simulated(error.into())),
    };
    // Where serials are the chips' own numbers, the board of a serial has that number.
    let number = serial.and_then(|serial| serial.folded().parse::<Uid>().ok());
    if let Some(number) = number.filter(|number| held.is_new() && number.is_simulated()) {
        held.board().lock().set_uid(number);
    }
    spec.equip(&mut held.board().lock());
    Ok(Source::Shelf(Box::new(held)))
}
