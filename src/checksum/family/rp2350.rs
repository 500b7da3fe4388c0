//! RP2350 image definitions: a SHA-256 over the load map's bytes and part of the block.
//!
//! Source: Raspberry Pi, RP2350 datasheet, "Bootrom concepts", "Blocks" and "Image
//! definitions"; picotool `bintool.cpp`. A block starts with FFFFDED3 and ends with AB123579;
//! its items say type and length in words. Without a HASH_DEF nothing is checked.

use crate::checksum::compute::digest::Hash;
use crate::checksum::feed::Piece;
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{half, part, stored, take, word};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

const START: [u8; 4] = 0xFFFF_DED3u32.to_le_bytes();
const END: u32 = 0xAB12_3579;
/// Types of items.
const IMAGE_DEF: u8 = 0x42;
const LOAD_MAP: u8 = 0x06;
const HASH_DEF: u8 = 0x47;
const HASH_VALUE: u8 = 0x4B;
const SIGNATURE: u8 = 0x09;
const LAST: u8 = 0xFF;
/// Types from here on say their length in two bytes.
const LONG: u8 = 0x80;
/// The hash type of HASH_DEF.
const SHA256: u8 = 1;
/// The bit "try before you buy", which the boot ROM clears: highest bit of an image type.
const TBYB: u8 = 0x80;
/// Bytes of a word, and of an entry of a load map.
const WORD: u64 = 4;
const MAP_ENTRY: u64 = 12;
/// Most bytes of a block (`PICOBIN_MAX_BLOCK_SIZE`).
const MOST: u64 = 0x280;

/// An item: its type, place and bytes.
struct Item {
    kind: u8,
    at: Address,
    span: Span,
    head: [u8; 4],
}

/// A block whose structure is whole.
struct Block {
    span: Span,
    items: Vec<Item>,
}

/// Finds the fields of all blocks.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let starts = image.find(&START);
    let starts = starts.filter(|at| at.get().is_multiple_of(WORD));
    let blocks = starts.filter_map(|at| block(image, at));
    blocks.filter_map(|block| field(image, &block)).collect()
}

fn block(image: &Image, base: Address) -> Option<Block> {
    let mut items = Vec::new();
    let mut next = WORD;
    loop {
        let head: [u8; 4] = take(image, base, next)?;
        let [kind, low, high, _] = head;
        let words = if kind >= LONG {
            u64::from(u16::from_le_bytes([low, high]))
        } else {
            u64::from(low)
        };
        if kind == LAST {
            // It says how long all items are; a link and the end follow.
            let end = next.checked_add(2 * WORD)?;
            let right = words.checked_mul(WORD) == next.checked_sub(WORD)
                && word(image, base, end) == Some(END);
            let span = part(base, 0, end.checked_add(WORD)?)?;
            return right.then_some(Block { span, items });
        }
        let bytes = words.checked_mul(WORD).filter(|bytes| *bytes > 0)?;
        let span = stored(image, base, next, bytes)?;
        items.push(Item {
            kind,
            at: span.start(),
            span,
            head,
        });
        next = next.checked_add(bytes).filter(|next| *next < MOST)?;
    }
}

fn field(image: &Image, block: &Block) -> Option<Finding> {
    let find = |kind| block.items.iter().find(|item| item.kind == kind);
    let base = block.span.start();
    find(IMAGE_DEF)?;
    let map = find(LOAD_MAP)?;
    let def = find(HASH_DEF)?;
    let [_, _, _, hash] = def.head;
    let words = u64::from(half(image, def.at, WORD)?);
    let readings = [End::Storage, End::Runtime].map(|end| loaded(image, map, end));
    let readings: Vec<Vec<Piece>> = readings.into_iter().flatten().collect();
    let signed = block.items.iter().find(|item| item.kind == SIGNATURE);
    if signed.is_some() {
        let covers = readings.iter().flatten().filter_map(|piece| match piece {
            Piece::Stored(span) => Some(*span),
            Piece::Constant { .. } => None,
        });
        let mut finding = Finding::refused(
            block.span,
            format!("RP2350 image definition at {base}: signature"),
            "the boot ROM checks it: seal the unit's image behind this step with picotool",
        );
        finding.covers.extend(covers);
        return Some(finding);
    }
    let value = find(HASH_VALUE)?;
    let length = words.checked_mul(WORD)?;
    let inside = value.at.get().checked_sub(base.get())? >= length;
    if hash != SHA256 || value.span.len() != 36 || !inside {
        return None;
    }
    let block_part = without_tbyb(image, base, length, find(IMAGE_DEF)?)?;
    let at = part(value.at, WORD, 32)?;
    let mut fields = readings.into_iter().filter_map(|mut pieces| {
        pieces.extend(block_part.iter().cloned());
        Finding::fed(Kind::Rp2350Hash, pieces, at, Formula::Hash(Hash::Sha256))
            .named(format!("RP2350 image definition at {base}: SHA-256"))
            .framed(vec![block.span])
            .judged(image)
    });
    // The hash shows which reading is meant.
    let first = fields.next()?;
    if first.right {
        return Some(first);
    }
    Some(fields.find(|field| field.right).unwrap_or(first))
}

/// What the third word of an absolute entry is: the datasheet says the one, picotool reads the other.
/// They differ where code is stored elsewhere than it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Storage,
    Runtime,
}

/// Returns what the entries of a load map count as.
fn loaded(image: &Image, map: &Item, end: End) -> Option<Vec<Piece>> {
    let [_, _, _, counts] = map.head;
    let (absolute, entries) = (counts & 0x80 != 0, u64::from(counts & 0x7F));
    let mut pieces = Vec::new();
    for index in 0..entries {
        let at = WORD.checked_add(index.checked_mul(MAP_ENTRY)?)?;
        let storage = word(image, map.at, at)?;
        let last = word(image, map.at, at.checked_add(2 * WORD)?)?;
        if storage == 0 {
            let bytes = last.to_le_bytes();
            pieces.extend(bytes.map(|byte| Piece::Constant { byte, len: 1 }));
            continue;
        }
        let span = if absolute {
            let from = match end {
                End::Storage => storage,
                End::Runtime => word(image, map.at, at.checked_add(WORD)?)?,
            };
            let len = last.checked_sub(from).filter(|len| *len > 0)?;
            Span::new(Address::new(storage.into()), len.into())?
        } else {
            // A distance from the item, with a sign.
            let distance = i64::from(storage.cast_signed());
            let start = map.at.get().checked_add_signed(distance)?;
            Span::new(Address::new(start), last.into())?
        };
        image.require(span).ok()?;
        pieces.push(Piece::Stored(span));
    }
    Some(pieces)
}

/// Returns the first bytes of a block, with the bit cleared that the boot ROM clears.
fn without_tbyb(image: &Image, base: Address, len: u64, def: &Item) -> Option<Vec<Piece>> {
    let flags = def.at.checked_add(3)?;
    let [.., byte] = def.head;
    let before = flags.get().checked_sub(base.get())?;
    let behind = before.checked_add(1)?;
    stored(image, base, 0, len)?;
    if byte & TBYB == 0 || len <= before {
        return Some(vec![Piece::Stored(part(base, 0, len)?)]);
    }
    let mut pieces = vec![
        Piece::Stored(part(base, 0, before)?),
        Piece::Constant {
            byte: byte & !TBYB,
            len: 1,
        },
    ];
    pieces.extend(part(base, behind, len.checked_sub(behind)?).map(Piece::Stored));
    Some(pieces)
}
