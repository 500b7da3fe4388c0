//! An entry of a store, and where stores are looked for.

use crate::image::{Address, Image, Span};

/// An entry of a store.
#[derive(Debug, Clone)]
pub(in crate::slot) enum Nvs {
    /// ESP-IDF: header entry and data entries of a string.
    Esp,
    /// Zephyr: the data alone.
    Zephyr {
        /// Whether a CRC-32 follows the value.
        crc: bool,
    },
}

/// An entry that was found.
pub(super) struct Entry {
    pub span: Span,
    pub layout: Nvs,
}

/// A settings store of ESP-IDF that was found by its structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its pages, in load addresses; erased ones behind them are counted.
    pub span: Span,
    /// Its strings, as `namespace/key`, each with the entries that it takes.
    pub strings: Vec<(String, Span)>,
}

/// Entries that are meant, and places that look like them.
#[derive(Default)]
pub(super) struct Found {
    pub entries: Vec<Entry>,
    pub wrong: Vec<(Address, String)>,
}

/// Returns the addresses in stored bytes, or in `within`, at which blocks of `size` bytes start
/// that are stored whole.
pub(super) fn blocks(image: &Image, within: Option<Span>, size: u64) -> Vec<Span> {
    // Flash sectors start at multiples of their size; a place that is given starts with one.
    let origin = within.map_or(0, |area| area.start().get());
    let runs = image.runs().into_iter();
    let areas = runs.filter_map(|run| match within {
        Some(area) => run.intersection(area),
        None => Some(run),
    });
    let mut blocks = Vec::new();
    for area in areas {
        let ahead = (area.start().get().saturating_sub(origin)).checked_next_multiple_of(size);
        let start = ahead.and_then(|ahead| origin.checked_add(ahead));
        let mut next = start.and_then(|start| Span::new(Address::new(start), size));
        while let Some(block) = next.filter(|block| area.contains(*block)) {
            blocks.push(block);
            next = Span::new(block.end(), size);
        }
    }
    blocks
}
