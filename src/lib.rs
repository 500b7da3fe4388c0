//! End-of-line token injection.
pub mod checksum;
pub mod image;
pub mod label;
pub mod ledger;
pub mod patch;
pub mod pool;
pub mod recipe;
pub mod slot;
pub mod unit;
pub mod verify;
