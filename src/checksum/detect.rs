//! Integrity fields that show themselves by structure.

use super::{Checksum, ChecksumError};
use crate::image::{Image, Span};
use crate::recipe::{ChecksumSpec, Kind};
use crate::slot::Slot;

/// An integrity field that was found by structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The family.
    pub kind: Kind,
    /// What it covers, in order.
    pub covers: Vec<Span>,
    /// Where it is stored.
    pub at: Vec<Span>,
    /// Whether it is right now; for a signature, whether what it signs is consistent.
    pub right: bool,
    /// Whether it takes a key to make it.
    pub signed: bool,
    /// What it is, such as `ESP image at 0x00010000: SHA-256`.
    pub text: String,
}

/// Lists the integrity fields of `image` that show themselves by structure.
#[must_use]
pub fn findings(image: &Image) -> Vec<Finding> {
    let _ = image;
    Vec::new()
}

/// Holds the recipe against what was found; gives what the recipe leaves, with the reasons.
pub(super) fn judge(
    image: &Image,
    specs: &[ChecksumSpec],
    slots: &[Slot],
    checksums: &[Checksum],
) -> Result<Vec<(Finding, String)>, ChecksumError> {
    let _ = (image, specs, slots, checksums);
    Ok(Vec::new())
}
