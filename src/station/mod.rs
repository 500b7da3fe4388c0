//! The loop of a station: units to nests, scans in, results out, and when to stop.
//!
//! Commands go in, typed events come out: numbered, each once and in order, kept in a log from which
//! any view goes on. Whoever owns the station calls [`step`](Station::step) again and again and gives
//! it what its views ask for by [`command`](Station::command). No word for people is made here, and no
//! terminal is known.

mod error;
mod event;
mod identified;
mod job;
mod log;
mod message;
mod nest;
mod panel;
mod results;
mod scans;
mod serials;
mod setup;
mod steps;
mod units;
mod worker;

pub use error::{NestError, StationError};
pub use event::{Command, Counters, Ended, Event, Outcome, Results, Stop, UnitEnd, Wanted};
pub use log::{EventLog, KEPT, Numbered, Since};
pub use serials::uid_serial;
pub use setup::{Boards, Feed, NestSetup, Plan, Reports, Setup, Weight};
pub use steps::Station;
