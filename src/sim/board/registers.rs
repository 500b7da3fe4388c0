//! What a board's debug hardware remembers, and what was counted on it. Who changes it stands in
//! the files beside this one.

use std::collections::BTreeMap;
use std::time::Duration;

/// What the core is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Core {
    /// Executes code in RAM, instruction by instruction.
    Running,
    Halted,
    Lockup,
    Sleeping,
    /// Runs the application, which is not interpreted.
    Application,
}

/// Debug registers and those of the system control space that only keep what was written.
#[derive(Debug, Default)]
pub(super) struct CoreDebug {
    pub enabled: bool,
    pub stepping: bool,
    pub mask_interrupts: bool,
    pub in_reset: bool,
    /// C_HALT was written under reset and acts when it is released.
    pub halt_on_release: bool,
    /// S_RESET_ST: a reset happened since DHCSR was last read.
    pub was_reset: bool,
    pub dfsr: u32,
    pub demcr: u32,
    pub dcrdr: u32,
    pub breakpoints_enabled: bool,
    pub breakpoints: [u32; 8],
    pub fpu: BTreeMap<u32, u32>,
    pub other: BTreeMap<u32, u32>,
    /// Units programmed when the core was last resumed.
    pub programmed_before: u64,
}

/// What the target's serial wire interface listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Line {
    /// As after power-up: an SWJ-DP starts in JTAG mode.
    #[default]
    Jtag,
    /// The switching sequence was seen.
    Switching,
    /// A line reset was seen: DPIDR must be read next.
    Reset,
    Active,
}

/// Debug port registers.
#[derive(Debug, Default)]
pub(super) struct DebugPort {
    pub line: Line,
    pub ctrl_stat: u32,
    pub select: u32,
    pub rdbuff: u32,
    pub sticky_error: bool,
    pub waited: bool,
}

/// MEM-AP registers.
#[derive(Debug, Default)]
pub(super) struct MemAp {
    pub csw: u32,
    pub tar: u32,
}

/// Faults of the link, at absolute transfer counts.
#[derive(Debug, Default)]
pub(super) struct LinkFaults {
    pub unplug_at: Option<u64>,
    pub no_ack_at: Option<u64>,
    pub wait_at: Option<u64>,
    pub wait_every: Option<u64>,
}

/// What happened on a board since it was made, loaded or last cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// SWD packets, those without an answer included.
    pub swd_transfers: u64,
    /// Reads of the memory access port's data register.
    pub drw_reads: u64,
    /// Writes of the memory access port's data register.
    pub drw_writes: u64,
    /// SWD line resets.
    pub line_resets: u64,
    /// Resets of the core, power-up included.
    pub core_resets: u64,
    /// Instructions that the core ran.
    pub instructions: u64,
    /// Start addresses of the flash sectors that were erased, in order, repeats included.
    pub erased_sectors: Vec<u32>,
    /// Erases of the whole flash.
    pub mass_erases: u32,
    /// Runs of the flash algorithm that programmed something.
    pub program_calls: u64,
    /// Words, half-words or double words that were programmed.
    pub programmed_units: u64,
    /// Time that the flash operations take on silicon (data sheet, typical).
    pub flash_time: Duration,
}
