//! What the library promises, tested through its public interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(missing_docs)]

/// The text, causes and name of every error.
mod messages;

/// Token lists: good ones, every bad one, and bytes of any kind.
#[cfg(feature = "label")]
mod pool;
