//! `nvs = { ... }` of a `[[slot]]`: which entry of which store.

use serde::Deserialize;

use super::slot::{Locator, SlotTextError};
use crate::image::{Address, Span};

/// What a Zephyr build writes without saying otherwise, in bytes.
const SECTOR: u64 = 4096;
const ALIGN: u64 = 4;
/// Offsets in a sector have 16 bits.
const LARGEST: u64 = 64 * 1024;

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
}

impl NvsText {
    /// Returns the locator that is meant.
    pub(super) fn locator(self) -> Result<Locator, SlotTextError> {
        let at = self.at.as_deref().map(range).transpose()?;
        match (self.namespace, self.key, self.id, self.sector, self.align) {
            (Some(namespace), Some(key), None, None, None)
                if !namespace.is_empty() && !key.is_empty() =>
            {
                Ok(Locator::EspNvs { namespace, key, at })
            }
            (None, None, Some(id), sector, align) => {
                let sector = sector.unwrap_or(SECTOR);
                let align = align.unwrap_or(ALIGN);
                let plausible = (64..=LARGEST).contains(&sector) && align.is_power_of_two();
                if !plausible || align > 32 || id == u16::MAX {
                    return Err(SlotTextError::Nvs);
                }
                Ok(Locator::ZephyrNvs(ZephyrNvs {
                    id,
                    sector,
                    align,
                    at,
                }))
            }
            _ => Err(SlotTextError::Nvs),
        }
    }
}

/// Reads `A..B`, end exclusive.
fn range(text: &str) -> Result<Span, SlotTextError> {
    let parse = |text: &str| text.trim().parse::<Address>().ok();
    let ends = text.split_once("..");
    ends.and_then(|(from, to)| Span::between(parse(from)?, parse(to)?))
        .ok_or_else(|| SlotTextError::NvsAt(text.to_owned()))
}
