//! One unit down the whole line: the first file to read.
//!
//! ```text
//! IDENTIFY -> RESERVE -> patch -> seal -> DELIVER -> record -> LABEL        capitals: effects
//! ```
//!
//! The claim is durable before anything leaves the program, the outcome after it was read back, and
//! a label comes last. [`run_unit`] does that for one unit; [`batch`] overlaps the same steps for
//! many, [`block`] takes them for units that go into one file, and [`settle`] without a delivery.
//! Nothing here knows files, probes or databases.

pub mod batch;
mod bench;
pub mod block;
mod error;
mod owner;
pub mod settle;

pub use bench::{Passed, Written};
pub use error::LineError;

use self::bench::{Bench, Made, record, without_file};
use crate::label::Labels;
use crate::ledger::{Attempt, Claim, Ledger, Reservation};
use crate::master::Master;
use crate::target::{Seen, Target, Watch};

/// Where the line's effects go.
pub struct Ports<'p> {
    /// Makes claims and outcomes durable.
    pub ledger: &'p mut Ledger,
    /// Takes the image to the unit.
    pub target: &'p mut dyn Target,
    /// Makes the label.
    pub labels: &'p dyn Labels,
    /// Is told how far it is.
    pub watch: &'p mut dyn Watch,
}

/// Takes one unit down the line; whatever happens, its board is let go of.
///
/// # Errors
/// [`LineError`]; the claim and its token stay with the unit, and the same call resumes it.
pub fn run_unit(master: &Master, claim: Claim, ports: &mut Ports<'_>) -> Result<Passed, LineError> {
    master.accept(&claim.serial)?;
    let mut bench = Bench {
        master,
        target: ports.target,
        labels: ports.labels,
        watch: ports.watch,
    };
    let outcome = claim_and_deliver(claim, &mut bench, ports.ledger);
    let released = bench.target.release();
    let passed = outcome?;
    released?;
    Ok(passed)
}

/// Identifies a unit's board, claims the unit, and delivers it.
fn claim_and_deliver(
    claim: Claim,
    bench: &mut Bench<'_>,
    ledger: &mut Ledger,
) -> Result<Passed, LineError> {
    let seen = bench.target.identify(bench.master, bench.watch)?;
    bench.target.accept(bench.master, bench.watch)?;
    let claim = match &seen {
        Some(seen) => owner::claim_board(claim, seen, ledger)?,
        None => claim,
    };
    let made = match reserve(claim.clone(), ledger)? {
        Attempt::Go(reservation) => return deliver(reservation, seen.as_ref(), bench, ledger),
        Attempt::Done { entry, values } => Made { entry, values },
    };
    if let Some(seen) = &seen {
        owner::shows(seen, made.entry.record())?;
    }
    match bench.verify(made)? {
        Some(passed) => Ok(passed),
        None => claim_anew(claim, bench, ledger),
    }
}

/// Makes the claim of one unit durable.
fn reserve(claim: Claim, ledger: &mut Ledger) -> Result<Attempt, LineError> {
    let mut attempts = ledger.reserve(&[claim])?;
    Ok(attempts.pop().ok_or(LineError::NoAnswer)??)
}

/// Claims a unit once more whose file is gone or another one, so that the record tells of the new
/// file.
fn claim_anew(
    claim: Claim,
    bench: &mut Bench<'_>,
    ledger: &mut Ledger,
) -> Result<Passed, LineError> {
    match reserve(without_file(claim), ledger)? {
        Attempt::Go(reservation) => deliver(reservation, None, bench, ledger),
        // A board has the unit already: a file beside it is a copy, and changes no record.
        Attempt::Done { entry, values } => {
            let proof = ledger.copied(&entry.record().serial)?;
            bench.copy(Made { entry, values }, &proof)
        }
    }
}

/// Delivers a claimed unit, records the outcome, and makes its label.
fn deliver(
    reservation: Reservation,
    seen: Option<&Seen>,
    bench: &mut Bench<'_>,
    ledger: &mut Ledger,
) -> Result<Passed, LineError> {
    let serial = reservation.serial().clone();
    let attempted = bench.deliver(reservation);
    let mut outcome = Err(LineError::NoAnswer);
    record(ledger, vec![attempted], &mut |_, recorded| {
        outcome = recorded;
    })?;
    match (outcome, seen) {
        (Ok(recorded), _) => Ok(bench.label(recorded)),
        // Which board was written to, a look at the one that is there now does not tell.
        (Err(error), Some(seen)) => Err(owner::after_failure(error, &serial, seen, bench, ledger)?),
        (Err(error), None) => Err(error),
    }
}
