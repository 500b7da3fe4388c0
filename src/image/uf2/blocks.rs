//! What stands beside the loaded bytes of a UF2.

use crate::image::Span;

/// What stands beside the loaded bytes of a UF2.
#[derive(Debug, Clone)]
pub(in crate::image) struct Blocks {
    /// The family that is loaded.
    pub(super) family: Option<u32>,
    /// All families of the file, in order.
    pub(super) families: Vec<u32>,
    /// Blocks with an MD5, of the family that is loaded: where each starts, and its payload.
    pub(super) digested: Vec<(usize, usize)>,
    pub(super) md5s: Vec<Md5>,
    /// The block that says that the firmware has a SHA-2.
    pub(super) sha2: Option<usize>,
}

/// An MD5 that a UF2 block brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Md5 {
    /// Offset of the digest in the file.
    pub at: usize,
    /// What it covers; absent where the block names no bytes at all.
    pub over: Option<Span>,
    /// Whether it is that of the bytes it covers; false too where the file does not store them.
    pub right: bool,
}
