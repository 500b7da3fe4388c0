//! ST's flash program and erase controller (FPEC) of STM32F0 and F1.
//!
//! Sources: RM0091 (STM32F0), chapter "Embedded Flash memory"; PM0075 (STM32F10xxx Flash memory
//! programming). Half-words are programmed, and only over erased ones.

use std::ops::Range;

use super::controller::{Controller, Keys, NonVolatile, flag};
use crate::sim::nor::Cost;
use crate::sim::thumb::{BusFault, Size};

const KEYR: u32 = 0x04;
const OPTKEYR: u32 = 0x08;
const SR: u32 = 0x0c;
const CR: u32 = 0x10;
const AR: u32 = 0x14;
const OBR: u32 = 0x1c;
const WRPR: u32 = 0x20;

const SR_BSY: u32 = 1;
const SR_PGERR: u32 = 1 << 2;
const SR_WRPRTERR: u32 = 1 << 4;
const SR_EOP: u32 = 1 << 5;

const CR_PG: u32 = 1;
const CR_PER: u32 = 1 << 1;
const CR_MER: u32 = 1 << 2;
const CR_OPTPG: u32 = 1 << 4;
const CR_OPTER: u32 = 1 << 5;
const CR_STRT: u32 = 1 << 6;
const CR_LOCK: u32 = 1 << 7;
const CR_OPTWRE: u32 = 1 << 9;

/// t_ERASE and t_prog, typical, of both data sheets.
const ERASE: Cost = Cost::micros(20_000, 3);
const PROGRAM: Cost = Cost::micros(53, 1);

/// State of the controller.
#[derive(Debug, Default)]
pub(super) struct Fpec {
    keys: Keys,
    option_keys: Keys,
    /// CR without LOCK and OPTWRE.
    cr: u32,
    sr: u32,
    ar: u32,
}

impl Fpec {
    fn start(&mut self, memory: &mut NonVolatile) {
        let at = self.ar;
        let option_write = self.option_keys == Keys::Open;
        if memory.locked {
            self.sr |= SR_WRPRTERR;
        } else if self.cr & CR_PER != 0 && memory.flash.contains(at) {
            if memory.flash.is_protected(at) {
                self.sr |= SR_WRPRTERR;
            } else {
                memory.erase(at, ERASE);
                self.sr |= SR_EOP;
            }
        } else if self.cr & CR_MER != 0 {
            memory.mass_erase(ERASE);
            self.sr |= SR_EOP;
        } else if self.cr & CR_OPTER != 0 && option_write {
            memory.erase(memory.info.base, ERASE);
            self.sr |= SR_EOP;
        }
    }
}

impl Controller for Fpec {
    fn registers(&self) -> Range<u32> {
        0x4002_2000..0x4002_2400
    }

    fn reset(&mut self) {
        *self = Fpec::default();
    }

    fn read(&mut self, memory: &mut NonVolatile, offset: u32) -> u32 {
        match offset {
            SR => self.sr | flag(memory.flash.poll_busy(), SR_BSY),
            CR => {
                let lock = flag(self.keys != Keys::Open, CR_LOCK);
                self.cr | lock | flag(self.option_keys == Keys::Open, CR_OPTWRE)
            }
            AR => self.ar,
            // RDPRT mirrors the protection; the user bits are as delivered.
            OBR => 0x03ff_fffc & !6 | u32::from(memory.locked) << 1,
            WRPR => u32::MAX,
            _ => 0,
        }
    }

    fn write(&mut self, memory: &mut NonVolatile, offset: u32, value: u32) {
        match offset {
            KEYR => self.keys.enter(value),
            OPTKEYR if self.keys == Keys::Open => self.option_keys.enter(value),
            SR => self.sr &= !(value & (SR_PGERR | SR_WRPRTERR | SR_EOP)),
            AR => self.ar = value,
            CR if self.keys == Keys::Open => {
                self.cr = value & !(CR_LOCK | CR_OPTWRE | CR_STRT);
                if value & CR_LOCK != 0 {
                    self.keys = Keys::Closed;
                    self.option_keys = Keys::Closed;
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
        let main = memory.flash.contains(address);
        let enabled = if main {
            self.cr & CR_PG != 0
        } else {
            self.cr & CR_OPTPG != 0 && self.option_keys == Keys::Open
        };
        let aligned = size == Size::Half && address & 1 == 0;
        if !aligned || !enabled || self.keys != Keys::Open {
            return Err(BusFault(address));
        }
        let array = if main {
            &mut memory.flash
        } else {
            &mut memory.info
        };
        if array.is_protected(address) {
            self.sr |= SR_WRPRTERR;
        } else if array.read(address, 2) != 0xffff && value & 0xffff != 0 {
            self.sr |= SR_PGERR;
        } else {
            array.program(address, 2, u64::from(value & 0xffff), PROGRAM);
            self.sr |= SR_EOP;
        }
        Ok(())
    }
}
