//! The places of a feed that units may change.

use crate::checksum::feed::{Feed, Piece, Words};
use crate::image::{Edits, Image, ImageError, Span};

/// Places of a feed that units may change, in the order in which they are fed.
#[derive(Debug)]
pub(super) struct Windows {
    all: Vec<Window>,
    /// Bytes of the whole feed.
    fed: u64,
    words: Words,
}

/// What may change: how many bytes are fed before it, and its load addresses.
type Parts = Vec<(u64, Span)>;

/// Some bytes of a feed, in whole words.
#[derive(Debug)]
pub(super) struct Window {
    /// Bytes that are fed before it.
    offset: u64,
    /// What the untouched image feeds, in the order of memory.
    old: Vec<u8>,
    /// The same in the order in which it is fed.
    fed: Vec<u8>,
    /// What may change: load addresses, and where they lie in the window.
    parts: Vec<(Span, usize)>,
}

impl Windows {
    /// Finds what of `changes` is fed.
    ///
    /// # Errors
    /// [`ImageError::Outside`] for another image than the feed was laid out for.
    pub(super) fn of(image: &Image, feed: &Feed, changes: &[Span]) -> Result<Self, ImageError> {
        let words = feed.words();
        let unit = u64::from(words.unit().max(1));
        let mut all: Vec<Window> = Vec::new();
        let mut next = 0u64;
        let mut parts: Parts = Vec::new();
        for piece in feed.pieces() {
            if let Piece::Stored(span) = piece {
                let mut hit: Vec<Span> = changes
                    .iter()
                    .filter_map(|change| span.intersection(*change))
                    .collect();
                hit.sort();
                let place = |part: Span| part.start().get().saturating_sub(span.start().get());
                let hit = hit.into_iter();
                parts.extend(hit.map(|part| (next.saturating_add(place(part)), part)));
            }
            next = next.saturating_add(piece.len());
        }
        let mut bounds: Vec<(u64, u64, Parts)> = Vec::new();
        for (from, part) in parts {
            let start = from - from % unit;
            let end = from.saturating_add(part.len()).next_multiple_of(unit);
            match bounds.last_mut() {
                Some((_, last, held)) if start <= *last => {
                    *last = end.max(*last);
                    held.push((from, part));
                }
                _ => bounds.push((start, end, vec![(from, part)])),
            }
        }
        for (start, end, parts) in bounds {
            let window = feed.split(start).1.split(end.saturating_sub(start)).0;
            let old = window.plain(image)?;
            let mut fed = old.clone();
            words.order(&mut fed);
            let offset = |from: u64| usize::try_from(from.saturating_sub(start)).ok();
            all.push(Window {
                offset: start,
                old,
                fed,
                parts: parts
                    .into_iter()
                    .filter_map(|(from, part)| Some((part, offset(from)?)))
                    .collect(),
            });
        }
        Ok(Self {
            all,
            fed: next,
            words,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Window> {
        self.all.iter()
    }

    /// Returns how many bytes are fed that no unit changes, before the first that one may.
    pub(super) fn first(&self) -> u64 {
        self.all.first().map_or(self.fed, |window| window.offset)
    }

    /// Returns the length of the longest window in bytes.
    pub(super) fn longest(&self) -> usize {
        self.iter()
            .map(|window| window.old.len())
            .max()
            .unwrap_or(0)
    }

    /// Returns for each window how many bytes are fed from its end to the next one's start; for
    /// the last one, to the end.
    pub(super) fn gaps(&self) -> Vec<u64> {
        let starts = self.iter().skip(1).map(|window| window.offset);
        let ends = self.iter().map(Window::end);
        ends.zip(starts.chain([self.fed]))
            .map(|(end, next)| next.saturating_sub(end))
            .collect()
    }

    /// Returns how many bytes are fed from the start of `window` to the end of all.
    pub(super) const fn left(&self, window: &Window) -> u64 {
        self.fed.saturating_sub(window.offset)
    }

    /// Puts into `new` what `window` feeds with `edits`; gives what the untouched image feeds.
    pub(super) fn read<'w>(
        &self,
        window: &'w Window,
        edits: &Edits,
        new: &mut Vec<u8>,
    ) -> &'w [u8] {
        new.clear();
        new.extend_from_slice(&window.old);
        for (span, at) in &window.parts {
            let len = usize::try_from(span.len()).unwrap_or(usize::MAX);
            let end = at.saturating_add(len);
            if let Some(part) = new.get_mut(*at..end) {
                edits.apply(*span, part);
            }
        }
        self.words.order(new);
        &window.fed
    }
}

impl Window {
    fn end(&self) -> u64 {
        let len = u64::try_from(self.old.len()).unwrap_or(u64::MAX);
        self.offset.saturating_add(len)
    }
}
