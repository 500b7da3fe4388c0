//! Nordic's control access port, AP 1 of the nRF52840.
//!
//! Source: nRF52840 Product Specification, chapter "CTRL-AP - Control access port". It knows its
//! registers only; the erase that it asks for is done by the chip.

/// What a write asks the chip to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Nothing,
    Reset,
    EraseAll,
}

/// State of the port.
#[derive(Debug, Default)]
pub(crate) struct CtrlAp {
    /// Reads of ERASEALLSTATUS that still say busy.
    busy_polls: u32,
}

const RESET: u8 = 0x00;
const ERASEALL: u8 = 0x04;
const ERASEALLSTATUS: u8 = 0x08;
const APPROTECTSTATUS: u8 = 0x0c;
const IDR: u8 = 0xfc;

impl CtrlAp {
    /// Reads a register.
    pub fn read(&mut self, register: u8, locked: bool) -> u32 {
        match register {
            ERASEALLSTATUS => {
                let busy = self.busy_polls > 0;
                self.busy_polls = self.busy_polls.saturating_sub(1);
                u32::from(busy)
            }
            APPROTECTSTATUS => u32::from(!locked),
            IDR => 0x0288_0000,
            _ => 0,
        }
    }

    /// Writes a register.
    pub fn write(&mut self, register: u8, value: u32) -> Request {
        match register {
            RESET if value & 1 == 1 => Request::Reset,
            ERASEALL if value == 1 => {
                self.busy_polls = 4;
                Request::EraseAll
            }
            _ => Request::Nothing,
        }
    }
}
