//! What a recipe can say, and what it cannot.

mod command;
mod ledger;
mod range;
mod serial;
