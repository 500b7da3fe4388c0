//! A part on its way back: a copy, signed by its station.

use rusqlite::TransactionBehavior;
use std::path::Path;
use std::sync::Arc;

use super::connect::{self, fault};
use super::keys::{self, Brought, KeyPlace};
use super::{BACKEND, Sqlite, part};
use crate::ledger::rules::merge::bring;
use crate::ledger::rules::parts::SIGNATURE;
use crate::ledger::runs::Runs;
use crate::ledger::storage::tables::{Facts as _, Frame};
use crate::ledger::storage::view::{Mode, Opened, View};
use crate::ledger::{LedgerError, PartError, Scope};
use crate::vault::recipient::StationKey;

impl Sqlite {
    /// Copies the part at `from` to the new file `to`, as [`copy`](Self::copy) does, signed with the
    /// key of its station, which `place` has.
    ///
    /// # Errors
    /// [`PartError::NotAPart`], and those of [`copy`](Self::copy); then `to` is not there.
    pub fn give_back(
        from: &Path,
        to: &Path,
        scope: &Scope,
        place: &KeyPlace,
    ) -> Result<(), LedgerError> {
        let Some(Brought::Station(key)) = keys::bring(place, from)? else {
            return Err(LedgerError::Part(PartError::NotAPart));
        };
        Self::copy_with(from, to, |hidden| sign(hidden, scope, (&key, place)))
    }
}

/// Writes the station's signature into a copy.
fn sign(
    hidden: &Path,
    scope: &Scope,
    (key, place): (&StationKey, &KeyPlace),
) -> Result<(), LedgerError> {
    let mut conn = connect::write(hidden)?;
    let ring = keys::require(&conn, hidden, place)?;
    let frame = Arc::new(Frame::looking(scope));
    let runs = Runs::at(super::folder(hidden));
    let mut opened = Opened::new(&BACKEND, frame, runs, Ok(ring));
    opened.settle(opened.look(&conn)?)?;
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    let mut view = View::new(&*transaction, &opened, Mode::Write);
    let signature = key.sign(&bring(&view)?.digest());
    view.set_fact(SIGNATURE, &signature.to_string())?;
    drop(view);
    transaction.commit().map_err(fault)?;
    drop(conn);
    part::single(hidden)
}
