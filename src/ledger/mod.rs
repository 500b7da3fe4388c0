//! The ledger: which unit has which token. It forgets nothing.
//!
//! A unit is written twice: [`Ledger::reserve`] makes the claim durable before anything
//! leaves the program, [`Ledger::confirm`] the outcome after it was read back. Between
//! the two the ledger knows which unit was in hand. Nothing here knows images.

mod adopt;
mod book;
#[cfg(feature = "seal")]
mod crypto;
mod error;
mod event;
mod evidence;
#[cfg(feature = "seal")]
mod files;
mod handle;
mod home;
#[cfg(feature = "seal")]
mod journal;
#[cfg(feature = "seal")]
mod key_source;
#[cfg(feature = "seal")]
mod keyring;
mod met;
#[cfg(feature = "seal")]
mod mirror;
mod part;
mod recipient;
mod reconcile;
mod record;
mod refusal;
mod restore;
mod rework;
#[cfg(feature = "seal")]
mod runs;
mod storage;
#[cfg(feature = "seal")]
mod traces;

pub use adopt::{Adopted, Mapping};
#[cfg(feature = "seal")]
pub use crypto::Key as LedgerKey;
pub use error::LedgerError;
pub use evidence::{Attested, Evidence, Witness};
pub use handle::Ledger;
#[cfg(feature = "seal")]
pub use journal::SealedJournal;
#[cfg(feature = "seal")]
pub use key_source::make_key_file;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use keyring::Rotation;
pub use met::{Met, Spot};
#[cfg(feature = "seal")]
pub use mirror::{History, MirrorState};
pub use part::{Handing, Merge, Part, PartOf, PartState, Return, Share};
pub use recipient::{Recipient, StationKey};
pub use reconcile::{Difference, Disagreement, Reconciliation, TokenRecord};
pub use record::{
    Actor, Attempt, Audit, Claim, Entry, Event, Failure, Finding, Finished, Identity, Import,
    Outcome, Preview, ReadyToken, Receipt, Reservation, Revealed, RunLock, Scope, Seated,
    Simulated, Stock, Target, UnitRecord, UnitState,
};
pub use refusal::Refusal;
pub use restore::{Clear, Cleared, Replayed, SetAside, Sighting, Witnessed};
pub use rework::{Content, Rework, Reworked};
pub use storage::memory::Memory;
#[cfg(feature = "postgres")]
pub use storage::postgres::{Postgres, Server};
#[cfg(feature = "sqlite")]
pub use storage::sqlite::{KeyPlace, PartFile, Remaking, Sqlite};
pub use storage::tables::TokenState;

#[cfg(feature = "seal")]
use storage::notary;
use storage::tables;
