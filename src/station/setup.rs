//! What a station is given before it begins.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::error::StationError;
use super::event::UnitEnd;
use crate::label::Labels;
use crate::ledger::{self, Ledger, Seated};
use crate::master::Master;
use crate::mes::{Hooks, Outbox};
use crate::recipe::Recipe;
use crate::target::{Target, TargetError};
use crate::unit::Serial;

/// How a nest reaches its boards.
pub trait Boards: Send {
    /// Opens the board for one unit.
    ///
    /// # Errors
    /// [`TargetError`] where nothing reaches it.
    fn open(&self, serial: Option<&Serial>) -> Result<Box<dyn Target>, TargetError>;

    /// Returns how records call the way.
    fn target(&self) -> ledger::Target;

    /// Returns whether the serial decides which board is there, instead of a hand.
    fn by_serial(&self) -> bool;

    /// Returns the number of a simulated chip that nobody has seen yet, where boards have numbers.
    fn new_number(&self) -> Option<String>;
}

/// What an error means for the units that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// No other unit would fare better.
    Line,
    /// The unit is at fault, or nobody knows.
    Unit,
    /// Only the hand was, that scanned or seated.
    Hand,
}

/// Who words results for the factory's own system, and weighs errors by the same table of next actions.
pub trait Reports: Send + Sync {
    /// Returns what an error means for the units that follow.
    fn weigh(&self, error: &StationError) -> Weight;

    /// Returns a unit's result as one line of JSON; `seq` counts the units of this loop.
    fn result(&self, unit: &UnitEnd, seq: u64) -> String;
}

/// What all nests share.
pub struct Setup {
    /// The product's recipe.
    pub recipe: Arc<Recipe>,
    /// Its proved image.
    pub master: Master,
    /// Where labels go.
    pub labels: Box<dyn Labels + Send + Sync>,
    /// The factory's own system.
    pub hooks: Hooks,
    /// Results that wait for it.
    pub outbox: Outbox,
    /// The station's name in the record.
    pub station: String,
    /// Who is at work.
    pub operator: Option<String>,
    /// The order that the units are made for.
    pub order: Option<String>,
    /// What is said of the board on the nest.
    pub seated: Seated,
    /// Set from outside, it ends the loop as [`Command::Stop`](crate::station::Command::Stop) does.
    pub stop: Arc<AtomicBool>,
    /// The loop stops after so many failures in a row; 0 never stops it.
    pub stop_after: u64,
    /// A nest whose unit gives no sign for longer is out of use.
    pub limit: Duration,
}

/// Which units are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// This one.
    One(Serial),
    /// So many good ones.
    Count(u64),
    /// Those that are scanned.
    Scans(Feed),
}

/// Where scans come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// A hand, which changes the board before it scans, or forgets to: what was made has to be taken
    /// off first, and another scan meanwhile takes the place of the one before.
    Hand,
    /// A program: what comes is what is meant.
    Pipe,
}

/// One nest of a station.
pub struct NestSetup {
    /// Its name; none where there is only one.
    pub name: Option<String>,
    /// How its boards are reached.
    pub boards: Box<dyn Boards>,
    /// Its own connection to the ledger.
    pub ledger: Ledger,
}
