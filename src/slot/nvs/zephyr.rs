//! Zephyr's store: data from a sector's start up, an allocation table from its end down.
//!
//! Source: Zephyr, "Non-Volatile Storage (NVS)", and its `subsys/fs/nvs/nvs_priv.h`. An entry of
//! the table is id, offset and length of the data, part and a CRC-8; of several with one id the
//! one written last counts, which stands lowest. The last place of a sector closes it.

use zeroize::Zeroizing;

use super::entry::{Entry, Found, Nvs, blocks};
use crate::image::structure::half_at;
use crate::image::{Address, Image, Span};
pub(super) use crate::nvs::zephyr::CRC;
use crate::nvs::zephyr::{ATE, crc8, crc32};
use crate::recipe::ZephyrNvs;

/// Writes a text with its NUL.
pub(super) fn write(text: &[u8], crc: bool) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(text.to_vec());
    if crc {
        bytes.extend(crc32(text));
    }
    bytes
}

/// Returns the text with its NUL.
pub(super) fn text(bytes: &[u8], crc: bool) -> Result<&[u8], String> {
    if !crc {
        return Ok(bytes);
    }
    let at = bytes.len().saturating_sub(CRC);
    let (text, stored) = bytes.split_at_checked(at).unwrap_or_default();
    if stored != crc32(text) {
        return Err("the CRC of its text is wrong".to_owned());
    }
    Ok(text)
}

/// A table entry that is right.
struct Ate {
    id: u16,
    offset: u64,
    len: u64,
}

/// Reads the table entry at the start of `bytes`, in a sector whose data may end at `end`.
fn ate(bytes: &[u8], end: u64) -> Option<Ate> {
    let ate = bytes.get(..8)?;
    let (fields, crc) = ate.split_at_checked(7)?;
    let (offset, len) = (u64::from(half_at(ate, 2)?), u64::from(half_at(ate, 4)?));
    let right = crc == [crc8(fields)] && offset + len < end;
    right.then_some(Ate {
        id: half_at(ate, 0)?,
        offset,
        len,
    })
}

/// Finds the value that was stored last under the id.
pub(super) fn find(image: &Image, place: &ZephyrNvs) -> Found {
    let mut found = Found::default();
    for block in blocks(image, place.at, place.sector) {
        let Ok(bytes) = image.bytes(block) else {
            continue;
        };
        let Some(last) = newest(&bytes, place, &mut found, block.start()) else {
            continue;
        };
        let start = block.start().checked_add(last.offset);
        let Some(span) = start.and_then(|start| Span::new(start, last.len)) else {
            found.wrong.push((block.start(), "deleted".to_owned()));
            continue;
        };
        let data = image.bytes(span).unwrap_or_default();
        found.entries.push(Entry {
            span,
            layout: Nvs::Zephyr {
                crc: text(&data, true).is_ok_and(|text| text.ends_with(&[0])),
            },
        });
    }
    found
}

/// Sectors and write blocks that are tried where no recipe tells.
const SECTORS: [u64; 4] = [4096, 1024, 2048, 8192];
const ALIGNS: [u64; 3] = [4, 16, 32];

/// Lists the values whose text is stored at `at`, as a recipe names them.
pub(super) fn stored_at(image: &Image, at: Address) -> Vec<ZephyrNvs> {
    let mut places = Vec::new();
    for sector in SECTORS {
        let block = blocks(image, None, sector)
            .into_iter()
            .find(|block| block.start() <= at && at < block.end());
        let Some(bytes) = block.and_then(|block| Some((block, image.bytes(block).ok()?))) else {
            continue;
        };
        let (block, bytes) = bytes;
        let offset = at.get().saturating_sub(block.start().get());
        for align in ALIGNS {
            let place = |id| ZephyrNvs {
                id,
                sector,
                align,
                at: None,
                length: None,
            };
            let mut ids: Vec<u16> = table(&bytes, sector, align)
                .filter(|entry| entry.offset == offset)
                .map(|entry| entry.id)
                .collect();
            ids.dedup();
            places.extend(ids.into_iter().map(place));
        }
    }
    places
}

/// Reads the table of a sector from its end down, up to the first place that is no entry.
fn table(bytes: &[u8], sector: u64, align: u64) -> impl Iterator<Item = Ate> {
    let size = ATE.next_multiple_of(align.max(1));
    let end = sector.saturating_sub(size);
    let places = (1..).map_while(move |index: u64| end.checked_sub(size.checked_mul(index)?));
    places.map_while(move |at| ate(bytes.get(usize::try_from(at).ok()?..)?, end))
}

/// Returns the last entry of a sector for the id.
fn newest(sector: &[u8], place: &ZephyrNvs, found: &mut Found, start: Address) -> Option<Ate> {
    let size = ATE.next_multiple_of(place.align.max(1));
    let end = place.sector.checked_sub(size)?;
    let mut at = end.checked_sub(size)?;
    let mut known = false;
    let mut newest = None;
    loop {
        let bytes = sector.get(usize::try_from(at).ok()?..)?;
        match ate(bytes, end) {
            Some(entry) => {
                known = true;
                if entry.id == place.id {
                    newest = Some(entry);
                }
            }
            // Without an entry in its first place a sector is none of this store.
            None if !known => return None,
            None if bytes.iter().take(8).all(|byte| *byte == 0xFF) => return newest,
            None => {
                let at = start.checked_add(at)?;
                let reason = "a table entry whose CRC is wrong".to_owned();
                found.wrong.push((at, reason));
                return newest;
            }
        }
        match at.checked_sub(size) {
            Some(below) => at = below,
            None => return newest,
        }
    }
}
