//! Offline QA: whether only slots and checksums differ from the shared image.
//!
//! Nothing here uses the readers that the line patches with, so that a fault in one of them
//! cannot approve its own patch.

mod reader;

pub use reader::{ReadError, read};
