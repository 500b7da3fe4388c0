//! Dead slots: a compiler that knows a constant placeholder keeps its words in the code, and the
//! firmware never looks into the slot.

use super::{Layout, Slot, find};
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

#[cfg(test)]
mod tests {
    use super::super::locate;
    use super::*;
    use crate::image::Hint;

    fn hits(behind: &[u8]) -> Vec<u64> {
        let mut bytes = b"PLACEHOLDER_OF_THE_TOKEN".to_vec();
        bytes.resize(40, 0);
        bytes.extend(behind);
        let hint = Hint {
            base: Some(Address::new(0x100)),
            ..Hint::default()
        };
        let image = Image::read(bytes, hint).unwrap();
        let spec = "value = \"auth-token\"\naddress = 0x100\nsize = 40";
        let slot = locate(&image, &toml::from_str(spec).unwrap()).unwrap();
        let suspects = suspects(&image, &[slot]);
        let hits = suspects.into_iter().flat_map(|(_, hits)| hits);
        hits.map(Address::get).collect()
    }

    #[test]
    fn words_of_the_placeholder_in_code_are_told() {
        assert_eq!(hits(b"\x00\xb5\x10\x20EHOL\x70\x47\x00\x00"), [0x12c]);
        assert_eq!(hits(b"\x00\xb5\x10\x20PLACEHOL\x70\x47"), [0x12c, 0x130]);
    }

    #[test]
    fn text_and_chance_are_not() {
        assert_eq!(hits(b"\x00\xb5\x10\x20AHOLD \x00\x00\x00"), [0u64; 0]);
        assert_eq!(hits(b"the PLACE\0\0\0"), [0u64; 0]);
        assert_eq!(hits(b"\0\0EHOL\0\0"), [0u64; 0]);
        assert_eq!(hits(&[b' '; 400]), [0u64; 0]);
    }
}
