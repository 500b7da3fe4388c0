//! Where a slot was found, and what it holds there; how a value is written is its layout's.

use zeroize::Zeroizing;

use super::SlotError;
use crate::image::{Address, Image, ImageError, Span};

/// A value whose reader stops at its NUL must not hold one.
pub(super) const NUL: u8 = 0;

/// NOR flash after an erase.
pub(super) const ERASED: u8 = 0xFF;

/// Shortest placeholder that is looked for outside its slot: shorter text is everywhere.
pub(super) const DISTINCT: usize = 4;

/// The one place that a locator names.
pub(super) struct Site<L> {
    /// How it was found, such as `section .auth_token`.
    pub place: String,
    pub span: Span,
    /// Whether the program names it, by section or symbol: an object of its own.
    pub named: bool,
    /// What the Master holds there. With `blank = "any"` it may be a secret.
    pub master: Zeroizing<Vec<u8>>,
    pub layout: L,
}

/// A slot that is found without a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub span: Span,
    /// What it is, such as `eolslot field 1, 32 bytes`; no value.
    pub text: String,
    /// Whether it holds a value.
    pub filled: bool,
}

/// Returns the addresses at which `pattern` stands in loaded bytes, in order.
pub(super) fn find(image: &Image, pattern: &[u8]) -> Vec<Address> {
    image.find(pattern).collect()
}

/// Returns the bytes of `span`, all of which are stored.
pub(super) fn stored(image: &Image, span: Span) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    match image.bytes(span) {
        Ok(bytes) => Ok(Zeroizing::new(bytes.into_owned())),
        Err(ImageError::Outside { first, .. }) if first != span.start() => {
            Err(SlotError::Straddles { span, first })
        }
        Err(_) => Err(SlotError::Unstored { span }),
    }
}

/// Returns whether all `bytes` are `byte`.
pub(super) fn all(bytes: &[u8], byte: u8) -> bool {
    bytes.iter().all(|other| *other == byte)
}
