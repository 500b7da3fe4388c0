//! Counters of a board. They observe and must not influence anything.

use std::time::Duration;

use super::Board;

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

impl Board {
    /// Returns what happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let counters = &self.chip.memory.flash.counters;
        Statistics {
            erased_sectors: counters.erased.clone(),
            mass_erases: counters.mass_erases,
            programmed_units: counters.programmed,
            flash_time: counters.time,
            ..self.statistics.clone()
        }
    }

    /// Starts all counters again.
    pub fn clear_statistics(&mut self) {
        self.statistics = Statistics::default();
        self.chip.memory.flash.counters = Default::default();
    }
}
