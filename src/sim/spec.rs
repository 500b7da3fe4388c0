//! The text form of a simulated target: `sim:CHIP,uid=...,pace=...,fault=...`.
//!
//! It only parses and applies; where a board is kept between commands is [`Shelf`](super::Shelf)'s
//! business.

use std::fmt;
use std::str::FromStr;

use super::board::Board;
use super::chip::Model;
use super::fault::{Fault, FaultError};
use super::nor::Pace;
use super::uid::{Uid, UidError};

/// What `--probe sim...` asks for.
///
/// ```
/// use eol_inject::sim::{Pace, Spec};
/// let spec: Spec = "sim:nRF52840_xxAA,pace=real,fault=unplug:5000".parse()?;
/// assert_eq!(spec.chip.map(|chip| chip.name), Some("nRF52840_xxAA"));
/// assert_eq!((spec.pace, spec.faults.len()), (Pace::Real, 1));
/// # Ok::<(), eol_inject::sim::SpecError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spec {
    /// The chip; `None` takes the recipe's.
    pub chip: Option<&'static Model>,
    /// The unique ID; `None` derives it from the board's name.
    pub uid: Option<Uid>,
    /// Whether operations take time.
    pub pace: Pace,
    /// Faults, in the order given.
    pub faults: Vec<Fault>,
}

/// Why a text does not describe a simulated target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum SpecError {
    /// It does not begin with `sim`.
    #[error("{0:?} is not a simulated target: it must be sim, sim:CHIP or sim:CHIP,OPTION,...")]
    NotSim(String),
    /// The chip has no model.
    #[error("chip {found:?} is not simulated; these are: {}", known_chips())]
    Chip { found: String },
    /// The option is not known.
    #[error("option {0:?} is unknown: there are uid=HEX, pace=instant, pace=real and fault=...")]
    Option(String),
    /// An option that may appear once appeared again.
    #[error("option {0} is given twice")]
    Repeated(&'static str),
    /// The pace is neither of the two.
    #[error("pace {0:?} is neither instant nor real")]
    Pace(String),
    /// The unique ID is malformed.
    #[error(transparent)]
    Uid(#[from] UidError),
    /// A fault is unknown or malformed.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

fn known_chips() -> String {
    let names: Vec<_> = Model::all().iter().map(|model| model.name).collect();
    names.join(", ")
}

impl Spec {
    /// Makes a new, erased board as described; `default` is the chip where none is given.
    #[must_use]
    pub fn board(&self, default: &'static Model, name: &str) -> Board {
        let mut board = Board::new(self.chip.unwrap_or(default), name);
        self.equip(&mut board);
        board
    }

    /// Gives a board, a loaded one for example, the described ID, pace and faults.
    pub fn equip(&self, board: &mut Board) {
        if let Some(uid) = self.uid {
            board.set_uid(uid);
        }
        board.set_pace(self.pace);
        for fault in &self.faults {
            board.inject(*fault);
        }
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = match text.split_once(':') {
            Some(("sim", rest)) if !rest.is_empty() => rest,
            None if text == "sim" => return Ok(Spec::default()),
            _ => return Err(SpecError::NotSim(text.to_owned())),
        };
        let mut spec = Spec::default();
        let mut pace = None;
        for (index, item) in rest.split(',').enumerate() {
            match item.split_once('=') {
                None if index == 0 => {
                    let found = || SpecError::Chip {
                        found: item.to_owned(),
                    };
                    spec.chip = Some(Model::by_name(item).ok_or_else(found)?);
                }
                Some(("uid", _)) if spec.uid.is_some() => return Err(SpecError::Repeated("uid")),
                Some(("uid", value)) => spec.uid = Some(value.parse()?),
                Some(("pace", _)) if pace.is_some() => return Err(SpecError::Repeated("pace")),
                Some(("pace", "instant")) => pace = Some(Pace::Instant),
                Some(("pace", "real")) => pace = Some(Pace::Real),
                Some(("pace", other)) => return Err(SpecError::Pace(other.to_owned())),
                Some(("fault", value)) => spec.faults.push(value.parse()?),
                _ => return Err(SpecError::Option(item.to_owned())),
            }
        }
        spec.pace = pace.unwrap_or_default();
        Ok(spec)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sim")?;
        let mut separator = ':';
        let mut item = |f: &mut fmt::Formatter<'_>, text: &str| {
            write!(f, "{separator}{text}")?;
            separator = ',';
            Ok::<(), fmt::Error>(())
        };
        if let Some(chip) = self.chip {
            item(f, chip.name)?;
        }
        if let Some(uid) = self.uid {
            item(f, &format!("uid={uid}"))?;
        }
        if self.pace == Pace::Real {
            item(f, "pace=real")?;
        }
        for fault in &self.faults {
            item(f, &format!("fault={fault}"))?;
        }
        Ok(())
    }
}
