use eol_inject::image::{Address, Edits, Hint, Image, Span};
use eol_inject::verify;
use proptest::prelude::*;

use crate::elf_file::{ElfFile, Section, Segment, Symbol};

/// Bytes at load addresses, none of them twice.
type Memory = Vec<(u64, Vec<u8>)>;

/// Runs of memory in order of address; some touch, some do not.
fn memory() -> impl Strategy<Value = Memory> {
    let piece = (0u64..40, prop::collection::vec(any::<u8>(), 1..60));
    (0u64..0xfff0_0000, prop::collection::vec(piece, 1..6)).prop_map(|(start, pieces)| {
        let mut next = start;
        pieces
            .into_iter()
            .map(|(gap, bytes)| {
                // Every second gap or so is none at all.
                let at = next + gap.saturating_sub(20);
                next = at + bytes.len() as u64;
                (at, bytes)
            })
            .collect()
    })
}

/// An ELF of that memory, with a section and a symbol for each piece at another run-time address.
fn elf(memory: &Memory, form: (bool, bool, usize)) -> Vec<u8> {
    let vma = |index: usize| 0x2000_0000 + 0x1000 * index as u64;
    let pieces = || memory.iter().enumerate();
    const NAMES: [&str; 6] = [".a", ".b", ".c", ".d", ".e", ".f"];
    ElfFile {
        wide: form.0,
        big: form.1,
        skew: form.2,
        segments: pieces()
            .map(|(index, (lma, bytes))| Segment {
                vma: vma(index),
                lma: *lma,
                bytes: bytes.clone(),
                zeros: index as u64,
            })
            .collect(),
        sections: pieces()
            .map(|(index, (_, bytes))| Section {
                name: NAMES[index],
                vma: vma(index),
                size: bytes.len() as u64,
                within: Some((index, 0)),
                aside: false,
            })
            .collect(),
        symbols: pieces()
            .map(|(index, (_, bytes))| Symbol {
                name: NAMES[index],
                value: vma(index) + bytes.len() as u64,
                section: index as u16 + 1,
                ..Symbol::default()
            })
            .collect(),
        ..ElfFile::default()
    }
    .bytes()
}

/// How a HEX is written.
#[derive(Debug, Clone)]
struct Style {
    /// Data bytes of a record.
    width: usize,
    lower: bool,
    end: &'static str,
    /// Type 02 where the address allows it.
    segments: bool,
    reverse: bool,
    /// Each piece once more, in narrower records.
    twice: bool,
}

fn style() -> impl Strategy<Value = Style> {
    (
        1usize..33,
        any::<bool>(),
        prop::sample::select(vec!["\n", "\r\n", "\r", " \n\n", "\n; remark\n"]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(width, lower, end, segments, reverse, twice)| Style {
            width,
            lower,
            end,
            segments,
            reverse,
            twice,
        })
}

fn hex(memory: &Memory, style: &Style) -> Vec<u8> {
    let mut records: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut cut = |width: usize| {
        for (at, bytes) in memory {
            for (index, chunk) in bytes.chunks(width).enumerate() {
                records.push((at + (index * width) as u64, chunk.to_vec()));
            }
        }
    };
    cut(style.width);
    if style.twice {
        cut(style.width.div_ceil(2));
    }
    if style.reverse {
        records.reverse();
    }
    let mut lines = Vec::new();
    let mut line = |kind: u8, offset: u16, data: &[u8]| {
        let mut bytes = vec![data.len() as u8];
        bytes.extend(offset.to_be_bytes());
        bytes.push(kind);
        bytes.extend(data);
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
        bytes.push(sum);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        lines.push(if style.lower {
            format!(":{}", digits.to_lowercase())
        } else {
            format!(":{digits}")
        });
    };
    for (at, data) in &records {
        let offset = (at % 0x10000) as u16;
        let whole = usize::from(offset) + data.len() <= 0x10000;
        if style.segments && whole && *at < 0x10_0000 {
            line(2, 0, &((at / 0x10000 * 0x1000) as u16).to_be_bytes());
        } else {
            line(4, 0, &((at / 0x10000) as u16).to_be_bytes());
        }
        line(0, offset, data);
    }
    line(0xfe, 0, b"symbol");
    line(1, 0, b"");
    lines.join(style.end).into_bytes()
}

/// S-records of that memory: the narrowest type that the address allows, or S3.
fn srec(memory: &Memory, style: &Style) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut line = |kind: usize, body: &[u8]| {
        let mut bytes = vec![body.len() as u8 + 1];
        bytes.extend(body);
        bytes.push(!bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        lines.push(if style.lower {
            format!("S{kind}{}", digits.to_lowercase())
        } else {
            format!("S{kind}{digits}")
        });
    };
    line(0, b"\0\0made up");
    let mut records: Vec<(u64, &[u8])> = Vec::new();
    let widths = [style.width, style.width.div_ceil(2)];
    for width in widths.iter().take(1 + usize::from(style.twice)) {
        for (at, bytes) in memory {
            let chunks = bytes.chunks(*width).enumerate();
            records.extend(chunks.map(|(index, chunk)| (at + (index * width) as u64, chunk)));
        }
    }
    if style.reverse {
        records.reverse();
    }
    for (at, data) in &records {
        let end = at + data.len() as u64;
        let width = match end {
            0..=0x1_0000 if style.segments => 2,
            0..=0x100_0000 if style.segments => 3,
            _ => 4,
        };
        let address = (*at as u32).to_be_bytes();
        line(width - 1, &[&address[4 - width..], data].concat());
    }
    line(5, &(records.len() as u16).to_be_bytes());
    line(7, &[0, 0, 0, 0]);
    lines.join(style.end).into_bytes()
}

/// A UF2 of that memory, with each block's MD5 in one of its two places.
fn uf2(memory: &Memory, style: &Style) -> Vec<u8> {
    use md5::{Digest as _, Md5};
    let mut payloads: Vec<(u64, &[u8])> = Vec::new();
    for (at, bytes) in memory {
        let chunks = bytes.chunks(style.width).enumerate();
        payloads.extend(chunks.map(|(index, chunk)| (at + (index * style.width) as u64, chunk)));
    }
    let count = payloads.len() as u32 + 1;
    let flags = 0x2000 | if style.lower { 0x4000 } else { 0 };
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut block = |flags: u32, at: u64, data: &[u8]| {
        let number = blocks.len() as u32;
        let words = [
            0x0A32_4655,
            0x9E5D_5157,
            flags,
            at as u32,
            data.len() as u32,
            number,
            count,
            0xADA5_2840,
        ];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(data);
        bytes.resize(508, 0x5A);
        bytes.extend(0x0AB1_6F30u32.to_le_bytes());
        if flags & 0x4000 != 0 {
            let place = if style.twice { 32 + data.len() } else { 484 };
            bytes[place..place + 4].copy_from_slice(&(at as u32).to_le_bytes());
            bytes[place + 4..place + 8].copy_from_slice(&(data.len() as u32).to_le_bytes());
            bytes[place + 8..place + 24].copy_from_slice(&Md5::digest(data));
        }
        blocks.push(bytes);
    };
    for (at, data) in payloads {
        block(flags, at, data);
    }
    block(0x2001, 0, b"a remark that no device takes");
    if style.reverse {
        blocks.reverse();
    }
    blocks.concat()
}

/// Checks everything about an image of `memory` with random edits.
fn holds(container: Vec<u8>, memory: &Memory, hint: Hint, picks: &[(usize, Vec<u8>)]) {
    let image = Image::read(container.clone(), hint).unwrap();
    let second = verify::read(container.clone(), hint).unwrap();
    assert_eq!(image.runs(), second.runs());
    assert_eq!(image.names(), second.names());
    assert_eq!(image.machine(), second.machine());
    for (at, bytes) in memory {
        let span = Span::new(Address::new(*at), bytes.len() as u64).unwrap();
        assert_eq!(*image.bytes(span).unwrap(), **bytes);
        assert_eq!(*second.bytes(span).unwrap(), **bytes);
        assert!(image.find(bytes).any(|hit| hit == span.start()));
    }
    let (mut edits, mut wanted) = (Edits::new(), memory.clone());
    for (pick, new) in picks {
        let index = pick % memory.len();
        let (at, bytes) = &mut wanted[index];
        let skip = pick % bytes.len();
        let new = &new[..new.len().min(bytes.len() - skip)];
        edits.put(Address::new(*at + skip as u64), new);
        bytes[skip..skip + new.len()].copy_from_slice(new);
    }
    let rendered = image.render(&edits).unwrap();
    assert_eq!(rendered.len(), container.len());
    // Nothing changes outside the patches, and these are sorted and apart.
    let mut rest = 0;
    for (at, new) in image.patches(&edits).unwrap() {
        assert!(rest <= at);
        assert_eq!(rendered[rest..at], container[rest..at]);
        assert_eq!(rendered[at..at + new.len()], **new);
        rest = at + new.len();
    }
    assert_eq!(rendered[rest..], container[rest..]);
    for patched in [
        Image::read(rendered.clone(), hint).unwrap(),
        verify::read(rendered, hint).unwrap(),
    ] {
        assert_eq!(patched.runs(), image.runs());
        for (at, bytes) in &wanted {
            let span = Span::new(Address::new(*at), bytes.len() as u64).unwrap();
            assert_eq!(*patched.bytes(span).unwrap(), **bytes);
        }
    }
    // Putting the old bytes back gives the old container.
    let mut undo = Edits::new();
    for (at, bytes) in memory {
        undo.put(Address::new(*at), bytes);
    }
    let back = Image::read(image.render(&edits).unwrap(), hint).unwrap();
    assert!(back.render(&undo).unwrap() == container);
}

fn picks() -> impl Strategy<Value = Vec<(usize, Vec<u8>)>> {
    let pick = (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40));
    prop::collection::vec(pick, 0..6)
}

proptest! {
    #[test]
    fn an_edited_elf_differs_in_the_edited_bytes_only(
        memory in memory(),
        form in (any::<bool>(), any::<bool>(), 0usize..5),
        picks in picks(),
    ) {
        holds(elf(&memory, form), &memory, Hint::default(), &picks);
    }

    #[test]
    fn an_edited_hex_differs_in_digits_and_sums_only(
        memory in memory(),
        low in any::<bool>(),
        style in style(),
        picks in picks(),
    ) {
        // Segments reach the first megabyte only.
        let first = memory[0].0;
        let shift = if low { first - first % 0xf_0000 } else { 0 };
        let memory: Memory = memory.into_iter().map(|(at, bytes)| (at - shift, bytes)).collect();
        holds(hex(&memory, &style), &memory, Hint::default(), &picks);
    }

    #[test]
    fn an_edited_s_record_file_differs_in_digits_and_sums_only(
        memory in memory(),
        low in any::<bool>(),
        style in style(),
        picks in picks(),
    ) {
        let first = memory[0].0;
        let shift = if low { first - first % 0xf_0000 } else { 0 };
        let memory: Memory = memory.into_iter().map(|(at, bytes)| (at - shift, bytes)).collect();
        holds(srec(&memory, &style), &memory, Hint::default(), &picks);
    }

    #[test]
    fn an_edited_uf2_differs_in_payload_and_md5_only(
        memory in memory(),
        style in style(),
        picks in picks(),
    ) {
        let container = uf2(&memory, &style);
        holds(container.clone(), &memory, Hint::default(), &picks);
        let image = Image::read(container, Hint::default()).unwrap();
        prop_assert!(image.md5s().iter().all(|md5| md5.right));
        let mut edits = Edits::new();
        edits.put(Address::new(memory[0].0), b"?");
        let patched = Image::read(image.render(&edits).unwrap(), Hint::default()).unwrap();
        prop_assert_eq!(patched.md5s().len(), image.md5s().len());
        prop_assert!(patched.md5s().iter().all(|md5| md5.right));
    }

    #[test]
    fn an_edited_bin_differs_in_the_edited_bytes_only(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        base in 0u64..u64::MAX - 200,
        picks in picks(),
    ) {
        let hint = Hint { base: Some(Address::new(base)), ..Hint::default() };
        if let Ok(image) = Image::read(bytes.clone(), hint) {
            prop_assert_eq!(image.container(), &bytes);
            holds(bytes.clone(), &vec![(base, bytes)], hint, &picks);
        }
    }

    #[test]
    fn a_pattern_is_found_wherever_it_stands(
        memory in memory(),
        form in (any::<bool>(), any::<bool>(), 0usize..5),
        from in any::<usize>(),
        len in 1usize..100,
    ) {
        let image = Image::read(elf(&memory, form), Hint::default()).unwrap();
        for run in image.runs() {
            let bytes = image.bytes(run).unwrap();
            let from = from % bytes.len();
            let pattern = &bytes[from..bytes.len().min(from + len)];
            let all: Vec<u64> = image.find(pattern).map(Address::get).collect();
            let mut slow = Vec::new();
            for other in image.runs() {
                let bytes = image.bytes(other).unwrap();
                let hits = bytes.windows(pattern.len()).enumerate();
                slow.extend(
                    hits.filter(|(_, window)| *window == pattern)
                        .map(|(at, _)| other.start().get() + at as u64),
                );
            }
            prop_assert_eq!(all, slow);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), mark in 0usize..7) {
        let mark: &[u8] = [
            b"".as_slice(),
            b"\x7fELF\x01\x01\x01",
            b"\x7fELF\x02\x02\x01",
            b":00000001",
            b"S9030000FC",
            b"S10A0000000000000000",
            b"UF2\nWQ\x5d\x9e",
        ][mark];
        let bytes = [mark, &bytes].concat();
        let _ = Image::read(bytes.clone(), Hint::default());
        let _ = verify::read(bytes, Hint::default());
    }

    #[test]
    fn no_damage_makes_a_reader_panic(
        memory in memory(),
        form in (any::<bool>(), any::<bool>(), 0usize..5),
        style in style(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        for mut bytes in [elf(&memory, form), hex(&memory, &style), srec(&memory, &style), uf2(&memory, &style)] {
            for (at, value) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let first = Image::read(bytes.clone(), Hint::default());
            let second = verify::read(bytes, Hint::default());
            if let (Ok(first), Ok(second)) = (&first, &second) {
                prop_assert_eq!(first.runs(), second.runs());
                prop_assert_eq!(first.names(), second.names());
                for run in first.runs() {
                    prop_assert_eq!(first.bytes(run).unwrap(), second.bytes(run).unwrap());
                }
                let _ = first.blnkinf();
            }
        }
    }
}
