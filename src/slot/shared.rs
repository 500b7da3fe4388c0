//! Literals that share their bytes: linkers store a string as the tail of another one, and a value
//! written over the one changes the other too.
//!
//! What is merged has no name of its own, but each literal leaves a pointer to its first byte. So a
//! placeholder that is found by its text, and whose string is pointed to at two places, is two
//! literals. Code that puts addresses together from parts (RISC-V, AArch64) leaves no pointer:
//! there nothing is seen.

use std::collections::BTreeSet;

use super::SlotError;
use crate::image::{Address, Endian, Image, Span};

/// How far back a string may begin.
const FURTHEST: u64 = 512;

/// Refuses a placeholder at `at` that shares its bytes with another literal.
///
/// A variable has an identity, and is never merged: what a symbol with a size covers is taken.
pub(super) fn refuse(image: &Image, at: Address, placeholder: &[u8]) -> Result<(), SlotError> {
    let len = u64::try_from(placeholder.len()).unwrap_or(u64::MAX);
    let Some(text) = Span::new(at, len) else {
        return Ok(());
    };
    if is_variable(image, text) {
        return Ok(());
    }
    let starts = pointed_to(image, string(image, text));
    if starts.len() < 2 {
        return Ok(());
    }
    let also = starts.into_iter().filter(|start| *start != at);
    Err(SlotError::Shared {
        at,
        also: also.collect(),
    })
}

/// Returns whether one variable holds all of `text`.
fn is_variable(image: &Image, text: Span) -> bool {
    let names = image.names();
    names.symbols.iter().any(|symbol| {
        let whole = names
            .address(symbol)
            .and_then(|start| Span::new(start, symbol.size));
        whole.is_some_and(|whole| whole.contains(text))
    })
}

/// Returns the printable text around `text`, from behind the NUL before it on.
fn string(image: &Image, text: Span) -> Span {
    let mut start = text.start();
    for _ in 0..FURTHEST {
        let before = start.get().checked_sub(1).map(Address::new);
        let printable = before.filter(|at| {
            let byte = Span::new(*at, 1).and_then(|span| image.bytes(span).ok());
            byte.is_some_and(|byte| byte.iter().all(|byte| (b' '..=b'~').contains(byte)))
        });
        let Some(before) = printable else { break };
        start = before;
    }
    Span::between(start, text.end()).unwrap_or(text)
}

/// Returns the places in `string` that aligned words of the image point to.
fn pointed_to(image: &Image, string: Span) -> BTreeSet<Address> {
    let machine = image.machine();
    let width = match machine {
        Some(machine) if machine.bits == 64 => 8,
        _ => 4,
    };
    let big = machine.is_some_and(|machine| machine.endian == Endian::Big);
    let shift = shift(image, string.start());
    let mut found = BTreeSet::new();
    for run in image.runs() {
        let Ok(chunks) = image.chunks(run) else {
            continue;
        };
        for (start, bytes) in chunks {
            let skip = start.get().wrapping_neg() % width;
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            let words = bytes.get(skip..).unwrap_or_default();
            let step = usize::try_from(width).unwrap_or(4);
            for word in words.chunks_exact(step) {
                let value = word.iter().enumerate().fold(0u64, |value, (index, byte)| {
                    let place = if big { step - 1 - index } else { index };
                    value | u64::from(*byte) << (8 * place)
                });
                let at = Address::new(value.wrapping_sub(shift));
                if string.start() <= at && at < string.end() {
                    found.insert(at);
                }
            }
        }
    }
    found
}

/// Returns how far from its load address a place is at run time.
fn shift(image: &Image, at: Address) -> u64 {
    let sections = image.names().sections.iter();
    let mut shifts = sections.filter_map(|section| {
        let lma = section.lma?;
        let inside = at.get().checked_sub(lma.get())? < section.size;
        inside.then(|| section.vma.wrapping_sub(lma.get()))
    });
    shifts.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::{Slot, locate};
    use super::*;
    use crate::image::Hint;

    const TEXT: &[u8] = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER_PLACE\0\0\0";

    /// A BIN from 0x100 on: words, then the placeholder behind `before`.
    fn find(words: &[u32], before: &[u8]) -> Result<Slot, SlotError> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(0x20, 0);
        bytes.extend(before);
        bytes.resize(0x40, 0);
        bytes.extend(TEXT);
        let hint = Hint {
            base: Some(Address::new(0x100)),
            ..Hint::default()
        };
        let image = Image::read(bytes, hint).unwrap();
        let spec =
            "value = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\nsize = 44";
        locate(&image, &toml::from_str(spec).unwrap())
    }

    #[test]
    fn one_pointer_is_one_literal() {
        assert!(find(&[], b"").is_ok());
        assert!(find(&[0x140, 0x140, 0x13F, 0x800], b"").is_ok());
        assert!(find(&[0x130], &[b'x'; 32]).is_ok());
    }

    #[test]
    fn a_literal_that_is_the_tail_of_the_placeholder_is_seen() {
        let error = find(&[0x140, 0x158], b"").unwrap_err();
        let (at, also) = (Address::new(0x140), vec![Address::new(0x158)]);
        assert_eq!(error, SlotError::Shared { at, also });
    }

    #[test]
    fn a_placeholder_that_is_the_tail_of_a_literal_is_seen() {
        let error = find(&[0x130, 0x140], &[b'x'; 32]).unwrap_err();
        let (at, also) = (Address::new(0x140), vec![Address::new(0x130)]);
        assert_eq!(error, SlotError::Shared { at, also });
    }
}
