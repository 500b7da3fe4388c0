//! Reading numbers and parts of a structure at offsets from its base.
//!
//! Every read says none where a byte is not stored, so a structure that ends early is no
//! structure.

use super::{Address, Image, Span};

/// Returns `N` bytes at `offset` from `base`, where all of them are stored.
pub(crate) fn take<const N: usize>(image: &Image, base: Address, offset: u64) -> Option<[u8; N]> {
    let span = part(base, offset, u64::try_from(N).ok()?)?;
    image.bytes(span).ok()?.as_ref().try_into().ok()
}

/// Returns the 32-bit little-endian number at `offset` from `base`.
pub(crate) fn word(image: &Image, base: Address, offset: u64) -> Option<u32> {
    take(image, base, offset).map(u32::from_le_bytes)
}

/// Returns the 32-bit big-endian number at `offset` from `base`.
pub(crate) fn word_be(image: &Image, base: Address, offset: u64) -> Option<u32> {
    take(image, base, offset).map(u32::from_be_bytes)
}

/// Returns the 16-bit little-endian number at `offset` from `base`.
pub(crate) fn half(image: &Image, base: Address, offset: u64) -> Option<u16> {
    take(image, base, offset).map(u16::from_le_bytes)
}

/// Returns `len` load addresses at `offset` from `base`.
pub(crate) fn part(base: Address, offset: u64, len: u64) -> Option<Span> {
    Span::new(base.checked_add(offset)?, len)
}

/// Returns `len` load addresses at `offset` from `base`, where all of them are stored.
pub(crate) fn stored(image: &Image, base: Address, offset: u64, len: u64) -> Option<Span> {
    let span = part(base, offset, len)?;
    image.require(span).ok().map(|()| span)
}

/// Returns the run that holds `at`.
pub(crate) fn run_of(image: &Image, at: Address) -> Option<Span> {
    let runs = image.runs();
    runs.into_iter()
        .find(|run| run.start() <= at && at < run.end())
}

/// Returns the little-endian 16-bit number at `at` in `bytes`.
pub(crate) fn half_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u16::from_le_bytes(bytes))
}

/// Returns the little-endian 32-bit number at `at` in `bytes`.
pub(crate) fn word_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}
