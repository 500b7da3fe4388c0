//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(missing_docs)]

/// One contract, every back end; and what only the embedded ledger promises.
mod ledger;
/// The text, causes and name of every error.
mod messages;
