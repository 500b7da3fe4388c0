//! Errors of S-record and UF2 images, by both readers.

use eol_inject::image::{Hint, Image, ImageError, SrecError, Uf2Error};
use eol_inject::verify;
use strum::VariantNames as _;

use super::{Sample, listing};

/// Reads bytes both ways; each reader refuses them.
fn refused(bytes: &[u8], hint: Hint) -> [Sample; 2] {
    let error: ImageError = Image::read(bytes.to_vec(), hint).unwrap_err();
    let second = verify::read(bytes.to_vec(), hint).unwrap_err();
    [
        Sample(error.name(), Box::new(error)),
        Sample(second.name(), Box::new(second)),
    ]
}

#[test]
fn srec_errors() {
    let good = "S1040000AA51";
    let bad = [
        "x",
        "S4030000FC",
        "S10400G0AA51",
        "S1040000AA5",
        "S1040000AA5100",
        "S10200FD",
        "S1040000AA52",
        "S5030002FA",
        "S1040000BB40",
        "S9030000FC\nS1040000AA51",
    ];
    let mut samples = Vec::new();
    for line in bad {
        let text = format!("{good}\n{line}\nS9030000FC");
        samples.extend(refused(text.as_bytes(), Hint::default()));
    }
    samples.extend(refused(good.as_bytes(), Hint::default()));
    samples.extend(refused(b"S9030000FC", Hint::default()));
    samples.extend(refused(b"S105FFFF0102F9\nS9030000FC", Hint::default()));
    insta::assert_snapshot!(listing(SrecError::VARIANTS, &samples));
}

/// A block: address, payload length, number, count, family.
fn block(words: [u32; 5], flags: u32) -> Vec<u8> {
    let [address, len, number, blocks, family] = words;
    let head = [
        0x0A32_4655,
        0x9E5D_5157,
        flags,
        address,
        len,
        number,
        blocks,
        family,
    ];
    let mut bytes: Vec<u8> = head
        .iter()
        .flat_map(|word: &u32| word.to_le_bytes())
        .collect();
    bytes.resize(508, 0);
    bytes.extend(0x0AB1_6F30u32.to_le_bytes());
    bytes
}

#[test]
fn uf2_errors() {
    const FAMILY: u32 = 0x2000;
    let one = block([0, 4, 0, 1, 7], FAMILY);
    let two = |second: [u32; 5]| [block([0, 4, 0, 2, 7], FAMILY), block(second, FAMILY)].concat();
    let mut torn = one.clone();
    torn[511] = 0;
    let bad = [
        one[..500].to_vec(),
        torn,
        [one.clone(), vec![0; 512]].concat(),
        block([0, 477, 0, 1, 7], FAMILY),
        two([4, 4, 1, 3, 7]),
        two([4, 4, 2, 2, 7]),
        two([4, 4, 0, 2, 7]),
        block([0, 4, 0, 2, 7], FAMILY),
        two([2, 4, 1, 2, 7]),
        two([2, 4, 1, 2, 8]),
        block([0xffff_fffe, 4, 0, 1, 7], FAMILY),
        block([0, 0, 0, 1, 7], FAMILY),
    ];
    let mut samples: Vec<Sample> = bad
        .iter()
        .flat_map(|bytes| refused(bytes, Hint::default()))
        .collect();
    let other = Hint {
        family: Some(9),
        ..Hint::default()
    };
    samples.extend(refused(&two([2, 4, 1, 2, 8]), other));
    let mut tagged = block([0, 4, 0, 1, 7], FAMILY | 0x8000);
    tagged[36..40].copy_from_slice(&[36, 0xb0, 0x6d, 0xb4]);
    let image = Image::read(tagged, Hint::default()).unwrap();
    let error = image.changeable().unwrap_err();
    samples.push(Sample(error.name(), Box::new(error)));
    insta::assert_snapshot!(listing(Uf2Error::VARIANTS, &samples));
}
