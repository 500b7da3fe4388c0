//! Nordic's non-volatile memory controller, of nRF51 and nRF52.
//!
//! Sources: nRF52840 Product Specification, chapter "NVMC - Non-volatile memory controller"; nRF51
//! Series Reference Manual 3.0, chapter 6. Not modelled: partial erase, the limit of writes per word
//! between erases, and the cache.

use std::ops::Range;

use super::controller::{Controller, NonVolatile};
use crate::sim::nor::Cost;
use crate::sim::thumb::{BusFault, Size};

const READY: u32 = 0x400;
const READYNEXT: u32 = 0x408;
const CONFIG: u32 = 0x504;
const ERASEPAGE: u32 = 0x508;
const ERASEALL: u32 = 0x50c;
const ERASEUICR: u32 = 0x514;

/// CONFIG.WEN: write enabled.
const WEN: u32 = 1;
/// CONFIG.WEN: erase enabled.
const EEN: u32 = 2;

/// t_ERASEALL of the nRF52840.
pub(super) const NRF52_ERASE_ALL: Cost = Cost::micros(169_000, 5);

/// State of the controller.
#[derive(Debug)]
pub(super) struct Nvmc {
    config: u32,
    write: Cost,
    erase_page: Cost,
    erase_all: Cost,
}

impl Nvmc {
    /// With the nRF52840's t_WRITE and t_ERASEPAGE.
    pub fn nrf52840() -> Nvmc {
        Nvmc {
            config: 0,
            write: Cost::micros(41, 1),
            erase_page: Cost::micros(85_000, 3),
            erase_all: NRF52_ERASE_ALL,
        }
    }

    /// With the nRF51822's t_WRITE and t_PAGEERASE.
    pub fn nrf51822() -> Nvmc {
        Nvmc {
            config: 0,
            write: Cost::micros(46, 1),
            erase_page: Cost::micros(22_300, 3),
            erase_all: Cost::micros(22_300, 5),
        }
    }
}

impl Controller for Nvmc {
    fn registers(&self) -> Range<u32> {
        0x4001_e000..0x4001_f000
    }

    fn reset(&mut self) {
        self.config = 0;
    }

    fn read(&mut self, memory: &mut NonVolatile, offset: u32) -> u32 {
        match offset {
            READY => u32::from(!memory.flash.poll_busy() && !memory.info.poll_busy()),
            READYNEXT => 1,
            CONFIG => self.config,
            _ => 0,
        }
    }

    fn write(&mut self, memory: &mut NonVolatile, offset: u32, value: u32) {
        let erase_enabled = self.config == EEN;
        match offset {
            CONFIG => self.config = value & 3,
            ERASEPAGE if erase_enabled && !memory.flash.is_protected(value) => {
                memory.flash.erase(value, self.erase_page);
            }
            ERASEALL if erase_enabled && value == 1 => {
                memory.mass_erase(self.erase_all);
                memory.info.bytes_mut().fill(0xff);
            }
            ERASEUICR if erase_enabled && value == 1 => {
                memory.erase(memory.info.base, self.erase_page);
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
        // Only aligned words can be written, and a page under BPROT or ACL faults.
        let aligned = size == Size::Word && address & 3 == 0;
        if self.config != WEN || !aligned || memory.flash.is_protected(address) {
            return Err(BusFault(address));
        }
        let array = if memory.flash.contains(address) {
            &mut memory.flash
        } else {
            &mut memory.info
        };
        array.program(address, 4, u64::from(value), self.write);
        Ok(())
    }
}
