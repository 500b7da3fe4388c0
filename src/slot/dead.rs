//! Dead slots: a compiler that knows a constant placeholder keeps its words in the code, and the
//! firmware never looks into the slot.

use super::reserved::{Layout, Slot};
use super::site::find;
use crate::image::{Address, Image, Span};

/// Bytes of a literal.
const WORD: u64 = 4;

/// Finds 4-byte words of a placeholder that stand outside all slots as literals do: at a multiple
/// of 4, and no part of a longer text.
///
/// It is a suspicion, not a proof, so nothing is refused for it. Returns the position of each slot
/// that has such words, with their addresses in order.
#[must_use]
pub fn suspects(image: &Image, slots: &[Slot]) -> Vec<(usize, Vec<Address>)> {
    let outside = |at: Address| {
        let inside = |slot: &Slot| slot.span.start() <= at && at < slot.span.end();
        !slots.iter().any(inside)
    };
    let mut suspects = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        let Layout::Text(text) = &slot.layout else {
            continue;
        };
        let Some(placeholder) = text.placeholder(&slot.master) else {
            continue;
        };
        let words: Vec<&[u8]> = placeholder
            .chunks_exact(4)
            .filter(|word| word.windows(2).any(|pair| matches!(pair, [a, b] if a != b)))
            .collect();
        let mut hits: Vec<Address> = words
            .iter()
            .flat_map(|word| find(image, word))
            .filter(|at| outside(*at) && is_literal(image, *at, &words))
            .collect();
        hits.sort_unstable();
        hits.dedup();
        if !hits.is_empty() {
            suspects.push((index, hits));
        }
    }
    suspects
}

/// Returns whether the word at `at`, with other words of the placeholder around it, stands
/// between words that are no text.
fn is_literal(image: &Image, at: Address, words: &[&[u8]]) -> bool {
    if !at.get().is_multiple_of(WORD) {
        return false;
    }
    let word = |at: Option<u64>| {
        let span = Span::new(Address::new(at?), WORD)?;
        Some(image.bytes(span).ok()?.into_owned())
    };
    let ends = |step: fn(u64) -> Option<u64>| {
        let mut next = step(at.get());
        let mut known = word(next);
        for _ in words {
            match &known {
                Some(bytes) if words.contains(&bytes.as_slice()) => {
                    next = next.and_then(step);
                    known = word(next);
                }
                _ => break,
            }
        }
        !known.is_some_and(|bytes| bytes.iter().all(|byte| (b' '..=b'~').contains(byte)))
    };
    ends(|at| at.checked_sub(WORD)) && ends(|at| at.checked_add(WORD))
}
