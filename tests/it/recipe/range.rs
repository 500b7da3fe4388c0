//! Ranges as a recipe writes them.

use eol_inject::image::Address;
use eol_inject::recipe::{Anchor, Bound, BoundError, RangeSpec};

fn bound(anchor: Anchor, offset: i64) -> Bound {
    Bound { anchor, offset }
}

#[test]
fn ranges_are_read_as_the_recipe_writes_them() {
    let range: RangeSpec = "__image_start .. end-4".parse().unwrap();
    assert_eq!(
        range.start,
        bound(Anchor::Symbol("__image_start".into()), 0)
    );
    assert_eq!(range.end, bound(Anchor::ImageEnd, -4));
    let range: RangeSpec = "0x0800_0000..0x08000100+0x10".parse().unwrap();
    assert_eq!(
        range.start,
        bound(Anchor::Address(Address::new(0x0800_0000)), 0)
    );
    assert_eq!(
        range.end,
        bound(Anchor::Address(Address::new(0x0800_0100)), 16)
    );
}

#[test]
fn a_section_alone_is_a_range() {
    let range: RangeSpec = "section:.auth-token".parse().unwrap();
    assert_eq!(range.start, bound(Anchor::Section(".auth-token".into()), 0));
    assert_eq!(range.start, range.end);
}

#[test]
fn the_dot_of_a_section_survives_the_range() {
    let range: RangeSpec = "start..section:.text".parse().unwrap();
    assert_eq!(range.end, bound(Anchor::Section(".text".into()), 0));
}

#[test]
fn a_symbol_alone_is_no_range() {
    let error = "image_crc".parse::<RangeSpec>().unwrap_err();
    assert_eq!(error, BoundError::NoRange("image_crc".into()));
}
