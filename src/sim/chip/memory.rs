//! One chip's memory map: RAM, flash, information memory, identification words, registers.
//!
//! It decodes addresses and applies read-out protection. It must not know the debug port, and what
//! a write to flash does is the controller's business.

use std::collections::{BTreeMap, BTreeSet};

use super::controller::{Controller, NonVolatile};
use super::ctrl_ap::CtrlAp;
use super::model::{IdWord, Model, Protection};
use crate::sim::nor::{Nor, Pace};
use crate::sim::thumb::{BusFault, Size};
use crate::sim::uid::Uid;

/// Who performs a bus access; read-out protection tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Master {
    Core,
    Debugger,
}

/// A chip with its memories.
#[derive(Debug)]
pub(crate) struct Chip {
    pub model: &'static Model,
    pub uid: Uid,
    pub memory: NonVolatile,
    pub ctrl_ap: CtrlAp,
    controller: Box<dyn Controller>,
    ram: Vec<u8>,
    /// Peripheral registers without a model keep what was written.
    other: BTreeMap<u32, u32>,
}

/// UICR.APPROTECT of the nRF52840: 0x00 closes the debugger's memory access port.
const UICR_APPROTECT: u32 = 0x1000_1208;

/// The peripheral region (DDI 0403E, B3.1).
const PERIPHERALS: std::ops::Range<u32> = 0x4000_0000..0x6000_0000;

impl Chip {
    pub fn new(model: &'static Model, uid: Uid) -> Chip {
        let ram = model.ram.iter().map(|w| w.offset + w.length).max();
        let mut info = Nor::new(model.info_base, model.info);
        for (cell, byte) in info.bytes_mut().iter_mut().zip(model.info_delivered) {
            *cell = *byte;
        }
        Chip {
            model,
            uid,
            memory: NonVolatile {
                flash: Nor::new(model.flash_base, model.flash),
                info,
                locked: false,
                damaged: BTreeSet::new(),
                ecc_error: None,
            },
            ctrl_ap: CtrlAp::default(),
            controller: (model.controller)(),
            ram: vec![0; ram.unwrap_or_default() as usize],
            other: BTreeMap::new(),
        }
    }

    /// Resets the peripherals; RAM keeps its content.
    pub fn reset(&mut self) {
        self.controller.reset();
        self.other.clear();
        self.memory.ecc_error = None;
        // UICR.APPROTECT takes effect at reset (nRF52840 PS, chapter "UICR").
        if self.model.protection == Protection::ApProtect {
            let approtect = self.memory.info.read(UICR_APPROTECT, 1);
            self.memory.locked |= approtect == 0;
        }
    }

    /// Powers up: RAM content is arbitrary, so here it is a pattern that is not zero.
    pub fn power_on(&mut self) {
        for (cell, index) in self.ram.iter_mut().zip((0..=u8::MAX).cycle()) {
            *cell = index.wrapping_mul(37) ^ 0x5c;
        }
        self.memory.flash.power_on();
        self.memory.info.power_on();
        self.reset();
    }

    pub fn set_pace(&mut self, pace: Pace) {
        self.memory.flash.pace = pace;
        self.memory.info.pace = pace;
    }

    /// Whether the debugger's memory access port is closed (nRF52 APPROTECT).
    pub fn ahb_blocked(&self) -> bool {
        self.memory.locked && self.model.protection == Protection::ApProtect
    }

    /// Carries out CTRL-AP ERASEALL: flash, UICR and RAM are cleared and the lock opens.
    pub fn erase_and_unlock(&mut self) {
        self.memory.mass_erase(super::nvmc::NRF52_ERASE_ALL);
        self.memory.info.bytes_mut().fill(0xff);
        self.ram.fill(0);
        self.memory.locked = false;
    }

    /// Initial stack pointer and reset vector as the core fetches them.
    pub fn vectors(&self) -> (u32, u32) {
        let flash = &self.memory.flash;
        let word = |offset| (flash.read(flash.base + offset, 4) & 0xffff_ffff) as u32;
        (word(0), word(4))
    }

    /// Whether an instruction at `address` belongs to the application.
    pub fn is_flash(&self, address: u32) -> bool {
        self.memory.flash.contains(self.flash_address(address))
    }

    /// Reads from the bus.
    pub fn read(&mut self, address: u32, size: Size, master: Master) -> Result<u32, BusFault> {
        let length = size.bytes();
        if let Some(offset) = self.ram_offset(address) {
            let cells = self.ram.get(offset..offset + length as usize);
            let cells = cells.ok_or(BusFault(address))?;
            return Ok(cells
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u32::from(*byte)));
        }
        let at = self.flash_address(address);
        if self.memory.flash.contains(at) {
            self.check_protection(address, master)?;
            if self.memory.damaged.contains(&(at & !7)) {
                self.memory.ecc_error = Some(at & !7);
            }
            return Ok((self.memory.flash.read(at, length) & 0xffff_ffff) as u32);
        }
        if self.memory.info.contains(at) {
            return Ok((self.memory.info.read(at, length) & 0xffff_ffff) as u32);
        }
        let word = match self.id_word(address & !3) {
            Some(word) => word,
            None if PERIPHERALS.contains(&address) => self.register_read(address & !3),
            None => return Err(BusFault(address)),
        };
        Ok(word >> (8 * (address & 3)) & size.mask())
    }

    /// Writes to the bus.
    pub fn write(
        &mut self,
        address: u32,
        size: Size,
        value: u32,
        master: Master,
    ) -> Result<(), BusFault> {
        if let Some(offset) = self.ram_offset(address) {
            let cells = self.ram.get_mut(offset..offset + size.bytes() as usize);
            let cells = cells.ok_or(BusFault(address))?;
            for (cell, byte) in cells.iter_mut().zip(value.to_le_bytes()) {
                *cell = byte;
            }
            return Ok(());
        }
        let at = self.flash_address(address);
        if self.memory.flash.contains(at) || self.memory.info.contains(at) {
            self.check_protection(address, master)?;
            return self.controller.program(&mut self.memory, at, size, value);
        }
        if PERIPHERALS.contains(&address) {
            self.register_write(address & !3, value);
            return Ok(());
        }
        Err(BusFault(address))
    }

    /// Writes RAM on behalf of the stand-in application; false outside RAM.
    pub fn write_ram(&mut self, address: u32, bytes: &[u8]) -> bool {
        let cells = self
            .ram_offset(address)
            .and_then(|at| self.ram.get_mut(at..at.checked_add(bytes.len())?));
        match cells {
            Some(cells) => {
                cells.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Word of the identification memory, DBGMCU included.
    pub fn id_word(&self, address: u32) -> Option<u32> {
        let listed = self.model.ids.iter().find(|(at, _)| *at == address);
        if let Some((_, id)) = listed {
            return Some(match id {
                IdWord::Value(value) => *value,
                IdWord::Uid(index) => self.uid.word(*index),
            });
        }
        let fixed = self.model.fixed.iter();
        fixed
            .filter(|(start, end, _)| (*start..*end).contains(&address))
            .map(|(_, _, word)| *word)
            .next()
    }

    fn ram_offset(&self, address: u32) -> Option<usize> {
        self.model.ram.iter().find_map(|window| {
            let offset = address.wrapping_sub(window.base);
            (offset < window.length).then(|| (window.offset + offset) as usize)
        })
    }

    /// STM32 maps its flash to address 0 too (BOOT0 low).
    fn flash_address(&self, address: u32) -> u32 {
        if self.model.is_stm32() && (address as usize) < self.memory.flash.bytes().len() {
            address + self.memory.flash.base
        } else {
            address
        }
    }

    fn check_protection(&self, address: u32, master: Master) -> Result<(), BusFault> {
        let refused = match self.model.protection {
            Protection::ApProtect => false, // Stopped at the access port already.
            Protection::Rbpconf => master == Master::Debugger,
            Protection::Rdp => true,
        };
        if self.memory.locked && refused {
            return Err(BusFault(address));
        }
        Ok(())
    }

    fn register_read(&mut self, address: u32) -> u32 {
        let registers = self.controller.registers();
        if registers.contains(&address) {
            return self
                .controller
                .read(&mut self.memory, address - registers.start);
        }
        self.other.get(&address).copied().unwrap_or_default()
    }

    fn register_write(&mut self, address: u32, value: u32) {
        let registers = self.controller.registers();
        if registers.contains(&address) {
            self.controller
                .write(&mut self.memory, address - registers.start, value);
        } else {
            self.other.insert(address, value);
        }
    }
}
