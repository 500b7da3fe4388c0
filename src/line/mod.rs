//! One unit down the whole line: the first file to read.
//!
//! The claim is durable before anything leaves the program, the outcome after it was
//! read back, and a label comes last. Nothing here knows files or databases.

pub mod batch;
pub mod settle;

use thiserror::Error;

use crate::checksum::ChecksumError;
use crate::label::{LabelError, Labels};
use crate::ledger::{
    Attempt, Claim, Entry, Failure, Finished, Ledger, LedgerError, Met, Refusal, Reservation,
    Revealed, Seated, Spot, UnitRecord, UnitState,
};
use crate::master::{self, Master, PatchError};
use crate::seal::{self, Sealed, Stored};
use crate::target::{Deliver, DeliverError, Effort, Fixture, Holds, Seen, Watch, holds};
use crate::unit::{Serial, Values};

/// Where the line's effects go.
pub struct Ports<'p> {
    /// Makes claims and outcomes durable.
    pub ledger: &'p mut dyn Ledger,
    /// Takes the image to the unit.
    pub target: &'p dyn Deliver,
    /// Makes the label.
    pub labels: &'p dyn Labels,
}

/// A unit that is finished and recorded.
#[derive(Debug)]
pub struct Passed {
    /// The record.
    pub entry: Entry,
    /// Whether an earlier run had finished it.
    pub already: bool,
    /// What was written, for reports.
    pub written: Written,
    /// Why it has no label; it is recorded all the same.
    pub unlabelled: Option<LabelError>,
}

/// What a unit's image differs in from the shared one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of bytes that differ.
    pub changed: u64,
    /// Each checksum: its name, place and new bytes.
    pub checksums: Vec<Stored>,
    /// What it took on the board.
    pub effort: Effort,
}

/// Takes one unit down the line.
///
/// # Errors
/// [`LineError`]; the claim and its token stay with the unit, and the same call resumes it.
pub fn run_unit(master: &Master, claim: Claim, ports: &mut Ports<'_>) -> Result<Passed, LineError> {
    master.accept(&claim.serial)?;
    match reserve(claim.clone(), ports)? {
        Attempt::Go(reservation) => deliver(master, reservation, ports),
        Attempt::Done { entry, values } => {
            match still_there(master, entry, &values, ports.target, ports.labels)? {
                Some(passed) => Ok(passed),
                None => deliver_again(master, claim, ports),
            }
        }
    }
}

/// Makes the claim of one unit durable.
fn reserve(claim: Claim, ports: &mut Ports<'_>) -> Result<Attempt, LineError> {
    let mut attempts = ports.ledger.reserve(&[claim])?;
    Ok(attempts.pop().ok_or(LineError::NoAnswer)??)
}

/// Claims a unit anew whose file is gone or another one, so that the record tells of the new file.
fn deliver_again(
    master: &Master,
    claim: Claim,
    ports: &mut Ports<'_>,
) -> Result<Passed, LineError> {
    match reserve(afresh(claim), ports)? {
        Attempt::Go(reservation) => deliver(master, reservation, ports),
        // A board has the unit already: a file beside it is a copy, and changes no record.
        Attempt::Done { entry, values } => {
            let proof = ports.ledger.copied(&entry.record().serial)?;
            copy(master, (entry, &values, &proof), ports.target, ports.labels)
        }
    }
}

/// Returns the claim of a unit whose recorded file does not count.
pub(crate) fn afresh(claim: Claim) -> Claim {
    Claim {
        finished: Finished::Nothing,
        ..claim
    }
}

/// Delivers a claimed unit and records the outcome.
fn deliver(
    master: &Master,
    reservation: Reservation,
    ports: &mut Ports<'_>,
) -> Result<Passed, LineError> {
    let outcome = seal(master, reservation.values()).and_then(|sealed| {
        let receipt = ports.target.deliver(&sealed)?;
        Ok((receipt, written(&sealed)))
    });
    let (receipt, written) = match outcome {
        Ok(delivered) => delivered,
        Err(error) => {
            ports.ledger.fail(reservation, &error.failure())?;
            return Err(error);
        }
    };
    let mut entries = ports.ledger.confirm(&[(reservation, receipt)])?;
    tracing::debug!("outcome recorded");
    let entry = entries.pop().ok_or(LineError::NoAnswer)?;
    let unlabelled = ports.labels.put(&entry).err();
    Ok(Passed {
        entry,
        already: false,
        written,
        unlabelled,
    })
}

/// Verifies a finished unit: whether its file is there, and exactly as it must be.
pub(crate) fn still_there(
    master: &Master,
    entry: Entry,
    values: &Values,
    target: &dyn Deliver,
    labels: &dyn Labels,
) -> Result<Option<Passed>, LineError> {
    let sealed = seal(master, values)?;
    if !target.holds(&sealed)? {
        return Ok(None);
    }
    let unlabelled = labels.put(&entry).err();
    Ok(Some(Passed {
        entry,
        already: true,
        written: written(&sealed),
        unlabelled,
    }))
}

/// Writes the file of a unit whose record stands, after that copy of its token is on record.
pub(crate) fn copy(
    master: &Master,
    (entry, values, _): (Entry, &Values, &Revealed),
    target: &dyn Deliver,
    labels: &dyn Labels,
) -> Result<Passed, LineError> {
    let sealed = seal(master, values)?;
    target.deliver(&sealed)?;
    let unlabelled = labels.put(&entry).err();
    Ok(Passed {
        entry,
        already: false,
        written: written(&sealed),
        unlabelled,
    })
}

/// Where the line's effects go when the unit is a board.
pub struct BoardPorts<'p> {
    /// Makes claims and outcomes durable.
    pub ledger: &'p mut dyn Ledger,
    /// The board.
    pub fixture: &'p mut dyn Fixture,
    /// Makes the label.
    pub labels: &'p dyn Labels,
    /// Is told how far it is.
    pub watch: &'p mut dyn Watch,
}

/// Takes one board down the line; whatever happens, it is let go of.
///
/// # Errors
/// [`LineError`]; the claim and its token stay with the unit, and the same call resumes it.
pub fn run_board(
    master: &Master,
    claim: Claim,
    ports: &mut BoardPorts<'_>,
) -> Result<Passed, LineError> {
    master.accept(&claim.serial)?;
    let outcome = board(master, claim, ports);
    let released = ports.fixture.release();
    let passed = outcome?;
    released?;
    Ok(passed)
}

fn board(master: &Master, claim: Claim, ports: &mut BoardPorts<'_>) -> Result<Passed, LineError> {
    let seen = ports.fixture.identify(master, ports.watch)?;
    ports.fixture.accept(master, ports.watch)?;
    nobody_elses(&seen, &claim.serial, ports.ledger)?;
    let claim = Claim {
        seated: seated(claim.seated, &seen),
        uid: seen.uid.clone(),
        ..claim
    };
    let mut attempts = ports.ledger.reserve(&[claim])?;
    match attempts.pop().ok_or(LineError::NoAnswer)?? {
        Attempt::Go(reservation) => flash(master, reservation, ports),
        Attempt::Done { entry, values } => {
            shows(&seen, entry.record())?;
            let sealed = seal(master, &values)?;
            ports.fixture.verify(&sealed, ports.watch)?;
            let written = written(&sealed);
            Ok(labelled(entry, (true, written), ports.labels))
        }
    }
}

/// Adds to what is known of a board which token it shows.
fn seated(known: Seated, seen: &Seen) -> Seated {
    match (known, seen.token()) {
        (Seated::Unknown, Some(token)) => Seated::Shows(token),
        (known, _) => known,
    }
}

/// Delivers a claimed unit to its board and records the outcome.
fn flash(
    master: &Master,
    reservation: Reservation,
    ports: &mut BoardPorts<'_>,
) -> Result<Passed, LineError> {
    ports.fixture.hold(reservation.lock());
    let (serial, uid) = (
        reservation.serial().clone(),
        reservation.claim().uid.clone(),
    );
    let outcome = seal(master, reservation.values()).and_then(|sealed| {
        let receipt = ports.fixture.deliver(&sealed, ports.watch)?;
        Ok((receipt, written(&sealed)))
    });
    let (receipt, mut written) = match outcome {
        Ok(delivered) => delivered,
        Err(error) => {
            // Which board was written to, a look at the one that is there now does not tell.
            ports.ledger.fail(reservation, &error.failure())?;
            if matches!(error.name(), "program-differs" | "probe-differs") {
                look_again(master, (&serial, uid.as_deref()), ports)?;
            }
            return Err(match error {
                LineError::Deliver(error)
                    if error.touched() && (uid.is_none() || error.swapped()) =>
                {
                    LineError::Doubt { serial, error }
                }
                error => error,
            });
        }
    };
    written.effort = ports.fixture.effort();
    let mut entries = ports.ledger.confirm(&[(reservation, receipt)])?;
    let entry = entries.pop().ok_or(LineError::NoAnswer)?;
    Ok(labelled(entry, (false, written), ports.labels))
}

/// Looks whose token lies where another one was written: somebody else's program may have put it there.
fn look_again(
    master: &Master,
    (due, uid): (&Serial, Option<&str>),
    ports: &mut BoardPorts<'_>,
) -> Result<(), LineError> {
    // The first error is the one to tell.
    let Ok(read) = ports.fixture.read(&master.changes(), ports.watch) else {
        return Ok(());
    };
    if let Some(token) = holds::judge(master, &read).token() {
        ports.ledger.met(&token, Spot { uid, due })?;
    }
    Ok(())
}

/// Makes the label of a recorded unit.
fn labelled(entry: Entry, (already, written): (bool, Written), labels: &dyn Labels) -> Passed {
    let unlabelled = labels.put(&entry).err();
    Passed {
        entry,
        already,
        written,
        unlabelled,
    }
}

/// Refuses a board that holds another unit's token. The board of a burnt one may become another.
fn nobody_elses(seen: &Seen, serial: &Serial, ledger: &mut dyn Ledger) -> Result<(), LineError> {
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
        Met::Unit(unit) => another(seen, serial, *unit),
        Met::Nobodys => stranger("no unit here has, and none gets".to_owned()),
        // What is torn may be other firmware, whose bytes only look like a token.
        Met::Unknown if matches!(seen.holds, Holds::Torn { .. }) => return Ok(()),
        Met::Unknown => stranger("this ledger gave to no unit".to_owned()),
    };
    // A serial that is made nowhere was scanned wrong, whatever board is there.
    Err(ledger.hopeless(serial)?.unwrap_or(refusal).into())
}

/// Says that the board is another unit, by its token.
fn another(seen: &Seen, serial: &Serial, unit: UnitRecord) -> Refusal {
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
fn shows(seen: &Seen, record: &UnitRecord) -> Result<(), LineError> {
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

/// Patches a unit's values in and makes every checksum true.
pub(crate) fn seal<'m>(master: &'m Master, values: &Values) -> Result<Sealed<'m>, LineError> {
    Ok(seal::seal(master::apply(master, values)?)?)
}

/// Tells what differs from the shared image.
pub(crate) fn written(sealed: &Sealed<'_>) -> Written {
    Written {
        changed: sealed.changed_bytes(),
        checksums: sealed.checksums().to_vec(),
        effort: Effort::default(),
    }
}

/// Why a unit did not pass.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LineError {
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger refuses the unit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A value does not fit its slot.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A checksum could not be computed.
    #[error(transparent)]
    Checksum(#[from] ChecksumError),
    /// The image did not get out.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The image did not get out whole, and no number tells which board may have it.
    #[error("{error}")]
    Doubt {
        /// The unit, whose token may be on the board.
        serial: Serial,
        /// What went wrong.
        error: DeliverError,
    },
    /// A ledger gave fewer answers than it was asked.
    #[error("the ledger gave no answer for the unit")]
    NoAnswer,
}

impl LineError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ledger(error) => error.name(),
            Self::Refused(error) => error.name(),
            Self::Patch(error) => error.name(),
            Self::Checksum(error) => error.name(),
            Self::Deliver(error) | Self::Doubt { error, .. } => error.name(),
            Self::NoAnswer => "ledger-no-answer",
        }
    }

    /// Returns what the ledger keeps of a failed delivery.
    pub(crate) fn failure(&self) -> Failure {
        Failure {
            name: self.name().to_owned(),
            message: self.to_string(),
            swapped: matches!(
                self,
                Self::Deliver(error) | Self::Doubt { error, .. } if error.swapped()
            ),
            touched: matches!(
                self,
                Self::Deliver(error) | Self::Doubt { error, .. } if error.touched()
            ),
        }
    }
}
