//! Doubt: a token that may be on a board which has no number gets onto no other one by itself.
//!
//! A claim whose writing ended without a word, or failed, may have left the token. Where the chip's
//! number ties the claim to its board, that board resumes it. Where nothing does, only a board that
//! shows the unit's own token is known to be the one; for any other a person has to decide.

use crate::ledger::history::event::Kind;
use crate::ledger::storage::tables::{Tables, UnitRow};
use crate::ledger::{Claim, LedgerError, Seated, Target, UnitState};

/// Returns whether a unit's token may be on a board, and no number says that it is the claim's.
pub fn stands(tables: &dyn Tables, unit: &UnitRow, claim: &Claim) -> Result<bool, LedgerError> {
    let same = unit.uid.is_some() && unit.uid == claim.uid;
    // A file is for the board that the record names, and stays so.
    let filed = claim.target == Target::File && unit.uid.is_some();
    if same || filed {
        return Ok(false);
    }
    match unit.state {
        UnitState::Reserved => Ok(may_be_on_a_board(unit)),
        // Rework is of a board that carries the token, whatever file was made since.
        UnitState::Prepared if claim.target != Target::File => {
            Ok(tables.last_event(unit.id, Kind::Renewed.into())?.is_some())
        }
        _ => Ok(false),
    }
}

/// Returns whether a claim may have left its token on a board.
fn may_be_on_a_board(unit: &UnitRow) -> bool {
    unit.target != Target::File && (unit.pending || unit.touched)
}

/// Returns whether a claim can be taken up by whichever board comes next.
pub fn is_free_of(unit: &UnitRow) -> bool {
    unit.uid.is_some() || !may_be_on_a_board(unit)
}

/// Says what the claim has instead of proof that its board is the unit's; `None` with proof.
pub fn unproven(unit: &UnitRow, claim: &Claim) -> Option<&'static str> {
    match &claim.seated {
        Seated::Shows(print) if *print == unit.fingerprint => None,
        Seated::Vouched(_) | Seated::LookedAt => None,
        _ if claim.target == Target::File => Some("it would be another copy of its token"),
        _ if unit.uid.is_some() => Some("this one tells no number, and does not hold its token"),
        _ => Some("no number is known of its board, and this one does not hold its token"),
    }
}
