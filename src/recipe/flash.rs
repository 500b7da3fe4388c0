//! `[flash]`: the chip, and what writes it.

use serde::Deserialize;

use super::command::{CommandLine, Identify};
use super::nvs;
use crate::image::Span;

/// `[flash]`: the chip and the probe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// The chip's name, as probe-rs knows it.
    pub chip: String,
    /// `sim`, `sim:CHIP` or `VID:PID[:SERIAL]`.
    pub probe: Option<String>,
    /// `full` or `slot`.
    pub mode: Option<Mode>,
    /// The speed of the probe in kHz; unsaid, its own.
    pub speed: Option<u32>,
    /// How a probe gets hold of the target.
    #[serde(default)]
    pub connect: Connect,
    /// What is compared before slot mode writes.
    #[serde(default)]
    pub precheck: Precheck,
    /// Places beside the flash that a probe may write: UICR, option bytes.
    #[serde(default)]
    pub also: Vec<Area>,
    /// Places of the image that stay off the board, and are not looked at there.
    #[serde(default)]
    pub skip: Vec<Area>,
    /// The line's own programmer, in place of a probe.
    pub program: Option<CommandLine>,
    /// How it reads flash into a file.
    pub readback: Option<CommandLine>,
    /// How it tells the chip's own number, or that it cannot.
    pub identify: Option<Identify>,
    /// Variables of the environment that the programmer's commands get beside the usual ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// Seconds that one command of the programmer, or one unit on its nest, may take.
    #[serde(default = "Chip::seconds")]
    pub timeout: u64,
}

impl Chip {
    const fn seconds() -> u64 {
        120
    }

    /// Takes the programmer away: a rehearsal has nothing for it.
    pub(super) fn rehearse(&mut self) {
        (self.program, self.readback, self.identify) = (None, None, None);
        self.env.clear();
    }

    /// Tells what is wrong with the programmer's commands.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(program) = &self.program else {
            return match (&self.readback, &self.identify) {
                (None, None) if self.env.is_empty() => Ok(()),
                (None, None) => Err("`env` belongs to `program`, which is missing".into()),
                _ => Err("`readback` and `identify` belong to `program`, which is missing".into()),
            };
        };
        let Some(readback) = &self.readback else {
            return Err(
                "`program` needs `readback`: what was not read back is not delivered".into(),
            );
        };
        if self.identify.is_none() {
            return Err(
                "`program` needs `identify`, which prints the chip's own number; identify = false \
                 says that boards cannot be told apart: then a unit whose writing was cut short \
                 goes on only on a board that holds its token, or by a person's decision"
                    .into(),
            );
        }
        let misplaced = |command: &CommandLine, name: &str| command.names(name);
        if !program.names("image") || misplaced(program, "dump") {
            return Err("`program` must name {image}, and no {dump}".into());
        }
        if !readback.names("dump") || misplaced(readback, "image") {
            return Err("`readback` must name {dump}, and no {image}".into());
        }
        if readback.names("address") != (readback.names("size") || readback.names("length")) {
            return Err("`readback` names {address} and {size} together, or neither".into());
        }
        let identify = self.identify.as_ref().and_then(Identify::command);
        let told = |name: &&&str| identify.is_some_and(|line| line.names(name));
        if let Some(name) = ["image", "dump", "address", "size", "length", "serial"]
            .iter()
            .find(told)
        {
            return Err(format!("`identify` must not name {{{name}}}"));
        }
        match self.mode {
            Some(Mode::Slot) => {
                Err("mode = \"slot\" needs a probe; a programmer writes the whole image".into())
            }
            _ => Ok(()),
        }
    }
}

/// How much of the flash a unit gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// The whole image.
    Full,
    /// Only the sectors of slots and checksums.
    Slot,
}

/// How a probe gets hold of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connect {
    /// While it runs.
    #[default]
    Normal,
    /// While the reset line is held: for firmware that takes the debug pins.
    UnderReset,
}

/// What is compared before slot mode writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precheck {
    /// The sectors of slots and checksums.
    #[default]
    Sectors,
    /// Everything that the image stores.
    Full,
}

/// A run of addresses, written `0x10001000..0x10002000`, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Area(Span);

impl Area {
    /// Returns the addresses.
    #[must_use]
    pub const fn span(self) -> Span {
        self.0
    }
}

impl TryFrom<String> for Area {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        nvs::range(&text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no run of addresses: write 0x10001000..0x10002000"))
    }
}
