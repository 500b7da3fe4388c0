use eol_inject::image::{Address, Edits, Endian, Format, Hint, Image, ImageError, NameKind, Span};
use eol_inject::verify;

use crate::elf_file::{ElfFile, Section, Segment, firmware};

fn at(address: u64) -> Address {
    Address::new(address)
}

fn span(start: u64, end: u64) -> Span {
    Span::between(at(start), at(end)).unwrap()
}

fn read(file: &ElfFile) -> Result<Image, ImageError> {
    Image::read(file.bytes(), Hint::default())
}

/// All four forms of one firmware.
fn forms() -> impl Iterator<Item = ElfFile> {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(|(wide, big)| firmware(wide, big))
}

#[test]
fn an_elf_of_each_class_and_byte_order_gives_the_same_map() {
    for file in forms() {
        let image = read(&file).unwrap();
        assert_eq!(image.format(), Format::Elf);
        assert_eq!(image.runs(), [span(0x0800_0000, 0x0800_0050)]);
        let machine = image.machine().unwrap();
        assert_eq!(machine.bits, if file.wide { 64 } else { 32 });
        assert_eq!(
            machine.endian,
            if file.big {
                Endian::Big
            } else {
                Endian::Little
            }
        );
        assert_eq!(machine.name, "ARM");
        let across = image.bytes(span(0x0800_003e, 0x0800_0042)).unwrap();
        assert_eq!(*across, [62, 63, 100, 101]);
    }
}

#[test]
fn both_readers_agree_on_bytes_and_names() {
    for file in forms() {
        let first = read(&file).unwrap();
        let second = verify::read(file.bytes(), Hint::default()).unwrap();
        assert_eq!(first.names(), second.names());
        assert_eq!(first.machine(), second.machine());
        assert_eq!(first.runs(), second.runs());
        for run in first.runs() {
            assert_eq!(first.bytes(run).unwrap(), second.bytes(run).unwrap());
        }
    }
}

#[test]
fn names_give_load_addresses() {
    for file in forms() {
        let image = read(&file).unwrap();
        assert_eq!(image.section(".data"), Ok(span(0x0800_0040, 0x0800_0050)));
        assert_eq!(image.symbol("token"), Ok((at(0x0800_0044), 8)));
        assert_eq!(image.symbol("data_end"), Ok((at(0x0800_0050), 0)));
        assert_eq!(image.symbol("bss_start"), Ok((at(0x0800_0050), 0)));
        assert_eq!(image.symbol("flash_size"), Ok((at(0x0001_0000), 0)));
        assert_eq!(image.symbol("same"), Ok((at(0x0800_0030), 4)));
        assert_eq!(image.symbol("thumb"), Ok((at(0x0800_0008), 4)));
    }
}

#[test]
fn a_name_that_gives_no_place_says_why() {
    let image = read(&firmware(false, false)).unwrap();
    let name = |name: &str| name.to_owned();
    assert_eq!(
        image.symbol("Token"),
        Err(ImageError::NoSuchName {
            kind: NameKind::Symbol,
            name: name("Token"),
            near: vec![name("token")],
        })
    );
    assert!(matches!(
        image.symbol("missing"),
        Err(ImageError::NoSuchName { .. })
    ));
    assert_eq!(
        image.symbol("zeroed"),
        Err(ImageError::NotStored {
            kind: NameKind::Symbol,
            name: name("zeroed"),
            section: name(".bss"),
        })
    );
    assert_eq!(
        image.symbol("debug_mark"),
        Err(ImageError::NotLoaded {
            kind: NameKind::Symbol,
            name: name("debug_mark"),
        })
    );
    assert_eq!(
        image.symbol("twice"),
        Err(ImageError::TwoPlaces {
            kind: NameKind::Symbol,
            name: name("twice"),
            first: at(0x0800_0010),
            second: at(0x0800_0020),
        })
    );
    assert!(matches!(
        image.section(".bss"),
        Err(ImageError::NotStored { .. })
    ));
    assert!(matches!(
        image.section(".debug_str"),
        Err(ImageError::NotLoaded { .. })
    ));
    assert_eq!(
        image.section(".none"),
        Err(ImageError::EmptySection {
            name: name(".none"),
            at: at(0x0800_0020),
        })
    );
}

#[test]
fn zeros_that_a_segment_stores_are_stored() {
    let mut file = firmware(false, false);
    file.segments[1].bytes.extend([0; 8]);
    file.segments[1].zeros = 0;
    let image = read(&file).unwrap();
    assert_eq!(image.section(".bss"), Ok(span(0x0800_0050, 0x0800_0058)));
}

#[test]
fn an_elf_without_section_headers_is_read() {
    let file = ElfFile {
        sections: Vec::new(),
        ..firmware(true, true)
    };
    let image = read(&file).unwrap();
    assert_eq!(image.runs(), [span(0x0800_0000, 0x0800_0050)]);
    assert!(matches!(
        image.section(".text"),
        Err(ImageError::NoNames { .. })
    ));
}

#[test]
fn with_no_load_address_at_all_run_time_addresses_count() {
    let mut file = firmware(false, false);
    file.segments.iter_mut().for_each(|it| it.lma = 0);
    for image in [
        read(&file).unwrap(),
        verify::read(file.bytes(), Hint::default()).unwrap(),
    ] {
        assert_eq!(
            image.runs(),
            [
                span(0x0800_0000, 0x0800_0040),
                span(0x2000_0000, 0x2000_0010)
            ]
        );
    }
    // A single segment may really be loaded at 0.
    file.segments.truncate(1);
    file.sections.clear();
    assert_eq!(read(&file).unwrap().runs(), [span(0, 0x40)]);
}

#[test]
fn segments_that_share_an_address_are_refused() {
    let mut file = firmware(false, false);
    file.segments[1].lma = 0x0800_003f;
    assert_eq!(
        read(&file).unwrap_err(),
        ImageError::ElfOverlap {
            first: span(0x0800_0000, 0x0800_0040),
            second: span(0x0800_003f, 0x0800_004f),
        }
    );
    assert!(verify::read(file.bytes(), Hint::default()).is_err());
}

#[test]
fn segments_that_share_bytes_of_the_file_are_refused() {
    let mut file = firmware(false, false);
    file.sections.clear();
    let mut bytes = file.bytes();
    // `p_offset` of the second program header is made that of the first.
    let offset: [u8; 4] = bytes[52 + 4..52 + 8].try_into().unwrap();
    bytes[84 + 4..84 + 8].copy_from_slice(&offset);
    assert_eq!(
        Image::read(bytes.clone(), Hint::default()).unwrap_err(),
        ImageError::ElfShared {
            first: span(0x0800_0000, 0x0800_0040),
            second: span(0x0800_0040, 0x0800_0050),
        }
    );
    assert!(verify::read(bytes, Hint::default()).is_err());
}

#[test]
fn what_is_no_whole_program_is_refused() {
    let whole = firmware(false, false);
    let relocatable = ElfFile {
        kind: 1,
        ..whole.clone()
    };
    assert!(matches!(
        read(&relocatable),
        Err(ImageError::ElfNotLinked { .. })
    ));
    let mut cut = ElfFile {
        sections: Vec::new(),
        ..whole.clone()
    }
    .bytes();
    cut.pop();
    let size = cut.len() as u64;
    assert_eq!(
        Image::read(cut, Hint::default()).unwrap_err(),
        ImageError::ElfTruncated {
            index: 1,
            end: size + 1,
            size,
        }
    );
    let mut high = whole.clone();
    high.segments[1].lma = 0xffff_fff8;
    assert!(matches!(
        read(&high),
        Err(ImageError::Wraps { len: 16, .. })
    ));
    let empty = ElfFile {
        segments: vec![Segment {
            zeros: 4,
            ..Segment::default()
        }],
        sections: Vec::new(),
        ..whole
    };
    assert!(matches!(
        read(&empty),
        Err(ImageError::NothingLoaded { .. })
    ));
}

#[test]
fn a_cut_file_never_reads_as_a_whole_one() {
    for file in forms() {
        let bytes = file.bytes();
        for len in 1..bytes.len() {
            let cut = bytes[..len].to_vec();
            assert!(Image::read(cut.clone(), Hint::default()).is_err(), "{len}");
            assert!(verify::read(cut, Hint::default()).is_err(), "{len}");
        }
    }
}

#[test]
fn names_of_the_same_build_are_taken() {
    let elf = read(&firmware(false, false)).unwrap();
    let bin: Vec<u8> = (0..64).chain(100..116).collect();
    let hint = Hint {
        format: None,
        base: Some(at(0x0800_0000)),
        ..Hint::default()
    };
    let image = Image::read(bin.clone(), hint).unwrap();
    assert!(matches!(
        image.symbol("token"),
        Err(ImageError::NoNames { .. })
    ));
    let named = image.with_names(&elf).unwrap();
    assert_eq!(named.symbol("token"), Ok((at(0x0800_0044), 8)));
    assert_eq!(named.machine(), elf.machine());

    let mut other = bin.clone();
    other[0x42] ^= 1;
    let image = Image::read(other, hint).unwrap();
    assert_eq!(
        image.with_names(&elf).unwrap_err(),
        ImageError::NamesDiffer {
            address: at(0x0800_0042),
            found: 103,
            wanted: 102,
        }
    );
    let elsewhere = Hint {
        base: Some(at(0)),
        ..hint
    };
    let image = Image::read(bin, elsewhere).unwrap();
    assert_eq!(image.with_names(&elf).unwrap_err(), ImageError::NamesApart);
}

#[test]
fn a_section_that_a_bin_stores_in_part_is_refused() {
    let elf = read(&firmware(false, false)).unwrap();
    let hint = Hint {
        format: Some(Format::Bin),
        base: Some(at(0x0800_0000)),
        ..Hint::default()
    };
    let bin = Image::read((0..64).chain(100..108).collect(), hint).unwrap();
    let named = bin.with_names(&elf).unwrap();
    assert_eq!(
        named.section(".data"),
        Err(ImageError::Outside {
            span: span(0x0800_0040, 0x0800_0050),
            first: at(0x0800_0048),
        })
    );
}

#[test]
fn an_edit_across_segments_lands_in_both() {
    let file = ElfFile {
        skew: 3,
        ..firmware(true, false)
    };
    let image = read(&file).unwrap();
    let mut edits = Edits::new();
    edits.put(at(0x0800_003e), b"abcd");
    let patched = Image::read(image.render(&edits).unwrap(), Hint::default()).unwrap();
    let bytes = patched.bytes(span(0x0800_003d, 0x0800_0043)).unwrap();
    assert_eq!(&bytes[1..5], b"abcd");
    assert_eq!(image.patches(&edits).unwrap().len(), 2);
    let mut outside = Edits::new();
    outside.put(at(0x0800_004e), b"abcd");
    assert_eq!(
        image.render(&outside),
        Err(ImageError::Outside {
            span: span(0x0800_004e, 0x0800_0052),
            first: at(0x0800_0050),
        })
    );
}

#[test]
fn a_pattern_is_found_across_segments_that_touch_and_not_in_debug_data() {
    let image = read(&firmware(false, true)).unwrap();
    let hits = |pattern: &[u8]| image.find(pattern).collect::<Vec<_>>();
    assert_eq!(hits(&[62, 63, 100, 101]), [at(0x0800_003e)]);
    assert_eq!(hits(&[4, 5]), [at(0x0800_0004)]);
    assert_eq!(hits(b".debug_str"), []);
}

#[test]
fn a_section_of_an_odd_table_is_read() {
    // Names, symbols and headers stand at odd offsets.
    for skew in 0..4 {
        let file = ElfFile {
            skew,
            ..firmware(true, true)
        };
        assert!(read(&file).unwrap().section(".data").is_ok());
    }
}

/// What TI's linkers call `.out` is an ELF; content decides, never the name.
#[test]
fn an_out_file_of_ti_s_compilers_is_an_elf() {
    for (machine, big, name) in [
        (40, false, "ARM"),
        (40, true, "ARM"),
        (140, false, "TI C6000"),
    ] {
        let file = ElfFile {
            machine,
            ..firmware(false, big)
        };
        let image = read(&file).unwrap();
        assert_eq!(image.machine().unwrap().name, name);
        assert_eq!(image.symbol("token"), Ok((at(0x0800_0044), 8)));
    }
}

#[test]
fn of_two_equal_sections_there_is_one_place() {
    let mut file = firmware(false, false);
    file.sections.push(Section {
        name: ".data",
        ..file.sections[0].clone()
    });
    assert!(matches!(
        read(&file).unwrap().section(".data"),
        Err(ImageError::TwoPlaces { .. })
    ));
}

#[test]
fn a_section_that_two_segments_load_has_one_place() {
    for mut file in forms() {
        // `.data` in two segments that touch, their bytes apart in the file.
        let tail = Segment {
            vma: 0x2000_000a,
            lma: 0x0800_004a,
            bytes: file.segments[1].bytes.split_off(10),
            zeros: 8,
        };
        file.segments[1].zeros = 0;
        file.segments.push(tail);
        let image = read(&file).unwrap();
        assert_eq!(image.section(".data"), Ok(span(0x0800_0040, 0x0800_0050)));
        assert_eq!(image.symbol("token"), Ok((at(0x0800_0044), 8)));
        let second = verify::read(file.bytes(), Hint::default()).unwrap();
        assert_eq!(image.names(), second.names());

        file.segments[2].lma += 1;
        let image = read(&file).unwrap();
        assert!(matches!(
            image.section(".data"),
            Err(ImageError::NotStored { .. })
        ));
        let second = verify::read(file.bytes(), Hint::default()).unwrap();
        assert_eq!(image.names(), second.names());
    }
}
