//! What goes into a station and what comes out of it: commands, and numbered events.
//!
//! Events carry data and no words for people; each view makes its own.

use std::path::PathBuf;
use std::time::Duration;

use super::error::StationError;
use crate::ledger::Target;
use crate::line::Passed;
use crate::mes::HookError;
use crate::scan::{Line, Misread};
use crate::target::{Phase, Seen};
use crate::unit::Serial;

/// What a view asks of a station.
#[derive(Debug)]
pub enum Command {
    /// A line was scanned or typed; or it was no scan at all.
    Scan(Result<Line, Misread>),
    /// The next unit, whichever it is.
    Next,
    /// The nest of this index gets no further unit.
    Skip(usize),
    /// A nest that was skipped gets units again.
    Resume(usize),
    /// No further unit is begun; the units in hand are finished.
    Stop,
    /// No more scans come.
    End,
}

/// What a station waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The serial of the next unit.
    Serial,
    /// A hand that says when the next unit may begin.
    Next,
    /// The number of the panel on the fixture.
    Panel,
    /// The serials of the units on these nests.
    Nests(Vec<String>),
}

/// What happened at a station. A nest is told by its index.
#[derive(Debug, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A scan is asked for.
    Wanted(Wanted),
    /// A nest got another serial than it had; the one before is not started.
    Replaced {
        /// The nest, as it was scanned.
        nest: String,
        /// The serial that counts.
        serial: Serial,
        /// The one that does not any more.
        before: Serial,
    },
    /// A scan was not taken: nobody asked for one.
    Dropped,
    /// A nest gets no further unit until it is resumed.
    Skipped(usize),
    /// A nest that was skipped gets units again.
    Resumed(usize),
    /// A nest begins a unit.
    Begun(usize),
    /// It is known which unit a nest has.
    Unit {
        /// The nest.
        nest: usize,
        /// Its unit.
        serial: Serial,
    },
    /// A nest waits for a hand.
    Waiting {
        /// The nest.
        nest: usize,
        /// The unit whose board has to go; without one, no board is there.
        there: Option<Serial>,
        /// The unit whose board is due, where that is known.
        due: Option<Serial>,
    },
    /// A board was identified.
    Seen {
        /// The nest.
        nest: usize,
        /// The board.
        seen: Seen,
    },
    /// A phase of a delivery begins.
    Phase {
        /// The nest.
        nest: usize,
        /// The phase.
        phase: Phase,
        /// Bytes that are ahead, 0 where that is not known.
        total: u64,
    },
    /// A phase goes on.
    Progress {
        /// The nest.
        nest: usize,
        /// Bytes that were done since the last sign.
        bytes: u64,
    },
    /// A wait for a hand was broken off: no unit was begun.
    BrokenOff(usize),
    /// A unit ended, or a scan was none.
    Ended(Box<Ended>),
    /// The factory's own system takes results, or does not.
    Results(Results),
    /// No further unit is begun.
    Stopped(Stop),
    /// The loop is over; the last event.
    Over {
        /// The name of the error that ended it.
        error: Option<&'static str>,
    },
}

impl Event {
    /// Returns the event's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// The end of one unit, with what the station counts.
#[derive(Debug)]
pub struct Ended {
    /// What became of it.
    pub unit: UnitEnd,
    /// The result as the factory's own system gets it.
    pub result: String,
    /// The counters, this unit included.
    pub counters: Counters,
}

/// What became of one unit.
#[derive(Debug)]
pub struct UnitEnd {
    /// The nest; a scan that was none has no nest.
    pub nest: Option<usize>,
    /// The unit, where it is known which.
    pub serial: Option<Serial>,
    /// The board, where one was identified.
    pub seen: Option<Seen>,
    /// By what its board is reached.
    pub target: Target,
    /// How it ended.
    pub result: Result<Passed, StationError>,
    /// From the board's first sign to the label.
    pub elapsed: Duration,
}

impl UnitEnd {
    /// Returns which attempt at the unit passed.
    #[must_use]
    pub fn attempt(&self) -> Option<i64> {
        let passed = self.result.as_ref().ok()?;
        Some(passed.entry.record().attempt)
    }
}

/// What became of results for the factory's own system.
#[derive(Debug)]
pub enum Results {
    /// They are not taken, and wait.
    Waiting {
        /// How many.
        waiting: usize,
        /// The file that keeps them.
        file: PathBuf,
        /// Why they are not taken.
        error: HookError,
    },
    /// They are taken again.
    Sent {
        /// How many were sent that had waited.
        taken: usize,
    },
    /// They are not taken, and the recipe stops the line then; or they cannot be kept.
    Stopped(StationError),
}

/// Why no further unit is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The last unit's error would meet every other one.
    Error,
    /// The list has no token for the serials that follow.
    NotListed,
    /// The recipe refuses the next serial of its list, which would come with every board.
    Refused,
    /// So many units in a row failed.
    InARow(u64),
    /// Every nest is out of use.
    NoNest,
    /// The factory's own system does not take results.
    Results,
}

/// What a unit's end counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It had passed before, and was verified again.
    Already,
    /// It failed.
    Failed,
    /// A hand scanned or seated the wrong one: it says nothing about the line.
    Misread,
}

/// How many units ended, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// All that ended.
    pub seq: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those of them that had passed before.
    pub already: u64,
    /// Those that did not pass.
    pub failed: u64,
    /// Failures since the last one that passed; a hand's mistake is none.
    pub in_a_row: u64,
}

impl Counters {
    /// Counts one unit.
    pub const fn count(&mut self, outcome: Outcome) {
        self.seq += 1;
        match outcome {
            Outcome::Passed | Outcome::Already => {
                self.passed += 1;
                self.already += matches!(outcome, Outcome::Already) as u64;
                self.in_a_row = 0;
            }
            Outcome::Failed | Outcome::Misread => {
                self.failed += 1;
                self.in_a_row += matches!(outcome, Outcome::Failed) as u64;
            }
        }
    }
}
