//! Whose board is on the fixture: what is refused before a unit costs a token, and what a failed
//! delivery says of the board.

use super::bench::Bench;
use super::error::LineError;
use crate::ledger::{
    Claim, Ledger, LedgerError, Met, Refusal, Seated, Spot, UnitRecord, UnitState,
};
use crate::target::{Holds, Seen, holds};
use crate::unit::Serial;

/// Ties a claim to the board that was seen; one that holds another unit's token is refused.
pub(super) fn claim_board(
    claim: Claim,
    seen: &Seen,
    ledger: &mut Ledger,
) -> Result<Claim, LineError> {
    refuse_other_units(seen, &claim.serial, ledger)?;
    let seated = match (claim.seated, seen.token()) {
        (Seated::Unknown, Some(token)) => Seated::Shows(token),
        (known, _) => known,
    };
    Ok(Claim {
        seated,
        uid: seen.uid.clone(),
        ..claim
    })
}

/// Returns what to tell of a failed delivery to a board, after its failure is on record.
pub(super) fn after_failure(
    error: LineError,
    serial: &Serial,
    seen: &Seen,
    bench: &mut Bench<'_>,
    ledger: &mut Ledger,
) -> Result<LineError, LedgerError> {
    Ok(match error {
        LineError::Deliver(error) => {
            if error.differs() {
                meet_token(serial, seen, bench, ledger)?;
            }
            match error.touched() && (seen.uid.is_none() || error.swapped()) {
                true => LineError::Doubt {
                    serial: serial.clone(),
                    error,
                },
                false => LineError::Deliver(error),
            }
        }
        error => error,
    })
}

/// Looks whose token lies where another one was written: somebody else's program may have put it there.
fn meet_token(
    due: &Serial,
    seen: &Seen,
    bench: &mut Bench<'_>,
    ledger: &mut Ledger,
) -> Result<(), LedgerError> {
    let changes = bench.master.changes();
    // The first error is the one to tell.
    let Ok(read) = bench.target.read(&changes, bench.watch) else {
        return Ok(());
    };
    if let Some(token) = holds::judge(bench.master, &read).token() {
        let uid = seen.uid.as_deref();
        ledger.met(&token, Spot { uid, due })?;
    }
    Ok(())
}

/// Refuses a board that holds another unit's token. The board of a burnt one may become another.
fn refuse_other_units(seen: &Seen, serial: &Serial, ledger: &mut Ledger) -> Result<(), LineError> {
    let Some(fingerprint) = seen.token() else {
        return Ok(());
    };
    let spot = Spot {
        uid: seen.uid.as_deref(),
        due: serial,
    };
    let stranger = |whose: String| Refusal::OtherToken {
        serial: serial.clone(),
        fingerprint,
        whose,
    };
    let refusal = match ledger.met(&fingerprint, spot)? {
        // The token is burnt: what is on the board counts for nobody.
        Met::Unit(unit) if matches!(unit.state, UnitState::Void | UnitState::Superseded) => {
            return Ok(());
        }
        Met::Unit(unit) if unit.serial.folded() == serial.folded() => return Ok(()),
        // Somebody copied a flash.
        Met::Unit(unit) if unit.uid.is_some() && seen.uid.is_some() && unit.uid != seen.uid => {
            stranger(format!("belongs to {} on another board", unit.serial))
        }
        Met::Unit(unit) => is_other_unit(seen, serial, *unit),
        Met::Nobodys => stranger("no unit here has, and none gets".to_owned()),
        // What is torn may be other firmware, whose bytes only look like a token.
        Met::Unknown if matches!(seen.holds, Holds::Torn { .. }) => return Ok(()),
        Met::Unknown => stranger("this ledger gave to no unit".to_owned()),
    };
    // A serial that is made nowhere was scanned wrong, whatever board is there.
    Err(ledger.hopeless(serial)?.unwrap_or(refusal).into())
}

/// Says that the board is another unit, by its token.
fn is_other_unit(seen: &Seen, serial: &Serial, unit: UnitRecord) -> Refusal {
    let (serial, holder) = (serial.clone(), unit.serial);
    let made = matches!(unit.state, UnitState::Delivered | UnitState::Labelled);
    match made && matches!(seen.holds, Holds::Token(_)) {
        true => Refusal::BoardMade { serial, holder },
        false => Refusal::BoardTaken {
            serial,
            holder,
            sign: "token",
        },
    }
}

/// Refuses a board that shows nothing of a finished unit; whether it is whole, a read-back says.
pub(super) fn shows(seen: &Seen, record: &UnitRecord) -> Result<(), LineError> {
    let unread = matches!(seen.holds, Holds::Unreadable { .. });
    if unread || seen.token() == Some(record.fingerprint) {
        return Ok(());
    }
    let serial = record.serial.clone();
    Err(LineError::Refused(
        match record.uid.is_some() && record.uid == seen.uid {
            true => Refusal::Erased { serial },
            false => Refusal::MadeElsewhere { serial },
        },
    ))
}
