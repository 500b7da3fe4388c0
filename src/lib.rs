//! End-of-line token injection.
//!
//! One shared firmware image holds a placeholder; every unit leaves the line with its own
//! AuthToken in flash, every checksum over it true, a record that ties serial, token and QR
//! picture together, and the right label.
//!
//! ```text
//! once per batch:  image -> slot -> checksum plan -> Master                          pure
//! once per unit:   RESERVE -> patch -> seal -> DELIVER -> CONFIRM -> LABEL           capitals: effects
//! ```
//!
//! [`mod@line`] is that second row and nothing else: read it first. The modules stand below in the
//! order of the line. Those that only compute may not touch files, clocks or the environment,
//! and the compiler checks it (`.clippy.toml`).
//!
//! The order of the line is in its types: [`master::Patched`] shows no bytes, only
//! [`seal::seal`] makes a [`seal::Sealed`], a [`target::Target`] takes nothing else, and
//! a [`label::Label`] needs a [`ledger::Entry`], which only a confirmed unit has.

#[deny(clippy::disallowed_methods)]
pub mod recipe;
#[deny(clippy::disallowed_methods)]
pub mod scan;
#[deny(clippy::disallowed_methods)]
pub mod unit;

#[deny(clippy::disallowed_methods)]
pub mod image;
#[deny(clippy::disallowed_methods)]
pub mod nvs;
#[deny(clippy::disallowed_methods)]
pub mod slot;

#[deny(clippy::disallowed_methods)]
pub mod checksum;
#[deny(clippy::disallowed_methods)]
pub mod master;
#[deny(clippy::disallowed_methods)]
pub mod propose;
#[deny(clippy::disallowed_methods)]
pub mod protected;
#[deny(clippy::disallowed_methods)]
pub mod seal;

#[deny(clippy::disallowed_methods)]
pub mod pool;
#[deny(clippy::disallowed_methods)]
pub mod qr;

#[deny(clippy::disallowed_methods)]
pub mod journal;
#[deny(clippy::disallowed_methods)]
pub mod receipt;

pub mod ledger;
#[deny(clippy::disallowed_methods)]
pub mod witness;

pub mod target;

#[deny(clippy::disallowed_methods)]
pub mod handoff;

#[deny(clippy::disallowed_methods)]
pub mod label;

pub mod line;

#[deny(clippy::disallowed_methods)]
pub mod verify;

pub mod mes;
pub mod regular;
pub mod station;

#[cfg(feature = "sim")]
pub mod sim;

mod atomic_file;
#[cfg_attr(
    not(feature = "seal"),
    allow(
        dead_code,
        reason = "folders of its own are beside ledgers that lie on a disk"
    )
)]
mod own_file;
mod process;
mod vault;
