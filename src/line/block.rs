//! A block of units that go out together, in one file of a programmer that works alone.
//!
//! All are claimed before the file is written, and all are on record after it was read back. Nothing
//! here knows the file.

use super::bench::{self, Attempted, Delivered, Made};
use super::error::LineError;
use crate::ledger::{Attempt, Claim, Entry, Failure, Ledger, LedgerError, Reservation, UnitState};
use crate::master::Master;
use crate::receipt::Receipt;
use crate::seal::Sealed;
use crate::unit::{Fingerprint, Serial};

/// Units that are claimed and sealed, in the order of their claims.
pub struct Block<'m> {
    units: Vec<BlockUnit>,
    sealed: Vec<Sealed<'m>>,
}

/// One unit of a block between its claim and its record.
pub struct BlockUnit {
    serial: Serial,
    fingerprint: Fingerprint,
    /// The claim; none for a unit that is prepared already.
    claim: Option<Reservation>,
}

impl BlockUnit {
    /// Returns the unit.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Returns its token's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// A unit that keeps its block from going out.
#[derive(Debug)]
pub struct Misfit {
    /// The unit.
    pub serial: Serial,
    /// Why.
    pub reason: Unfit,
}

/// Why a unit does not go into a block.
#[derive(Debug)]
pub enum Unfit {
    /// It is refused, or its image cannot be made.
    Line(LineError),
    /// Its token is on a board already.
    Made(UnitState),
}

impl<'m> Block<'m> {
    /// Claims every unit and seals it; the first that does not fit is named beside the block, which
    /// is to be [given up](Self::give_up) then.
    ///
    /// # Errors
    /// [`LedgerError`]; then no unit is claimed.
    pub fn claim(
        master: &'m Master,
        claims: &[Claim],
        ledger: &mut Ledger,
    ) -> Result<(Self, Option<Misfit>), LedgerError> {
        let mut block = Self {
            units: Vec::with_capacity(claims.len()),
            sealed: Vec::with_capacity(claims.len()),
        };
        let mut misfit = None;
        for (attempt, claim) in ledger.reserve(claims)?.into_iter().zip(claims) {
            let taken = match attempt {
                Ok(Attempt::Go(reservation)) => block.take_claimed(master, reservation),
                Ok(Attempt::Done { entry, values }) => {
                    block.take_prepared(master, &Made { entry, values })
                }
                Err(refusal) => Err(Unfit::Line(refusal.into())),
            };
            if let Err(reason) = taken {
                let serial = claim.serial.clone();
                misfit.get_or_insert(Misfit { serial, reason });
            }
        }
        Ok((block, misfit))
    }

    /// Takes a unit whose claim is to be given up even where it cannot be sealed.
    fn take_claimed(&mut self, master: &'m Master, claim: Reservation) -> Result<(), Unfit> {
        let sealed = bench::seal(master, claim.values());
        self.units.push(BlockUnit {
            serial: claim.serial().clone(),
            fingerprint: claim.fingerprint(),
            claim: Some(claim),
        });
        self.sealed.push(sealed.map_err(Unfit::Line)?);
        Ok(())
    }

    /// Takes a unit that is prepared already; a board that has its token gets no second one.
    fn take_prepared(&mut self, master: &'m Master, made: &Made) -> Result<(), Unfit> {
        let record = made.entry.record();
        if record.state != UnitState::Prepared {
            return Err(Unfit::Made(record.state));
        }
        let sealed = bench::seal(master, &made.values).map_err(Unfit::Line)?;
        self.sealed.push(sealed);
        self.units.push(BlockUnit {
            serial: record.serial.clone(),
            fingerprint: record.fingerprint,
            claim: None,
        });
        Ok(())
    }

    /// Returns the units.
    #[must_use]
    pub fn units(&self) -> &[BlockUnit] {
        &self.units
    }

    /// Returns the units' images.
    #[must_use]
    pub fn sealed(&self) -> &[Sealed<'m>] {
        &self.sealed
    }

    /// Records that nothing came of the claims.
    ///
    /// # Errors
    /// [`LedgerError`]; the claims that are left stay open.
    pub fn give_up(self, failure: &Failure, ledger: &mut Ledger) -> Result<(), LedgerError> {
        for claim in self.units.into_iter().filter_map(|unit| unit.claim) {
            ledger.fail(claim, failure)?;
        }
        Ok(())
    }

    /// Records that the units are prepared, by a receipt for each; returns the entries of all, in
    /// the block's order.
    ///
    /// # Errors
    /// [`LedgerError`]; the claims stay open.
    pub fn record(
        self,
        receipts: Vec<Receipt>,
        ledger: &mut Ledger,
    ) -> Result<Vec<Entry>, LedgerError> {
        let serials: Vec<Serial> = self.units.iter().map(|unit| unit.serial.clone()).collect();
        let units = self.units.into_iter().zip(receipts);
        let attempted = units.filter_map(|(unit, receipt)| {
            Some(Attempted {
                reservation: unit.claim?,
                outcome: Ok(Delivered::unchanged(receipt)),
            })
        });
        bench::record(ledger, attempted.collect(), &mut |_, _| {})?;
        let mut entries = Vec::with_capacity(serials.len());
        for serial in serials {
            entries.extend(ledger.entry(&serial)?);
        }
        Ok(entries)
    }
}
