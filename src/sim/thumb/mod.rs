//! A Thumb interpreter: all of ARMv6-M, and the integer instructions of ARMv7-M.
//!
//! It runs the flash algorithms that probe-rs downloads into RAM. It must not know a memory map, a
//! chip or a debugger: whatever is not a register goes through [`Bus`]. There are no exceptions and
//! there is no FPU; an instruction that is not modelled stops the core, it is never guessed.
//!
//! Sources: ARM DDI 0403E (ARMv7-M), chapters A5 to A7; ARM DDI 0419E (ARMv6-M), chapters A5 and A6.

mod arithmetic32;
mod bus;
mod decode16;
mod decode32;
mod shift;

pub use bus::{Bus, BusFault, Size};
use shift::{Shift, bit, field, sign_extend};

/// Why [`Cpu::step`] did not retire an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// `BKPT` with its immediate.
    Breakpoint(u8),
    /// The bus refused an access.
    Bus(BusFault),
    /// An encoding outside the modelled set.
    Undefined {
        /// Where it stands.
        address: u32,
        /// First half-word.
        first: u32,
        /// Second half-word, 0 for a 16-bit encoding.
        second: u32,
    },
    /// An access that the architecture wants aligned.
    Unaligned(u32),
    /// `SVC`, a branch to ARM state or an `EXC_RETURN`: exceptions are not modelled.
    Exception(u32),
    /// `WFI` or `WFE`. The PC already points behind it.
    Sleep,
}

impl From<BusFault> for Stop {
    fn from(fault: BusFault) -> Self {
        Stop::Bus(fault)
    }
}

/// Instruction set of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Cortex-M0 and M0+.
    V6M,
    /// Cortex-M3, and M4 without its FPU and DSP extension.
    V7M,
}

/// One core: registers, flags and the instruction counter.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// `r[15]` holds the address of the next instruction.
    r: [u32; 16],
    /// Address of the instruction in hand; R15 as an operand reads this plus 4.
    here: u32,
    n: bool,
    z: bool,
    c: bool,
    v: bool,
    t: bool,
    it: u8,
    psp: u32,
    primask: u32,
    control: u32,
    architecture: Architecture,
    retired: u64,
}

impl Cpu {
    /// Creates a core in Thumb state with all registers zero.
    #[must_use]
    pub fn new(architecture: Architecture) -> Cpu {
        Cpu {
            r: [0; 16],
            here: 0,
            n: false,
            z: false,
            c: false,
            v: false,
            t: true,
            it: 0,
            psp: 0,
            primask: 0,
            control: 0,
            architecture,
            retired: 0,
        }
    }

    /// Takes the values that a core has after reset (DDI 0403E, B1.5.5).
    pub fn reset(&mut self, stack: u32, entry: u32) {
        *self = Cpu {
            retired: self.retired,
            ..Cpu::new(self.architecture)
        };
        self.set_register(13, stack);
        self.set_register(14, u32::MAX);
        self.set_register(15, entry);
        self.t = bit(entry, 0);
    }

    /// Returns a core register as a debugger reads it; R15 is the next instruction's address.
    #[must_use]
    pub fn register(&self, index: u32) -> u32 {
        self.r.get(index as usize).copied().unwrap_or_default()
    }

    /// Sets a core register as a debugger writes it. SP and PC drop the bits that they do not have.
    pub fn set_register(&mut self, index: u32, value: u32) {
        let value = match index {
            13 => value & !3,
            15 => value & !1,
            _ => value,
        };
        if let Some(register) = self.r.get_mut(index as usize) {
            *register = value;
        }
    }

    /// Returns the combined program status register (DDI 0403E, B1.4.2).
    #[must_use]
    pub fn xpsr(&self) -> u32 {
        let it = u32::from(self.it);
        u32::from(self.n) << 31
            | u32::from(self.z) << 30
            | u32::from(self.c) << 29
            | u32::from(self.v) << 28
            | (it & 3) << 25
            | u32::from(self.t) << 24
            | (it >> 2) << 10
    }

    /// Sets flags, Thumb bit and IT state from a combined program status register.
    pub fn set_xpsr(&mut self, xpsr: u32) {
        self.set_flags(xpsr);
        self.t = bit(xpsr, 24);
        self.it = ((field(xpsr, 26, 25) | field(xpsr, 15, 10) << 2) & 0xff) as u8;
    }

    /// Returns the process stack pointer.
    #[must_use]
    pub fn psp(&self) -> u32 {
        self.psp
    }

    /// Sets the process stack pointer.
    pub fn set_psp(&mut self, value: u32) {
        self.psp = value & !3;
    }

    /// Returns CONTROL in bits 25:24 and PRIMASK in bit 0, as DCRSR selector 20 packs them.
    #[must_use]
    pub fn special(&self) -> u32 {
        self.control << 24 | self.primask
    }

    /// Sets CONTROL and PRIMASK from the packing of [`Cpu::special`].
    pub fn set_special(&mut self, value: u32) {
        self.control = field(value, 25, 24);
        self.primask = value & 1;
    }

    /// Returns how many instructions ran since the core was made.
    #[must_use]
    pub fn retired(&self) -> u64 {
        self.retired
    }

    /// Executes one instruction.
    ///
    /// # Errors
    /// The [`Stop`] that kept it from retiring; the PC then still points at it, except after
    /// [`Stop::Sleep`].
    pub fn step<B: Bus>(&mut self, bus: &mut B) -> Result<(), Stop> {
        let pc = self.register(15);
        if !self.t {
            return Err(Stop::Exception(pc));
        }
        let first = bus.read(pc, Size::Half)?;
        let wide = first >> 11 >= 0b11101;
        let second = if wide {
            bus.read(pc.wrapping_add(2), Size::Half)?
        } else {
            0
        };
        self.here = pc;
        self.set_register(15, pc.wrapping_add(if wide { 4 } else { 2 }));
        self.retired += 1;

        let it = self.it;
        if it != 0 {
            self.it = if it & 7 == 0 {
                0
            } else {
                it & 0xe0 | it << 1 & 0x1f
            };
            if !self.condition(u32::from(it >> 4)) {
                return Ok(());
            }
        }
        let done = if wide {
            self.exec32(bus, first, second)
        } else {
            self.exec16(bus, first, it == 0)
        };
        if done.is_err_and(|stop| stop != Stop::Sleep) {
            self.set_register(15, pc);
            self.it = it;
        }
        done
    }

    fn v7m(&self) -> bool {
        self.architecture == Architecture::V7M
    }

    /// Register as an instruction operand.
    fn operand(&self, index: u32) -> u32 {
        match index {
            15 => self.here.wrapping_add(4),
            _ => self.register(index),
        }
    }

    /// `Align(PC, 4)`, the base of literal accesses.
    fn literal_base(&self) -> u32 {
        self.operand(15) & !3
    }

    fn branch_by(&mut self, offset: u32) {
        self.set_register(15, self.operand(15).wrapping_add(offset));
    }

    /// Branches with interworking: bit 0 must select Thumb state.
    fn branch_exchange(&mut self, target: u32) -> Result<(), Stop> {
        if target >= 0xf000_0000 || !bit(target, 0) {
            return Err(Stop::Exception(target));
        }
        self.set_register(15, target);
        Ok(())
    }

    fn undefined(&self, first: u32, second: u32) -> Stop {
        Stop::Undefined {
            address: self.here,
            first,
            second,
        }
    }

    fn set_flags(&mut self, apsr: u32) {
        self.n = bit(apsr, 31);
        self.z = bit(apsr, 30);
        self.c = bit(apsr, 29);
        self.v = bit(apsr, 28);
    }

    fn set_nz(&mut self, value: u32) {
        self.n = bit(value, 31);
        self.z = value == 0;
    }

    /// `AddWithCarry` (DDI 0403E, A2.2.1); sets all four flags if `flags`.
    fn add(&mut self, a: u32, b: u32, carry: bool, flags: bool) -> u32 {
        let (sum, over_a) = a.overflowing_add(b);
        let (sum, over_b) = sum.overflowing_add(u32::from(carry));
        if flags {
            self.set_nz(sum);
            self.c = over_a || over_b;
            self.v = bit((a ^ sum) & (b ^ sum), 31);
        }
        sum
    }

    /// `ConditionPassed` (DDI 0403E, A7.3.1).
    fn condition(&self, code: u32) -> bool {
        let holds = match code >> 1 & 7 {
            0 => self.z,
            1 => self.c,
            2 => self.n,
            3 => self.v,
            4 => self.c && !self.z,
            5 => self.n == self.v,
            6 => self.n == self.v && !self.z,
            _ => return true,
        };
        holds != bit(code, 0)
    }

    fn load<B: Bus>(&self, bus: &mut B, address: u32, size: Size) -> Result<u32, Stop> {
        self.check_alignment(address, size)?;
        Ok(bus.read(address, size)?)
    }

    fn store<B: Bus>(&self, bus: &mut B, address: u32, size: Size, value: u32) -> Result<(), Stop> {
        self.check_alignment(address, size)?;
        Ok(bus.write(address, size, value & size.mask())?)
    }

    /// ARMv6-M faults on any unaligned access, ARMv7-M splits single ones.
    fn check_alignment(&self, address: u32, size: Size) -> Result<(), Stop> {
        if !self.v7m() && address & (size.bytes() - 1) != 0 {
            return Err(Stop::Unaligned(address));
        }
        Ok(())
    }

    /// Loads the registers of `list` upwards from `address`; a loaded PC is returned, not taken.
    fn load_multiple<B: Bus>(
        &mut self,
        bus: &mut B,
        address: u32,
        list: u32,
    ) -> Result<Option<u32>, Stop> {
        if address & 3 != 0 {
            return Err(Stop::Unaligned(address));
        }
        let (mut address, mut target) = (address, None);
        for index in (0..16).filter(|index| bit(list, *index)) {
            let value = bus.read(address, Size::Word)?;
            if index == 15 {
                target = Some(value);
            } else {
                self.set_register(index, value);
            }
            address = address.wrapping_add(4);
        }
        Ok(target)
    }

    /// Stores the registers of `list` upwards from `address`.
    fn store_multiple<B: Bus>(&mut self, bus: &mut B, address: u32, list: u32) -> Result<(), Stop> {
        if address & 3 != 0 {
            return Err(Stop::Unaligned(address));
        }
        let mut address = address;
        for index in (0..16).filter(|index| bit(list, *index)) {
            bus.write(address, Size::Word, self.operand(index))?;
            address = address.wrapping_add(4);
        }
        Ok(())
    }
}
