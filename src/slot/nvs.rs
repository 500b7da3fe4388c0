//! nvs: a string in the key-value store that the firmware reads its settings from.
//!
//! Such a token lies outside the application, so it survives an update over the air. The entry is
//! rewritten where it is, with its checksums; a value that takes other room than the placeholder
//! is refused, because the store's readers tell an entry's size by its header.

mod entry;
mod esp;
mod zephyr;

pub(super) use entry::Nvs;
pub use entry::Stored;

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use entry::Found;

use super::error::{SlotError, Wrong};
use super::site::{NUL, Site, stored};
use super::text;
use crate::image::{Address, Image};
use crate::recipe::{Locator, SlotSpec};

/// Why neither store has an entry.
const LOST: &str = "write a placeholder under that name into the store of the shared image; an encrypted store cannot be read";

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
pub(super) fn locate(image: &Image, spec: &SlotSpec) -> Result<Site<Nvs>, SlotError> {
    let (what, found) = match &spec.locator {
        Locator::EspNvs(place) => {
            let what = format!("NVS key {}/{}", place.namespace, place.key);
            (what, esp::find(image, place))
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
        let wrong = Wrong(wrong);
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
    Ok(Site {
        place: what,
        span: entry.span,
        layout: entry.layout,
        named: false,
        master,
    })
}

/// Lists the settings stores of ESP-IDF that show themselves; no value is told.
pub(super) fn listed(image: &Image) -> Vec<Stored> {
    esp::listed(image)
}

/// Lists the values of Zephyr's store whose text is at `at`, as a recipe names them.
pub(super) fn zephyr_at(image: &Image, at: Address) -> Vec<crate::recipe::ZephyrNvs> {
    zephyr::stored_at(image, at)
}
