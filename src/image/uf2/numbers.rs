//! Block numbers: whether the file is whole.
//!
//! Blocks are counted over the whole file, or, where files of several families were put one
//! behind the other, over each family.

use std::collections::BTreeMap;

use super::block::Block;
use super::error::Uf2Error;

/// Checks that every block is there once.
pub(super) fn check(blocks: &[Block]) -> Result<(), Uf2Error> {
    let mut families: BTreeMap<Option<u32>, Vec<&Block>> = BTreeMap::new();
    for block in blocks.iter().filter(|block| !block.dummy) {
        families.entry(block.family).or_default().push(block);
    }
    let all: Vec<&Block> = families.values().flatten().copied().collect();
    if families.len() > 1 && whole(&all).is_ok() {
        return Ok(());
    }
    families.values().try_for_each(|family| whole(family))
}

/// Checks that `blocks` have the numbers from 0 on, each once, and say how many there are.
fn whole(blocks: &[&Block]) -> Result<(), Uf2Error> {
    let Some(first) = blocks.first() else {
        return Ok(());
    };
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    for block in blocks {
        let index = block.index;
        if block.blocks != first.blocks {
            return Err(Uf2Error::Count {
                index,
                found: block.blocks,
                first: first.index,
                wanted: first.blocks,
            });
        }
        if block.number >= block.blocks {
            return Err(Uf2Error::Number {
                index,
                number: block.number,
                blocks: block.blocks,
            });
        }
        if let Some(first) = seen.insert(block.number, index) {
            return Err(Uf2Error::Twice {
                number: block.number,
                first: first.min(index),
                second: first.max(index),
            });
        }
    }
    let missing = (0..first.blocks).find(|number| !seen.contains_key(number));
    match missing {
        Some(number) => Err(Uf2Error::Missing {
            number,
            blocks: first.blocks,
        }),
        None => Ok(()),
    }
}
