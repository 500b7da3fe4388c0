//! Bytes that replace others.

use eol_inject::image::{Address, Edits, Span};

fn at(start: u64) -> Address {
    Address::new(start)
}

#[test]
fn later_bytes_win() {
    let mut edits = Edits::new();
    edits.put(at(10), b"aaaa");
    edits.put(at(11), b"bb");
    let mut bytes = *b"......";
    edits.apply(Span::new(at(9), 6).unwrap(), &mut bytes);
    assert_eq!(&bytes, b".abba.");
}

#[test]
fn a_window_shows_the_part_inside() {
    let mut edits = Edits::new();
    edits.put(at(8), b"abcd");
    let mut bytes = *b"..";
    edits.apply(Span::new(at(10), 2).unwrap(), &mut bytes);
    assert_eq!(&bytes, b"cd");
}

#[test]
fn the_debug_form_shows_places_only() {
    let mut edits = Edits::new();
    edits.put(at(16), b"secret");
    assert_eq!(format!("{edits:?}"), "[0x00000010..0x00000016]");
}
