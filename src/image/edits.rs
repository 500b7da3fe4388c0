//! What changes in an image for one unit: new bytes at load addresses.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{Address, Span};

/// New bytes at an offset of the container.
pub type Patch = (usize, Zeroizing<Vec<u8>>);

/// Bytes to put at load addresses; no address twice.
///
/// One of them is a secret, so all are zeroed on drop and `Debug` shows places only.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Edits(BTreeMap<Address, Zeroizing<Vec<u8>>>);

impl Edits {
    /// Starts without a change.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `bytes` at `start`; later bytes win over earlier ones at the same address.
    ///
    /// Nothing happens for no bytes, or where they would wrap the address space.
    pub fn put(&mut self, start: Address, bytes: &[u8]) {
        let Some(span) = u64::try_from(bytes.len())
            .ok()
            .and_then(|len| Span::new(start, len))
        else {
            return;
        };
        self.cut(span);
        self.0.insert(start, Zeroizing::new(bytes.to_vec()));
    }

    /// Returns the changes in order of address.
    pub fn iter(&self) -> impl Iterator<Item = (Address, &[u8])> {
        self.0
            .iter()
            .map(|(start, bytes)| (*start, bytes.as_slice()))
    }

    /// Returns the changes with their places, in order of address.
    pub fn parts(&self) -> impl Iterator<Item = (Span, &[u8])> {
        self.iter().filter_map(|(start, bytes)| {
            let len = u64::try_from(bytes.len()).ok()?;
            Some((Span::new(start, len)?, bytes))
        })
    }

    /// Returns the places that change, in order of address.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.parts().map(|(span, _)| span)
    }

    /// Returns the bytes at `span`; those that nothing was put at are `rest`.
    #[must_use]
    pub fn bytes(&self, span: Span, rest: u8) -> Zeroizing<Vec<u8>> {
        let len = usize::try_from(span.len()).unwrap_or(0);
        let mut bytes = Zeroizing::new(vec![rest; len]);
        self.apply(span, &mut bytes);
        bytes
    }

    /// Writes what changes inside `span` over `bytes`, the image's own bytes at `span`.
    pub fn apply(&self, span: Span, bytes: &mut [u8]) {
        // Edits do not overlap, so only one can start below the span and reach into it.
        let from = self
            .0
            .range(..=span.start())
            .next_back()
            .map_or(span.start(), |(start, _)| *start);
        for (start, new) in self.0.range(from..span.end()) {
            let (skip, at) = if *start < span.start() {
                (span.start().get() - start.get(), 0)
            } else {
                (0, start.get() - span.start().get())
            };
            let (Ok(skip), Ok(at)) = (usize::try_from(skip), usize::try_from(at)) else {
                continue;
            };
            let new = new.get(skip..).unwrap_or_default();
            for (old, new) in bytes.iter_mut().skip(at).zip(new) {
                *old = *new;
            }
        }
    }

    /// Removes whatever is put inside `span`.
    fn cut(&mut self, span: Span) {
        let hit: Vec<Span> = self
            .spans()
            .filter(|old| old.intersection(span).is_some())
            .collect();
        for old in hit {
            let Some(bytes) = self.0.remove(&old.start()) else {
                continue;
            };
            for rest in old.without(span) {
                let part = usize::try_from(rest.start().get() - old.start().get())
                    .ok()
                    .zip(usize::try_from(rest.len()).ok())
                    .and_then(|(from, len)| bytes.get(from..from.checked_add(len)?));
                if let Some(part) = part {
                    self.0.insert(rest.start(), Zeroizing::new(part.to_vec()));
                }
            }
        }
    }
}

impl std::fmt::Debug for Edits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.spans()).finish()
    }
}
