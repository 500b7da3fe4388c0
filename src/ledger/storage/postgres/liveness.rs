//! Whether another run lives, as a transaction that wants its claims finds out.

use super::rows::get;
use super::view::{Mode, View};
use crate::ledger::LedgerError;

const RUN: &str = "SELECT r.ended, r.place, l.till < clock_timestamp() \
     FROM runs r LEFT JOIN leases l ON l.run = r.id WHERE r.id = $1";
// Who is alive without a word of it holds the row.
const EXPIRED: &str = "SELECT till < clock_timestamp() FROM leases WHERE run = $1 \
     FOR UPDATE SKIP LOCKED";
// A run in the middle of a transaction holds its row, and is not dead.
const END: &str = "UPDATE runs SET ended = true \
     WHERE id = (SELECT id FROM runs WHERE id = $1 FOR UPDATE SKIP LOCKED)";

/// Returns whether a run lives; one that is taken for dead here never writes again.
pub fn alive(view: &View<'_>, run: &str) -> Result<bool, LedgerError> {
    let Some(row) = view.first(RUN, &[&run])? else {
        // Of another ledger, whose units came here: nobody works on them there.
        return Ok(false);
    };
    let place: Option<&str> = get(&row, 1)?;
    let here = place.is_some() && place == view.shop.place.as_deref();
    // What a run started here may still write, whatever became of the run.
    if here && view.shop.runs.alive(run) {
        return Ok(true);
    }
    if here || get(&row, 0)? {
        return Ok(false);
    }
    let expired: Option<bool> = get(&row, 2)?;
    match expired {
        Some(false) => return Ok(true),
        // A run without a lease was ended by hand.
        None => return Ok(false),
        Some(true) => {}
    }
    if view.mode == Mode::Read {
        return Ok(false);
    }
    let Some(row) = view.first(EXPIRED, &[&run])? else {
        return Ok(true);
    };
    Ok(!get::<bool>(&row, 0)? || view.change(END, &[&run])? == 0)
}
