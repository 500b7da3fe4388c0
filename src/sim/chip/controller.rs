//! What a flash controller is to the chip, and what several of them share.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::sim::nor::{Cost, Nor};
use crate::sim::thumb::{BusFault, Size};

/// Returns `bits` of a register if the flag is set.
pub(crate) const fn flag(set: bool, bits: u32) -> u32 {
    if set { bits } else { 0 }
}

/// A flash controller: its registers, and what a bus write to a flash address does.
pub(crate) trait Controller: Send + fmt::Debug {
    /// Where its registers lie.
    fn registers(&self) -> Range<u32>;
    /// Takes the state after a reset.
    fn reset(&mut self);
    /// Reads the register at `offset`.
    fn read(&mut self, memory: &mut NonVolatile, offset: u32) -> u32;
    /// Writes the register at `offset`.
    fn write(&mut self, memory: &mut NonVolatile, offset: u32, value: u32);
    /// Handles a bus write to flash, UICR or option bytes.
    fn program(
        &mut self,
        memory: &mut NonVolatile,
        address: u32,
        size: Size,
        value: u32,
    ) -> Result<(), BusFault>;
}

/// What survives without power.
#[derive(Debug)]
pub(crate) struct NonVolatile {
    pub flash: Nor,
    /// UICR or option bytes.
    pub info: Nor,
    /// Read-out protection is on.
    pub locked: bool,
    /// Double words whose ECC no longer fits their data (STM32L4).
    pub damaged: BTreeSet<u32>,
    /// The last damaged double word that was read.
    pub ecc_error: Option<u32>,
}

impl NonVolatile {
    /// Erases the sector around `address` in flash or information memory.
    pub fn erase(&mut self, address: u32, cost: Cost) {
        if self.info.contains(address) {
            return self.info.erase(address, cost);
        }
        if let Some(sector) = self.flash.sector_of(address) {
            let base = self.flash.base;
            self.damaged
                .retain(|at| !sector.contains(&(at.wrapping_sub(base))));
        }
        self.flash.erase(address, cost);
    }

    /// Erases the whole main flash.
    pub fn mass_erase(&mut self, cost: Cost) {
        self.damaged.clear();
        self.flash.mass_erase(cost);
    }
}

/// FLASH_KEYR of ST: the first and the second key.
const KEY1: u32 = 0x4567_0123;
const KEY2: u32 = 0xcdef_89ab;

/// The two keys that open a control register; a wrong one closes it until reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Keys {
    #[default]
    Closed,
    First,
    Open,
    Refused,
}

impl Keys {
    /// Takes one write to a key register.
    pub fn enter(&mut self, value: u32) {
        *self = match *self {
            Keys::Closed if value == KEY1 => Keys::First,
            Keys::First if value == KEY2 => Keys::Open,
            Keys::Open => Keys::Open,
            _ => Keys::Refused,
        };
    }
}
