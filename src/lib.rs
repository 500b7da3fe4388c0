//! End-of-line token injection.
pub mod image;
pub mod label;
pub mod ledger;
pub mod pool;
pub mod recipe;
pub mod unit;
pub mod verify;
