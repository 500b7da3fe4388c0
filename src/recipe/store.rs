//! `[nvs]`: a settings store that is made from the recipe, for images that bring none.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use super::nvs::{ALIGN, SECTOR, plausible, range};
use super::slot::{Locator, SlotSpec, SlotValue};
use crate::image::Span;
use crate::unit::{AuthToken, from_hex};

/// Bytes of a page of ESP-IDF's store.
const PAGE: u64 = 4096;
/// Characters of a value that takes one data entry, beside its NUL.
const ONE_ENTRY: usize = 31;

/// A settings store that is made for every unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StoreText")]
pub struct StoreSpec {
    /// The partition, in load addresses.
    pub at: Span,
    /// Whose format it has.
    pub kind: StoreKind,
}

/// Whose format a store has, and what it holds beside the units' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// ESP-IDF's.
    Esp {
        /// Format version, 1 or 2: from 2 on, blobs may take several pages.
        version: u8,
        /// A table as Espressif's generator takes it.
        csv: Option<PathBuf>,
        /// Rows of the recipe itself, behind those of the table.
        rows: Vec<EspRow>,
    },
    /// Zephyr's.
    Zephyr {
        /// Bytes of a sector.
        sector: u64,
        /// Write block size of the flash, in bytes.
        align: u64,
        /// Whether a CRC-32 follows each value (`CONFIG_NVS_DATA_CRC`).
        data_crc: bool,
        /// Numbers and their bytes.
        values: Vec<(u16, Vec<u8>)>,
    },
}

/// One value of ESP-IDF's store, in the words of Espressif's table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EspRow {
    /// The namespace's name.
    pub namespace: String,
    /// The value's name.
    pub key: String,
    /// `u8` to `i64`, `string`, `hex2bin` or `base64`.
    #[serde(default = "string")]
    pub encoding: String,
    /// The value, as text.
    pub value: String,
}

fn string() -> String {
    "string".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreText {
    kind: KindText,
    at: String,
    version: Option<u8>,
    csv: Option<PathBuf>,
    sector: Option<u64>,
    align: Option<u64>,
    #[serde(rename = "data-crc")]
    data_crc: Option<bool>,
    #[serde(default)]
    entry: Vec<EntryText>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindText {
    EspIdf,
    Zephyr,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an entry of [nvs] has namespace, key, encoding and value for esp-idf; id and text or hex for zephyr"
)]
enum EntryText {
    Esp(EspRow),
    Zephyr(ZephyrText),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ZephyrText {
    id: u16,
    text: Option<String>,
    hex: Option<String>,
}

impl TryFrom<StoreText> for StoreSpec {
    type Error = StoreError;

    fn try_from(text: StoreText) -> Result<Self, StoreError> {
        let at = range(&text.at).ok_or_else(|| StoreError::At(text.at.clone()))?;
        let kind = match text.kind {
            KindText::EspIdf => esp(text)?,
            KindText::Zephyr => zephyr(text)?,
        };
        let spec = Self { at, kind };
        let block = spec.block();
        let least = match spec.kind {
            StoreKind::Esp { .. } => 1,
            StoreKind::Zephyr { .. } => 2,
        };
        let whole = at.start().get().is_multiple_of(block) && at.len().is_multiple_of(block);
        if !whole || at.len() / block < least || at.len() > MOST {
            return Err(StoreError::Blocks { at, block, least });
        }
        Ok(spec)
    }
}

/// Largest partition, in bytes: far above what any product keeps settings in.
const MOST: u64 = 16 * 1024 * 1024;

fn esp(text: StoreText) -> Result<StoreKind, StoreError> {
    if text.sector.is_some() || text.align.is_some() || text.data_crc.is_some() {
        return Err(StoreError::Keys("esp-idf", "version, csv and entry"));
    }
    let version = text.version.unwrap_or(2);
    if !matches!(version, 1 | 2) {
        return Err(StoreError::Version(version));
    }
    let rows = text.entry.into_iter().map(|entry| match entry {
        EntryText::Esp(row) => Ok(row),
        EntryText::Zephyr(_) => Err(StoreError::Entry(ESP_ENTRY)),
    });
    Ok(StoreKind::Esp {
        version,
        csv: text.csv,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

fn zephyr(text: StoreText) -> Result<StoreKind, StoreError> {
    if text.version.is_some() || text.csv.is_some() {
        let keys = "sector, align, data-crc and entry";
        return Err(StoreError::Keys("zephyr", keys));
    }
    let (sector, align) = (text.sector.unwrap_or(SECTOR), text.align.unwrap_or(ALIGN));
    if !plausible(sector, align) {
        return Err(StoreError::Sector { sector, align });
    }
    let mut values = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in text.entry {
        let EntryText::Zephyr(entry) = entry else {
            return Err(StoreError::Entry(ZEPHYR_ENTRY));
        };
        if !seen.insert(entry.id) {
            return Err(StoreError::Twice(entry.id.to_string()));
        }
        let value = match (entry.text, entry.hex) {
            (Some(text), None) if entry.id != u16::MAX => [text.as_bytes(), &[0]].concat(),
            (None, Some(digits)) if entry.id != u16::MAX => {
                from_hex(&digits).ok_or(StoreError::Entry(ZEPHYR_ENTRY))?
            }
            _ => return Err(StoreError::Entry(ZEPHYR_ENTRY)),
        };
        values.push((entry.id, value));
    }
    Ok(StoreKind::Zephyr {
        sector,
        align,
        data_crc: text.data_crc.unwrap_or(false),
        values,
    })
}

impl StoreSpec {
    /// Returns the bytes of what flash erases at once: a page or a sector of the store.
    #[must_use]
    pub const fn block(&self) -> u64 {
        match &self.kind {
            StoreKind::Esp { .. } => PAGE,
            StoreKind::Zephyr { sector, .. } => *sector,
        }
    }

    /// Gives the slots that lie in this store its place, and tells what is wrong with them.
    pub(super) fn adopt(&self, slots: &mut [SlotSpec]) -> Result<(), StoreError> {
        let mut any = false;
        for slot in slots {
            let least = length(slot);
            match (&self.kind, &mut slot.locator) {
                (StoreKind::Esp { .. }, Locator::EspNvs(place)) => {
                    place.at = Some(place.at.unwrap_or(self.at));
                    place.length = place.length.or(least).or(Some(ONE_ENTRY));
                    any |= place.at == Some(self.at);
                }
                (StoreKind::Zephyr { sector, align, .. }, Locator::ZephyrNvs(place)) => {
                    if place.at.is_some_and(|at| at != self.at) {
                        continue;
                    }
                    (place.at, place.sector, place.align) = (Some(self.at), *sector, *align);
                    place.length = place.length.or(least);
                    if place.length.is_none() {
                        return Err(StoreError::Length(slot.value.clone()));
                    }
                    any = true;
                }
                _ => {}
            }
        }
        if any { Ok(()) } else { Err(StoreError::NoSlot) }
    }
}

/// Returns how long a slot's value is, where that is known.
fn length(slot: &SlotSpec) -> Option<usize> {
    (slot.value == SlotValue::AuthToken).then_some(AuthToken::LEN)
}

const ESP_ENTRY: &str =
    "{ namespace = \"storage\", key = \"server\", encoding = \"string\", value = \"...\" }";
const ZEPHYR_ENTRY: &str =
    "{ id = 1, text = \"...\" } or { id = 1, hex = \"00ff\" }, id below 65535";

/// Why an `[nvs]` cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum StoreError {
    /// A place that is no range.
    #[error("`{0}` is no range of addresses: write at = \"0x9000..0xf000\"")]
    At(String),
    /// The place is not made of whole pages or sectors.
    #[error(
        "{at} has {} bytes from {} on, the store takes {least} or more blocks of {block} bytes that start at multiples of it, 16 MiB at most",
        at.len(),
        at.start()
    )]
    Blocks {
        at: Span,
        /// Bytes of a page or sector.
        block: u64,
        least: u64,
    },
    /// A key of the other kind.
    #[error("kind = \"{0}\" goes with at, {1}")]
    Keys(&'static str, &'static str),
    /// An unknown format.
    #[error("version {0} is not known: write 1 or 2")]
    Version(u8),
    /// A sector or alignment that no flash has.
    #[error(
        "sector = {sector} and align = {align} cannot be: 64 to 65536, and 1 to 32, a power of two"
    )]
    Sector { sector: u64, align: u64 },
    /// An entry that cannot be meant.
    #[error("an entry is {0}")]
    Entry(&'static str),
    /// Two entries of one name.
    #[error("two entries are named {0}")]
    Twice(String),
    /// No length for a value whose length is no common knowledge.
    #[error(
        "Zephyr keeps a value by its exact length: write length = N in nvs of the slot for {0}, its characters"
    )]
    Length(SlotValue),
    /// Nothing of it is a unit's.
    #[error("no [[slot]] lies in it: write nvs = {{ ... }} in one")]
    NoSlot,
}
