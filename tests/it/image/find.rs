//! Text in loaded bytes.

use eol_inject::image::{Address, Hint, Image};

/// Reads a HEX of these one-record extents.
fn image(pieces: &[(u16, &[u8])]) -> Image {
    let mut text = String::new();
    for (offset, data) in pieces {
        let [high, low] = offset.to_be_bytes();
        let mut bytes = vec![u8::try_from(data.len()).unwrap(), high, low, 0];
        bytes.extend(*data);
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
        bytes.push(sum);
        text.push(':');
        text.extend(bytes.iter().map(|byte| format!("{byte:02X}")));
        text.push('\n');
    }
    text.push_str(":00000001FF\n");
    Image::read(text.into_bytes(), Hint::default()).unwrap()
}

fn hits(image: &Image, pattern: &[u8]) -> Vec<u64> {
    image.find(pattern).map(Address::get).collect()
}

#[test]
fn hits_cross_records_and_no_gap() {
    let image = image(&[(0, b"..ab"), (4, b"cd.."), (16, b"ab"), (20, b"cd")]);
    assert_eq!(hits(&image, b"abcd"), [2]);
    assert_eq!(hits(&image, b"cd"), [4, 20]);
    assert!(hits(&image, b"").is_empty());
    assert!(hits(&image, b"..abcd....").is_empty());
}

#[test]
fn overlapping_hits_all_count() {
    let image = image(&[(0, b"aaaa")]);
    assert_eq!(hits(&image, b"aa"), [0, 1, 2]);
}
