//! nvs: a string in the key-value store that the firmware reads its settings from.
//!
//! Such a token lies outside the application, so it survives an update over the air. The entry is
//! rewritten where it is, with its checksums; a value that takes other room than the placeholder
//! is refused, because the store's readers tell an entry's size by its header.

mod esp;
mod zephyr;

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::{Layout, NUL, Slot, SlotError, stored, text};
use crate::image::{Address, Image, Span};
use crate::recipe::{Locator, SlotSpec};

/// Why neither store has an entry.
const LOST: &str = "write a placeholder under that name into the store of the shared image; an encrypted store cannot be read";

/// An entry of a store.
#[derive(Debug, Clone)]
pub(super) enum Nvs {
    /// ESP-IDF: header entry and data entries of a string.
    Esp,
    /// Zephyr: the data alone.
    Zephyr {
        /// Whether a CRC-32 follows the value.
        crc: bool,
    },
}

/// An entry that was found.
struct Entry {
    span: Span,
    layout: Nvs,
}

impl Nvs {
    /// Returns how many bytes a value may take, its NUL counted.
    pub(super) fn room(&self, len: usize) -> RangeInclusive<usize> {
        match self {
            Self::Esp => esp::room(len),
            Self::Zephyr { crc } => {
                let len = len.saturating_sub(if *crc { zephyr::CRC } else { 0 });
                len..=len
            }
        }
    }

    /// Writes `value` over the entry `master`.
    pub(super) fn write(&self, master: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(value.len().saturating_add(1)));
        text.extend_from_slice(value);
        text.push(NUL);
        match self {
            Self::Esp => esp::write(master, &text),
            Self::Zephyr { crc } => zephyr::write(&text, *crc),
        }
    }

    /// Returns the value, or why there is none.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let text = match self {
            Self::Esp => esp::text(bytes)?,
            Self::Zephyr { crc } => zephyr::text(bytes, *crc)?,
        };
        let value = text.strip_suffix(&[NUL]).ok_or("no NUL ends the text")?;
        Ok(Some(Zeroizing::new(value.to_vec())))
    }
}

/// Finds the one entry that a recipe names.
pub(super) fn locate(image: &Image, spec: &SlotSpec) -> Result<Slot, SlotError> {
    let (what, found) = match &spec.locator {
        Locator::EspNvs(place) => {
            let (namespace, key) = (&place.namespace, &place.key);
            let what = format!("NVS key {namespace}/{key}");
            (what, esp::find(image, (namespace, key), place.at))
        }
        Locator::ZephyrNvs(place) => {
            let what = format!("Zephyr NVS id {}", place.id);
            (what, zephyr::find(image, place))
        }
        _ => ("nvs".to_owned(), Found::default()),
    };
    let Found { mut entries, wrong } = found;
    if entries.len() > 1 {
        let at = entries.iter().map(|entry| entry.span.start()).collect();
        return Err(SlotError::Twice { what, at });
    }
    let Some(entry) = entries.pop() else {
        let wrong = super::Wrong(wrong);
        let cause = LOST;
        return Err(SlotError::Missing { what, wrong, cause });
    };
    let master = stored(image, entry.span)?;
    let at = entry.span.start();
    let held = match entry.layout.decode(&master) {
        Ok(Some(held)) => held,
        Ok(None) => Zeroizing::default(),
        Err(reason) => return Err(SlotError::Damaged { at, reason }),
    };
    text::blank(spec, at, &held)?;
    let holds = entry.span.len();
    if let Some(size) = spec.size.filter(|size| *size != holds) {
        let place = what;
        return Err(SlotError::Size { size, place, holds });
    }
    Ok(Slot {
        value: spec.value.clone(),
        place: what,
        span: entry.span,
        layout: Layout::Nvs(entry.layout),
        named: false,
        master,
    })
}

/// A settings store of ESP-IDF that was found by its structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its pages, in load addresses; erased ones behind them are counted.
    pub span: Span,
    /// Its strings, as `namespace/key`, each with the entries that it takes.
    pub strings: Vec<(String, Span)>,
}

/// Lists the settings stores of ESP-IDF that show themselves; no value is told.
pub(super) fn listed(image: &Image) -> Vec<Stored> {
    esp::listed(image)
}

/// Lists the values of Zephyr's store whose text is at `at`, as a recipe names them.
pub(super) fn zephyr_at(image: &Image, at: Address) -> Vec<crate::recipe::ZephyrNvs> {
    zephyr::stored_at(image, at)
}

/// Entries that are meant, and places that look like them.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    wrong: Vec<(Address, String)>,
}

/// Returns the addresses in stored bytes, or in `within`, at which blocks of `size` bytes start
/// that are stored whole.
fn blocks(image: &Image, within: Option<Span>, size: u64) -> Vec<Span> {
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

/// Returns the little-endian 16-bit number at `at`.
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u16::from_le_bytes(bytes))
}

/// Returns the little-endian 32-bit number at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests;
