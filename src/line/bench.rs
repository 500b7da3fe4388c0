//! The steps of the line that every way down it shares: seal, deliver, verify, label, and the one
//! place where outcomes become durable.

use super::error::LineError;
use crate::label::{LabelError, Labels};
use crate::ledger::{Claim, Entry, Finished, Ledger, LedgerError, Reservation, Revealed};
use crate::master::{self, Master};
use crate::receipt::Receipt;
use crate::seal::{self, Sealed, Stored};
use crate::target::{Effort, Target, Watch};
use crate::unit::Values;

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

/// A claim, and what delivering it came to.
pub(super) struct Attempted {
    pub reservation: Reservation,
    pub outcome: Result<Delivered, LineError>,
}

/// What a target vouches for, not on record yet.
pub(super) struct Delivered {
    pub receipt: Receipt,
    pub written: Written,
}

impl Delivered {
    /// Takes what was compared elsewhere: by a look at the board, or in a block's file.
    pub fn unchanged(receipt: Receipt) -> Self {
        Self {
            receipt,
            written: Written::default(),
        }
    }
}

/// A delivered unit whose outcome is durable.
pub(super) struct Recorded {
    pub entry: Entry,
    pub written: Written,
}

/// A unit that an earlier run finished, and what its slots must hold.
pub(super) struct Made {
    pub entry: Entry,
    pub values: Values,
}

/// What works on units and never sees the ledger: one of each worker.
pub(super) struct Bench<'b> {
    pub master: &'b Master,
    pub target: &'b mut dyn Target,
    pub labels: &'b dyn Labels,
    pub watch: &'b mut dyn Watch,
}

impl Bench<'_> {
    /// Seals a claimed unit and delivers it.
    pub fn deliver(&mut self, reservation: Reservation) -> Attempted {
        self.target.hold(reservation.lock());
        let outcome = seal(self.master, reservation.values()).and_then(|sealed| {
            let receipt = self.target.deliver(&sealed, self.watch)?;
            Ok(Delivered {
                receipt,
                written: written(&sealed, self.target.effort()),
            })
        });
        Attempted {
            reservation,
            outcome,
        }
    }

    /// Reads a finished unit back; `None` where its file is gone, or another one.
    pub fn verify(&mut self, made: Made) -> Result<Option<Passed>, LineError> {
        let sealed = seal(self.master, &made.values)?;
        let receipt = self.target.verify(&sealed, self.watch)?;
        let written = written(&sealed, Effort::default());
        Ok(receipt.map(|_| self.passed(made.entry, written, true)))
    }

    /// Writes the file of a unit whose record stands, after that copy of its token is on record.
    pub fn copy(&mut self, made: Made, _: &Revealed) -> Result<Passed, LineError> {
        let sealed = seal(self.master, &made.values)?;
        self.target.deliver(&sealed, self.watch)?;
        let written = written(&sealed, Effort::default());
        Ok(self.passed(made.entry, written, false))
    }

    /// Makes the label of a unit that was recorded just now.
    pub fn label(&self, recorded: Recorded) -> Passed {
        self.passed(recorded.entry, recorded.written, false)
    }

    fn passed(&self, entry: Entry, written: Written, already: bool) -> Passed {
        let unlabelled = self.labels.put(&entry).err();
        Passed {
            entry,
            already,
            written,
            unlabelled,
        }
    }
}

/// Makes outcomes durable: each failure by itself, then all receipts in one transaction. `each` is
/// told of every unit whose outcome is durable, by its place in `attempted`.
///
/// # Errors
/// [`LedgerError`]: nothing is known of the units that `each` was not told of.
pub(super) fn record(
    ledger: &mut Ledger,
    attempted: Vec<Attempted>,
    each: &mut dyn FnMut(usize, Result<Recorded, LineError>),
) -> Result<(), LedgerError> {
    let mut receipts = Vec::with_capacity(attempted.len());
    let mut delivered = Vec::with_capacity(attempted.len());
    for (index, unit) in attempted.into_iter().enumerate() {
        match unit.outcome {
            Ok(done) => {
                receipts.push((unit.reservation, done.receipt));
                delivered.push((index, done.written));
            }
            Err(error) => {
                ledger.fail(unit.reservation, &error.failure())?;
                each(index, Err(error));
            }
        }
    }
    if receipts.is_empty() {
        return Ok(());
    }
    let entries = ledger.confirm(&receipts)?;
    tracing::debug!(units = entries.len(), "outcomes recorded");
    for ((index, written), entry) in delivered.into_iter().zip(entries) {
        each(index, Ok(Recorded { entry, written }));
    }
    Ok(())
}

/// Returns the claim of a unit whose recorded file does not count.
pub(super) fn without_file(claim: Claim) -> Claim {
    Claim {
        finished: Finished::Nothing,
        ..claim
    }
}

/// Patches a unit's values in and makes every checksum true.
pub(super) fn seal<'m>(master: &'m Master, values: &Values) -> Result<Sealed<'m>, LineError> {
    Ok(seal::seal(master::apply(master, values)?)?)
}

/// Tells what differs from the shared image.
fn written(sealed: &Sealed<'_>, effort: Effort) -> Written {
    Written {
        changed: sealed.changed_bytes(),
        checksums: sealed.checksums().to_vec(),
        effort,
    }
}
