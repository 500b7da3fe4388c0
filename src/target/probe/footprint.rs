//! What a unit takes of the chip's flash, by the chip's description alone: no probe is asked.

use super::chip::Family;
use super::map::FlashMap;
use super::setup::ProbeSetup;
use super::{link, list, source};
use crate::master::Master;
use crate::recipe::Mode;
use crate::target::TargetError;
use crate::unit::Serial;

/// The part of a chip's flash that each unit writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    /// The chip's name in full.
    pub chip: String,
    /// How much of the image is written.
    pub mode: Mode,
    /// Sectors that are erased, at most.
    pub sectors: usize,
    /// Bytes of these sectors.
    pub bytes: u64,
    /// Whether a chip of another kind would be noticed.
    pub compared: bool,
}

impl ProbeSetup {
    /// Returns whether a unit's board is one that only a delivery would make: a look makes none.
    #[must_use]
    pub fn is_unmade(&self, serial: Option<&Serial>) -> bool {
        #[cfg(feature = "sim")]
        return self.is_simulated() && !source::is_kept(self, serial);
        #[cfg(not(feature = "sim"))]
        {
            let _ = serial;
            false
        }
    }

    /// Makes sure that the probe is one: simulated, or plugged in and free to use. It is not opened.
    ///
    /// # Errors
    /// [`TargetError::Probe`]
    pub fn at_hand(&self) -> Result<(), TargetError> {
        Ok(match self.is_simulated() {
            true => source::chip(self),
            false => list::at_hand(&self.probe),
        }?)
    }

    /// Makes sure that the text names a probe, whether it is plugged in or not.
    ///
    /// # Errors
    /// [`TargetError::Probe`]
    pub fn is_named(&self) -> Result<(), TargetError> {
        Ok(match self.is_simulated() {
            true => source::chip(self),
            false => list::check(&self.probe),
        }?)
    }

    /// Makes a simulated board as the line would get it, for a try that leaves nothing behind.
    ///
    /// # Errors
    /// [`TargetError::Probe`]: no such chip is simulated.
    #[cfg(feature = "sim")]
    pub fn new_board(&self, master: &Master) -> Result<crate::sim::SharedBoard, TargetError> {
        Ok(source::board(self, master)?)
    }

    /// Returns the number of a simulated chip that nobody has seen yet; `None` where the boards are
    /// real, or the chip has none.
    #[cfg(feature = "sim")]
    #[must_use]
    pub fn new_number(&self) -> Option<String> {
        source::number(self)
    }

    /// Finds out what each unit writes, before a board is there.
    ///
    /// # Errors
    /// [`TargetError::Probe`]: no such chip is known, or the image does not fit its flash.
    pub fn footprint(&self, master: &Master) -> Result<Footprint, TargetError> {
        let target = link::target(&self.attach.chip)?;
        let family = Family::of(&target.name).map(|(family, _)| family);
        let map = FlashMap::of(&target, family);
        self.fits(master, &map)?;
        let sectors = match self.mode {
            Mode::Full => map.sectors(&self.flashed(master.image())),
            Mode::Slot => map.sectors(&master.changes()),
        }?;
        Ok(Footprint {
            chip: target.name,
            mode: self.mode,
            sectors: sectors.len(),
            bytes: sectors.iter().map(|sector| sector.span.len()).sum(),
            compared: family.is_some(),
        })
    }
}
