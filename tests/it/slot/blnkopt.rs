//! Blynk's option block, packed again.

use eol_inject::image::Address;
use eol_inject::slot::{Content, Slot, SlotError, Takes, found, locate};

use super::{TOKEN, image};

/// The block that Blynk's examples ship: 305 bytes, then the array's implicit NUL.
fn shipped() -> Vec<u8> {
    let ssid = "Placeholder".repeat(24);
    let text = format!("blnkopt\0ssid\0{ssid}\0host\0blynk.cloud\0port\x00443\0\0\0");
    assert_eq!(text.len(), 306);
    text.into_bytes()
}

fn block_in(bytes: &[u8], keys: &str) -> Result<Slot, SlotError> {
    let text = format!("value = \"auth-token\"\nblnkopt = true\n{keys}");
    locate(&image(0, bytes), &toml::from_str(&text).unwrap())
}

const SET: &str = "set = { ssid = \"plant-7\" }";

#[test]
fn the_block_is_packed_again_and_filled_up() {
    let slot = block_in(&shipped(), SET).unwrap();
    assert_eq!(slot.span().len(), 305);
    let bytes = slot.encode(TOKEN).unwrap();
    let mut wanted = b"blnkopt\0ssid\0plant-7\0host\0blynk.cloud\0port\x00443\0auth\0".to_vec();
    wanted.extend(TOKEN);
    wanted.resize(305, 0);
    assert_eq!(bytes.as_slice(), wanted);
    assert_eq!(slot.read(&bytes), Content::Filled(TOKEN.to_vec().into()));
    assert_eq!(slot.read(&shipped()[..305]), Content::Blank);
}

#[test]
fn a_block_without_room_names_what_takes_it() {
    let SlotError::TooSmall {
        room, needs, takes, ..
    } = block_in(&shipped(), "").unwrap_err()
    else {
        panic!("fits");
    };
    assert_eq!((room, needs), (0, 32));
    let (key, bytes) = ("ssid".to_owned(), 270);
    assert_eq!(takes, Takes::Key { key, bytes });
}

#[test]
fn capacity_is_what_a_value_may_have() {
    let slot = block_in(&shipped(), SET).unwrap();
    // 305 less magic, three pairs, `auth`, three NULs.
    assert_eq!(slot.capacity(), 305 - 8 - 13 - 17 - 9 - 4 - 3);
}

#[test]
fn a_patched_block_is_no_master_s() {
    let mut patched = block_in(&shipped(), SET).unwrap().encode(TOKEN).unwrap();
    patched.push(0);
    let at = Address::new(0);
    assert_eq!(
        block_in(&patched, SET).unwrap_err(),
        SlotError::Filled { at }
    );
}

#[test]
fn a_placeholder_behind_the_key_is_replaced_in_its_place() {
    let text = format!("blnkopt\0auth\0{}\0host\0a.b\0\0", "x".repeat(40));
    let slot = block_in(text.as_bytes(), "").unwrap();
    let bytes = slot.encode(TOKEN).unwrap();
    let wanted = [
        b"blnkopt\0auth\0".as_slice(),
        TOKEN,
        b"\0host\0a.b\0\0",
        &[0; 8],
    ]
    .concat();
    assert_eq!(bytes.as_slice(), wanted);
}

#[test]
fn what_readers_would_not_read_is_refused() {
    let set = |set: &str| block_in(&shipped(), set).unwrap_err();
    assert!(matches!(
        set("set = { ssid = \"\" }"),
        SlotError::Set { .. }
    ));
    assert!(matches!(
        set("set = { ssid = \"a\\u0000b\" }"),
        SlotError::Set { .. }
    ));
    assert!(matches!(
        set("set = { \"s s\" = \"a\" }"),
        SlotError::Set { .. }
    ));
    assert!(matches!(
        set("set = { auth = \"a\" }"),
        SlotError::Set { .. }
    ));
    let text = format!("blnkopt\0pass\0\0auth\0{}\0\0", "x".repeat(40));
    let empty = block_in(text.as_bytes(), "").unwrap_err();
    assert!(matches!(empty, SlotError::EmptyKey { key, .. } if key == "pass"));
    assert!(block_in(text.as_bytes(), "set = { pass = \"p\" }").is_ok());
}

#[test]
fn a_mention_of_the_magic_is_no_block() {
    let decoy = b"blnkopt\0what is this?\0";
    let both = [decoy.as_slice(), &shipped()].concat();
    assert_eq!(block_in(&both, SET).unwrap().span().start().get(), 22);
    let none = block_in(decoy, SET).unwrap_err();
    assert!(matches!(none, SlotError::Missing { wrong, .. } if wrong.0.len() == 1));
    let twice = block_in(&[shipped(), shipped()].concat(), SET).unwrap_err();
    assert!(matches!(twice, SlotError::Twice { .. }));
}

#[test]
fn keys_are_listed_without_values() {
    let all = found(&image(0, &shipped()));
    let shown: Vec<_> = all
        .iter()
        .map(|one| (one.text.as_str(), one.filled))
        .collect();
    assert_eq!(shown, [("blnkopt with ssid, host, port", false)]);
}
