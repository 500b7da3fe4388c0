//! Qualcomm images: an ELF with a segment of hashes over all others.
//!
//! Source: Qualcomm, "Secure Boot and Image Authentication", "ELF image format": bits 24 to
//! 26 of a program header's flags name the segment's type, 2 is the hash segment.

use crate::checksum::finding::Finding;
use crate::image::{Format, Image, Span};

/// Bits of `p_flags`, and the type of a hash segment.
const TYPE: u32 = 0x0700_0000;
const HASHES: u32 = 0x0200_0000;
/// Length of an ELF header up to the number of program headers.
const HEADER: usize = 64;

pub(super) fn finding(image: &Image) -> Option<Finding> {
    if image.format() != Format::Elf {
        return None;
    }
    let elf = image.container();
    let head = elf.get(..HEADER)?;
    let number = |at: usize, len: usize| number(elf, at, len);
    // Those devices are little-endian, all of them.
    let (table, size, count, flags) = match head.get(4..6)? {
        [1, 1] => (number(28, 4)?, number(42, 2)?, number(44, 2)?, 24),
        [2, 1] => (number(32, 8)?, number(54, 2)?, number(56, 2)?, 4),
        _ => return None,
    };
    let hashed = (0..count).any(|index| {
        let at = index
            .checked_mul(size)
            .and_then(|at| at.checked_add(table)?.checked_add(flags));
        at.and_then(|at| number(at, 4))
            .and_then(|flags| u32::try_from(flags).ok())
            .is_some_and(|flags| flags & TYPE == HASHES)
    });
    let runs = image.runs();
    let all = Span::between(runs.first()?.start(), runs.last()?.end())?;
    hashed.then(|| {
        Finding::refused(
            all,
            "Qualcomm image: hash segment".to_owned(),
            "sign the unit's image behind this step with sectools",
        )
    })
}

/// Reads a little-endian number.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    let number = field
        .iter()
        .rev()
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(number).ok()
}
