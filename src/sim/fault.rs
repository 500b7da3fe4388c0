//! Faults that a board can be given: of the link, of the power, of the cells, and of the fixture.
//!
//! A fault says what goes wrong and when, in events counted from the moment it is injected. It must
//! not know how a board carries it out.

use std::fmt;
use std::str::FromStr;

use super::chip::Model;
use super::nor::PowerCut;

/// One thing that goes wrong.
///
/// The textual form, which [`fmt::Display`] gives back, is what follows `fault=` in a
/// [`Spec`](super::Spec).
///
/// ```
/// use eol_inject::sim::{Fault, PowerCut};
/// let fault: Fault = "cut-after-erase:1".parse()?;
/// assert_eq!(fault, Fault::PowerCut(PowerCut::AfterErase(1)));
/// assert_eq!(fault.to_string(), "cut-after-erase:1");
/// # Ok::<(), eol_inject::sim::FaultError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// `unplug:N`. The probe disappears from USB after N more SWD transfers.
    Unplug(u64),
    /// `no-ack:N`. The target stops answering after N more SWD transfers.
    NoAck(u64),
    /// `wait:N`. After N more SWD transfers every access port transfer answers WAIT.
    Wait(u64),
    /// `wait-every:N`. Every N-th access port transfer answers WAIT once.
    WaitEvery(u64),
    /// `cut-during-erase:N`, `cut-after-erase:N`, `cut-during-program:N`.
    PowerCut(PowerCut),
    /// `stuck:ADDRESS:MASK`. These bits of the byte at ADDRESS read as ones.
    StuckBits {
        /// Load address of the byte.
        address: u32,
        /// The bits that stick.
        mask: u8,
    },
    /// `protected:ADDRESS`. The sector around ADDRESS is write-protected.
    WriteProtected(u32),
    /// `hang:N`. The N-th erase from now never ends.
    HangingErase(u32),
    /// `locked`. Read-out protection is on: APPROTECT, RBPCONF or RDP level 1.
    Locked,
    /// `chip:NAME`. Another chip than the recipe's lies in the fixture.
    WrongChip(&'static Model),
    /// `no-chip`. The fixture is empty, or the board has no power.
    NoChip,
}

/// Why a fault's text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum FaultError {
    /// No such fault.
    #[error(
        "no fault {0:?}; known are unplug:N, no-ack:N, wait:N, wait-every:N, cut-during-erase:N, \
         cut-after-erase:N, cut-during-program:N, stuck:ADDRESS:MASK, protected:ADDRESS, hang:N, \
         locked, chip:NAME and no-chip"
    )]
    Unknown(String),
    /// A number is missing, malformed, zero or too large.
    #[error("fault {fault} needs {wanted}, found {found:?}")]
    Argument {
        fault: &'static str,
        wanted: &'static str,
        found: String,
    },
    /// `chip:` names a chip that is not simulated.
    #[error("fault chip: {0:?} is not a simulated chip")]
    Chip(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let fault = match name {
            "unplug" => Fault::Unplug(count("unplug", argument)?),
            "no-ack" => Fault::NoAck(count("no-ack", argument)?),
            "wait" => Fault::Wait(count("wait", argument)?),
            "wait-every" => Fault::WaitEvery(event("wait-every", argument)?),
            "cut-during-erase" => {
                Fault::PowerCut(PowerCut::DuringErase(event("cut-during-erase", argument)?))
            }
            "cut-after-erase" => {
                Fault::PowerCut(PowerCut::AfterErase(event("cut-after-erase", argument)?))
            }
            "cut-during-program" => Fault::PowerCut(PowerCut::DuringProgram(event(
                "cut-during-program",
                argument,
            )?)),
            "hang" => Fault::HangingErase(event("hang", argument)?),
            "protected" => Fault::WriteProtected(address("protected", argument)?),
            "stuck" => {
                let (at, mask) = argument.split_once(':').unwrap_or((argument, ""));
                let mask = number(mask).and_then(|mask| u8::try_from(mask).ok());
                Fault::StuckBits {
                    address: address("stuck", at)?,
                    mask: mask
                        .filter(|mask| *mask != 0)
                        .ok_or_else(|| FaultError::Argument {
                            fault: "stuck",
                            wanted: "ADDRESS:MASK with a mask of 0x01 to 0xff",
                            found: argument.to_owned(),
                        })?,
                }
            }
            "chip" => Fault::WrongChip(
                Model::by_name(argument).ok_or_else(|| FaultError::Chip(argument.to_owned()))?,
            ),
            "locked" if argument.is_empty() => Fault::Locked,
            "no-chip" if argument.is_empty() => Fault::NoChip,
            _ => return Err(FaultError::Unknown(text.to_owned())),
        };
        Ok(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unplug(n) => write!(f, "unplug:{n}"),
            Fault::NoAck(n) => write!(f, "no-ack:{n}"),
            Fault::Wait(n) => write!(f, "wait:{n}"),
            Fault::WaitEvery(n) => write!(f, "wait-every:{n}"),
            Fault::PowerCut(PowerCut::DuringErase(n)) => write!(f, "cut-during-erase:{n}"),
            Fault::PowerCut(PowerCut::AfterErase(n)) => write!(f, "cut-after-erase:{n}"),
            Fault::PowerCut(PowerCut::DuringProgram(n)) => write!(f, "cut-during-program:{n}"),
            Fault::StuckBits { address, mask } => write!(f, "stuck:{address:#010x}:{mask:#04x}"),
            Fault::WriteProtected(address) => write!(f, "protected:{address:#010x}"),
            Fault::HangingErase(n) => write!(f, "hang:{n}"),
            Fault::Locked => f.write_str("locked"),
            Fault::WrongChip(model) => write!(f, "chip:{}", model.name),
            Fault::NoChip => f.write_str("no-chip"),
        }
    }
}

/// Reads a decimal or `0x` number; `_` may group digits.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok()
        }
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    }
}

fn count(fault: &'static str, found: &str) -> Result<u64, FaultError> {
    number(found).ok_or_else(|| FaultError::Argument {
        fault,
        wanted: "a number of transfers",
        found: found.to_owned(),
    })
}

/// An event's ordinal: 1 or more.
fn event<T: TryFrom<u64>>(fault: &'static str, found: &str) -> Result<T, FaultError> {
    number(found)
        .filter(|n| *n > 0)
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| FaultError::Argument {
            fault,
            wanted: "the number of an event, from 1",
            found: found.to_owned(),
        })
}

fn address(fault: &'static str, found: &str) -> Result<u32, FaultError> {
    number(found)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| FaultError::Argument {
            fault,
            wanted: "a 32-bit address",
            found: found.to_owned(),
        })
}
