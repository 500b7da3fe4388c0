//! Search in loaded bytes.

use memchr::memmem::Finder;

use super::extent::Extent;
use super::{Address, Image, Span};

impl Image {
    /// Finds `pattern` in loaded bytes, in order of address.
    ///
    /// Hits may overlap each other, and may cross from one extent into the next where they
    /// touch; never a gap. What the container holds beside loaded bytes, such as debug data, is
    /// not searched. An empty pattern is nowhere.
    pub fn find<'a>(&'a self, pattern: &'a [u8]) -> impl Iterator<Item = Address> + 'a {
        let finder = Finder::new(pattern);
        self.extents
            .iter()
            .flat_map(move |extent| {
                let inside = Hits {
                    finder: finder.clone(),
                    bytes: self
                        .stored()
                        .get(extent.at.clone())
                        .unwrap_or_default()
                        .into(),
                    start: extent.span.start(),
                    next: 0,
                };
                inside.chain(self.crossing(extent, &finder))
            })
            .filter(move |_| !pattern.is_empty())
    }

    /// Finds the hits that start in `extent` and end behind it.
    fn crossing<'a>(&'a self, extent: &Extent, finder: &Finder<'a>) -> Hits<'a> {
        let none = Hits {
            finder: finder.clone(),
            bytes: Vec::new().into(),
            start: extent.span.start(),
            next: 0,
        };
        let reach = u64::try_from(finder.needle().len().saturating_sub(1)).unwrap_or(u64::MAX);
        let border = extent.span.end();
        let from = Address::new(border.get().saturating_sub(reach)).max(extent.span.start());
        let to = Address::new(border.get().saturating_add(reach));
        let Some(window) = Span::between(from, to) else {
            return none;
        };
        let mut bytes = Vec::new();
        let mut next = from;
        for (start, piece) in self.pieces(window) {
            if start != next {
                break;
            }
            bytes.extend_from_slice(piece);
            let len = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            next = start.checked_add(len).unwrap_or(start);
        }
        if next <= border {
            return none;
        }
        Hits {
            bytes: bytes.into(),
            start: from,
            ..none
        }
    }
}

/// Hits in one piece of memory.
struct Hits<'a> {
    finder: Finder<'a>,
    bytes: std::borrow::Cow<'a, [u8]>,
    start: Address,
    /// Where the search goes on.
    next: usize,
}

impl Iterator for Hits<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        if self.finder.needle().is_empty() {
            return None;
        }
        let at = self.next + self.finder.find(self.bytes.get(self.next..)?)?;
        self.next = at + 1;
        self.start.checked_add(u64::try_from(at).ok()?)
    }
}
