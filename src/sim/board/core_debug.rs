//! Core debug: the registers by which a debugger halts, resumes and inspects the core.
//!
//! Source: ARM DDI 0403E (ARMv7-M), C1.6 "Debug system registers" and C1.11 "Flash Patch and
//! Breakpoint unit"; ARMv6-M has the same with fewer bits. The application is not interpreted:
//! code in flash counts as running, and only code in RAM is executed.

use super::registers::Core;
use super::{Board, Boot};
use crate::sim::chip::{Chip, Master, flag};
use crate::sim::thumb::{Architecture, Bus, BusFault, Size, Stop};

const FP_CTRL: u32 = 0xe000_2000;
const FP_COMP0: u32 = 0xe000_2008;
const FP_COMP7: u32 = 0xe000_2024;
const CPUID: u32 = 0xe000_ed00;
const AIRCR: u32 = 0xe000_ed0c;
const DFSR: u32 = 0xe000_ed30;
const CPACR: u32 = 0xe000_ed88;
const DHCSR: u32 = 0xe000_edf0;
const DCRSR: u32 = 0xe000_edf4;
const DCRDR: u32 = 0xe000_edf8;
const DEMCR: u32 = 0xe000_edfc;
const MVFR0: u32 = 0xe000_ef40;
const ROM_TABLE_IDS: std::ops::RangeInclusive<u32> = 0xe00f_ffd0..=0xe00f_ffff;

const DFSR_HALTED: u32 = 1;
const DFSR_BKPT: u32 = 1 << 1;
const DFSR_VCATCH: u32 = 1 << 3;

const C_DEBUGEN: u32 = 1;
const C_HALT: u32 = 1 << 1;
const C_STEP: u32 = 1 << 2;
const C_MASKINTS: u32 = 1 << 3;
const S_REGRDY: u32 = 1 << 16;
const S_HALT: u32 = 1 << 17;
const S_SLEEP: u32 = 1 << 18;
const S_LOCKUP: u32 = 1 << 19;
const S_RETIRE_ST: u32 = 1 << 24;
const S_RESET_ST: u32 = 1 << 25;

const VC_CORERESET: u32 = 1;
const VC_HARDERR: u32 = 1 << 10;
const SYSRESETREQ: u32 = 1 << 2;

/// What the program counter holds in lockup.
const LOCKUP: u32 = 0xffff_fffe;

/// Instructions that the core may run for each read of DHCSR.
const SLICE: u32 = 50_000;

/// The bus as the core sees it.
struct CoreBus<'a>(&'a mut Chip);

impl Bus for CoreBus<'_> {
    fn read(&mut self, address: u32, size: Size) -> Result<u32, BusFault> {
        self.0.read(address, size, Master::Core)
    }

    fn write(&mut self, address: u32, size: Size, value: u32) -> Result<(), BusFault> {
        self.0.write(address, size, value, Master::Core)
    }
}

impl Board {
    /// Drives the nRESET pin.
    pub(crate) fn set_nreset(&mut self, asserted: bool) {
        if !self.powered {
            return;
        }
        match (self.debug.in_reset, asserted) {
            (false, true) => {
                // Neither halted nor locked up; the debug registers stay accessible.
                self.core = Core::Application;
                self.debug.halt_on_release = false;
            }
            (true, false) => {
                self.debug.in_reset = false;
                self.core_reset();
                if std::mem::take(&mut self.debug.halt_on_release) && self.core != Core::Halted {
                    self.halt(DFSR_HALTED);
                }
            }
            _ => {}
        }
        self.debug.in_reset = asserted;
    }

    /// Resets core and peripherals and boots, unless the debugger catches the reset vector.
    pub(super) fn core_reset(&mut self) {
        self.statistics.core_resets += 1;
        self.chip.reset();
        self.debug.was_reset = true;
        self.debug.stepping = false;
        self.debug.other.clear();
        let (stack, entry) = self.chip.vectors();
        self.cpu.reset(stack, entry);
        if self.debug.enabled && self.debug.demcr & VC_CORERESET != 0 {
            self.halt(DFSR_VCATCH);
        } else if entry == u32::MAX {
            self.lock_up(); // A blank chip.
        } else {
            self.core = Core::Application;
            if let Some(hook) = &mut self.on_boot {
                hook(&mut Boot(&mut self.chip));
            }
        }
    }

    /// Runs the core for at most `budget` instructions.
    pub(super) fn run(&mut self, budget: u32) {
        let start = self.cpu.retired();
        for _ in 0..budget {
            if self.at_breakpoint() {
                self.halt(DFSR_BKPT);
                break;
            }
            let step = self.cpu.step(&mut CoreBus(&mut self.chip));
            self.check_power();
            match step {
                Ok(()) if self.powered => continue,
                Ok(()) => {}
                Err(Stop::Breakpoint(_)) if self.debug.enabled => self.halt(DFSR_BKPT),
                Err(Stop::Sleep) => self.core = Core::Sleeping,
                Err(stop) => {
                    self.last_stop = Some(stop);
                    if self.debug.enabled && self.debug.demcr & VC_HARDERR != 0 {
                        self.halt(DFSR_VCATCH);
                    } else {
                        self.lock_up(); // There is no HardFault handler to enter.
                    }
                }
            }
            break;
        }
        self.statistics.instructions += self.cpu.retired() - start;
    }

    /// Takes the power away if a scripted cut has happened in the flash.
    pub(super) fn check_power(&mut self) {
        if self.chip.memory.flash.power_lost() {
            self.powered = false;
        }
    }

    fn halt(&mut self, reason: u32) {
        if self.core == Core::Running {
            let programmed = self.chip.memory.flash.counters.programmed;
            self.statistics.program_calls += u64::from(programmed > self.debug.programmed_before);
        }
        self.core = Core::Halted;
        self.debug.dfsr |= reason;
    }

    /// Leaves the core where it does nothing: resumed from there, it locks up again, and executes
    /// nothing of what was left in RAM (DDI 0403E, B1.5.15).
    fn lock_up(&mut self) {
        self.core = Core::Lockup;
        self.cpu.set_register(15, LOCKUP);
    }

    fn resume(&mut self) {
        self.debug.programmed_before = self.chip.memory.flash.counters.programmed;
        self.core = if self.chip.is_flash(self.cpu.register(15)) {
            Core::Application
        } else {
            Core::Running
        };
    }

    /// Executes one instruction of RAM code; a step in the application retires nothing.
    fn single_step(&mut self) {
        if self.core == Core::Running {
            self.run(1);
        }
        if matches!(self.core, Core::Running | Core::Application) {
            self.halt(DFSR_HALTED);
        }
    }

    fn at_breakpoint(&self) -> bool {
        let pc = self.cpu.register(15);
        let half = if pc & 2 == 0 { 1 } else { 2 };
        self.debug.breakpoints_enabled
            && self
                .debug
                .breakpoints
                .iter()
                .any(|comp| comp & 1 != 0 && (comp ^ pc) & 0x1fff_fffc == 0 && comp >> 30 == half)
    }

    /// Reads a word of the private peripheral bus.
    pub(super) fn private_read(&mut self, address: u32) -> u32 {
        let model = self.chip.model;
        match address {
            CPUID => model.cpuid,
            DFSR => self.debug.dfsr,
            DHCSR => self.read_dhcsr(),
            DCRDR => self.debug.dcrdr,
            DEMCR => self.debug.demcr,
            CPACR => flag(model.fpu, 0x00f0_0000),
            MVFR0 => flag(model.fpu, 0x1011_0021),
            FP_CTRL => {
                let comparators = match model.architecture {
                    Architecture::V6M => 0x40,
                    Architecture::V7M => 0x260,
                };
                comparators | u32::from(self.debug.breakpoints_enabled)
            }
            FP_COMP0..=FP_COMP7 => {
                let index = (address - FP_COMP0) / 4;
                let comparator = self.debug.breakpoints.get(index as usize);
                comparator.copied().unwrap_or_default()
            }
            _ if ROM_TABLE_IDS.contains(&address) => self.rom_table_id(address & 0xfff),
            _ => self.chip.id_word(address).unwrap_or_else(|| {
                let kept = self.debug.other.get(&address);
                kept.copied().unwrap_or_default()
            }),
        }
    }

    /// Peripheral and component identification of the ROM table (DDI 0403E, C1.2).
    fn rom_table_id(&self, offset: u32) -> u32 {
        let (continuation, identity, part) = self.chip.model.designer;
        match offset {
            0xfd0 => continuation,
            0xfe0 => part & 0xff,
            0xfe4 => part >> 8 & 0xf | (identity & 0xf) << 4,
            0xfe8 => identity >> 4 & 7 | 8,
            0xff0 => 0x0d,
            0xff4 => 0x10,
            0xff8 => 0x05,
            0xffc => 0xb1,
            _ => 0,
        }
    }

    fn read_dhcsr(&mut self) -> u32 {
        if self.core == Core::Running {
            self.run(SLICE);
        }
        let status = match self.core {
            Core::Halted => S_HALT | C_HALT,
            Core::Lockup => S_LOCKUP,
            Core::Sleeping => S_SLEEP,
            Core::Running | Core::Application => S_RETIRE_ST,
        };
        let reset = std::mem::take(&mut self.debug.was_reset) || self.debug.in_reset;
        status
            | S_REGRDY
            | flag(self.debug.enabled, C_DEBUGEN)
            | flag(self.debug.stepping, C_STEP)
            | flag(self.debug.mask_interrupts, C_MASKINTS)
            | flag(reset, S_RESET_ST)
    }

    /// Writes a word of the private peripheral bus.
    pub(super) fn private_write(&mut self, address: u32, value: u32) {
        match address {
            AIRCR if value >> 16 == 0x05fa => {
                if value & SYSRESETREQ != 0 {
                    self.core_reset();
                }
            }
            DFSR => self.debug.dfsr &= !value,
            DHCSR if value >> 16 == 0xa05f => self.write_dhcsr(value),
            DCRSR if value >> 16 & 1 != 0 => self.write_core_register(value & 0x7f),
            DCRSR => self.debug.dcrdr = self.read_core_register(value & 0x7f),
            DCRDR => self.debug.dcrdr = value,
            DEMCR => self.debug.demcr = value,
            FP_CTRL if value & 2 != 0 => self.debug.breakpoints_enabled = value & 1 != 0,
            FP_COMP0..=FP_COMP7 => {
                let index = (address - FP_COMP0) / 4;
                if let Some(comparator) = self.debug.breakpoints.get_mut(index as usize) {
                    *comparator = value;
                }
            }
            _ => {
                self.debug.other.insert(address, value);
            }
        }
    }

    fn write_dhcsr(&mut self, value: u32) {
        let was_enabled = self.debug.enabled;
        self.debug.enabled = value & C_DEBUGEN != 0;
        if !self.debug.enabled {
            self.debug.stepping = false;
            self.debug.mask_interrupts = false;
            if was_enabled && self.core == Core::Halted {
                self.resume();
            }
            return;
        }
        self.debug.mask_interrupts = value & C_MASKINTS != 0;
        self.debug.stepping = value & C_STEP != 0;
        let halt = value & C_HALT != 0;
        if self.debug.in_reset {
            self.debug.halt_on_release = halt;
        } else if halt {
            if self.core != Core::Halted {
                self.halt(DFSR_HALTED);
            }
        } else if self.core == Core::Halted {
            self.resume();
            if self.debug.stepping {
                self.single_step();
            }
        }
    }

    /// DCRSR selectors: 0 to 15 core registers, 16 xPSR, 17 MSP, 18 PSP, 20 CONTROL and PRIMASK.
    fn read_core_register(&self, selector: u32) -> u32 {
        match selector {
            0..=15 => self.cpu.register(selector),
            16 => self.cpu.xpsr(),
            17 => self.cpu.register(13),
            18 => self.cpu.psp(),
            20 => self.cpu.special(),
            _ => self.debug.fpu.get(&selector).copied().unwrap_or_default(),
        }
    }

    fn write_core_register(&mut self, selector: u32) {
        let value = self.debug.dcrdr;
        match selector {
            0..=15 => self.cpu.set_register(selector, value),
            16 => self.cpu.set_xpsr(value),
            17 => self.cpu.set_register(13, value),
            18 => self.cpu.set_psp(value),
            20 => self.cpu.set_special(value),
            _ => {
                self.debug.fpu.insert(selector, value);
            }
        }
    }
}
