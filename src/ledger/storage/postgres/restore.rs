//! A server that was brought back from a backup by its own means: what that calls free or reserved is
//! set aside, or its mirror tells what came since. Both while no other run lives.

use super::Postgres;
use super::rotate::no_other_run;
use crate::ledger::book::{rebuild, restore};
use crate::ledger::mirror::History;
use crate::ledger::storage::tables::Store as _;
use crate::ledger::{Actor, LedgerError, Replayed, SetAside};
use crate::recipe::{HomeId, SerialFormat};

/// Units that a mirror told have their numbers from it.
const GO_ON: &str = "SELECT setval('unit_numbers', greatest(max(id), (SELECT last_value FROM unit_numbers))) \
     FROM units";

impl Postgres {
    /// Returns the ledger's own number, in hex digits.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.opened.ledger
    }

    /// Returns the ledger's identity, by which stations know its parts; `None` without its key.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub fn home(&self) -> Result<Option<HomeId>, LedgerError> {
        let home = self.read(|tables| tables.home())?;
        Ok(home.map(|key| key.home().id()))
    }

    /// Sets aside all that the server's backup calls free or reserved, as
    /// [`Ledger::restored`](crate::ledger::Ledger::restored) does.
    ///
    /// # Errors
    /// [`LedgerError::RunsLive`] while another run lives, at whichever station; then nothing changed.
    pub fn restored_here(
        &mut self,
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<SetAside, LedgerError> {
        self.numbered(|view| {
            no_other_run(view)?;
            restore::restored(view, numbers, by)
        })
    }

    /// Brings the server's backup up to date by its mirror, as
    /// [`Ledger::catch_up`](crate::ledger::Ledger::catch_up) does.
    ///
    /// Unless the mirror is `whole`, having the events of all stations, what is free or reserved then
    /// is set aside: another station may have told its own mirror alone.
    ///
    /// # Errors
    /// [`LedgerError::RunsLive`] while another run lives, at whichever station; then nothing changed.
    pub fn caught_up_here(
        &mut self,
        (history, whole): (&History, bool),
        numbers: Option<(&SerialFormat, Option<u64>)>,
        by: &Actor,
    ) -> Result<(Replayed, SetAside), LedgerError> {
        let product = self.frame().scope.product.clone();
        self.numbered(|view| {
            no_other_run(view)?;
            let done = rebuild::catch_up(view, (history, &product), numbers, by)?;
            view.sql.rows(GO_ON.into(), &[], &mut |_| Ok(()))?;
            let aside = match whole {
                true => SetAside::default(),
                false => restore::restored(view, None, by)?,
            };
            Ok((done, aside))
        })
    }
}
