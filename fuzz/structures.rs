//! Flat images of kinds that say themselves what covers them. What such a parser asks first is put
//! right, so that what is fed reaches the code behind it.

use eol_inject::image::{Address, Format, Hint, Image};
use eol_inject::recipe::Recipe;
use eol_inject::slot;

use super::{TOKEN, image};

/// The first bytes of an image of each kind.
pub const UBOOT: [&[u8]; 2] = [
    &0x2705_1956_u32.to_be_bytes(),
    &0xD00D_FEED_u32.to_be_bytes(),
];
pub const ESP: [&[u8]; 1] = [&[0xE9]];
pub const MCUBOOT: [&[u8]; 1] = [&0x96F3_B83D_u32.to_le_bytes()];

/// Bytes of a page of ESP-IDF's store, of its header in front of that one's CRC, and of an entry.
const PAGE: usize = 4096;
const HEADER: usize = 28;
const ENTRY: usize = 32;
/// The type of an entry whose text follows.
const STRING: u8 = 0x21;

/// Reads an image that starts as one of its kind does; the first byte says as which.
pub fn starting(bytes: &[u8], starts: &[&[u8]]) {
    image(bytes, Format::Bin);
    let Some((which, rest)) = bytes.split_first() else {
        return;
    };
    let start = starts[usize::from(*which) % starts.len()];
    let rest = rest.get(start.len()..).unwrap_or_default();
    image(&[start, rest].concat(), Format::Bin);
}

/// Reads an image with the end of a DFU file (USB DFU 1.1, appendix B), whose CRC is right.
pub fn dfu(bytes: &[u8]) {
    image(bytes, Format::Bin);
    let mut file = bytes.to_vec();
    file.extend([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x01]);
    file.extend(b"UFD\x10");
    let sum = !crc32(0, &file);
    file.extend(sum.to_le_bytes());
    image(&file, Format::Bin);
}

/// Reads a settings store whose pages and entries have the right CRCs, and fills its strings.
pub fn store(bytes: &[u8]) {
    let mut pages = bytes.to_vec();
    pages.resize(bytes.len().next_multiple_of(PAGE).max(PAGE), 0xFF);
    for page in pages.chunks_exact_mut(PAGE) {
        page[..4].copy_from_slice(&0xFFFF_FFFE_u32.to_le_bytes());
        page[8] = 0xFE | page[8] & 1;
        let sum = crc32(!0, &page[4..HEADER]);
        page[HEADER..ENTRY].copy_from_slice(&sum.to_le_bytes());
        let mut rest = &mut page[2 * ENTRY..];
        while rest.len() >= ENTRY {
            let len = entries(rest);
            let (entry, behind) = rest.split_at_mut(len);
            right(entry);
            rest = behind;
        }
    }
    let hint = Hint {
        base: Some(Address::new(0x9000)),
        ..Hint::default()
    };
    let Ok(image) = Image::read(pages, hint) else {
        return;
    };
    for store in slot::stores(&image) {
        for (name, _) in store.strings.iter().take(8) {
            let Some((namespace, key)) = name.split_once('/') else {
                continue;
            };
            fill(&image, namespace, key);
        }
    }
}

/// Returns how many bytes an entry takes with what belongs to it.
fn entries(page: &[u8]) -> usize {
    let span = match page[1] {
        STRING => usize::from(page[2].max(1)),
        _ => 1,
    };
    (span * ENTRY).min(page.len())
}

/// Puts the CRCs of an entry right.
fn right(entry: &mut [u8]) {
    let len = usize::from(u16::from_le_bytes([entry[24], entry[25]]));
    if let Some(text) = entry.get(ENTRY..ENTRY + len).filter(|_| entry[1] == STRING) {
        let sum = crc32(!0, text);
        entry[28..ENTRY].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = crc32(crc32(!0, &entry[..4]), &entry[8..ENTRY]);
    entry[4..8].copy_from_slice(&sum.to_le_bytes());
}

/// Puts a token into a string, and reads it back.
fn fill(image: &Image, namespace: &str, key: &str) {
    let text = format!(
        "product = \"P\"\n[image]\nfile = \"x.bin\"\nbase = 0x9000\n[[slot]]\nvalue = \"auth-token\"\n\
         nvs = {{ namespace = {namespace:?}, key = {key:?} }}\nblank = \"any\"\n"
    );
    let Ok(recipe) = Recipe::parse(&text, std::path::Path::new(".")) else {
        return;
    };
    for spec in &recipe.slots {
        let Ok(slot) = slot::locate(image, spec) else {
            continue;
        };
        // A placeholder that is this very token is refused.
        let Ok(filled) = slot.encode(TOKEN) else {
            continue;
        };
        assert_eq!(
            filled.len(),
            usize::try_from(slot.span().len()).unwrap(),
            "a slot keeps its length"
        );
        assert!(matches!(slot.read(&filled), slot::Content::Filled(_)));
    }
}

/// Returns the CRC-32 of these bytes behind those that gave `start`, as zlib has it: 0 for none,
/// `!0` for none where ESP-IDF's store begins.
fn crc32(start: u32, bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    };
    !bytes.iter().fold(!start, step)
}
