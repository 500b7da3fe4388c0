//! The access ports: the AHB-AP (MEM-AP) and, on the nRF52840, CTRL-AP.
//!
//! Source: ARM IHI 0031, chapter C2 "The Memory Access Port". It moves data between the debug port
//! and the bus and must not know what lies at an address, apart from the private peripheral bus.

use super::Board;
use super::dp::Request;
use crate::sim::chip::{Master, Protection, ctrl_ap, flag};
use crate::sim::thumb::{BusFault, Size};

const CSW: u8 = 0x00;
const TAR: u8 = 0x04;
const DRW: u8 = 0x0c;
const BD0: u8 = 0x10;
const BD3: u8 = 0x1c;
const BASE: u8 = 0xf8;
const IDR: u8 = 0xfc;

const CSW_WRITABLE: u32 = 0x7f00_0037;
/// CSW.DeviceEn.
const CSW_ENABLED: u32 = 1 << 6;
/// ROM table of a Cortex-M, present, 32-bit.
const ROM_TABLE: u32 = 0xe00f_f003;

/// The private peripheral bus (DDI 0403E, B3.1): core debug, ROM table.
const PRIVATE: std::ops::RangeInclusive<u32> = 0xe000_0000..=0xe00f_ffff;

impl Board {
    /// Reads or writes the register of the selected access port and bank.
    pub(super) fn access_port_register(
        &mut self,
        request: Request,
        data: u32,
    ) -> Result<u32, BusFault> {
        let register = (self.dp.select & 0xf0) as u8 | request.register;
        match self.dp.select >> 24 {
            0 => self.mem_ap(request.read, register, data),
            1 if self.chip.model.protection == Protection::ApProtect => {
                Ok(self.ctrl_ap(request.read, register, data))
            }
            // No such access port: its IDR reads 0.
            _ => Ok(0),
        }
    }

    fn ctrl_ap(&mut self, read: bool, register: u8, data: u32) -> u32 {
        if read {
            let locked = self.chip.memory.locked;
            return self.chip.ctrl_ap.read(register, locked);
        }
        match self.chip.ctrl_ap.write(register, data) {
            ctrl_ap::Request::Nothing => {}
            ctrl_ap::Request::Reset => self.core_reset(),
            ctrl_ap::Request::EraseAll => self.chip.erase_and_unlock(),
        }
        0
    }

    fn mem_ap(&mut self, read: bool, register: u8, data: u32) -> Result<u32, BusFault> {
        let blocked = self.chip.ahb_blocked();
        match (register, read) {
            (CSW, true) => Ok(self.ap.csw & !CSW_ENABLED | flag(!blocked, CSW_ENABLED)),
            (CSW, false) => {
                self.ap.csw = data & CSW_WRITABLE;
                Ok(0)
            }
            (TAR, true) => Ok(self.ap.tar),
            (TAR, false) => {
                self.ap.tar = data;
                Ok(0)
            }
            (DRW | BD0..=BD3, _) if blocked => Err(BusFault(self.ap.tar)),
            (DRW, _) => self.data_register(read, data),
            (BD0..=BD3, _) => {
                let address = self.ap.tar & !0xf | u32::from(register & 0xc);
                if read {
                    self.debugger_read(address, Size::Word)
                } else {
                    self.debugger_write(address, Size::Word, data).map(|()| 0)
                }
            }
            (BASE, true) => Ok(ROM_TABLE),
            (IDR, true) => Ok(self.chip.model.ap_idr),
            _ => Ok(0),
        }
    }

    /// DRW: one access at TAR, on the byte lanes of its address, with auto-increment.
    fn data_register(&mut self, read: bool, data: u32) -> Result<u32, BusFault> {
        let size = match self.ap.csw & 7 {
            0 => Size::Byte,
            1 => Size::Half,
            _ => Size::Word,
        };
        let address = self.ap.tar;
        let lane = if size == Size::Word {
            0
        } else {
            8 * (address & 3)
        };
        let value = if read {
            self.statistics.drw_reads += 1;
            self.debugger_read(address, size)? << lane
        } else {
            self.statistics.drw_writes += 1;
            self.debugger_write(address, size, data >> lane & size.mask())?;
            0
        };
        if self.ap.csw >> 4 & 3 == 1 {
            // Incrementing is only guaranteed inside a block of 1 KiB, so it wraps here.
            let next = address.wrapping_add(size.bytes());
            self.ap.tar = address & !0x3ff | next & 0x3ff;
        }
        Ok(value)
    }

    fn debugger_read(&mut self, address: u32, size: Size) -> Result<u32, BusFault> {
        if PRIVATE.contains(&address) {
            let word = self.private_read(address & !3);
            return Ok(word >> (8 * (address & 3)) & size.mask());
        }
        self.chip.read(address, size, Master::Debugger)
    }

    fn debugger_write(&mut self, address: u32, size: Size, value: u32) -> Result<(), BusFault> {
        if PRIVATE.contains(&address) {
            self.private_write(address & !3, value);
            return Ok(());
        }
        self.chip.write(address, size, value, Master::Debugger)
    }
}
