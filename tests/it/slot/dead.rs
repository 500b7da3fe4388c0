//! Words of a placeholder that the compiler folded away.

use eol_inject::image::Address;
use eol_inject::slot::{locate, suspects};

use super::image;

fn hits(behind: &[u8]) -> Vec<u64> {
    let mut bytes = b"PLACEHOLDER_OF_THE_TOKEN".to_vec();
    bytes.resize(40, 0);
    bytes.extend(behind);
    let image = image(0x100, &bytes);
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
