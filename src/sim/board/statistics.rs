//! Counters of a board. They observe and must not influence anything.

use super::Board;
use super::registers::Statistics;

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
