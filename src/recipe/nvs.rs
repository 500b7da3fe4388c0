//! `nvs = { ... }` of a `[[slot]]`: which entry of which store.

use serde::Deserialize;

use super::slot::{Locator, SlotTextError};
use super::store::is_name;
use crate::image::{Address, Span};

/// What a Zephyr build writes without saying otherwise, in bytes.
pub(super) const SECTOR: u64 = 4096;
pub(super) const ALIGN: u64 = 4;
/// Offsets in a sector have 16 bits.
const LARGEST: u64 = 64 * 1024;
/// Longest value, in characters.
const LONGEST: usize = 1024;

/// A string in ESP-IDF's non-volatile storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EspNvs {
    /// The namespace's name.
    pub namespace: String,
    /// The string's name.
    pub key: String,
    /// Where the storage is; absent, it is found by its structure.
    pub at: Option<Span>,
    /// Characters that are reserved, in a store that is made from the recipe.
    pub length: Option<usize>,
}

/// A value in Zephyr's non-volatile storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZephyrNvs {
    /// Its number.
    pub id: u16,
    /// Bytes of a sector.
    pub sector: u64,
    /// Write block size of the flash, in bytes: table entries are aligned to it.
    pub align: u64,
    /// Where the storage is; absent, it is found by its structure.
    pub at: Option<Span>,
    /// Characters of the value, in a store that is made from the recipe.
    pub length: Option<usize>,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NvsText {
    namespace: Option<String>,
    key: Option<String>,
    id: Option<u16>,
    sector: Option<u64>,
    align: Option<u64>,
    at: Option<String>,
    length: Option<usize>,
}

impl NvsText {
    /// Returns the locator that is meant.
    pub(super) fn locator(self) -> Result<Locator, SlotTextError> {
        let at = self.at.as_deref().map(range).transpose()?;
        let length = self.length;
        if length.is_some_and(|length| !(1..=LONGEST).contains(&length)) {
            return Err(SlotTextError::Nvs);
        }
        match (self.namespace, self.key, self.id, self.sector, self.align) {
            (Some(namespace), Some(key), None, None, None)
                if is_name(&namespace) && is_name(&key) =>
            {
                Ok(Locator::EspNvs(EspNvs {
                    namespace,
                    key,
                    at,
                    length,
                }))
            }
            (None, None, Some(id), sector, align) => {
                let sector = sector.unwrap_or(SECTOR);
                let align = align.unwrap_or(ALIGN);
                if !plausible(sector, align) || id == u16::MAX {
                    return Err(SlotTextError::Nvs);
                }
                Ok(Locator::ZephyrNvs(ZephyrNvs {
                    id,
                    sector,
                    align,
                    at,
                    length,
                }))
            }
            _ => Err(SlotTextError::Nvs),
        }
    }
}

/// Returns whether flash can have such sectors and write blocks.
pub(super) fn plausible(sector: u64, align: u64) -> bool {
    (64..=LARGEST).contains(&sector)
        && align.is_power_of_two()
        && align <= 32
        && sector.is_multiple_of(align)
}

/// Reads `A..B`, end exclusive.
pub(super) fn range(text: &str) -> Result<Span, SlotTextError> {
    let parse = |text: &str| text.trim().parse::<Address>().ok();
    let ends = text.split_once("..");
    ends.and_then(|(from, to)| Span::between(parse(from)?, parse(to)?))
        .ok_or_else(|| SlotTextError::NvsAt(text.to_owned()))
}
