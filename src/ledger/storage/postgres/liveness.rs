//! Whether another run lives, as a transaction that wants its claims finds out.

use crate::ledger::LedgerError;
use crate::ledger::storage::sql::{Query, values};
use crate::ledger::storage::view::{Mode, View};

const RUN: &str = "SELECT r.ended, r.place, l.till < clock_timestamp() \
     FROM runs r LEFT JOIN leases l ON l.run = r.id WHERE r.id = ?1";
// Who is alive without a word of it holds the row.
const EXPIRED: Query = Query::holding(
    "SELECT till < clock_timestamp() FROM leases WHERE run = ?1",
    " FOR UPDATE SKIP LOCKED",
);
// A run in the middle of a transaction holds its row, and is not dead.
const END: &str = "UPDATE runs SET ended = true \
     WHERE id = (SELECT id FROM runs WHERE id = ?1 FOR UPDATE SKIP LOCKED)";

/// A run, as its row tells.
struct Found {
    ended: bool,
    place: Option<String>,
    /// `None` where it has no lease.
    expired: Option<bool>,
}

/// Returns whether a run lives; one that is taken for dead here never writes again.
pub fn alive(view: &View<'_>, run: &str) -> Result<bool, LedgerError> {
    let found = view.sql.first(RUN, values![run], |row| {
        Ok(Found {
            ended: row.get(0)?,
            place: row.get(1)?,
            expired: row.get(2)?,
        })
    })?;
    let Some(found) = found else {
        // Of another ledger, whose units came here: nobody works on them there.
        return Ok(false);
    };
    let here = found.place.is_some() && found.place == view.opened.place;
    // What a run started here may still write, whatever became of the run.
    if here && view.opened.runs.alive(run) {
        return Ok(true);
    }
    if here || found.ended {
        return Ok(false);
    }
    match found.expired {
        Some(false) => return Ok(true),
        // A run without a lease was ended by hand.
        None => return Ok(false),
        Some(true) => {}
    }
    if view.mode == Mode::Read {
        return Ok(false);
    }
    let expired: Option<bool> = view.sql.value(EXPIRED, values![run])?;
    Ok(expired != Some(true) || view.sql.change(END, values![run])? == 0)
}
