//! A unit in doubt, settled by reading its board: did the delivery that nobody heard of succeed?
//!
//! The claim is taken once more, so that nobody else can work on the unit meanwhile; the board is
//! read, and nothing is written to it.

use super::{BoardPorts, LineError};
use crate::ledger::{Attempt, Claim, Entry, Failure, Receipt, Reservation, Seated, Spot};
use crate::master::Master;
use crate::target::{Fixture, Holds, Seen, Watch};
use crate::unit::Fingerprint;

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
    ports: &mut BoardPorts<'_>,
) -> Result<(Seen, Settled), LineError> {
    let outcome = look(master, claim, ports);
    let released = ports.fixture.release();
    let settled = outcome?;
    released?;
    Ok(settled)
}

fn look(
    master: &Master,
    claim: Claim,
    ports: &mut BoardPorts<'_>,
) -> Result<(Seen, Settled), LineError> {
    let seen = ports.fixture.identify(master, ports.watch)?;
    if let Some(token) = seen.token() {
        let spot = Spot {
            uid: seen.uid.as_deref(),
            due: &claim.serial,
        };
        ports.ledger.met(&token, spot)?;
    }
    let record = ports.ledger.find(&claim.serial)?;
    let own = seen.uid.is_some() && record.is_some_and(|record| record.uid == seen.uid);
    let claim = Claim {
        uid: seen.uid.clone(),
        // A board becomes the unit's by what it holds, and never by a look.
        seated: Seated::LookedAt,
        ..claim
    };
    let mut attempts = ports.ledger.reserve(&[claim])?;
    let settled = match attempts.pop().ok_or(LineError::NoAnswer)?? {
        Attempt::Done { entry, values } => {
            let sealed = super::seal(master, &values)?;
            ports.fixture.verify(&sealed, ports.watch)?;
            Settled::Already(Box::new(entry))
        }
        Attempt::Go(reservation) => match judge(master, reservation, (&seen, ports))? {
            Settled::Blank | Settled::Stranger if !own => Settled::Stranger,
            Settled::Stranger => Settled::Torn,
            settled => settled,
        },
    };
    Ok((seen, settled))
}

/// Compares the board with what the unit's image is, and records which it was.
fn judge(
    master: &Master,
    reservation: Reservation,
    (seen, ports): (&Seen, &mut BoardPorts<'_>),
) -> Result<Settled, LineError> {
    let own = reservation.fingerprint();
    let (settled, failure) = match &seen.holds {
        Holds::Token(found) if *found == own => {
            match whole(master, &reservation, (ports.fixture, ports.watch)) {
                Ok(receipt) => {
                    let mut entries = ports.ledger.confirm(&[(reservation, receipt)])?;
                    let entry = entries.pop().ok_or(LineError::NoAnswer)?;
                    return Ok(Settled::Delivered(Box::new(entry)));
                }
                Err(error) => (Settled::Torn, error.failure()),
            }
        }
        Holds::Torn { token, at } if *token == own => (
            Settled::Torn,
            Failure {
                touched: true,
                ..told(
                    "settled-torn",
                    format!("the board holds its token, and differs from {at} on"),
                )
            },
        ),
        Holds::Token(found) | Holds::Torn { token: found, .. } => (
            Settled::Another(*found),
            told("settled-another", format!("the board holds token {found}")),
        ),
        Holds::Blank => (
            Settled::Blank,
            told("settled-blank", "the board is blank".to_owned()),
        ),
        Holds::Foreign { at } => (
            Settled::Stranger,
            told("settled-torn", format!("the board differs from {at} on")),
        ),
        Holds::Unreadable { at } => (
            Settled::Stranger,
            told("settled-torn", format!("the board cannot be read at {at}")),
        ),
    };
    ports.ledger.fail(reservation, &failure)?;
    Ok(settled)
}

/// Reads everything that the unit's image stores, and vouches for it.
fn whole(
    master: &Master,
    reservation: &Reservation,
    (fixture, watch): (&mut dyn Fixture, &mut dyn Watch),
) -> Result<Receipt, LineError> {
    let sealed = super::seal(master, reservation.values())?;
    fixture.verify(&sealed, watch)?;
    Ok(Receipt::new(&sealed, (None, true)))
}

/// Tells what a look saw: it wrote nothing, whatever an attempt before it may have left.
fn told(name: &str, message: String) -> Failure {
    Failure {
        name: name.to_owned(),
        message,
        touched: false,
        swapped: false,
    }
}
