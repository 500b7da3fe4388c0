//! The board in the fixture: a chip, its debug port, its core and its power.
//!
//! It offers what a person at the bench can do: power, reset, faults, a look at the flash. It must
//! not know probe-rs; a probe drives it by [`Board::transfer`] only.

mod core_debug;
mod dp;
mod faults;
mod mem_ap;
mod registers;
mod statistics;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chip::{Chip, Model, NonVolatile};
use super::nor::Pace;
use super::thumb::{Cpu, Stop};
use super::uid::Uid;
pub(crate) use dp::{Ack, Request};
pub use registers::Statistics;
use registers::{Core, CoreDebug, DebugPort, LinkFaults, MemAp};

/// An access outside the flash and the information memory of the chip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes at {address:#010x} are not all in the flash of {chip}")]
pub struct OutsideFlash {
    /// First address.
    pub address: u32,
    /// Number of bytes.
    pub length: usize,
    /// Name of the chip.
    pub chip: &'static str,
}

/// What the stand-in application may touch when it boots.
#[derive(Debug)]
pub struct Boot<'a>(&'a mut Chip);

impl Boot<'_> {
    /// Returns bytes of flash, UICR or option bytes; `None` outside.
    #[must_use]
    pub fn read(&self, address: u32, length: usize) -> Option<Vec<u8>> {
        peek(&self.0.memory, address, length)
    }

    /// Writes RAM; false where there is none.
    #[must_use]
    pub fn write_ram(&mut self, address: u32, bytes: &[u8]) -> bool {
        self.0.write_ram(address, bytes)
    }
}

type BootHook = Box<dyn FnMut(&mut Boot<'_>) + Send>;

/// A simulated board.
pub struct Board {
    name: String,
    chip: Chip,
    cpu: Cpu,
    core: Core,
    debug: CoreDebug,
    dp: DebugPort,
    ap: MemAp,
    link: LinkFaults,
    /// Transfers since the board was made; unlike the statistics it is never cleared.
    transfers: u64,
    statistics: Statistics,
    powered: bool,
    no_chip: bool,
    unplugged: bool,
    pace: Pace,
    last_stop: Option<Stop>,
    on_boot: Option<BootHook>,
    /// The chip that a wrong one took the place of.
    set_aside: Option<Chip>,
    /// Where its state is kept, if it came off a shelf.
    file: Option<PathBuf>,
    /// The lock comes from a fault, not from the chip's own state.
    locked_by_fault: bool,
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board")
            .field("name", &self.name)
            .field("chip", &self.chip.model.name)
            .field("core", &self.core)
            .field("powered", &self.powered)
            .field("last_stop", &self.last_stop)
            .finish_non_exhaustive()
    }
}

impl Board {
    /// Makes a powered board with an erased chip; the unique ID is derived from `name`.
    ///
    /// ```
    /// use eol_inject::sim::{Board, Model};
    /// let chip = Model::by_name("nRF52840_xxAA").ok_or("not simulated")?;
    /// let board = Board::new(chip, "GW000001");
    /// assert!(board.uid().is_simulated());
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn new(model: &'static Model, name: &str) -> Board {
        let mut board = Board {
            name: name.to_owned(),
            chip: Chip::new(model, Uid::derived(name)),
            cpu: Cpu::new(model.architecture),
            core: Core::Lockup,
            debug: CoreDebug::default(),
            dp: DebugPort::default(),
            ap: MemAp::default(),
            link: LinkFaults::default(),
            transfers: 0,
            statistics: Statistics::default(),
            powered: false,
            no_chip: false,
            unplugged: false,
            pace: Pace::Instant,
            last_stop: None,
            on_boot: None,
            set_aside: None,
            file: None,
            locked_by_fault: false,
        };
        board.power_cycle();
        board
    }

    /// Puts the board where several owners can reach it: a probe, a test, a server.
    #[must_use]
    pub fn share(self) -> SharedBoard {
        SharedBoard(Arc::new(Mutex::new(self)))
    }

    /// Returns the name that the board was made with, a unit's serial as a rule.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what kind of chip it carries.
    #[must_use]
    pub fn model(&self) -> &'static Model {
        self.chip.model
    }

    /// Returns the chip's unique ID.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.chip.uid
    }

    /// Gives the chip another unique ID.
    pub fn set_uid(&mut self, uid: Uid) {
        self.chip.uid = uid;
    }

    /// Chooses whether operations take time.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.chip.set_pace(pace);
    }

    /// Returns whether operations take time.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Takes the power away and gives it back: the chip boots, faults of link and cells stay.
    pub fn power_cycle(&mut self) {
        self.powered = true;
        self.dp = DebugPort::default();
        self.ap = MemAp::default();
        self.debug = CoreDebug::default();
        self.chip.power_on();
        self.core_reset();
    }

    /// Takes the power away.
    pub fn power_off(&mut self) {
        self.powered = false;
    }

    /// Whether the board has power; a scripted power cut takes it away.
    #[must_use]
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// Whether read-out protection is on.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.chip.memory.locked
    }

    /// Whether the core is halted by the debugger.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.core == Core::Halted
    }

    /// Whether the core left reset and runs the application (which is not interpreted).
    #[must_use]
    pub fn is_booted(&self) -> bool {
        self.core == Core::Application
    }

    /// Returns bytes of flash, UICR or option bytes as a reader would see them, stuck bits included.
    ///
    /// It looks at the cells themselves: no transfer, no protection.
    ///
    /// # Errors
    /// [`OutsideFlash`] if any byte lies elsewhere.
    pub fn peek(&self, address: u32, length: usize) -> Result<Vec<u8>, OutsideFlash> {
        peek(&self.chip.memory, address, length).ok_or(OutsideFlash {
            address,
            length,
            chip: self.chip.model.name,
        })
    }

    /// Puts bytes into flash, UICR or option bytes, as a programmer did before this line.
    ///
    /// The cells take the values at once: no erase, no wear, no statistics, no fault.
    ///
    /// # Errors
    /// [`OutsideFlash`] if any byte lies elsewhere; nothing is changed then.
    pub fn preload(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutsideFlash> {
        let outside = OutsideFlash {
            address,
            length: bytes.len(),
            chip: self.chip.model.name,
        };
        let memory = &mut self.chip.memory;
        let array = if memory.info.contains(address) {
            &mut memory.info
        } else {
            &mut memory.flash
        };
        let start = address.checked_sub(array.base).map(|start| start as usize);
        let cells = start.and_then(|start| {
            let end = start.checked_add(bytes.len())?;
            array.bytes_mut().get_mut(start..end)
        });
        cells.ok_or(outside)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Installs a stand-in for the application, called whenever the core leaves reset and runs it.
    pub fn on_boot(&mut self, hook: impl FnMut(&mut Boot<'_>) + Send + 'static) {
        self.on_boot = Some(Box::new(hook));
    }

    pub(super) fn non_volatile_mut(&mut self) -> &mut NonVolatile {
        &mut self.chip.memory
    }

    /// Returns where the board's state is kept, if it came off a shelf.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn set_file(&mut self, file: &Path) {
        self.file = Some(file.to_owned());
    }

    /// SWD packets so far, for pacing.
    pub(super) fn transfers(&self) -> u64 {
        self.transfers
    }

    /// Whether the probe itself is gone, not only the target.
    pub(super) fn is_unplugged(&self) -> bool {
        self.unplugged
    }
}

fn peek(memory: &NonVolatile, address: u32, length: usize) -> Option<Vec<u8>> {
    let flash = memory.flash.peek(address, length);
    flash.or_else(|| memory.info.peek(address, length))
}

/// A board with several owners.
#[derive(Debug, Clone)]
pub struct SharedBoard(Arc<Mutex<Board>>);

impl SharedBoard {
    /// Locks the board. A probe in use waits meanwhile, so keep it short; a second lock in the same
    /// statement never comes.
    pub fn lock(&self) -> MutexGuard<'_, Board> {
        // The board stays consistent between two transfers, so a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
