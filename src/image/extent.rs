//! Bytes stored for a run of load addresses.

use std::ops::Range;

use super::Span;

/// Bytes stored for a run of load addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extent {
    pub span: Span,
    /// Where they lie in the buffer that extents point into.
    pub at: Range<usize>,
}

impl Extent {
    /// Returns where a range of that buffer is loaded, as far as it is.
    pub(super) fn loads(&self, range: &Range<u64>) -> Option<Span> {
        let from = u64::try_from(self.at.start).ok()?;
        let start = range.start.saturating_sub(from);
        let end = range.end.saturating_sub(from).min(self.span.len());
        let len = end.checked_sub(start).filter(|len| *len > 0)?;
        Span::new(self.span.start().checked_add(start)?, len)
    }
}

/// Returns two extents that hold one address; they are given in order of address.
pub(super) fn overlap(extents: &[Extent]) -> Option<(Span, Span)> {
    let pairs = extents.iter().zip(extents.iter().skip(1));
    pairs
        .map(|(first, second)| (first.span, second.span))
        .find(|(first, second)| second.start() < first.end())
}

/// Returns two extents that are stored in the same bytes.
pub(super) fn shared(extents: &[Extent]) -> Option<(Span, Span)> {
    let mut extents: Vec<&Extent> = extents.iter().collect();
    extents.sort_by_key(|extent| extent.at.start);
    let pairs = extents.iter().zip(extents.iter().skip(1));
    pairs
        .filter(|(first, second)| second.at.start < first.at.end)
        .map(|(first, second)| (first.span, second.span))
        .next()
}
