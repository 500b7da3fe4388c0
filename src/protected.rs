//! Ranges that decide whether a chip starts, or whether anybody can write it again.
//!
//! A value there locks a part or keeps it from booting, so it is refused unless the recipe says
//! that it is meant. Ranges with an address of their own always count; those inside ordinary
//! flash count only where the image shows that it is for such a part.

use crate::image::structure::{part, take, word};
use crate::image::{Address, Image, Span};

/// A range that is not written by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// Which load addresses.
    pub span: Span,
    /// What stands there, such as `the vector table`.
    pub name: &'static str,
    /// Words of it that nothing reads, where checksums are kept.
    pub open: Vec<Span>,
}

/// Ranges by address: start, end, what stands there.
const FIXED: [(u64, u64, &str); 7] = [
    // Nordic nRF52840 Product Specification, "UICR".
    (0x1000_1000, 0x1000_2000, "UICR"),
    // ST RM0090, RM0351, RM0008: "Option bytes"; system memory and OTP lie beside them.
    (
        0x1FFF_0000,
        0x2000_0000,
        "STM32 system memory, OTP or option bytes",
    ),
    (0x1FFE_C000, 0x1FFE_C010, "STM32 option bytes"),
    // ST RM0377, RM0376: "Option bytes".
    (0x1FF8_0000, 0x1FF8_0100, "STM32 option bytes"),
    // Nordic nRF9160 Product Specification, "UICR": ordinary flash of larger parts.
    (0x00FF_8000, 0x00FF_9000, "UICR"),
    // avr-libc, "Memory sections": fuses, lock bits.
    (0x0082_0000, 0x0083_0400, "AVR fuses or lock bits"),
    // NXP UM11126, "Protected flash region".
    (0x0009_DE00, 0x000A_0000, "LPC55 protected flash region"),
];
/// How many of [`FIXED`] count for every image.
const ALWAYS: usize = 4;

/// Code read protection of NXP LPC parts (UM10360, "Code Read Protection"): place and values.
const CRP: u64 = 0x2FC;
const CRP_VALUES: [u32; 4] = [0x1234_5678, 0x8765_4321, 0x4321_8765, 0x4E69_7370];
/// Flash configuration field of Kinetis parts (K64P144M120SF5RM, "Flash configuration field"):
/// a key and a protection mask, all FF in a part that is open, then the security byte.
const KINETIS: u64 = 0x400;
const KINETIS_BYTES: u64 = 16;
const KINETIS_OPEN: [u8; 13] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
];
/// Second stage of the RP2040's boot (datasheet, "Flash second stage"): code, then its CRC.
const BOOT2: u64 = 0x1000_0000;
const BOOT2_CODE: u64 = 252;
/// Vectors of a Cortex-M: stack pointer and 15 exceptions; interrupts follow.
const EXCEPTIONS: u64 = 16;
const MOST_VECTORS: u64 = 16 + 240;
/// Exceptions that are reserved (Armv7-M ARM, B1.5.3).
const RESERVED: [u64; 5] = [7, 8, 9, 10, 13];

/// Lists the protected ranges of an image; `chip` is the recipe's, where it names one.
#[must_use]
pub fn ranges(image: &Image, chip: Option<&str>) -> Vec<Protected> {
    let is = |prefix: &str| chip.is_some_and(|chip| chip.to_uppercase().starts_with(prefix));
    let avr = is("AT") || image.machine().is_some_and(|machine| machine.name == "AVR");
    // A HEX writes those registers as bytes of their own.
    let apart = |run: &Span| (0x00FF_8000..0x00FF_9000).contains(&run.start().get());
    let nordic = is("NRF") || image.runs().iter().any(apart);
    let counts = [true; ALWAYS].into_iter().chain([nordic, avr, is("LPC55")]);
    let fixed = FIXED.into_iter().zip(counts).filter(|(_, counts)| *counts);
    let mut ranges: Vec<Protected> = fixed
        .filter_map(|((start, end, name), _)| {
            let span = Span::between(Address::new(start), Address::new(end))?;
            Some(closed(span, name))
        })
        .collect();
    for section in &image.names().sections {
        if matches!(section.name.as_str(), ".fuse" | ".lock") {
            let span = section.lma.and_then(|lma| Span::new(lma, section.size));
            ranges.extend(span.map(|span| closed(span, "AVR fuses or lock bits")));
        }
    }
    ranges.extend(crp(image, is("LPC")));
    ranges.extend(kinetis(image, is("MK")));
    ranges.extend(boot2(image));
    let tables = image.runs().into_iter();
    ranges.extend(tables.filter_map(|run| vectors(image, run)));
    ranges
}

/// Returns the range that `at` may not touch; `is_checksum` says that words which nothing
/// reads are open to it.
pub(crate) fn hit(ranges: &[Protected], at: Span, kind: Holder) -> Option<&Protected> {
    ranges.iter().find(|range| {
        let open = kind == Holder::Checksum && range.open.iter().any(|open| open.contains(at));
        range.span.intersection(at).is_some() && !open
    })
}

/// What wants to stand in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A unit's value.
    Slot,
    /// A checksum, which may stand in a word that nothing reads.
    Checksum,
}

const fn closed(span: Span, name: &'static str) -> Protected {
    Protected {
        span,
        name,
        open: Vec::new(),
    }
}

fn crp(image: &Image, lpc: bool) -> Option<Protected> {
    let word = word(image, Address::new(CRP), 0);
    let known = word.is_some_and(|word| CRP_VALUES.contains(&word));
    let span = Span::new(Address::new(CRP), 4)?;
    (lpc || known).then(|| closed(span, "the code read protection word"))
}

fn kinetis(image: &Image, named: bool) -> Option<Protected> {
    let open = take(image, Address::new(KINETIS), 0) == Some(KINETIS_OPEN);
    let span = Span::new(Address::new(KINETIS), KINETIS_BYTES)?;
    (named || open).then(|| closed(span, "the Kinetis flash configuration"))
}

fn boot2(image: &Image) -> Option<Protected> {
    const MPEG2: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2);
    let code = Span::new(Address::new(BOOT2), BOOT2_CODE)?;
    let crc = word(image, code.end(), 0)?;
    let right = MPEG2.checksum(&image.bytes(code).ok()?) == crc;
    let span = Span::new(code.start(), BOOT2_CODE.checked_add(4)?)?;
    right.then(|| closed(span, "the RP2040's second stage of boot"))
}

/// Finds the vectors of a Cortex-M at the start of a run: a stack pointer in RAM, then
/// handlers inside the image, or 0.
fn vectors(image: &Image, run: Span) -> Option<Protected> {
    let base = run.start();
    let word = |index: u64| word(image, base, index.checked_mul(4)?);
    let handler = |word: u32| {
        let at = Span::new(Address::new(u64::from(word & !1)), 2);
        word & 1 == 1 && at.is_some_and(|at| image.require(at).is_ok())
    };
    let stack = word(0)?;
    let in_ram = matches!(stack >> 24, 0x10 | 0x1F..=0x2F) && stack % 4 == 0;
    let reserved = |index: u64| RESERVED.contains(&index);
    let exceptions = (1..EXCEPTIONS)
        .all(|index| reserved(index) || word(index).is_some_and(|word| word == 0 || handler(word)));
    // Reset and hard fault always have a handler.
    let both = [1, 3]
        .into_iter()
        .all(|index| word(index).is_some_and(handler));
    if !in_ram || !exceptions || !both {
        return None;
    }
    let interrupts = (EXCEPTIONS..MOST_VECTORS)
        .map_while(|index| word(index).map(|word| (index, word)))
        .take_while(|(_, word)| *word == 0 || handler(*word));
    let last = interrupts
        .filter(|(_, word)| *word != 0)
        .map(|(index, _)| index)
        .last();
    let count = last.map_or(EXCEPTIONS, |last| last.saturating_add(1));
    let open = RESERVED.into_iter();
    let open = open.filter_map(|index| part(base, index.checked_mul(4)?, 4));
    Some(Protected {
        span: Span::new(base, count.checked_mul(4)?)?,
        name: "the vector table",
        open: open.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Format, Hint};

    fn image(base: u64, bytes: Vec<u8>) -> Image {
        let hint = Hint {
            format: Some(Format::Bin),
            base: Some(Address::new(base)),
            ..Hint::default()
        };
        Image::read(bytes, hint).unwrap()
    }

    fn names(image: &Image, chip: Option<&str>, at: u64) -> Vec<&'static str> {
        let at = Span::new(Address::new(at), 4).unwrap();
        let ranges = ranges(image, chip);
        let hits = ranges
            .iter()
            .filter(|range| range.span.intersection(at).is_some());
        hits.map(|range| range.name).collect()
    }

    fn put(bytes: &mut [u8], at: usize, word: u32) {
        for (byte, value) in bytes.iter_mut().skip(at).zip(word.to_le_bytes()) {
            *byte = value;
        }
    }

    /// 1 KiB whose vectors point into it, 20 of them.
    fn cortex() -> Vec<u8> {
        let mut bytes = vec![0xA5; 0x500];
        put(&mut bytes, 0, 0x2000_4000);
        for vector in 1..20 {
            let reserved = [7, 8, 9, 10, 13].contains(&vector);
            put(
                &mut bytes,
                vector * 4,
                if reserved { 0 } else { 0x0800_0101 },
            );
        }
        bytes
    }

    #[test]
    fn a_vector_table_ends_with_its_last_handler() {
        let image = image(0x0800_0000, cortex());
        let table = ["the vector table"];
        assert_eq!(names(&image, None, 0x0800_0004), table);
        assert_eq!(names(&image, None, 0x0800_004C), table);
        assert_eq!(names(&image, None, 0x0800_0050), [""; 0]);
        // A checksum may stand in a word that no exception uses; a value may not.
        let ranges = ranges(&image, None);
        let word = Span::new(Address::new(0x0800_001C), 4).unwrap();
        assert!(hit(&ranges, word, Holder::Checksum).is_none());
        assert!(hit(&ranges, word, Holder::Slot).is_some());
        let both = Span::new(Address::new(0x0800_0018), 8).unwrap();
        assert!(hit(&ranges, both, Holder::Checksum).is_some());
    }

    #[test]
    fn words_of_a_part_count_where_the_image_is_for_it() {
        let plain = image(0, cortex());
        assert_eq!(names(&plain, None, 0x2FC), [""; 0]);
        assert_eq!(names(&plain, Some("LPC1768"), 0x2FC).len(), 1);
        let mut locked = cortex();
        put(&mut locked, 0x2FC, 0x1234_5678);
        assert_eq!(names(&image(0, locked), None, 0x2FC).len(), 1);
        assert_eq!(names(&plain, None, 0x40C), [""; 0]);
        let mut kinetis = cortex();
        kinetis.splice(0x400..0x40D, KINETIS_OPEN);
        assert_eq!(names(&image(0, kinetis), None, 0x40C).len(), 1);
        assert_eq!(names(&plain, None, 0x1000_1208), ["UICR"]);
        assert_eq!(names(&plain, None, 0x1FFF_F800).len(), 1);
        assert_eq!(names(&plain, None, 0x82_0000), [""; 0]);
        assert_eq!(names(&plain, Some("ATmega2560"), 0x82_0000).len(), 1);
    }

    #[test]
    fn a_second_stage_counts_with_its_crc() {
        let mut bytes = vec![0x11; 252];
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2).checksum(&bytes);
        bytes.extend(crc.to_le_bytes());
        assert_eq!(
            names(&image(BOOT2, bytes.clone()), None, BOOT2 + 0xF8).len(),
            1
        );
        bytes.truncate(255);
        assert_eq!(names(&image(BOOT2, bytes), None, BOOT2 + 0xF8), [""; 0]);
    }
}
