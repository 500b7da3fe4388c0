//! The zip of an export: its files in memory, within limits.
//!
//! Nothing is unpacked to disk. It does not know what the files mean.

use std::collections::HashSet;
use std::io::{Cursor, ErrorKind, Read};

use memchr::memmem;
use zeroize::Zeroizing;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::error::PoolError;
use super::item::Item;
use super::pairs;

/// Most entries.
pub(super) const ENTRIES: usize = 250_000;
/// Most bytes of all entries together, inflated.
const TOTAL: u64 = 1024 * 1024 * 1024;
/// Most bytes of one entry, inflated.
const ENTRY: u64 = 512 * 1024 * 1024;
/// Bytes that any entry may inflate to, whatever its ratio.
const FREE: u64 = 1024 * 1024;
/// Most inflated bytes for one stored byte beyond [`FREE`]; token lists reach about 2.
const RATIO: u64 = 20;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads the files of an archive, in its order.
pub(super) fn items(bytes: &[u8]) -> Result<Vec<Item>, PoolError> {
    // Before anything is made of them: each entry has a header in the directory (APPNOTE 4.3.12).
    let headers = memmem::find_iter(bytes, b"PK\x01\x02");
    if headers.take(ENTRIES + 1).count() > ENTRIES {
        return Err(too_many());
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| PoolError::Archive { what: what(&error) })?;
    if archive.len() > ENTRIES {
        return Err(too_many());
    }
    if archive.has_duplicate_names() {
        return Err(PoolError::Archive {
            what: "two entries have the same name",
        });
    }
    // Also what hides a bomb: many entries that inflate the same bytes.
    match archive.has_overlapping_entries() {
        Ok(false) => {}
        Ok(true) => {
            return Err(PoolError::Archive {
                what: "entries overlap",
            });
        }
        Err(error) => {
            return Err(PoolError::Archive { what: what(&error) });
        }
    }
    let mut items = Vec::with_capacity(archive.len());
    let mut names = HashSet::new();
    let mut left = TOTAL;
    for index in 0..archive.len() {
        let Some(item) = item(&mut archive, index, left)? else {
            continue;
        };
        // `a/b` and `a\\b` are one file.
        if !names.insert(item.name.clone()) {
            return Err(entry(index, "its name stands twice"));
        }
        left = left.saturating_sub(length(&item.bytes));
        items.push(item);
    }
    Ok(items)
}

fn too_many() -> PoolError {
    PoolError::TooLarge {
        what: "the archive holds more entries",
        limit: 250_000,
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn entry(index: usize, what: &'static str) -> PoolError {
    PoolError::ArchiveEntry {
        entry: index + 1,
        what,
    }
}

/// Reads one entry; `None` for folders and litter.
fn item(archive: &mut Archive<'_>, index: usize, left: u64) -> Result<Option<Item>, PoolError> {
    // Looked at raw first: an encrypted entry would not open at all.
    let raw = archive
        .by_index_raw(index)
        .map_err(|error| entry(index, what(&error)))?;
    let Some(name) = checked(&raw, index)? else {
        return Ok(None);
    };
    drop(raw);
    let mut file = archive
        .by_index(index)
        .map_err(|error| entry(index, what(&error)))?;
    let ratio = file
        .compressed_size()
        .saturating_mul(RATIO)
        .saturating_add(FREE);
    let limit = ENTRY.min(left).min(ratio);
    let declared = file.size();
    let room = usize::try_from(declared.min(limit)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.saturating_add(1)));
    let read = file
        .by_ref()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => entry(index, "its data is damaged"),
        _ => entry(index, "its data cannot be inflated"),
    })?;
    if length(&bytes) > limit {
        return Err(PoolError::TooLarge {
            what: "an entry of the archive inflates to more bytes",
            limit,
        });
    }
    if length(&bytes) != declared {
        return Err(entry(index, "its size is not what the archive says"));
    }
    Ok(Some(Item { name, bytes }))
}

/// Checks what the directory says about an entry, before anything is inflated.
fn checked<R: Read>(file: &ZipFile<'_, R>, index: usize) -> Result<Option<String>, PoolError> {
    let name = file
        .name()
        .map_err(|_| entry(index, "its name is no text"))?;
    let path = name.replace('\\', "/");
    let drive = path.as_bytes().get(1) == Some(&b':');
    let outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
    if outside || drive || path.contains('\0') {
        return Err(entry(index, "its path leads out of the archive"));
    }
    if file.is_symlink() {
        return Err(entry(index, "it is a link"));
    }
    if path.ends_with("xl/workbook.xml") {
        return Err(PoolError::Archive {
            what: "it is a workbook: save it as CSV UTF-8",
        });
    }
    if file.is_dir() || pairs::is_ignored(&path) {
        return Ok(None);
    }
    if file.encrypted() {
        return Err(entry(
            index,
            "it is encrypted: unpack it and import the folder",
        ));
    }
    Ok(Some(path))
}

/// Names a fault without the archive's own words, in which a file name may stand.
fn what(error: &ZipError) -> &'static str {
    match error {
        ZipError::UnsupportedArchive(_) => "it is packed in a way that this program does not read",
        ZipError::CompressionMethodNotSupported(_) => {
            "its compression is none that this program reads: pack it with deflate"
        }
        _ => "it is damaged or cut off",
    }
}
