//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(missing_docs)]

/// The text, causes and name of every error.
mod messages;
