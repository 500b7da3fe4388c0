//! A unit in doubt, settled by reading its board: did the delivery that nobody heard of succeed?
//!
//! The claim is taken once more, so that nobody else can work on the unit meanwhile; the board is
//! read, and nothing is written to it.

use super::bench::{self, Attempted, Delivered};
use super::error::LineError;
use super::{Ports, reserve};
use crate::ledger::{Attempt, Claim, Entry, Failure, Reservation, Seated, Spot};
use crate::master::Master;
use crate::receipt::Receipt;
use crate::target::{Holds, Seen};
use crate::unit::{Fingerprint, Values};

/// What was seen on the fixture, and what its unit turned out to be.
#[derive(Debug)]
pub struct Settlement {
    /// The board; none where the unit is a file.
    pub seen: Option<Seen>,
    /// What the unit is.
    pub settled: Settled,
}

/// What a unit turned out to be.
#[derive(Debug)]
pub enum Settled {
    /// The board holds exactly the unit's image: it is on record as delivered now.
    Delivered(Box<Entry>),
    /// It was on record as delivered before, and the board says the same.
    Already(Box<Entry>),
    /// Nothing on its board carries a token: it is to be made.
    Blank,
    /// The board holds another unit's token.
    Another(Fingerprint),
    /// Its board holds part of the image, or cannot be read: the same board is to be made again.
    Torn,
    /// The board does not hold the unit's token, and nothing else tells that it is the unit's.
    Stranger,
}

/// Settles one unit by its board. The same order as a delivery, without one.
///
/// # Errors
/// [`LineError`]; a refusal where the board is another one than the claim's.
pub fn settle(
    master: &Master,
    claim: Claim,
    ports: &mut Ports<'_>,
) -> Result<Settlement, LineError> {
    let outcome = compare_and_record(master, claim, ports);
    let released = ports.target.release();
    let settled = outcome?;
    released?;
    Ok(settled)
}

fn compare_and_record(
    master: &Master,
    claim: Claim,
    ports: &mut Ports<'_>,
) -> Result<Settlement, LineError> {
    let seen = ports.target.identify(master, ports.watch)?;
    let uid = seen.as_ref().and_then(|seen| seen.uid.clone());
    if let Some(token) = seen.as_ref().and_then(Seen::token) {
        let spot = Spot {
            uid: uid.as_deref(),
            due: &claim.serial,
        };
        ports.ledger.met(&token, spot)?;
    }
    let record = ports.ledger.find(&claim.serial)?;
    let own = seen.is_none() || uid.is_some() && record.is_some_and(|record| record.uid == uid);
    let claim = Claim {
        uid,
        // A board becomes the unit's by what it holds, and never by a look.
        seated: Seated::LookedAt,
        ..claim
    };
    let settled = match reserve(claim, ports.ledger)? {
        Attempt::Done { entry, values } => match read_back(master, &values, ports)? {
            Some(_) => Settled::Already(Box::new(entry)),
            None => Settled::Blank,
        },
        Attempt::Go(reservation) => {
            match record_finding(master, reservation, seen.as_ref(), ports)? {
                Settled::Blank | Settled::Stranger if !own => Settled::Stranger,
                Settled::Stranger => Settled::Torn,
                settled => settled,
            }
        }
    };
    Ok(Settlement { seen, settled })
}

/// Compares the board with what the unit's image is, and records which it was.
fn record_finding(
    master: &Master,
    reservation: Reservation,
    seen: Option<&Seen>,
    ports: &mut Ports<'_>,
) -> Result<Settled, LineError> {
    let own = reservation.fingerprint();
    let (settled, failure) = match seen.map(|seen| &seen.holds) {
        Some(Holds::Token(found)) if *found != own => another(*found),
        None | Some(Holds::Token(_)) => match read_back(master, reservation.values(), ports) {
            Ok(Some(receipt)) => return confirm(reservation, receipt, ports),
            Ok(None) => (
                Settled::Blank,
                saw("settled-blank", "its file is gone".to_owned()),
            ),
            Err(error) => (Settled::Torn, error.failure()),
        },
        Some(Holds::Torn { token, at }) if *token == own => (
            Settled::Torn,
            Failure {
                touched: true,
                ..saw(
                    "settled-torn",
                    format!("the board holds its token, and differs from {at} on"),
                )
            },
        ),
        Some(Holds::Torn { token: found, .. }) => another(*found),
        Some(Holds::Blank) => (
            Settled::Blank,
            saw("settled-blank", "the board is blank".to_owned()),
        ),
        Some(Holds::Foreign { at }) => (
            Settled::Stranger,
            saw("settled-torn", format!("the board differs from {at} on")),
        ),
        Some(Holds::Unreadable { at }) => (
            Settled::Stranger,
            saw("settled-torn", format!("the board cannot be read at {at}")),
        ),
    };
    ports.ledger.fail(reservation, &failure)?;
    Ok(settled)
}

/// Says that a board holds another unit's token.
fn another(found: Fingerprint) -> (Settled, Failure) {
    let failure = saw("settled-another", format!("the board holds token {found}"));
    (Settled::Another(found), failure)
}

/// Records that the unit is delivered.
fn confirm(
    reservation: Reservation,
    receipt: Receipt,
    ports: &mut Ports<'_>,
) -> Result<Settled, LineError> {
    let outcome = Ok(Delivered::unchanged(receipt));
    let attempted = Attempted {
        reservation,
        outcome,
    };
    let mut settled = Err(LineError::NoAnswer);
    bench::record(ports.ledger, vec![attempted], &mut |_, recorded| {
        settled = recorded.map(|recorded| Settled::Delivered(Box::new(recorded.entry)));
    })?;
    settled
}

/// Reads everything that the unit's image stores, and vouches for it.
fn read_back(
    master: &Master,
    values: &Values,
    ports: &mut Ports<'_>,
) -> Result<Option<Receipt>, LineError> {
    let sealed = bench::seal(master, values)?;
    Ok(ports.target.verify(&sealed, ports.watch)?)
}

/// Tells what a look saw: it wrote nothing, whatever an attempt before it may have left.
fn saw(name: &str, message: String) -> Failure {
    Failure {
        name: name.to_owned(),
        message,
        touched: false,
        swapped: false,
    }
}
