//! How a board carries out its faults, and what it keeps in spite of them.
//!
//! Faults of the cells are in the flash array; here are those of link, power and fixture. What goes
//! wrong when is [`Fault`]'s to say.

use super::registers::LinkFaults;
use super::{Board, Chip, Cpu, Model, NonVolatile, Uid};
use crate::sim::fault::Fault;
use crate::sim::seed::Hash;

/// What a board keeps without power, faults left out.
pub(crate) struct Kept<'a> {
    pub model: &'static Model,
    pub uid: Uid,
    pub locked: bool,
    pub memory: &'a NonVolatile,
}

impl Board {
    /// Injects a fault; its events count from here.
    ///
    /// [`Fault::WrongChip`] puts another, erased chip in the fixture.
    pub fn inject(&mut self, fault: Fault) {
        let flash = &mut self.chip.memory.flash;
        match fault {
            Fault::Unplug(after) => {
                self.link.unplug_at = Some(self.transfers.saturating_add(after))
            }
            Fault::NoAck(after) => self.link.no_ack_at = Some(self.transfers.saturating_add(after)),
            Fault::Wait(after) => self.link.wait_at = Some(self.transfers.saturating_add(after)),
            Fault::WaitEvery(n) => self.link.wait_every = Some(n),
            Fault::PowerCut(cut) => {
                let seed = Hash::new()
                    .add(self.name.as_bytes())
                    .add(fault.to_string().as_bytes())
                    .value();
                flash.arm_cut(cut, seed);
            }
            Fault::StuckBits { address, mask } => flash.stick(address, mask),
            Fault::WriteProtected(address) => flash.protect(address),
            Fault::HangingErase(nth) => flash.hang_at(nth),
            Fault::Locked => {
                self.locked_by_fault |= !self.chip.memory.locked;
                self.chip.memory.locked = true;
            }
            Fault::NoChip => self.no_chip = true,
            Fault::WrongChip(model) => {
                let uid = Uid::derived(&format!("{} with a wrong chip", self.name));
                let mut chip = Chip::new(model, uid);
                chip.set_pace(self.pace);
                let right = self.seat(chip);
                self.set_aside.get_or_insert(right);
            }
        }
    }

    /// Puts another chip on the board, powers it up and returns the one before.
    fn seat(&mut self, chip: Chip) -> Chip {
        let before = std::mem::replace(&mut self.chip, chip);
        self.cpu = Cpu::new(self.chip.model.architecture);
        self.power_cycle();
        before
    }

    /// Takes every fault away, plugs the probe in again and powers the board up if it has no power.
    ///
    /// What a fault left in the cells stays, and an erase that hangs does so until a power cycle.
    pub fn heal(&mut self) {
        if let Some(right) = self.set_aside.take() {
            self.seat(right);
        }
        if std::mem::take(&mut self.locked_by_fault) {
            self.chip.memory.locked = false;
        }
        self.link = LinkFaults::default();
        self.unplugged = false;
        self.no_chip = false;
        self.chip.memory.flash.heal();
        if !self.powered {
            self.power_cycle();
        }
    }

    /// Returns what belongs in a state file.
    pub(crate) fn kept(&self) -> Kept<'_> {
        let chip = self.set_aside.as_ref().unwrap_or(&self.chip);
        Kept {
            model: chip.model,
            uid: chip.uid,
            locked: chip.memory.locked && !self.locked_by_fault,
            memory: &chip.memory,
        }
    }
}
