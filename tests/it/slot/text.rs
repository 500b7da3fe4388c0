//! Text slots: a value, its NUL and padding.

use eol_inject::image::Address;
use eol_inject::recipe::SlotSpec;
use eol_inject::slot::{Content, Slot, SlotError, Takes, alone, locate};

use super::{TOKEN, image};

fn spec(text: &str) -> SlotSpec {
    toml::from_str(text).unwrap()
}

/// A slot of `size` bytes at 0x100 that holds `content`, then NULs.
fn find_in(content: &[u8], size: usize, keys: &str) -> Result<Slot, SlotError> {
    let mut bytes = content.to_vec();
    bytes.resize(size, 0);
    let text = format!("value = \"auth-token\"\naddress = 0x100\nsize = {size}\n{keys}");
    locate(&image(0x100, &bytes), &spec(&text))
}

#[test]
fn a_value_gets_its_nul_and_its_padding() {
    let slot = find_in(b"PLACEHOLDER", 40, "pad = 0xFF").unwrap();
    assert_eq!(slot.capacity(), 39);
    let bytes = slot.encode(TOKEN).unwrap();
    let wanted = [TOKEN, &[0], &[0xFF; 7]].concat();
    assert_eq!(bytes.as_slice(), wanted);
    assert_eq!(slot.read(&bytes), Content::Filled(TOKEN.to_vec().into()));
}

#[test]
fn without_a_nul_the_token_fits_32_bytes() {
    let slot = find_in(&[0xFF; 32], 32, "nul = false").unwrap();
    assert_eq!(slot.encode(TOKEN).unwrap().as_slice(), TOKEN);
    let error = find_in(&[0xFF; 32], 32, "").unwrap_err();
    let (room, needs, takes) = (32, 33, Takes::OnlyNul);
    let at = Address::new(0x100);
    assert_eq!(
        error,
        SlotError::TooSmall {
            at,
            room,
            needs,
            takes
        }
    );
}

#[test]
fn what_is_blank_is_the_recipe_s_word() {
    let at = Address::new(0x100);
    let token = [TOKEN, b"\0"].concat();
    for keys in ["", "blank = { text = \"PLACE\" }", "blank = \"erased\""] {
        assert_eq!(
            find_in(&token, 40, keys).unwrap_err(),
            SlotError::Filled { at },
            "{keys}"
        );
    }
    assert!(find_in(&token, 40, "blank = \"any\"").is_ok());
    assert!(find_in(b"PLACEHOLDER", 40, "blank = { text = \"PLACE\" }").is_ok());
    assert!(find_in(&[0xFF; 40], 40, "blank = \"erased\"").is_ok());
    let odd = find_in(b"PLACEHOLDER", 40, "blank = \"erased\"").unwrap_err();
    assert!(matches!(odd, SlotError::NotBlank { .. }));
}

#[test]
fn unsaid_takes_erased_zeroed_or_a_placeholder() {
    assert!(find_in(&[0xFF; 40], 40, "").is_ok());
    assert!(find_in(&[], 40, "").is_ok());
    assert!(find_in(b"YourAuthToken", 40, "").is_ok());
    assert!(find_in(b"no placeholder\0\x01\x02", 40, "").is_err());
    assert!(find_in(b"\x80\x01\x02", 40, "").is_err());
}

#[test]
fn a_unit_s_slot_is_blank_filled_or_damaged() {
    let slot = find_in(b"PLACEHOLDER", 40, "").unwrap();
    let mut master = b"PLACEHOLDER".to_vec();
    master.resize(40, 0);
    assert_eq!(slot.read(&master), Content::Blank);
    assert_eq!(slot.read(&[0xFF; 40]), Content::Blank);
    let torn = [TOKEN, &[0xFF; 8]].concat();
    assert!(matches!(slot.read(&torn), Content::Damaged(_)));
    let mut behind = slot.encode(TOKEN).unwrap();
    behind[39] = 7;
    assert!(matches!(slot.read(&behind), Content::Damaged(_)));
    assert!(matches!(slot.read(&behind[1..]), Content::Damaged(_)));
    let short = [b"short\0".as_slice(), &[0; 34]].concat();
    assert!(matches!(slot.read(&short), Content::Damaged(_)));
}

#[test]
fn a_value_that_reads_as_something_else_is_refused() {
    let at = Address::new(0x100);
    let mut bytes = b"UNSET".to_vec();
    bytes.resize(16, 0);
    let text = "value = \"column:MAC\"\naddress = 0x100\nsize = 16\n";
    let slot = locate(&image(0x100, &bytes), &spec(text)).unwrap();
    assert_eq!(slot.encode(b"").unwrap_err(), SlotError::ValueEmpty { at });
    let nul = slot.encode(b"a\0b").unwrap_err();
    assert_eq!(nul, SlotError::ValueNul { at, index: 1 });
    let blank = slot.encode(b"UNSET").unwrap_err();
    assert!(matches!(blank, SlotError::Unreadable { .. }));
    assert!(matches!(
        slot.encode(b"\xFF\xFE").unwrap_err(),
        SlotError::Unreadable { .. }
    ));
    let spaced = locate(
        &image(0x100, &bytes),
        &spec(&format!("{text}nul = false\npad = 0x20")),
    )
    .unwrap();
    assert!(matches!(
        spaced.encode(b"ends in ").unwrap_err(),
        SlotError::Unreadable { .. }
    ));
    assert!(spaced.encode(b"ends").is_ok());
}

#[test]
fn a_marker_counts_in_loaded_bytes_and_once() {
    let text = "value = \"auth-token\"\nmarker = \"TOKEN_HERE\"\n";
    let bytes = [b"..TOKEN_HERE".as_slice(), &[0; 40]].concat();
    let sized = format!("{text}size = 40");
    let slot = locate(&image(0x100, &bytes), &spec(&sized)).unwrap();
    assert_eq!(slot.span().start(), Address::new(0x102));
    let unsized_ = locate(&image(0x100, &bytes), &spec(text)).unwrap_err();
    assert!(matches!(unsized_, SlotError::NoSize { .. }));
    let twice = locate(
        &image(0x100, &[bytes.clone(), bytes].concat()),
        &spec(&sized),
    )
    .unwrap_err();
    assert!(matches!(twice, SlotError::Twice { at, .. } if at.len() == 2));
    let none = locate(&image(0x100, &[0; 64]), &spec(&sized)).unwrap_err();
    assert!(matches!(none, SlotError::Missing { .. }));
}

#[test]
fn a_copy_of_the_placeholder_is_refused() {
    let mut bytes = b"PLACEHOLDER_1".to_vec();
    bytes.resize(40, 0);
    bytes.extend(b"it was PLACEHOLDER_ before\0");
    let text = "value = \"auth-token\"\naddress = 0x100\nsize = 40\n";
    let slot = |bytes: &[u8]| locate(&image(0x100, bytes), &spec(text)).unwrap();
    assert_eq!(alone(&image(0x100, &bytes), &[slot(&bytes)]), Ok(()));
    bytes.extend(b"PLACEHOLDER_1\0");
    let (index, error) = alone(&image(0x100, &bytes), &[slot(&bytes)]).unwrap_err();
    let also = vec![Address::new(0x100 + 40 + 27)];
    let at = Address::new(0x100);
    assert_eq!((index, error), (0, SlotError::Copied { at, also }));
}
