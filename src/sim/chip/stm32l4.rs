//! Flash interface of STM32L47x/L48x: two banks, double words with ECC.
//!
//! Source: RM0351, chapter "Embedded Flash memory (FLASH)", registers FLASH_KEYR to FLASH_OPTR. A
//! double word can be programmed once after an erase; a second time only with zeros. Programming all
//! ones leaves an erased double word erased: its ECC is all ones too. Not modelled: fast programming,
//! option byte programming, the NMI after a double ECC error, and the caches.

use std::ops::Range;

use super::controller::{Controller, Keys, NonVolatile, flag};
use crate::sim::nor::Cost;
use crate::sim::thumb::{BusFault, Size};

const ACR: u32 = 0x00;
const KEYR: u32 = 0x08;
const SR: u32 = 0x10;
const CR: u32 = 0x14;
const ECCR: u32 = 0x18;
const OPTR: u32 = 0x20;

const SR_PROGERR: u32 = 1 << 3;
const SR_WRPERR: u32 = 1 << 4;
const SR_PGAERR: u32 = 1 << 5;
const SR_SIZERR: u32 = 1 << 6;
const SR_PGSERR: u32 = 1 << 7;
const SR_BSY: u32 = 1 << 16;
/// EOP and all error flags: written as 1 to clear.
const SR_CLEARABLE: u32 = 0xc3fb;
/// The flags that keep the next double word from being programmed.
const SR_BLOCKING: u32 = SR_PROGERR | SR_WRPERR | SR_PGAERR | SR_SIZERR | SR_PGSERR;

const CR_PG: u32 = 1;
const CR_PER: u32 = 1 << 1;
const CR_MER1: u32 = 1 << 2;
const CR_BKER: u32 = 1 << 11;
const CR_MER2: u32 = 1 << 15;
const CR_STRT: u32 = 1 << 16;
const CR_LOCK: u32 = 1 << 31;

const ECCR_ECCD: u32 = 1 << 31;
const ECCR_BANK: u32 = 1 << 19;

/// FLASH_OPTR as delivered, without the RDP byte: DUALBANK is set.
const OPTR_DELIVERED: u32 = 0xffef_f800;

const PAGES_PER_BANK: u32 = 256;
const PAGE: u32 = 2048;
const BANK: u32 = PAGES_PER_BANK * PAGE;

/// DS10969, Flash memory characteristics, typical: t_prog and t_ERASE.
const PROGRAM: Cost = Cost::micros(82, 1);
const ERASE: Cost = Cost::micros(22_020, 3);

/// State of the interface.
#[derive(Debug, Default)]
pub(super) struct Flash {
    keys: Keys,
    acr: u32,
    cr: u32,
    sr: u32,
    /// First word of a double word, waiting for the second.
    first_word: Option<(u32, u32)>,
}

impl Flash {
    fn start(&mut self, memory: &mut NonVolatile) {
        if memory.locked {
            self.sr |= SR_WRPERR;
        } else if self.cr & CR_PER != 0 {
            let bank = u32::from(self.cr & CR_BKER != 0);
            let page = bank * PAGES_PER_BANK + (self.cr >> 3 & 0xff);
            self.erase(memory, page..page + 1);
        } else {
            if self.cr & CR_MER1 != 0 && self.cr & CR_MER2 != 0 {
                return memory.mass_erase(ERASE);
            }
            if self.cr & CR_MER1 != 0 {
                self.erase(memory, 0..PAGES_PER_BANK);
            }
            if self.cr & CR_MER2 != 0 {
                self.erase(memory, PAGES_PER_BANK..2 * PAGES_PER_BANK);
            }
        }
    }

    fn erase(&mut self, memory: &mut NonVolatile, pages: Range<u32>) {
        for page in pages {
            let at = memory.flash.base + page * PAGE;
            if memory.flash.is_protected(at) {
                self.sr |= SR_WRPERR;
            } else {
                memory.erase(at, ERASE);
            }
        }
    }

    /// Programs a complete double word.
    fn double_word(&mut self, memory: &mut NonVolatile, address: u32, value: u64) {
        let old = memory.flash.read(address, 8);
        if memory.flash.is_protected(address) {
            self.sr |= SR_WRPERR;
        } else if old != u64::MAX && value != 0 {
            self.sr |= SR_PROGERR;
        } else if !memory.flash.program(address, 8, value, PROGRAM)
            && memory.flash.read(address, 8) != value
        {
            memory.damaged.insert(address);
        }
    }
}

impl Controller for Flash {
    fn registers(&self) -> Range<u32> {
        0x4002_2000..0x4002_2400
    }

    fn reset(&mut self) {
        *self = Flash::default();
    }

    fn read(&mut self, memory: &mut NonVolatile, offset: u32) -> u32 {
        match offset {
            ACR => self.acr,
            SR => self.sr | flag(memory.flash.poll_busy(), SR_BSY),
            CR => self.cr | flag(self.keys != Keys::Open, CR_LOCK),
            ECCR => memory.ecc_error.map_or(0, |at| {
                let offset = at - memory.flash.base;
                let bank = flag(offset >= BANK, ECCR_BANK);
                ECCR_ECCD | bank | offset & (BANK - 1)
            }),
            OPTR => OPTR_DELIVERED | if memory.locked { 0xbb } else { 0xaa },
            _ => 0,
        }
    }

    fn write(&mut self, memory: &mut NonVolatile, offset: u32, value: u32) {
        match offset {
            ACR => self.acr = value & 0x7f07,
            KEYR => self.keys.enter(value),
            SR => self.sr &= !(value & SR_CLEARABLE),
            ECCR if value & ECCR_ECCD != 0 => memory.ecc_error = None,
            CR if self.keys == Keys::Open => {
                self.cr = value & !(CR_LOCK | CR_STRT);
                if value & CR_LOCK != 0 {
                    self.keys = Keys::Closed;
                } else if value & CR_STRT != 0 {
                    self.start(memory);
                }
            }
            _ => {}
        }
    }

    fn program(
        &mut self,
        memory: &mut NonVolatile,
        address: u32,
        size: Size,
        value: u32,
    ) -> Result<(), BusFault> {
        if !memory.flash.contains(address) {
            return Err(BusFault(address));
        }
        if self.cr & CR_PG == 0 || self.keys != Keys::Open || self.sr & SR_BLOCKING != 0 {
            self.sr |= SR_PGSERR;
            return Ok(());
        }
        if size != Size::Word {
            self.sr |= SR_SIZERR;
            return Ok(());
        }
        match (self.first_word.take(), address & 7) {
            (None, 0) => self.first_word = Some((address, value)),
            (Some((first, low)), 4) if address == first + 4 => {
                let value = u64::from(value) << 32 | u64::from(low);
                self.double_word(memory, first, value);
            }
            _ => self.sr |= SR_PGAERR,
        }
        Ok(())
    }
}
