//! ESP-IDF's store: pages of 126 entries of 32 bytes.
//!
//! Source: Espressif, ESP-IDF Programming Guide, "Non-Volatile Storage Library", "Internals". A
//! page has a header with its CRC, two bits of state for each entry, then the entries. A string is
//! one entry with its name, length and CRC, and its text in the entries that follow.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::entry::{Entry, Found, Nvs, Stored, blocks};
use crate::image::structure::{half_at, word_at};
use crate::image::{Address, Image, Span};
use crate::nvs::esp::{COUNT, ENTRIES, ENTRY, NUMBER, STATES, STRING, crc, own_crc};
use crate::recipe::EspNvs;

const PAGE: u64 = 4096;
/// Page states: active, full, being freed.
const IN_USE: [u32; 3] = [0xFFFF_FFFE, 0xFFFF_FFFC, 0xFFFF_FFF8];
/// Format versions 1 and 2; they differ in blobs only.
const VERSIONS: [u8; 2] = [0xFF, 0xFE];
/// Two bits of an entry that holds something.
const WRITTEN: u8 = 0b10;

/// Returns the entries that a text of `len` bytes, with its NUL, takes beside its header.
const fn entries(len: usize) -> usize {
    len.div_ceil(ENTRY)
}

/// Returns how long a text may be, with its NUL, in an entry of `len` bytes.
pub(super) const fn room(len: usize) -> RangeInclusive<usize> {
    let most = len.saturating_sub(ENTRY);
    most.saturating_sub(ENTRY) + 1..=most
}

/// Writes a text with its NUL into the entry `master`.
pub(super) fn write(master: &[u8], text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(master.to_vec());
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut put = |at: usize, new: &[u8]| {
        let end = at.saturating_add(new.len());
        if let Some(place) = bytes.get_mut(at..end) {
            place.copy_from_slice(new);
        }
    };
    put(24, &len.to_le_bytes());
    put(28, &crc(&[text]).to_le_bytes());
    put(ENTRY, text);
    if let Some(rest) = bytes.get_mut(ENTRY.saturating_add(text.len())..) {
        rest.fill(0xFF);
    }
    let own = own_crc(&bytes).to_le_bytes();
    if let Some(place) = bytes.get_mut(4..8) {
        place.copy_from_slice(&own);
    }
    bytes
}

/// Returns the text of a string entry, with its NUL.
pub(super) fn text(entry: &[u8]) -> Result<&[u8], String> {
    let cut = "its entry is cut off";
    if word_at(entry, 4).ok_or(cut)? != own_crc(entry) {
        return Err("the CRC of its entry is wrong".to_owned());
    }
    let [_, kind, span, ..] = entry else {
        return Err(cut.to_owned());
    };
    if *kind != STRING {
        return Err(format!("its type is 0x{kind:02x}, not a string's 0x21"));
    }
    let len = usize::from(half_at(entry, 24).ok_or(cut)?);
    if usize::from(*span) != entries(len) + 1 || entry.len() != usize::from(*span) * ENTRY {
        return Err(format!("its length {len} does not fit {span} entries"));
    }
    let text = entry.get(ENTRY..ENTRY + len).ok_or(cut)?;
    if word_at(entry, 28) != Some(crc(&[text])) {
        return Err("the CRC of its text is wrong".to_owned());
    }
    Ok(text)
}

/// One written entry.
struct Item {
    span: Span,
    namespace: u8,
    kind: u8,
    key: Vec<u8>,
    /// First byte of its data: of a namespace, its number.
    number: u8,
}

/// Finds the string `key` of `namespace`.
pub(super) fn find(image: &Image, place: &EspNvs) -> Found {
    let mut found = Found::default();
    for (_, items) in stores(image, place.at, &mut found.wrong) {
        search(&items, place, &mut found);
    }
    found
}

/// Lists the stores of an image with the names of their strings.
pub(super) fn listed(image: &Image) -> Vec<Stored> {
    let stores = stores(image, None, &mut Vec::new()).into_iter();
    stores
        .map(|(span, items)| {
            let strings = items.iter().filter(|item| item.kind == STRING);
            let strings = strings.map(|item| {
                let space = items.iter().find(|space| {
                    space.namespace == 0 && space.kind == NUMBER && space.number == item.namespace
                });
                let space = space.map(|space| space.key.as_slice()).unwrap_or_default();
                let name = [space, b"/", &item.key].concat();
                (String::from_utf8_lossy(&name).into_owned(), item.span)
            });
            Stored {
                span,
                strings: strings.collect(),
            }
        })
        .collect()
}

/// Reads all stores: pages that follow each other are one, and names count inside it.
fn stores(
    image: &Image,
    within: Option<Span>,
    wrong: &mut Vec<(Address, String)>,
) -> Vec<(Span, Vec<Item>)> {
    let mut stores: Vec<(Span, Vec<Item>)> = Vec::new();
    for block in blocks(image, within, PAGE) {
        let Some(page) = page(image, block) else {
            continue;
        };
        let joined = stores
            .last_mut()
            .filter(|(span, _)| span.end() == block.start());
        let next = joined.and_then(|(span, found)| {
            Some((Span::between(span.start(), block.end())?, span, found))
        });
        let into = match next {
            Some((both, span, found)) => {
                *span = both;
                found
            }
            None => {
                stores.push((block, Vec::new()));
                let Some((_, found)) = stores.last_mut() else {
                    continue;
                };
                found
            }
        };
        if let Page::Used(bytes) = page {
            items(block.start(), &bytes, into, wrong);
        }
    }
    // Erased flash alone is no store.
    stores.retain(|(_, items)| !items.is_empty());
    stores
}

/// A page of a store.
enum Page {
    Erased,
    Used(Vec<u8>),
}

/// Reads a block that is a page.
fn page(image: &Image, block: Span) -> Option<Page> {
    let bytes = image.bytes(block).ok()?;
    if bytes.iter().all(|byte| *byte == 0xFF) {
        return Some(Page::Erased);
    }
    let header = bytes.get(..STATES)?;
    let right = word_at(header, 28)? == crc(&[header.get(4..28)?]);
    let known = IN_USE.contains(&word_at(header, 0)?) && VERSIONS.contains(header.get(8)?);
    (right && known).then(|| Page::Used(bytes.into_owned()))
}

/// Reads the written entries of a page.
fn items(start: Address, page: &[u8], items: &mut Vec<Item>, wrong: &mut Vec<(Address, String)>) {
    let mut index = 0;
    while index < COUNT {
        let state = page.get(STATES + index / 4).copied().unwrap_or(0xFF);
        let at = ENTRIES + index * ENTRY;
        index += 1;
        if state >> (2 * ((index - 1) % 4)) & 0b11 != WRITTEN {
            continue;
        }
        let entry = page.get(at..at + ENTRY).unwrap_or_default();
        let place = start.checked_add(u64::try_from(at).unwrap_or_default());
        let ([namespace, kind, span, ..], Some(place)) = (entry, place) else {
            continue;
        };
        if word_at(entry, 4) != Some(own_crc(entry)) {
            let reason = "an entry whose CRC is wrong".to_owned();
            wrong.push((place, reason));
            continue;
        }
        let span = usize::from(*span).max(1);
        let len = u64::try_from(span * ENTRY).unwrap_or(u64::MAX);
        let key = entry.get(8..24).unwrap_or_default();
        let key = key.split(|byte| *byte == 0).next().unwrap_or_default();
        if let Some(whole) = Span::new(place, len).filter(|_| index - 1 + span <= COUNT) {
            items.push(Item {
                span: whole,
                namespace: *namespace,
                kind: *kind,
                key: key.to_vec(),
                number: entry.get(24).copied().unwrap_or_default(),
            });
        }
        index += span - 1;
    }
}

/// Looks the name up in the entries of one store.
fn search(store: &[Item], place: &EspNvs, found: &mut Found) {
    let (namespace, key) = (&place.namespace, &place.key);
    let numbers: Vec<u8> = store
        .iter()
        .filter(|item| item.namespace == 0 && item.kind == NUMBER)
        .filter(|item| item.key == namespace.as_bytes())
        .map(|item| item.number)
        .collect();
    let named = |item: &&Item| item.namespace != 0 && item.key == key.as_bytes();
    for item in store.iter().filter(named) {
        let at = item.span.start();
        if !numbers.contains(&item.namespace) {
            let reason = format!("`{key}` of another namespace");
            found.wrong.push((at, reason));
        } else if item.kind != STRING {
            let reason = format!("`{key}` of type 0x{:02x}, no string", item.kind);
            found.wrong.push((at, reason));
        } else {
            found.entries.push(Entry {
                span: item.span,
                layout: Nvs::Esp,
            });
        }
    }
}
