//! Steps: long work in short transactions, with pauses in which others get in.

use std::time::{Duration, Instant};

use super::super::LedgerError;
use super::super::tables::{Store, Tables};

/// How long one transaction may hold others up.
const HOLD: Duration = Duration::from_millis(30);
/// How long others get in between.
pub const PAUSE: Duration = Duration::from_millis(4);
/// How many rows are stored between two looks at the clock.
const STEP: usize = 64;

/// How steps reach the tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Stage,
}

/// The tables in one step.
pub enum Reach<'a> {
    Read(&'a dyn Tables),
    Stage(&'a mut dyn Tables),
}

impl Reach<'_> {
    pub fn get(&self) -> &dyn Tables {
        match self {
            Self::Read(tables) => *tables,
            Self::Stage(tables) => *tables,
        }
    }

    pub fn get_mut(&mut self) -> Result<&mut dyn Tables, LedgerError> {
        match self {
            Self::Read(_) => Err(LedgerError::damaged("a look tried to write")),
            Self::Stage(tables) => Ok(*tables),
        }
    }
}

/// Does `work` for each item, in short transactions with pauses in between.
pub fn in_steps<S: Store, T>(
    store: &mut S,
    access: Access,
    items: &[T],
    mut work: impl FnMut(&mut Reach<'_>, &T) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut items = items.iter().peekable();
    let mut step = |mut tables: Reach<'_>| {
        let began = Instant::now();
        while items.peek().is_some() && began.elapsed() < HOLD {
            for item in items.by_ref().take(STEP) {
                work(&mut tables, item)?;
            }
        }
        Ok(items.peek().is_some())
    };
    loop {
        let more = match access {
            Access::Read => store.scan(|tables| step(Reach::Read(tables)))?,
            Access::Stage => store.stage(|tables| step(Reach::Stage(tables)))?,
        };
        if !more {
            return Ok(());
        }
        if access == Access::Stage {
            std::thread::sleep(PAUSE);
        }
    }
}
