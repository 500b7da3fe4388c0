//! The address map: which load addresses are stored, and where.

use std::borrow::Cow;
use std::ops::Range;

use super::{Address, Image, ImageError, Span};

impl Image {
    /// Returns the runs of stored load addresses, in order; runs that touch are one.
    #[must_use]
    pub fn runs(&self) -> Vec<Span> {
        let mut runs: Vec<Span> = Vec::new();
        for extent in &self.extents {
            match runs.last_mut() {
                Some(last) if last.end() == extent.span.start() => {
                    if let Some(joined) = Span::between(last.start(), extent.span.end()) {
                        *last = joined;
                    }
                }
                _ => runs.push(extent.span),
            }
        }
        runs
    }

    /// Returns the stored bytes of `span`, piece by piece in order of address.
    ///
    /// # Errors
    /// [`ImageError::Outside`] if any byte of `span` is not stored.
    pub fn chunks(&self, span: Span) -> Result<impl Iterator<Item = (Address, &[u8])>, ImageError> {
        self.require(span)?;
        Ok(self.pieces(span))
    }

    /// Checks that every byte of `span` is stored.
    ///
    /// # Errors
    /// [`ImageError::Outside`] with the first address that is not.
    pub fn require(&self, span: Span) -> Result<(), ImageError> {
        let mut next = span.start();
        for part in self.stored_within(span) {
            if part.start() != next {
                break;
            }
            next = part.end();
        }
        if next != span.end() {
            return Err(ImageError::Outside { span, first: next });
        }
        Ok(())
    }

    /// Returns the bytes of `span`, in one piece where they are stored in one.
    ///
    /// # Errors
    /// [`ImageError::Outside`] if any byte of `span` is not stored.
    pub fn bytes(&self, span: Span) -> Result<Cow<'_, [u8]>, ImageError> {
        let mut chunks = self.chunks(span)?;
        let first = chunks.next().map(|(_, bytes)| bytes).unwrap_or_default();
        let rest: Vec<&[u8]> = chunks.map(|(_, bytes)| bytes).collect();
        if rest.is_empty() {
            return Ok(Cow::Borrowed(first));
        }
        Ok(Cow::Owned([first, &rest.concat()].concat()))
    }

    /// Returns the stored parts of `span`, in order of address; gaps are left out.
    pub fn stored_within(&self, span: Span) -> impl Iterator<Item = Span> {
        self.places(span).map(|(part, _)| part)
    }

    /// Returns the pieces of the image inside `span`; gaps are left out.
    pub(super) fn pieces(&self, span: Span) -> impl Iterator<Item = (Address, &[u8])> {
        self.places(span)
            .filter_map(|(part, at)| Some((part.start(), self.stored().get(at)?)))
    }

    /// Returns where the stored parts of `span` lie in the buffer that extents point into.
    pub(super) fn places(&self, span: Span) -> impl Iterator<Item = (Span, Range<usize>)> {
        let from = self
            .extents
            .partition_point(|extent| extent.span.end() <= span.start());
        self.extents
            .get(from..)
            .unwrap_or_default()
            .iter()
            .map_while(move |extent| Some((extent, extent.span.intersection(span)?)))
            .filter_map(|(extent, part)| {
                let skip = usize::try_from(part.start().get() - extent.span.start().get()).ok()?;
                let from = extent.at.start.checked_add(skip)?;
                let to = from.checked_add(usize::try_from(part.len()).ok()?)?;
                Some((part, from..to))
            })
    }
}
