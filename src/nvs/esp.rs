//! ESP-IDF's store: pages of 126 entries of 32 bytes.
//!
//! Source: Espressif, ESP-IDF Programming Guide, "Non-Volatile Storage Library", "Internals"; the
//! order of pages and entries is that of Espressif's generator, so that both give the same bytes.

use std::collections::BTreeSet;

use super::NvsError;
use super::table::{Data, Value};
use crate::image::Span;

const PAGE: usize = 4096;
/// Bytes of an entry, and how many a page has.
pub(crate) const ENTRY: usize = 32;
pub(crate) const COUNT: usize = 126;
/// Where a page's bits of state start, and its entries.
pub(crate) const STATES: usize = 32;
pub(crate) const ENTRIES: usize = 64;
const ACTIVE: u32 = 0xFFFF_FFFE;
const FULL: u32 = 0xFFFF_FFFC;
/// Entry types: a `u8`, as which a namespace has its number, and others.
pub(crate) const NUMBER: u8 = 0x01;
pub(crate) const STRING: u8 = 0x21;
const BLOB: u8 = 0x41;
const BLOB_PART: u8 = 0x42;
const BLOB_INDEX: u8 = 0x48;
/// What an entry that is no part of a blob has as its part's number.
const WHOLE: u8 = 0xFF;
/// Numbers of namespaces: 0 names them, 255 is any.
const NAMESPACES: usize = 254;
/// Longest blob, in bytes (ESP-IDF Programming Guide, `nvs_set_blob`).
const LONGEST: usize = 508_000;
/// A partition that firmware writes has as many pages at least; one of them stays free.
const WRITABLE: usize = 3;

/// CRC-32 as the boot ROM computes it from 0xFFFFFFFF on: its register is the complement.
pub(crate) fn crc(parts: &[&[u8]]) -> u32 {
    const MODEL: crc::Algorithm<u32> = crc::Algorithm {
        init: 0,
        check: 0xd202_d277,
        ..crc::CRC_32_ISO_HDLC
    };
    const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&MODEL);
    let mut digest = CRC.digest();
    for part in parts {
        digest.update(part);
    }
    digest.finalize()
}

/// Returns an entry's own CRC: of all its bytes but the CRC.
pub(crate) fn own_crc(entry: &[u8]) -> u32 {
    let head = entry.get(..4).unwrap_or_default();
    let rest = entry.get(8..ENTRY).unwrap_or_default();
    crc(&[head, rest])
}

/// Makes a partition that holds `values`.
pub(super) fn write(values: &[Value], version: u8, at: Span) -> Result<Vec<u8>, NvsError> {
    let size = usize::try_from(at.len()).unwrap_or(usize::MAX);
    let pages = size / PAGE;
    // Fewer pages are for partitions that the firmware only reads.
    let free = usize::from(pages >= WRITABLE);
    let mut store = Store {
        pages: Vec::new(),
        most: pages.saturating_sub(free),
        version,
        at,
    };
    store.page()?;
    let mut namespaces: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values {
        let again = !seen.insert((&value.namespace, &value.key));
        if again && value.data != Data::Namespace {
            return Err(NvsError::Twice { name: value.name() });
        }
        let known = namespaces.iter().position(|name| *name == value.namespace);
        let index = match known {
            Some(index) => index,
            None => {
                namespaces.push(&value.namespace);
                let index = namespaces.len() - 1;
                store.entry(Head::new(0, NUMBER, &value.namespace), &[number(index)?])?;
                index
            }
        };
        let namespace = number(index)?;
        store.put(value, namespace)?;
    }
    let mut bytes: Vec<u8> = store
        .pages
        .into_iter()
        .flat_map(|page| page.bytes)
        .collect();
    bytes.resize(size, 0xFF);
    Ok(bytes)
}

/// Returns the number of a namespace.
fn number(index: usize) -> Result<u8, NvsError> {
    let found = index + 1;
    match u8::try_from(found) {
        Ok(number) if found <= NAMESPACES => Ok(number),
        _ => Err(NvsError::Namespaces {
            found,
            most: NAMESPACES,
        }),
    }
}

/// The first bytes of an entry, without its data.
struct Head<'h> {
    namespace: u8,
    kind: u8,
    part: u8,
    key: &'h str,
}

impl<'h> Head<'h> {
    const fn new(namespace: u8, kind: u8, key: &'h str) -> Self {
        Self {
            namespace,
            kind,
            part: WHOLE,
            key,
        }
    }

    /// Returns the entry with its data of 8 bytes at most, one of `span`.
    fn with(&self, span: usize, data: &[u8]) -> [u8; ENTRY] {
        let mut entry = [0xFF; ENTRY];
        let span = u8::try_from(span).unwrap_or(u8::MAX);
        let head = [self.namespace, self.kind, span, self.part];
        let mut key = [0; 16];
        put(&mut key, 0, self.key.as_bytes());
        put(&mut entry, 0, &head);
        put(&mut entry, 8, &key);
        put(&mut entry, 24, data);
        let own = own_crc(&entry).to_le_bytes();
        put(&mut entry, 4, &own);
        entry
    }
}

/// Puts `new` at `at`.
fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let rest = bytes.get_mut(at..).unwrap_or_default();
    for (old, new) in rest.iter_mut().zip(new) {
        *old = *new;
    }
}

struct Page {
    bytes: Vec<u8>,
    used: usize,
}

struct Store {
    pages: Vec<Page>,
    /// Pages that may be written.
    most: usize,
    version: u8,
    at: Span,
}

impl Store {
    /// Begins a page; the one before it is full.
    fn page(&mut self) -> Result<(), NvsError> {
        if self.pages.len() >= self.most {
            return Err(NvsError::Full {
                at: self.at,
                blocks: u64::try_from(self.most).unwrap_or(u64::MAX),
            });
        }
        if let Some(page) = self.pages.last_mut() {
            put(&mut page.bytes, 0, &FULL.to_le_bytes());
        }
        let number = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        let mut bytes = vec![0xFF; PAGE];
        put(&mut bytes, 0, &ACTIVE.to_le_bytes());
        put(&mut bytes, 4, &number.to_le_bytes());
        // The byte counts down: version 1 is erased flash.
        put(&mut bytes, 8, &[0u8.wrapping_sub(self.version)]);
        let own = crc(&[bytes.get(4..28).unwrap_or_default()]).to_le_bytes();
        put(&mut bytes, 28, &own);
        self.pages.push(Page { bytes, used: 0 });
        Ok(())
    }

    /// Returns how many entries the page in work has left.
    fn left(&self) -> usize {
        let used = self.pages.last().map_or(COUNT, |page| page.used);
        COUNT.saturating_sub(used)
    }

    /// Writes entries into the page in work and marks them written.
    fn append(&mut self, bytes: &[u8]) {
        let Some(page) = self.pages.last_mut() else {
            return;
        };
        put(&mut page.bytes, ENTRIES + page.used * ENTRY, bytes);
        for index in page.used..page.used + bytes.len().div_ceil(ENTRY) {
            // Two bits an entry: 11 is empty, 10 written.
            if let Some(states) = page.bytes.get_mut(STATES + index / 4) {
                *states &= !(1 << (2 * (index % 4)));
            }
            page.used = index + 1;
        }
    }

    /// Writes a value of one entry.
    fn entry(&mut self, head: Head<'_>, data: &[u8]) -> Result<(), NvsError> {
        if self.left() == 0 {
            self.page()?;
        }
        self.append(&head.with(1, data));
        Ok(())
    }

    fn put(&mut self, value: &Value, namespace: u8) -> Result<(), NvsError> {
        let head = |kind| Head::new(namespace, kind, &value.key);
        match &value.data {
            Data::Namespace => Ok(()),
            Data::Number(kind, bytes) => self.entry(head(*kind), bytes),
            Data::Text(text) => self.whole(head(STRING), text, value),
            Data::Blob(bytes) if self.version == 1 => self.whole(head(BLOB), bytes, value),
            Data::Blob(bytes) if bytes.len() > LONGEST => Err(NvsError::TooLong {
                name: value.name(),
                bytes: bytes.len(),
                most: LONGEST,
            }),
            Data::Blob(bytes) => self.parts(head(BLOB_PART), bytes),
        }
    }

    /// Writes a value that lies in one page.
    fn whole(&mut self, head: Head<'_>, bytes: &[u8], value: &Value) -> Result<(), NvsError> {
        let entries = bytes.len().div_ceil(ENTRY);
        // The generator leaves the last entry of a page to values of one entry.
        let most = if self.version == 1 {
            1984
        } else {
            (COUNT - 2) * ENTRY
        };
        if bytes.len() > most {
            return Err(NvsError::TooLong {
                name: value.name(),
                bytes: bytes.len(),
                most,
            });
        }
        if entries + 1 >= self.left() {
            self.page()?;
        }
        self.with_data(&head, bytes);
        Ok(())
    }

    /// Writes a blob in as many pages as it takes, and the entry that counts its parts.
    fn parts(&mut self, mut head: Head<'_>, bytes: &[u8]) -> Result<(), NvsError> {
        if self.left() == 0 {
            self.page()?;
        }
        let mut rest = bytes;
        let mut count = 0u8;
        loop {
            let room = self.left().saturating_sub(1) * ENTRY;
            let (part, behind) = rest.split_at(room.min(rest.len()));
            head.part = count;
            self.with_data(&head, part);
            count = count.saturating_add(1);
            rest = behind;
            if !rest.is_empty() || room - part.len() < ENTRY {
                self.page()?;
            }
            if rest.is_empty() {
                break;
            }
        }
        let index = Head {
            kind: BLOB_INDEX,
            part: WHOLE,
            ..head
        };
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut data = [0xFF; 8];
        put(&mut data, 0, &size);
        put(&mut data, 4, &[count, 0]);
        self.append(&index.with(1, &data));
        Ok(())
    }

    /// Writes an entry with its length and CRC, and the bytes behind it.
    fn with_data(&mut self, head: &Head<'_>, bytes: &[u8]) {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let mut data = [0xFF; 8];
        put(&mut data, 0, &len.to_le_bytes());
        put(&mut data, 4, &crc(&[bytes]).to_le_bytes());
        self.append(&head.with(bytes.len().div_ceil(ENTRY) + 1, &data));
        self.append(bytes);
    }
}
