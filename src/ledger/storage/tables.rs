//! What a back end is: transactions over tables, and the rows that go in and out. No rule is in here.
//!
//! Each call fails with [`LedgerError`] where the storage does. What is stored stays exactly what it was:
//! the rules have checked it before.

use std::sync::Arc;

pub use super::frame::Frame;
pub use super::rows::{
    Completion, EventRow, Head, Heads, Mark, NewToken, PartRow, PartSerial, Pending, Secrets,
    TokenRow, UnitRow,
};
use crate::ledger::record::{Event, Finding, TokenState, UnitState};
use crate::ledger::{LedgerError, Stock};
use crate::unit::{Digest, Fingerprint, Serial};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::vault::error::KeyError;
#[cfg(feature = "seal")]
use crate::vault::home::HomeKey;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::vault::keyring::Rotation;

/// The order in which events are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Station by station, as chained.
    Chain,
    /// Unit by unit, as they happened; only those of a unit.
    Unit,
    /// As they happened, without those up to this one.
    After(i64),
}

/// A callback that stops a scan with its error.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> Result<(), LedgerError>;

/// Facts that are fixed once, and the counters of serials.
pub trait Facts {
    /// Returns a fixed fact about the ledger.
    fn fact(&self, name: &str) -> Result<Option<String>, LedgerError>;
    /// Returns a fixed fact about the ledger, proved by its key also where nothing is written.
    ///
    /// [`fact`](Self::fact) proves what a decision rests on, and nothing that is only looked at.
    fn proved(&self, name: &str) -> Result<Option<String>, LedgerError> {
        self.fact(name)
    }
    /// Fixes a fact about the ledger.
    fn set_fact(&mut self, name: &str, value: &str) -> Result<(), LedgerError>;
    /// Returns whether another run lives.
    fn alive(&self, run: &str) -> bool;
    /// Refuses while another run lives; none begins from here to the transaction's end.
    ///
    /// A back end with one writer at a time, which makes its ledger anew under a hidden name, has
    /// nothing to do.
    #[cfg(feature = "seal")]
    fn refuse_other_runs(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Returns what the ledger signs its parts with; `None` where it has no key.
    #[cfg(feature = "seal")]
    fn home(&self) -> Result<Option<HomeKey>, LedgerError> {
        Ok(None)
    }
    /// Returns the next number of a serial format.
    fn counter(&self, format: &str) -> Result<u64, LedgerError>;
    /// Sets the next number of a serial format, which was looked at before.
    fn set_counter(&mut self, format: &str, next: u64) -> Result<(), LedgerError>;
}

/// Tokens: found, drawn, counted.
pub trait Tokens {
    /// Returns a token by its fingerprint.
    fn token(&self, fingerprint: &Fingerprint) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token of a QR Token.
    fn token_of_qr(&self, qr: &Digest) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the scope's oldest free token that no list fixes to a serial.
    fn draw(&self) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token that a list fixes to a serial, one that can still be used first.
    fn fixed(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the token that a list fixes to a serial, unseen ones too; not void or gone ones.
    fn fixed_any(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError>;
    /// Returns the serials of free tokens that are fixed to one, in order.
    fn fixed_free(&self, count: usize) -> Result<Vec<Serial>, LedgerError>;
    /// Counts free tokens, at most so many; what it costs does not grow with what is stored.
    fn free(&self, most: usize) -> Result<usize, LedgerError>;
    /// Keeps serials from going away, and lists from fixing them, until the transaction ends.
    ///
    /// A back end with one writer at a time has nothing to do.
    fn share_serials(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Waits for all who [share](Self::share_serials) the product's serials, and keeps them out.
    fn hold_serials(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Changes a token's state.
    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError>;
    /// Returns how many rows of a list are taken in between two looks at the clock.
    fn step(&self) -> usize {
        64
    }
    /// Says which prints are looked up next; a back end far away asks for them at once.
    fn expect_prints(&self, _: &[[u8; 32]]) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Says which serials are looked up next.
    fn expect_serials(&self, _: &[String]) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Returns whether a token got its state with the ledger's key; `None` where that is not at hand.
    fn vouches_token(&self, _: &TokenRow) -> Option<bool> {
        None
    }
    /// Counts tokens and units of the scope.
    fn stock(&self) -> Result<Stock, LedgerError>;
    /// Reads all seen tokens of all scopes in order, with the state of each live unit.
    fn scan_tokens(&self, each: Each<'_, (TokenRow, Option<UnitState>)>)
    -> Result<(), LedgerError>;
    /// Checks what only the back end can: its pages, indexes and rules.
    fn integrity(&self) -> Result<Vec<Finding>, LedgerError>;
}

/// What is sealed of tokens.
pub trait SealedValues {
    /// Opens a token's secrets.
    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError>;
    /// Opens a token's picture.
    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError>;
    /// Adds an unseen token; it is found by its prints only after they are added.
    fn add_token(&mut self, token: &NewToken<'_>) -> Result<(), LedgerError>;
    /// Adds the fingerprint or QR digest of an unseen token.
    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError>;
    /// Stores what a list tells of a known token beyond what was known.
    fn complete(
        &mut self,
        token: &TokenRow,
        more: &Completion,
        import: i64,
    ) -> Result<(), LedgerError>;
}

/// Lists on their way in.
pub trait Imports {
    /// Returns the unfinished import.
    fn pending(&self) -> Result<Option<Pending>, LedgerError>;
    /// Begins an import.
    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError>;
    /// Drops at most `count` tokens of the unfinished import; returns whether some are left.
    fn drop_tokens(&mut self, pending: &Pending, count: usize) -> Result<bool, LedgerError>;
    /// Forgets an unfinished import without tokens.
    fn drop_import(&mut self, pending: &Pending) -> Result<(), LedgerError>;
    /// Returns a serial that was claimed since the import began and that it fixes to a token.
    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError>;
    /// Makes the tokens of an import seen.
    fn end_import(&mut self, pending: &Pending, pictures: u64) -> Result<(), LedgerError>;
}

/// Units.
pub trait Units {
    /// Returns a unit by its number.
    fn unit(&self, id: i64) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns a product's unit by its serial: the live one, else the last one.
    fn unit_of(&self, folded: &str) -> Result<Option<UnitRow>, LedgerError>;
    /// Keeps the units of several serials as they are until the transaction ends, before one after the other is
    /// looked up: all who hold several do it in one order.
    ///
    /// A back end with one writer at a time has nothing to do.
    fn hold_units(&self, _: &[String]) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Returns the product's live unit on a board.
    fn unit_on(&self, uid: &str) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns the unit that has a token now, else the last one that had it.
    fn unit_with(&self, token: i64) -> Result<Option<UnitRow>, LedgerError>;
    /// Returns the number that the next unit gets.
    fn next_unit(&self) -> Result<i64, LedgerError>;
    /// Lets the numbers of new units go on behind the last one.
    #[cfg(feature = "seal")]
    fn skip_unit_numbers(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// Adds a unit.
    fn add_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError>;
    /// Changes a unit.
    fn set_unit(&mut self, unit: &UnitRow) -> Result<(), LedgerError>;
    /// Returns the scope's reserved units of a station, oldest first.
    fn reserved_at(&self, station: &str) -> Result<Vec<UnitRow>, LedgerError>;
    /// Reads the scope's units in order.
    fn scan_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError>;
    /// Reads all units of all scopes in order.
    fn scan_all_units(&self, each: Each<'_, UnitRow>) -> Result<(), LedgerError>;
}

/// Events, and the chain that each station goes on with.
pub trait Events {
    /// Returns the head of a station's chain.
    fn head(&self, station: &str) -> Result<Head, LedgerError>;
    /// Adds an event.
    fn add_event(&mut self, row: &EventRow) -> Result<(), LedgerError>;
    /// Returns whether an event was written with the ledger's key; `None` where that is not at hand.
    fn vouches(&self, _: &EventRow) -> Option<bool> {
        None
    }
    /// Returns the events of all units that a product's serial had, oldest first.
    fn events_of(&self, folded: &str) -> Result<Vec<Event>, LedgerError>;
    /// Returns the events of one unit, oldest first.
    fn events_by(&self, unit: i64) -> Result<Vec<EventRow>, LedgerError>;
    /// Returns the last event of a kind about a unit.
    fn last_event(&self, unit: i64, kind: &str) -> Result<Option<Event>, LedgerError>;
    /// Reads all events.
    fn scan_events(&self, order: Order, each: Each<'_, EventRow>) -> Result<(), LedgerError>;
}

/// Parts of the ledger, and its generations.
pub trait Parts {
    /// Returns a part by its number.
    fn part(&self, number: i64) -> Result<Option<PartRow>, LedgerError>;
    /// Returns the parts behind a number, in order.
    fn parts_after(&self, number: i64) -> Result<Vec<PartRow>, LedgerError>;
    /// Adds a part.
    fn add_part(&mut self, row: &PartRow) -> Result<(), LedgerError>;
    /// Changes a part.
    fn set_part(&mut self, row: &PartRow) -> Result<(), LedgerError>;
    /// Returns a serial that was named for a part, or cleared of it.
    fn part_serial(&self, part: i64, folded: &str) -> Result<Option<PartSerial>, LedgerError>;
    /// Notes a serial that is named for a part, or when it is cleared.
    fn set_part_serial(
        &mut self,
        part: i64,
        serial: &Serial,
        cleared: Option<&str>,
    ) -> Result<(), LedgerError>;
    /// Returns how often the ledger was restored or made anew.
    fn generation(&self) -> Result<i64, LedgerError>;
    /// Begins a generation.
    fn add_generation(&mut self, number: i64) -> Result<(), LedgerError>;
}

/// One transaction's view of the rows.
pub trait Tables: Facts + Tokens + SealedValues + Imports + Units + Events + Parts {}

impl<T: Facts + Tokens + SealedValues + Imports + Units + Events + Parts> Tables for T {}

/// What one transaction does.
pub type Work<'w> = &'w mut dyn FnMut(&mut dyn Tables) -> Result<(), LedgerError>;
/// What is looked up on one consistent state.
pub type Look<'w> = &'w mut dyn FnMut(&dyn Tables) -> Result<(), LedgerError>;

/// A ledger's storage: transactions over [`Tables`].
pub trait Store: Send {
    /// Returns who has it open.
    fn frame(&self) -> &Arc<Frame>;

    /// Does `work` in one transaction that is durable when this returns, or not at all.
    ///
    /// A back end with concurrent writers does `work` anew when others came in between, or when
    /// it lost its server: whatever it changes outside the tables is made from scratch each time.
    fn write(&mut self, work: Work<'_>) -> Result<(), LedgerError>;

    /// Does `work` once, in a transaction that is durable only after the next
    /// [`write`](Self::write).
    fn stage(&mut self, work: Work<'_>) -> Result<(), LedgerError>;

    /// Does `work` on one consistent state, and anew like [`write`](Self::write).
    fn read(&self, work: Look<'_>) -> Result<(), LedgerError> {
        self.scan(work)
    }

    /// Does `work` on one consistent state, once: it hands rows on as it goes.
    fn scan(&self, work: Look<'_>) -> Result<(), LedgerError>;

    /// Waits until the events that can be seen are all up to the last of them.
    fn settle(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Seals everything with another key.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn rotate(
        &mut self,
        _by: &crate::ledger::Actor,
        _step: &mut dyn FnMut(u64),
    ) -> Result<Rotation, LedgerError> {
        Err(LedgerError::Key(KeyError::KeyInUse {
            what: "it has none",
        }))
    }
}

/// Returns what the last call of `work` came to.
pub(crate) fn answer<T>(
    run: impl FnOnce(
        &mut dyn FnMut(Result<T, LedgerError>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError>,
) -> Result<T, LedgerError> {
    let mut last = None;
    run(&mut |answer| {
        last = Some(answer?);
        Ok(())
    })?;
    last.ok_or_else(|| LedgerError::damaged("a transaction was not done"))
}

/// Does `work` as [`Store::write`] does, and returns its answer.
pub(crate) fn write<T>(
    store: &mut dyn Store,
    mut work: impl FnMut(&mut dyn Tables) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    answer(|keep| store.write(&mut |tables| keep(work(tables))))
}

/// Does `work` as [`Store::read`] does, and returns its answer.
pub(crate) fn read<T>(
    store: &dyn Store,
    mut work: impl FnMut(&dyn Tables) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    answer(|keep| store.read(&mut |tables| keep(work(tables))))
}
