//! Flash interface of STM32F405/415 and F407/417.
//!
//! Source: RM0090, chapter "Embedded Flash memory interface", registers FLASH_KEYR to FLASH_OPTCR.
//! Bits are cleared in units of PSIZE, over any old content. Not modelled: option byte programming,
//! OTP, the row limit of PGAERR, and the caches.

use std::ops::Range;

use super::controller::{Controller, Keys, NonVolatile, flag};
use crate::sim::nor::Cost;
use crate::sim::thumb::{BusFault, Size};

const ACR: u32 = 0x00;
const KEYR: u32 = 0x04;
const SR: u32 = 0x0c;
const CR: u32 = 0x10;
const OPTCR: u32 = 0x14;

const SR_EOP: u32 = 1;
const SR_WRPERR: u32 = 1 << 4;
const SR_PGPERR: u32 = 1 << 6;
const SR_PGSERR: u32 = 1 << 7;
const SR_BSY: u32 = 1 << 16;
/// EOP and all error flags: written as 1 to clear.
const SR_CLEARABLE: u32 = 0xf3;

const CR_PG: u32 = 1;
const CR_SER: u32 = 1 << 1;
const CR_MER: u32 = 1 << 2;
const CR_STRT: u32 = 1 << 16;
const CR_LOCK: u32 = 1 << 31;

/// FLASH_OPTCR as delivered, without the RDP byte in bits 15:8.
const OPTCR_DELIVERED: u32 = 0x0fff_00ed;

/// DS8626, Flash memory programming, PSIZE = x32, typical: t_prog and t_ME.
const PROGRAM: Cost = Cost::micros(16, 1);
const MASS_ERASE: Cost = Cost::micros(8_000_000, 5);

/// t_ERASE16KB, t_ERASE64KB and t_ERASE128KB of the same table.
const fn erase_cost(bytes: u32) -> Cost {
    match bytes / 1024 {
        0..=16 => Cost::micros(250_000, 3),
        17..=64 => Cost::micros(550_000, 3),
        _ => Cost::micros(1_000_000, 3),
    }
}

/// State of the interface.
#[derive(Debug, Default)]
pub(super) struct Flash {
    keys: Keys,
    acr: u32,
    cr: u32,
    sr: u32,
}

impl Flash {
    fn start(&mut self, memory: &mut NonVolatile) {
        if memory.locked {
            self.sr |= SR_WRPERR;
        } else if self.cr & CR_MER != 0 {
            memory.mass_erase(MASS_ERASE);
        } else if self.cr & CR_SER != 0 {
            let Some(at) = memory.flash.sector_address(self.cr >> 3 & 0xf) else {
                self.sr |= SR_PGSERR;
                return;
            };
            if memory.flash.is_protected(at) {
                self.sr |= SR_WRPERR;
                return;
            }
            let length = memory.flash.sector_of(at).map_or(0, |s| s.end - s.start);
            memory.erase(at, erase_cost(length));
        }
    }
}

impl Controller for Flash {
    fn registers(&self) -> Range<u32> {
        0x4002_3c00..0x4002_4000
    }

    fn reset(&mut self) {
        *self = Flash::default();
    }

    fn read(&mut self, memory: &mut NonVolatile, offset: u32) -> u32 {
        match offset {
            ACR => self.acr,
            SR => self.sr | flag(memory.flash.poll_busy(), SR_BSY),
            CR => self.cr | flag(self.keys != Keys::Open, CR_LOCK),
            OPTCR => OPTCR_DELIVERED | if memory.locked { 0 } else { 0xaa00 },
            _ => 0,
        }
    }

    fn write(&mut self, memory: &mut NonVolatile, offset: u32, value: u32) {
        match offset {
            ACR => self.acr = value & 0x1f0f,
            KEYR => self.keys.enter(value),
            SR => self.sr &= !(value & SR_CLEARABLE),
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
        let length = size.bytes();
        if !memory.flash.contains(address) || address & (length - 1) != 0 {
            return Err(BusFault(address));
        }
        let parallelism = 1 << (self.cr >> 8 & 3);
        if self.cr & CR_PG == 0 || self.keys != Keys::Open {
            self.sr |= SR_PGSERR;
        } else if length != parallelism {
            self.sr |= SR_PGPERR;
        } else if memory.flash.is_protected(address) {
            self.sr |= SR_WRPERR;
        } else {
            let value = u64::from(value & size.mask());
            memory.flash.program(address, length, value, PROGRAM);
            self.sr |= SR_EOP;
        }
        Ok(())
    }
}
