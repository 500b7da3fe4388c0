//! A string in a settings store, written over where it is.

use eol_inject::image::Address;
use eol_inject::recipe::SlotSpec;
use eol_inject::slot::{Content, Slot, SlotError, locate};

use super::{TOKEN, image};
use std::fs;

const ESP: &str = "{ namespace = \"storage\", key = \"blynk_token\" }";

fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    fs::read(format!("{root}/fixtures/images/{name}")).unwrap()
}

fn find(bytes: Vec<u8>, nvs: &str) -> Result<Slot, SlotError> {
    find_for(bytes, "auth-token", nvs)
}

fn find_for(bytes: Vec<u8>, value: &str, nvs: &str) -> Result<Slot, SlotError> {
    let blank = "blank = \"any\"";
    let text = format!("value = \"{value}\"\nnvs = {nvs}\n{blank}");
    let spec: SlotSpec = toml::from_str(&text).unwrap();
    locate(&image(0x1_0000, &bytes), &spec)
}

#[test]
fn an_entry_is_found_in_a_merged_image_and_reads_back() {
    // Anything in front, the store on its own page, anything behind.
    let mut merged = vec![0x5A; 4096];
    merged.extend(fixture("nvs-esp.bin"));
    merged.extend([0x5A; 100]);
    let slot = find(merged, ESP).unwrap();
    assert_eq!(slot.span().start(), Address::new(0x1_10a0));
    assert_eq!((slot.span().len(), slot.capacity()), (96, 63));
    let bytes = slot.encode(TOKEN).unwrap();
    assert_eq!(slot.read(&bytes), Content::Filled(TOKEN.to_vec().into()));
    for at in [1, 5, 24, 30, 40] {
        let mut torn = bytes.clone();
        torn[at] ^= 1;
        assert!(matches!(slot.read(&torn), Content::Damaged(_)), "{at}");
    }
}

#[test]
fn a_value_of_other_room_is_refused() {
    let at = Address::new(0x1_00a0);
    let serial = find_for(fixture("nvs-esp.bin"), "serial", ESP).unwrap();
    assert_eq!(
        serial.encode(b"GW000001").unwrap_err(),
        SlotError::Reserved {
            at,
            least: 33,
            most: 64,
            needs: 9
        }
    );
    let apn = "{ namespace = \"storage\", key = \"apn\" }";
    let short = find(fixture("nvs-esp.bin"), apn).unwrap_err();
    assert!(matches!(short, SlotError::Reserved { most: 32, .. }));
    assert!(
        find_for(fixture("nvs-esp.bin"), "serial", apn)
            .unwrap()
            .encode(b"GW1")
            .is_ok()
    );
    let zephyr = find_for(fixture("nvs-zephyr.bin"), "serial", "{ id = 4 }").unwrap();
    assert!(zephyr.encode(b"123456789abc").is_ok());
    assert!(zephyr.encode(b"123456789ab").is_err());
}

#[test]
fn what_is_not_there_is_told() {
    let missing = |bytes, nvs: &str| match find(bytes, nvs).unwrap_err() {
        SlotError::Missing { wrong, .. } => wrong.to_string(),
        other => panic!("{other}"),
    };
    let esp = || fixture("nvs-esp.bin");
    let none = "{ namespace = \"none\", key = \"blynk_token\" }";
    assert!(missing(esp(), none).contains("`blynk_token` of another namespace"));
    let number = "{ namespace = \"storage\", key = \"n\" }";
    assert!(missing(esp(), number).contains("type 0x04, no string"));
    let mut torn = esp();
    torn[0xa0 + 9] ^= 1;
    assert!(missing(torn, ESP).contains("an entry whose CRC is wrong"));
    let mut page = esp();
    page[5] ^= 1;
    assert_eq!(missing(page, ESP), "");
    let mut text = esp();
    text[0xc0] ^= 1;
    assert!(matches!(find(text, ESP), Err(SlotError::Damaged { .. })));
    assert_eq!(missing(fixture("nvs-zephyr.bin"), "{ id = 9 }"), "");
    // The wrong alignment finds no table.
    assert_eq!(missing(fixture("nvs-zephyr-crc.bin"), "{ id = 2 }"), "");
}

#[test]
fn two_stores_with_the_name_need_a_range() {
    let two = [
        fixture("nvs-esp.bin"),
        vec![0; 4096],
        fixture("nvs-esp.bin"),
    ]
    .concat();
    let error = find(two.clone(), ESP).unwrap_err();
    assert!(matches!(error, SlotError::Twice { at, .. } if at.len() == 2));
    let ranged = ESP.replace(" }", ", at = \"0x13000..0x15000\" }");
    let slot = find(two, &ranged).unwrap();
    assert_eq!(slot.span().start(), Address::new(0x1_30a0));
}

#[test]
fn a_place_far_larger_than_the_image_is_searched_where_it_is_stored() {
    let anywhere = ESP.replace(" }", ", at = \"0..0xfffffffffffff000\" }");
    let slot = find(fixture("nvs-esp.bin"), &anywhere).unwrap();
    assert_eq!(slot.span().start(), Address::new(0x1_00a0));
    let zephyr = "{ id = 2, at = \"0..0xffffffffffffffff\" }";
    assert!(find(fixture("nvs-zephyr.bin"), zephyr).is_ok());
}

#[test]
fn the_value_written_last_counts() {
    let slot = find(fixture("nvs-zephyr.bin"), "{ id = 2 }").unwrap();
    assert_eq!((slot.span().len(), slot.capacity()), (33, 32));
    let bytes = fixture("nvs-zephyr.bin");
    let at = bytes
        .windows(11)
        .position(|it| it == b"PLACEHOLDER")
        .unwrap();
    assert_eq!(slot.span().start().get(), 0x1_0000 + at as u64);
}

proptest::proptest! {
    #[test]
    fn no_damage_makes_the_search_panic(
        damage in proptest::collection::vec((0usize..8192, proptest::prelude::any::<u8>()), 1..40),
        zephyr in proptest::prelude::any::<bool>(),
    ) {
        let (name, nvs) = if zephyr {
            ("nvs-zephyr.bin", "{ id = 2 }")
        } else {
            ("nvs-esp.bin", ESP)
        };
        let mut bytes = fixture(name);
        for (at, value) in damage {
            // Most damage goes where headers, entries and the table are.
            let at = if at % 3 == 0 { at } else if zephyr { 4096 - 1 - at % 100 } else { at % 500 };
            bytes[at] = value;
        }
        let _ = find(bytes, nvs);
    }
}
