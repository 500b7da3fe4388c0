//! `nvs = { ... }` of a `[[slot]]`: which entry of which store.

use crate::image::{Address, Span};

/// What a Zephyr build writes without saying otherwise, in bytes.
pub(super) const SECTOR: u64 = 4096;
pub(super) const ALIGN: u64 = 4;
/// Offsets in a sector have 16 bits.
const LARGEST: u64 = 64 * 1024;
/// Longest name of a namespace or key, in bytes (`NVS_KEY_NAME_MAX_SIZE` without its NUL).
const NAME: usize = 15;

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

/// Returns whether flash can have such sectors and write blocks.
pub(super) fn plausible(sector: u64, align: u64) -> bool {
    (64..=LARGEST).contains(&sector)
        && align.is_power_of_two()
        && align <= 32
        && sector.is_multiple_of(align)
}

/// Reads `A..B`, end exclusive.
pub(super) fn range(text: &str) -> Option<Span> {
    let parse = |text: &str| text.trim().parse::<Address>().ok();
    let (from, to) = text.split_once("..")?;
    Span::between(parse(from)?, parse(to)?)
}

/// Returns whether `name` can name a namespace or a value of ESP-IDF's store.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len()) && !name.contains('\0')
}
