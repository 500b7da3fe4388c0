//! Zephyr's store: data from a sector's start up, an allocation table from its end down.
//!
//! Source: Zephyr, "Non-Volatile Storage (NVS)", and its `subsys/fs/nvs/nvs.c`, whose rules for what
//! fits are kept: an entry begins a sector where the last one has no room for it, every sector begins
//! with the mark that nothing is left to collect, and one sector stays erased.

use super::NvsError;
use crate::image::Span;

/// Bytes of a table entry before it is aligned.
pub(crate) const ATE: u64 = 8;
/// Bytes of the CRC-32 behind a value, with `CONFIG_NVS_DATA_CRC`.
pub(crate) const CRC: usize = 4;
/// Id of entries about the sector itself.
const SECTOR_ITSELF: u16 = 0xFFFF;

/// Returns the CRC-8 of a table entry: CCITT, from 0xFF on.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    const MODEL: crc::Algorithm<u8> = crc::Algorithm {
        init: 0xFF,
        check: 0xFB,
        ..crc::CRC_8_SMBUS
    };
    const CRC8: crc::Crc<u8> = crc::Crc::<u8>::new(&MODEL);
    CRC8.checksum(bytes)
}

/// Returns the CRC-32 of a value, as it is stored.
pub(crate) fn crc32(value: &[u8]) -> [u8; CRC] {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    CRC32.checksum(value).to_le_bytes()
}

/// How a store is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) sector: u64,
    pub(super) align: u64,
    pub(super) data_crc: bool,
}

/// Makes a partition that holds `values`, ids and bytes.
pub(super) fn write(
    values: &[(u16, Vec<u8>)],
    layout: Layout,
    at: Span,
) -> Result<Vec<u8>, NvsError> {
    let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut store = Store {
        bytes: vec![0xFF; bytes(at.len())],
        sector: bytes(layout.sector),
        align: bytes(layout.align),
        base: 0,
        data: 0,
        ate: 0,
    };
    let full = || NvsError::Full {
        at,
        blocks: (at.len() / layout.sector).saturating_sub(1),
    };
    store.begin(0);
    for (id, value) in values {
        let mut value = value.clone();
        if layout.data_crc {
            let crc = crc32(&value);
            value.extend(crc);
        }
        let most = store.sector.saturating_sub(4 * store.size());
        if value.len() > most {
            return Err(NvsError::TooLong {
                name: format!("id {id}"),
                bytes: value.len(),
                most,
            });
        }
        if !store.fits(value.len()) {
            store.close();
            let next = store.base + store.sector;
            // The last sector is the one that collecting garbage needs.
            if next + store.sector >= store.bytes.len() {
                return Err(full());
            }
            store.begin(next);
            if !store.fits(value.len()) {
                return Err(full());
            }
        }
        store.put(*id, &value);
    }
    Ok(store.bytes)
}

struct Store {
    bytes: Vec<u8>,
    sector: usize,
    align: usize,
    /// Start of the sector in work.
    base: usize,
    /// Where the next data and the next table entry go, from there.
    data: usize,
    ate: usize,
}

impl Store {
    /// Returns the bytes that a table entry takes.
    fn size(&self) -> usize {
        8usize.next_multiple_of(self.align.max(1))
    }

    /// Begins a sector; its last place is for closing it.
    fn begin(&mut self, base: usize) {
        self.base = base;
        self.data = 0;
        self.ate = self.sector.saturating_sub(2 * self.size());
        self.entry(SECTOR_ITSELF, 0);
    }

    /// Returns whether a value fits, and an entry more than its own.
    fn fits(&self, len: usize) -> bool {
        let len = len.next_multiple_of(self.align.max(1));
        self.ate >= self.data + len + self.size()
    }

    fn put(&mut self, id: u16, value: &[u8]) {
        let at = self.base + self.data;
        if let Some(place) = self.bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
        self.entry(id, value.len());
        self.data += value.len().next_multiple_of(self.align.max(1));
    }

    /// Writes the next table entry, for data at the next free place.
    fn entry(&mut self, id: u16, len: usize) {
        self.entry_at(self.ate, id, self.data, len);
        self.ate = self.ate.saturating_sub(self.size());
    }

    /// Closes the sector: its last place names the last entry of its table.
    fn close(&mut self) {
        let last = self.ate + self.size();
        let place = self.sector.saturating_sub(self.size());
        self.entry_at(place, SECTOR_ITSELF, last, 0);
    }

    fn entry_at(&mut self, place: usize, id: u16, offset: usize, len: usize) {
        let half = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
        let mut entry = [id.to_le_bytes(), half(offset), half(len)].concat();
        entry.push(0xFF);
        entry.push(crc8(&entry));
        let at = self.base + place;
        if let Some(place) = self.bytes.get_mut(at..at + entry.len()) {
            place.copy_from_slice(&entry);
        }
    }
}
