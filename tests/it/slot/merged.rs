//! Literals as slots.

use eol_inject::slot::{alone, locate};

use super::image;

const PLACEHOLDER: &[u8] = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\0\0\0\0\0";

/// Returns the error of a slot by marker or address behind `front`, with `behind` behind it.
fn refusal(front: &[u8], behind: &[u8], keys: &str) -> Option<&'static str> {
    let bytes = [front, PLACEHOLDER, behind].concat();
    let image = image(0x0800_0000, &bytes);
    let spec = format!("value = \"auth-token\"\nsize = 40\n{keys}");
    let slot = locate(&image, &toml::from_str(&spec).unwrap()).unwrap();
    let error = alone(&image, &[slot]).err()?;
    Some(error.1.name())
}

const MARKER: &str = "marker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"";

#[test]
fn the_end_of_a_longer_text_is_no_slot() {
    assert_eq!(refusal(b"\0default=", b"", MARKER), Some("slot-shared"));
    assert_eq!(refusal(&[b'x'; 40], b"", MARKER), Some("slot-shared"));
    // In a text that goes on behind the value, the value needs no NUL, and nobody ends there.
    let inside = format!("{MARKER}\nnul = false");
    assert_eq!(refusal(b"\0{\"token\":\"", b"\"}", &inside), None);
}

#[test]
fn data_in_front_that_look_like_text_are_none() {
    assert_eq!(refusal(b"\x01\x02\x03\x04GW-1", b"", MARKER), None);
    assert_eq!(refusal(b"\0\0\0\0", b"", MARKER), None);
}

#[test]
fn pointers_to_a_literal_and_into_it_are_told() {
    let both = [0x0800_0008u32, 0x0800_0020].map(u32::to_le_bytes).concat();
    let front = &both[..];
    assert_eq!(refusal(front, b"", MARKER), Some("slot-shared"));
    let one = [0x0800_0008u32, 0x0800_0030].map(u32::to_le_bytes).concat();
    assert_eq!(refusal(&one, b"", MARKER), None);
    let number = [7u32, 0x0800_0020].map(u32::to_le_bytes).concat();
    assert_eq!(refusal(&number, b"", MARKER), None);
    let any = "address = 0x08000008\nblank = \"any\"";
    assert_eq!(refusal(front, b"", any), None);
}
