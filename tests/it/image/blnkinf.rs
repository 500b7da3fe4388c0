//! Blynk's firmware tag.

use eol_inject::image::{Address, Hint, Image, ImageError};

const TAG: &[u8] = b"blnkinf\0mcu\x001.0.0\0fw-type\0TMPLabcd1234\0empty\0\0blynk\x001.3.2\0\0";

fn image(bytes: &[u8]) -> Image {
    let hint = Hint {
        format: None,
        base: Some(Address::new(0x100)),
        ..Hint::default()
    };
    Image::read(bytes.to_vec(), hint).unwrap()
}

#[test]
fn a_tag_is_read() {
    // Code that searches for its tag holds the magic too.
    let bytes = [b"blnkinf\0search\0..", TAG, b"rest"].concat();
    let tag = image(&bytes).blnkinf().unwrap().unwrap();
    assert_eq!(tag.at, Address::new(0x100 + 17));
    assert_eq!(tag.get("mcu"), Some("1.0.0"));
    assert_eq!(tag.get("fw-type"), Some("TMPLabcd1234"));
    assert_eq!(tag.get("empty"), Some(""));
    assert_eq!(tag.get("blynk"), Some("1.3.2"));
    assert_eq!(tag.get("auth"), None);
}

#[test]
fn a_tag_that_is_cut_off_is_none() {
    for len in 1..TAG.len() {
        let cut = TAG.get(..len).unwrap();
        assert_eq!(image(cut).blnkinf(), Ok(None), "{len}");
    }
}

#[test]
fn copies_are_one_tag_and_others_are_refused() {
    let twice = [TAG, b"..", TAG].concat();
    assert!(image(&twice).blnkinf().unwrap().is_some());
    let other = [TAG, b"blnkinf\0mcu\x002.0.0\0\0"].concat();
    assert_eq!(
        image(&other).blnkinf(),
        Err(ImageError::TwoTags {
            first: Address::new(0x100),
            second: Address::new(0x100 + 59),
        })
    );
}
