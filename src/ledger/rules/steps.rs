//! Steps: long work in short transactions, with pauses in which others get in.

use std::time::{Duration, Instant};

use crate::ledger::storage::tables::Tables;
use crate::ledger::{Ledger, LedgerError};

/// How long one transaction may hold others up.
const HOLD: Duration = Duration::from_millis(30);
/// How long others get in between.
pub const PAUSE: Duration = Duration::from_millis(4);

/// How steps reach the tables.
pub enum Access<'s> {
    Read(&'s Ledger),
    Stage(&'s mut Ledger),
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

/// Does `work` for each item, in short transactions with pauses in between; `ahead` is told some
/// items before.
pub fn in_steps<T>(
    mut access: Access<'_>,
    items: &[T],
    (mut ahead, mut work): (
        impl FnMut(&dyn Tables, &[T]) -> Result<(), LedgerError>,
        impl FnMut(&mut Reach<'_>, &T) -> Result<(), LedgerError>,
    ),
) -> Result<(), LedgerError> {
    let mut rest = items;
    let mut step = |mut tables: Reach<'_>| {
        let began = Instant::now();
        while !rest.is_empty() && began.elapsed() < HOLD {
            let length = tables.get().step().min(rest.len());
            let (now, later) = rest.split_at(length);
            ahead(tables.get(), now)?;
            for item in now {
                work(&mut tables, item)?;
            }
            rest = later;
        }
        Ok(!rest.is_empty())
    };
    loop {
        let more = match &mut access {
            Access::Read(ledger) => ledger.scan(|tables| step(Reach::Read(tables)))?,
            Access::Stage(ledger) => ledger.stage(|tables| step(Reach::Stage(tables)))?,
        };
        if !more {
            return Ok(());
        }
        if let Access::Stage(_) = access {
            std::thread::sleep(PAUSE);
        }
    }
}
