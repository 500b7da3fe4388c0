//! The partition table of a merged ESP flash image.
//!
//! Source: ESP-IDF Programming Guide, "Partition Tables": entries of 32 bytes that start with
//! AA 50; behind them EB EB, 14 bytes FF and the MD5 of all entries. Offsets are those in flash.

use md5::{Digest as _, Md5};

use super::structure::{part, take, word};
use super::{Address, Image, Span};

/// Tables start at a multiple of this: flash sectors.
const SECTOR: u64 = 4096;

/// Bytes of an entry, and most entries (`ESP_PARTITION_TABLE_MAX_ENTRIES`).
const ENTRY: u64 = 32;
const MOST: u64 = 95;
/// First bytes of an entry, and of the digest behind the last.
const MAGIC: [u8; 2] = [0xAA, 0x50];
const DIGEST: [u8; 16] = [
    0xEB, 0xEB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
];
/// Type of a partition for an application.
const APP: u8 = 0;

/// Type and subtype of a partition for settings.
const NVS: [u8; 2] = [1, 2];

/// A partition of a flash image, as a table in it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The table, with its digest.
    pub table: Span,
    /// Where the partition is, in load addresses.
    pub span: Span,
    /// Its name.
    pub label: String,
    /// What it is for, such as `app, ota_0`.
    pub kind: String,
    code: [u8; 2],
}

impl Partition {
    /// Returns whether it is for an application.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.code.first() == Some(&APP)
    }

    /// Returns whether it is for settings (NVS).
    #[must_use]
    pub fn is_nvs(&self) -> bool {
        self.code == NVS
    }
}

/// Lists the partitions of ESP flash images: those of the first table of each run whose digest is
/// right.
#[must_use]
pub fn partitions(image: &Image) -> Vec<Partition> {
    let tables = image.runs().into_iter();
    let tables = tables.filter_map(|run| tables_of(image, run));
    tables.flatten().collect()
}

/// Names type and subtype as ESP-IDF's tables of partitions do.
fn kind([kind, subtype]: [u8; 2]) -> String {
    let text = match (kind, subtype) {
        (0, 0) => "app, factory",
        (0, 0x10..=0x1F) => return format!("app, ota_{}", subtype & 0xF),
        (0, 0x20) => "app, test",
        (1, 0) => "data, ota",
        (1, 1) => "data, phy",
        (1, 2) => "data, nvs",
        (1, 3) => "data, coredump",
        (1, 4) => "data, nvs_keys",
        (1, 5) => "data, efuse",
        (1, 0x81) => "data, fat",
        (1, 0x82) => "data, spiffs",
        (1, 0x83) => "data, littlefs",
        _ => return format!("type {kind:#04x}, subtype {subtype:#04x}"),
    };
    text.to_owned()
}

/// Reads the first table of a run whose digest is right; offsets count from the run's start.
fn tables_of(image: &Image, run: Span) -> Option<Vec<Partition>> {
    let mut at = SECTOR;
    while at < run.len() {
        if take(image, run.start(), at) == Some(MAGIC)
            && let Some(partitions) = table(image, run.start(), at)
        {
            return Some(partitions);
        }
        at = at.checked_add(SECTOR)?;
    }
    None
}

fn table(image: &Image, flash: Address, at: u64) -> Option<Vec<Partition>> {
    let mut partitions: Vec<Partition> = Vec::new();
    for index in 0..MOST {
        let entry = at.checked_add(index.checked_mul(ENTRY)?)?;
        if take(image, flash, entry)? == DIGEST {
            let entries = part(flash, at, entry.checked_sub(at)?)?;
            let digest: [u8; 16] = take(image, flash, entry.checked_add(16)?)?;
            let bytes = image.bytes(entries).ok()?;
            let whole = part(flash, at, entry.checked_add(ENTRY)?.checked_sub(at)?)?;
            for partition in &mut partitions {
                partition.table = whole;
            }
            return (<[u8; 16]>::from(Md5::digest(&bytes)) == digest).then_some(partitions);
        }
        let [first, second, type_, subtype] = take(image, flash, entry)?;
        if [first, second] != MAGIC {
            return None;
        }
        let offset = word(image, flash, entry.checked_add(4)?)?;
        let size = word(image, flash, entry.checked_add(8)?)?;
        let label: [u8; 16] = take(image, flash, entry.checked_add(12)?)?;
        let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
        let code = [type_, subtype];
        let span = part(flash, offset.into(), size.into())?;
        partitions.push(Partition {
            table: span,
            span,
            label: String::from_utf8_lossy(label).into_owned(),
            kind: kind(code),
            code,
        });
    }
    None
}
