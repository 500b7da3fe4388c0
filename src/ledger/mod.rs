//! The ledger: which unit has which token. It forgets nothing.
//!
//! A unit is written twice: [`Ledger::reserve`] makes the claim durable before anything
//! leaves the program, [`Ledger::confirm`] the outcome after it was read back. Between
//! the two the ledger knows which unit was in hand. Nothing here knows images.

mod error;
mod handle;
mod history;
#[cfg(feature = "seal")]
mod journal;
mod part;
mod record;
mod refusal;
mod rules;
#[cfg(feature = "seal")]
mod runs;
mod storage;
#[cfg(feature = "seal")]
mod traces;

pub use error::{
    LedgerError, ListError, OpenError, PartError, RestoreError, StorageError, UnitError,
};
pub use handle::Ledger;
#[cfg(feature = "seal")]
pub use history::mirror::{History, MirrorState};
pub use history::reconcile::{Difference, Disagreement, Reconciliation, TokenRecord};
pub use history::restore::{
    Clear, Cleared, MirrorOf, NextNumber, Replayed, SetAside, Sighting, Witnessed,
};
#[cfg(feature = "seal")]
pub use journal::SealedJournal;
pub use part::{Handing, Merge, Part, PartOf, PartState, Return, Share};
pub use record::{
    Actor, Attempt, Audit, Claim, Entry, Event, Failure, Finding, Finished, Identity, Import,
    Outcome, Preview, ReadyToken, Reservation, Revealed, RunLock, Scope, Seated, Simulated, Stock,
    Target, TokenState, UnitRecord, UnitState,
};
pub use refusal::Refusal;
pub use rules::adopt::{Adopted, Mapping};
pub use rules::attest::{Attested, Evidence, Witness};
pub use rules::met::{Met, Spot};
pub use rules::rework::{Content, Rework, Reworked};
#[cfg(feature = "postgres")]
pub use storage::postgres::{Postgres, Server};
#[cfg(feature = "sqlite")]
pub use storage::sqlite::{KeyPlace, PartFile, Remaking, Sqlite};
pub use storage::tables;

pub use crate::receipt::Receipt;
#[cfg(feature = "seal")]
pub use crate::vault::crypto::Key as LedgerKey;
pub use crate::vault::error::KeyError;
#[cfg(feature = "seal")]
pub use crate::vault::key_source::make_key_file;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use crate::vault::keyring::Rotation;
pub use crate::vault::recipient::{Recipient, StationKey};
