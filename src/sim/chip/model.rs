//! What tells one simulated chip from another: memories, identification words, and the controller.

use std::ops::Range;

use super::controller::Controller;
use crate::sim::nor::Sectors;
use crate::sim::thumb::Architecture;

/// What read-out protection does to an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// nRF52: the debugger's memory access port is closed; CTRL-AP can erase everything.
    ApProtect,
    /// nRF51: the debugger cannot read flash.
    Rbpconf,
    /// STM32 level 1: nobody can touch flash while a debugger is attached.
    Rdp,
}

/// One word of the identification memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IdWord {
    /// The same in every chip.
    Value(u32),
    /// A word of the unique ID.
    Uid(usize),
}
/// A window on RAM: the bytes from `offset` of the chip's RAM appear at `base`.
#[derive(Debug)]
pub(crate) struct RamWindow {
    pub base: u32,
    pub length: u32,
    pub offset: u32,
}

/// Everything that tells one chip from another.
#[derive(Debug)]
pub struct Model {
    /// Name of the target in probe-rs.
    pub name: &'static str,
    pub(crate) architecture: Architecture,
    pub(crate) fpu: bool,
    pub(crate) cpuid: u32,
    pub(crate) dpidr: u32,
    pub(crate) ap_idr: u32,
    /// JEP106 continuation and identity code, and the part number in the ROM table.
    pub(crate) designer: (u32, u32, u32),
    pub(crate) flash_base: u32,
    pub(crate) flash: Sectors,
    /// UICR, or the option bytes.
    pub(crate) info_base: u32,
    pub(crate) info: Sectors,
    /// Content of the information memory as delivered; the rest is erased.
    pub(crate) info_delivered: &'static [u8],
    pub(crate) ram: &'static [RamWindow],
    /// Readable memories without a model: start, end, and the word that they show.
    pub(crate) fixed: &'static [(u32, u32, u32)],
    pub(crate) ids: &'static [(u32, IdWord)],
    pub(crate) protection: Protection,
    pub(crate) controller: fn() -> Box<dyn Controller>,
}

impl PartialEq for Model {
    fn eq(&self, other: &Model) -> bool {
        self.name == other.name
    }
}

impl Eq for Model {}

impl Model {
    /// Returns the load addresses of the main flash.
    #[must_use]
    pub fn flash_range(&self) -> Range<u32> {
        let length: u32 = self.flash.iter().map(|(count, size)| count * size).sum();
        self.flash_base..self.flash_base + length
    }

    /// Returns where the unique ID is read, and how many words it has.
    #[must_use]
    pub fn uid_location(&self) -> (u32, usize) {
        let words = self
            .ids
            .iter()
            .filter(|(_, id)| matches!(id, IdWord::Uid(_)));
        let first = words.clone().map(|(address, _)| *address).min();
        (first.unwrap_or_default(), words.count())
    }

    /// Whether it is a chip of ST: it maps its flash to address 0 as well.
    pub(crate) fn is_stm32(&self) -> bool {
        self.protection == Protection::Rdp
    }
}
