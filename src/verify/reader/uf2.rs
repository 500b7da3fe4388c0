//! UF2, as one list of payloads by address.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use md5::{Digest as _, Md5};

use super::error::ReadError;
use crate::image::{Address, Beside, Format, Parts, Span};

const SIZE: usize = 512;

/// Returns whether the file starts as a block does.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.get(..8).and_then(words) == Some(vec![0x0A32_4655, 0x9E5D_5157])
}

/// Returns little-endian words.
fn words(bytes: &[u8]) -> Option<Vec<u32>> {
    let words = bytes
        .chunks(4)
        .map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)));
    words.collect()
}

fn bad(what: String) -> ReadError {
    ReadError::Uf2 { what }
}

/// What a block says.
struct Block {
    flags: u32,
    address: u32,
    number: u32,
    of: u32,
    family: Option<u32>,
    /// Where its payload stands in the file.
    payload: Range<usize>,
}

impl Block {
    fn parse(index: usize, bytes: &[u8]) -> Result<Self, ReadError> {
        let head = bytes.get(..32).and_then(words).unwrap_or_default();
        let foot = bytes.get(508..512).and_then(words).unwrap_or_default();
        let [
            0x0A32_4655,
            0x9E5D_5157,
            flags,
            address,
            len,
            number,
            of,
            family,
        ] = *head
        else {
            return Err(bad(format!("block {index} does not start as one")));
        };
        if *foot != [0x0AB1_6F30] {
            return Err(bad(format!("block {index} does not end as one")));
        }
        let most = if flags & 0x4000 == 0 { 476 } else { 452 };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > most {
            return Err(bad(format!("block {index} has a payload of {len} bytes")));
        }
        let from = index * SIZE + 32;
        Ok(Self {
            flags,
            address,
            number,
            of,
            family: (flags & 0x2000 != 0).then_some(family),
            payload: from..from + len,
        })
    }

    /// For flash; not the block that RP2350's boot ROM drops (erratum E10).
    fn counts(&self, file: &[u8]) -> bool {
        let filled = || {
            file.get(self.payload.clone())
                .is_some_and(|it| it.iter().all(|b| *b == 0xEF))
        };
        !(self.family == Some(0xE48B_FF57) && self.number == 0 && self.of == 2 && filled())
    }
}

/// Reads all blocks; of several families, `family` is loaded.
pub(super) fn read(file: &[u8], family: Option<u32>) -> Result<Parts, ReadError> {
    if !file.len().is_multiple_of(SIZE) {
        return Err(bad(format!("{} bytes are no whole blocks", file.len())));
    }
    let mut blocks = Vec::new();
    for (index, bytes) in file.chunks(SIZE).enumerate() {
        blocks.push(Block::parse(index, bytes)?);
    }
    numbers(file, &blocks)?;
    let flash = |block: &&Block| block.flags & 0x1001 == 0 && block.counts(file);
    let families: BTreeSet<Option<u32>> = blocks.iter().filter(flash).map(|it| it.family).collect();
    let family = match family {
        Some(family) => Some(family),
        None if families.len() > 1 => return Err(bad("it holds several families".to_owned())),
        None => families.first().copied().flatten(),
    };
    let loaded = || blocks.iter().filter(flash).filter(|it| it.family == family);
    let mut memory: BTreeMap<u64, Range<usize>> = BTreeMap::new();
    for block in loaded().filter(|block| !block.payload.is_empty()) {
        let start = u64::from(block.address);
        if memory.insert(start, block.payload.clone()).is_some() {
            return Err(bad(format!("two blocks load {}", Address::new(start))));
        }
    }
    let mut extents: Vec<(Span, Range<usize>)> = Vec::new();
    for (start, place) in &memory {
        let start = Address::new(*start);
        let len = u64::try_from(place.len()).unwrap_or_default();
        let span = Span::new(start, len).filter(|span| span.end().get() <= 1 << 32);
        let span = span.ok_or(ReadError::Wraps { start, len })?;
        if extents.last().is_some_and(|(last, _)| last.end() > start) {
            return Err(bad(format!("two blocks load {start}")));
        }
        extents.push((span, place.clone()));
    }
    if extents.is_empty() {
        let format = Format::Uf2;
        return Err(ReadError::NothingLoaded { format });
    }
    let beside = beside(file, &memory, loaded());
    Ok(Parts {
        extents,
        beside,
        ..Parts::default()
    })
}

/// Checks that all blocks are there, counted over the file or over each family.
fn numbers(file: &[u8], blocks: &[Block]) -> Result<(), ReadError> {
    let whole = |group: &[&Block]| {
        let numbers: BTreeSet<u32> = group.iter().map(|block| block.number).collect();
        let len = u32::try_from(group.len()).unwrap_or(u32::MAX);
        group.iter().all(|block| block.of == len) && numbers.into_iter().eq(0..len)
    };
    let counted: Vec<&Block> = blocks.iter().filter(|it| it.counts(file)).collect();
    if whole(&counted) {
        return Ok(());
    }
    let families: BTreeSet<_> = counted.iter().map(|block| block.family).collect();
    for family in families {
        let group = counted.iter().filter(|block| block.family == family);
        if !whole(&group.copied().collect::<Vec<_>>()) {
            return Err(bad(
                "its block numbers are not those of a whole file".to_owned()
            ));
        }
    }
    Ok(())
}

/// Masks what a patch changes: payloads, and MD5s that are right.
fn beside<'b>(
    file: &[u8],
    memory: &BTreeMap<u64, Range<usize>>,
    loaded: impl Iterator<Item = &'b Block>,
) -> Beside {
    let mut rest = file.to_vec();
    let mut stale = Vec::new();
    let mut mask = |place: Range<usize>| {
        if let Some(bytes) = rest.get_mut(place) {
            bytes.fill(0);
        }
    };
    for block in loaded {
        mask(block.payload.clone());
        if block.flags & 0x4000 == 0 {
            continue;
        }
        let start = block.payload.start;
        // Where the specification has it, and where `esptool` writes it.
        let places = [start + 452, block.payload.end];
        match places.into_iter().find(|at| is_right(file, memory, *at)) {
            Some(at) => mask(at + 8..at + 24),
            None => stale.push(start / SIZE),
        }
    }
    Beside {
        rest: Some(rest.into()),
        stale,
    }
}

/// Returns whether address, length and MD5 at `at` of the file are those of loaded bytes.
fn is_right(file: &[u8], memory: &BTreeMap<u64, Range<usize>>, at: usize) -> bool {
    let stored = file.get(at..at + 24).unwrap_or_default();
    let (head, digest) = stored.split_at_checked(8).unwrap_or_default();
    let Some([start, len]) = words(head).and_then(|words| <[u32; 2]>::try_from(words).ok()) else {
        return false;
    };
    let (mut next, end) = (u64::from(start), u64::from(start) + u64::from(len));
    let mut hasher = Md5::new();
    while next < end {
        let Some((first, place)) = memory.range(..=next).next_back() else {
            return false;
        };
        let bytes = file.get(place.clone()).unwrap_or_default();
        let skip = usize::try_from(next - first).unwrap_or(usize::MAX);
        let want = usize::try_from(end - next).unwrap_or(usize::MAX);
        let bytes = bytes.get(skip..).unwrap_or_default();
        let bytes = bytes.get(..want.min(bytes.len())).unwrap_or_default();
        if bytes.is_empty() {
            return false;
        }
        hasher.update(bytes);
        next += u64::try_from(bytes.len()).unwrap_or_default();
    }
    len > 0 && hasher.finalize().as_slice() == digest
}
