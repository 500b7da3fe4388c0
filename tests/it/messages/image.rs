use eol_inject::image::{Address, Conversion, Edits, Format, Hint, Image, ImageError};
use eol_inject::verify::{self, ReadError};
use strum::VariantNames as _;

use super::{Sample, listing};
use crate::elf_file::{ElfFile, Segment, firmware};

const NO_HINT: Hint = Hint {
    format: None,
    base: None,
    family: None,
};

fn at(address: u64) -> Option<Address> {
    Some(Address::new(address))
}

/// Inputs that no reader takes, each with what is said about it beforehand.
fn bad() -> Vec<(Vec<u8>, Hint)> {
    let hex = |text: &str| (text.as_bytes().to_vec(), NO_HINT);
    let elf = |file: &ElfFile| (file.bytes(), NO_HINT);
    let base = |address| Hint {
        format: None,
        base: at(address),
        ..Hint::default()
    };
    let whole = firmware(false, false);
    let mut overlap = whole.clone();
    overlap.segments[1].lma = 0x0800_0020;
    let mut high = whole.clone();
    high.segments[1].lma = 0xffff_fff8;
    let bare = ElfFile {
        sections: Vec::new(),
        ..whole.clone()
    };
    let mut cut = bare.bytes();
    cut.pop();
    let mut shared = bare.bytes();
    shared.copy_within(52 + 4..52 + 8, 84 + 4);
    let empty = ElfFile {
        segments: vec![Segment::default()],
        ..bare.clone()
    };
    vec![
        (Vec::new(), NO_HINT),
        (b"raw".to_vec(), NO_HINT),
        (b"raw".to_vec(), base(u64::MAX)),
        (whole.bytes(), base(0)),
        (
            whole.bytes(),
            Hint {
                format: Some(Format::Hex),
                base: None,
                ..Hint::default()
            },
        ),
        (b"DfuSe\x01".to_vec(), NO_HINT),
        (
            whole.bytes(),
            Hint {
                family: Some(7),
                ..NO_HINT
            },
        ),
        (b"\x7fELF\x07".to_vec(), NO_HINT),
        (whole.bytes()[..40].to_vec(), NO_HINT),
        elf(&ElfFile {
            kind: 1,
            ..bare.clone()
        }),
        elf(&empty),
        elf(&overlap),
        elf(&high),
        (shared, NO_HINT),
        (cut, NO_HINT),
        hex(":00000001FF"),
        hex(":0100000011EE"),
        hex(":0100000011EE\nx"),
        hex(":0100000011EE\n:G"),
        hex(":0100000011EE\n:012"),
        hex(":0100000011EE\n:0200000011EE"),
        hex(":0100000011EF"),
        hex(":0100000400FB"),
        hex(":00000001FF\n\n:0100000011EE"),
        hex(":0100000011EE\n:0100000022DD\n:00000001FF"),
        hex(":02000004FFFFFC\n:02FFFF000000FE\n:00000001FF"),
        (b"UF2\nWQ\x5d\x9e".to_vec(), NO_HINT),
    ]
}

#[test]
fn image_errors() {
    let mut errors: Vec<ImageError> = bad()
        .into_iter()
        .map(|(bytes, hint)| Image::read(bytes, hint).unwrap_err())
        .collect();
    let read = |file: &ElfFile| Image::read(file.bytes(), NO_HINT).unwrap();
    let raw = |bytes: Vec<u8>, base| {
        let hint = Hint {
            format: None,
            base: at(base),
            ..Hint::default()
        };
        Image::read(bytes, hint).unwrap()
    };
    let words = ElfFile {
        machine: 141,
        ..firmware(false, false)
    };
    errors.push(Image::read(words.bytes(), NO_HINT).unwrap_err());
    let image = read(&firmware(false, false));
    let mut outside = Edits::new();
    outside.put(Address::new(0x0800_004e), b"abcd");
    errors.push(image.patches(&outside).unwrap_err());
    errors.push(raw(b"x".to_vec(), 0).symbol("token").unwrap_err());
    errors.push(raw(b"x".to_vec(), 0).section(".token").unwrap_err());
    for name in ["Token", "nowhere", "twice", "debug_mark", "zeroed"] {
        errors.push(image.symbol(name).unwrap_err());
    }
    for name in [".dta", ".none", ".bss", ".debug_str"] {
        errors.push(image.section(name).unwrap_err());
    }
    let other = raw((1..65).collect(), 0x0800_0000);
    errors.push(other.with_names(&image).unwrap_err());
    let apart = raw(b"x".to_vec(), 0);
    errors.push(apart.with_names(&image).unwrap_err());
    let tags = b"blnkinf\0mcu\x001\0\0blnkinf\0mcu\x002\0\0";
    errors.push(raw(tags.to_vec(), 0).blnkinf().unwrap_err());
    let checked = verify::read(b":0100000011EE\n:00000001FF".to_vec(), NO_HINT).unwrap();
    errors.push(checked.patches(&Edits::new()).unwrap_err());
    let far = ":0100000011EE\n:020000041000EA\n:0100000022DD\n:00000001FF";
    let far = Image::read(far.as_bytes().to_vec(), NO_HINT).unwrap();
    let bin = Conversion::Bin { fill: 0xFF };
    errors.push(far.convert(&Edits::new(), bin).unwrap_err());
    let high = raw(b"xy".to_vec(), 0xffff_ffff);
    errors.push(high.convert(&Edits::new(), Conversion::Hex).unwrap_err());
    let samples: Vec<Sample> = errors
        .into_iter()
        .map(|error| Sample(error.name(), Box::new(error)))
        .collect();
    // Those of S-records and UF2 have names of their own, and a listing of their own.
    let own = |name: &&str| !matches!(*name, "image-srec" | "image-uf2");
    let variants: Vec<&str> = ImageError::VARIANTS.iter().copied().filter(own).collect();
    insta::assert_snapshot!(listing(&variants, &samples));
}

#[test]
fn read_errors() {
    let samples: Vec<Sample> = bad()
        .into_iter()
        .map(|(bytes, hint)| verify::read(bytes, hint).unwrap_err())
        .map(|error| Sample(error.name(), Box::new(error)))
        .collect();
    insta::assert_snapshot!(listing(ReadError::VARIANTS, &samples));
}
