//! NOR flash: erasing sets whole sectors, programming only clears bits.
//!
//! The array knows sectors, wear-out and power loss. It must not know a controller's registers; who
//! may erase or program, and in which units, is decided in `chip/`.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::seed::Chance;

/// How long an operation takes and for how many polls the busy flag stays up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Typical time from the data sheet.
    pub time: Duration,
    /// Polls that see the busy flag under [`Pace::Instant`].
    pub polls: u32,
}

/// When the power goes away. Events count from 1, from the moment of injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PowerCut {
    /// While the n-th sector is being erased: its cells may hold anything.
    DuringErase(u32),
    /// Right after the n-th sector was erased.
    AfterErase(u32),
    /// While the n-th unit (word, half-word, double word) is being programmed: its bits that
    /// should become 0 may or may not have done so.
    DuringProgram(u64),
}

impl Cost {
    /// From microseconds of the data sheet.
    pub const fn micros(micros: u64, polls: u32) -> Cost {
        Cost {
            time: Duration::from_micros(micros),
            polls,
        }
    }
}

/// Whether simulated operations take time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pace {
    /// Busy flags clear after a few polls; time passes on a virtual clock only.
    #[default]
    Instant,
    /// Erasing, programming, SWD bits and probe commands take their typical times.
    Real,
}

/// What was done to an array since its counters were last cleared.
#[derive(Debug, Clone, Default)]
pub(crate) struct NorCounters {
    pub erased: Vec<u32>,
    pub mass_erases: u32,
    pub programmed: u64,
    pub time: Duration,
}

/// Sectors in address order, as `(count, size in bytes)` runs.
pub(crate) type Sectors = &'static [(u32, u32)];

/// One flash array with its faults.
#[derive(Debug)]
pub(crate) struct Nor {
    pub base: u32,
    pub counters: NorCounters,
    pub pace: Pace,
    bytes: Vec<u8>,
    sectors: Sectors,
    /// These bits read as ones, whatever was programmed.
    stuck: Vec<(u32, u8)>,
    /// Start addresses of sectors that refuse to be erased or programmed.
    protected: Vec<u32>,
    /// Erases left until one never ends.
    hang_in: Option<u32>,
    hung: bool,
    /// The event that takes the power away, counting down to 1.
    cut: Option<PowerCut>,
    power_lost: bool,
    chance: Chance,
    busy_polls: u32,
    busy_until: Option<Instant>,
}

impl Nor {
    /// Creates an erased array.
    pub fn new(base: u32, sectors: Sectors) -> Nor {
        let length: u32 = sectors.iter().map(|(count, size)| count * size).sum();
        Nor {
            base,
            counters: NorCounters::default(),
            pace: Pace::Instant,
            bytes: vec![0xff; length as usize],
            sectors,
            stuck: Vec::new(),
            protected: Vec::new(),
            hang_in: None,
            hung: false,
            cut: None,
            power_lost: false,
            chance: Chance::new(0),
            busy_polls: 0,
            busy_until: None,
        }
    }

    /// All cells as they are, without the stuck bits.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All cells, for a state file or a preloaded image; no wear, no events.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Whether `address` lies in the array.
    pub fn contains(&self, address: u32) -> bool {
        (address.wrapping_sub(self.base) as usize) < self.bytes.len()
    }

    /// Returns `length` bytes from `address` as the bus sees them, stuck bits included.
    pub fn peek(&self, address: u32, length: usize) -> Option<Vec<u8>> {
        let start = address.checked_sub(self.base)? as usize;
        let mut bytes = self.bytes.get(start..start.checked_add(length)?)?.to_vec();
        for (at, mask) in &self.stuck {
            let offset = at.wrapping_sub(address) as usize;
            if let Some(byte) = bytes.get_mut(offset) {
                *byte |= mask;
            }
        }
        Some(bytes)
    }

    /// Reads up to eight bytes, little-endian; what lies behind the end reads as erased.
    pub fn read(&self, address: u32, length: u32) -> u64 {
        let start = address.wrapping_sub(self.base) as usize;
        let stored = |index: u32| self.bytes.get(start + index as usize);
        let value = (0..length).fold(0, |value, index| {
            u64::from(stored(index).copied().unwrap_or(0xff)) << (8 * index) | value
        });
        self.stuck
            .iter()
            .fold(value, |value, (at, mask)| match at.wrapping_sub(address) {
                index if index < length => value | u64::from(*mask) << (8 * index),
                _ => value,
            })
    }

    /// Returns the sector around `address` as a range of offsets.
    pub fn sector_of(&self, address: u32) -> Option<Range<u32>> {
        let offset = address.checked_sub(self.base)?;
        let mut start = 0;
        for (count, size) in self.sectors {
            let end = start + count * size;
            if offset < end {
                let first = start + (offset - start) / size * size;
                return Some(first..first + size);
            }
            start = end;
        }
        None
    }

    /// Returns the address where sector `number` starts, counted from 0.
    pub fn sector_address(&self, number: u32) -> Option<u32> {
        let (mut number, mut start) = (number, self.base);
        for (count, size) in self.sectors {
            if number < *count {
                return Some(start + number * size);
            }
            number -= count;
            start += count * size;
        }
        None
    }

    /// Whether the sector around `address` refuses to change.
    pub fn is_protected(&self, address: u32) -> bool {
        !self.protected.is_empty()
            && self
                .sector_of(address)
                .is_some_and(|sector| self.protected.contains(&(self.base + sector.start)))
    }

    /// Programs up to eight bytes: every cell keeps a 0 and takes the others from `value`.
    ///
    /// When the power goes away here, each bit on its way to 0 arrives or does not. Returns whether
    /// the power stayed.
    pub fn program(&mut self, address: u32, length: u32, value: u64, cost: Cost) -> bool {
        if self.power_lost {
            return false;
        }
        let cut = match &mut self.cut {
            Some(PowerCut::DuringProgram(left)) => count_down(left),
            _ => false,
        };
        let unfinished = if cut { self.chance.next() } else { 0 };
        let start = address.wrapping_sub(self.base) as usize;
        for index in 0..length {
            let kept = ((value | unfinished) >> (8 * index) & 0xff) as u8;
            if let Some(cell) = self.bytes.get_mut(start + index as usize) {
                *cell &= kept;
            }
        }
        self.counters.programmed += 1;
        self.take_time(cost);
        self.power_lost |= cut;
        !self.power_lost
    }

    /// Erases the sector around `address`.
    ///
    /// When the power goes away here, each cell of the sector may hold anything: it was cleared
    /// first and is on its way to 1.
    pub fn erase(&mut self, address: u32, cost: Cost) {
        let Some(sector) = self.sector_of(address).filter(|_| !self.power_lost) else {
            return;
        };
        let (during, after) = match &mut self.cut {
            Some(PowerCut::DuringErase(left)) => (count_down(left), false),
            Some(PowerCut::AfterErase(left)) => (false, count_down(left)),
            _ => (false, false),
        };
        let range = sector.start as usize..sector.end as usize;
        for cell in self.bytes.get_mut(range).unwrap_or_default() {
            *cell = if during { self.chance.byte() } else { 0xff };
        }
        if let Some(left) = &mut self.hang_in {
            self.hung |= count_down(left);
        }
        self.counters.erased.push(self.base + sector.start);
        self.take_time(cost);
        self.power_lost |= during || after;
    }

    /// Erases everything.
    pub fn mass_erase(&mut self, cost: Cost) {
        if self.power_lost {
            return;
        }
        self.bytes.fill(0xff);
        self.counters.mass_erases += 1;
        self.take_time(cost);
    }

    /// Reads the busy flag; under [`Pace::Instant`] each read brings the end nearer.
    pub fn poll_busy(&mut self) -> bool {
        if self.hung {
            return true;
        }
        if let Some(end) = self.busy_until {
            if Instant::now() < end {
                return true;
            }
            self.busy_until = None;
        }
        let busy = self.busy_polls > 0;
        self.busy_polls = self.busy_polls.saturating_sub(1);
        busy
    }

    /// Whether a scripted power cut has happened.
    pub fn power_lost(&self) -> bool {
        self.power_lost
    }

    /// Ends whatever was going on, as a power-up does. Faults of the cells stay.
    pub fn power_on(&mut self) {
        self.power_lost = false;
        self.hung = false;
        self.busy_polls = 0;
        self.busy_until = None;
    }

    /// Arms a power cut; its cells are drawn from `seed`.
    pub fn arm_cut(&mut self, cut: PowerCut, seed: u64) {
        self.cut = Some(cut);
        self.chance = Chance::new(seed);
    }

    /// Makes bits of one byte read as ones from now on.
    pub fn stick(&mut self, address: u32, mask: u8) {
        self.stuck.push((address, mask));
    }

    /// Makes the sector around `address` refuse changes.
    pub fn protect(&mut self, address: u32) {
        if let Some(sector) = self.sector_of(address) {
            self.protected.push(self.base + sector.start);
        }
    }

    /// Makes the `nth` erase from now never end, counted from 1.
    pub fn hang_at(&mut self, nth: u32) {
        self.hang_in = Some(nth);
    }

    /// Takes away every scripted fault.
    pub fn heal(&mut self) {
        self.stuck.clear();
        self.protected.clear();
        self.hang_in = None;
        self.cut = None;
    }

    fn take_time(&mut self, cost: Cost) {
        self.counters.time += cost.time;
        match self.pace {
            Pace::Instant => self.busy_polls = cost.polls,
            Pace::Real => {
                let now = Instant::now();
                let start = self.busy_until.filter(|end| *end > now).unwrap_or(now);
                self.busy_until = Some(start + cost.time);
            }
        }
    }
}

/// Counts an event; true for the one that was waited for, exactly once.
fn count_down<T>(left: &mut T) -> bool
where
    T: Copy + PartialEq + From<u8> + std::ops::SubAssign,
{
    let hit = *left == T::from(1);
    if *left != T::from(0) {
        *left -= T::from(1);
    }
    hit
}
