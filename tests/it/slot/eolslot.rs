//! Slots that show themselves by a header.

use eol_inject::image::Address;
use eol_inject::recipe::SlotSpec;
use eol_inject::slot::{Content, Slot, SlotError, found, locate};

use super::{TOKEN, image};

/// An unfilled slot, as `EOL_SLOT` declares it.
fn slot(field: u16, capacity: u16) -> Vec<u8> {
    let mut bytes = b"EOLSLOT1".to_vec();
    bytes.extend(field.to_le_bytes());
    bytes.extend(capacity.to_le_bytes());
    bytes.extend([0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.resize(20 + usize::from(capacity), 0xFF);
    bytes
}

fn token_in(bytes: &[u8]) -> Result<Slot, SlotError> {
    let spec: SlotSpec = toml::from_str("value = \"auth-token\"\neolslot = true").unwrap();
    locate(&image(0, bytes), &spec)
}

#[test]
fn a_value_is_written_with_length_and_crc() {
    let slot = token_in(&slot(1, 40)).unwrap();
    assert_eq!(slot.capacity(), 40);
    let bytes = slot.encode(TOKEN).unwrap();
    // python3: struct.pack("<8sHHHHI", b"EOLSLOT1", 1, 40, 32, 0, zlib.crc32(token)).
    let head = [b"EOLSLOT1".as_slice(), &[1, 0, 40, 0, 32, 0, 0, 0]].concat();
    assert_eq!(&bytes[..16], head);
    assert_eq!(&bytes[20..52], TOKEN);
    assert_eq!(&bytes[52..], [0xFF; 8]);
    assert_eq!(slot.read(&bytes), Content::Filled(TOKEN.to_vec().into()));
}

#[test]
fn only_one_bits_of_an_unfilled_slot_are_cleared() {
    let blank = slot(1, 32);
    let bytes = token_in(&blank).unwrap().encode(TOKEN).unwrap();
    assert!(
        blank
            .iter()
            .zip(bytes.iter())
            .all(|(old, new)| old & new == *new)
    );
}

#[test]
fn a_filled_slot_is_no_master_s() {
    let blank = slot(1, 32);
    let filled = token_in(&blank).unwrap().encode(TOKEN).unwrap();
    let at = Address::new(0);
    assert_eq!(token_in(&filled).unwrap_err(), SlotError::Filled { at });
    let mut torn = filled;
    torn[30] ^= 1;
    assert!(matches!(
        token_in(&torn).unwrap_err(),
        SlotError::Damaged { .. }
    ));
}

#[test]
fn places_that_only_look_like_a_slot_do_not_count() {
    let decoy = b"EOLSLOT1: no slot here, thank you very much";
    let both = [decoy.as_slice(), &slot(2, 24), &slot(1, 32)].concat();
    let slot = token_in(&both).unwrap();
    assert_eq!(slot.span().start().get(), 43 + 44);
    let SlotError::Missing { wrong, .. } = token_in(&both[..43 + 44]).unwrap_err() else {
        panic!("not missing");
    };
    assert_eq!(wrong.0.len(), 2);
    assert_eq!(wrong.0[1], (Address::new(43), "field 2".to_owned()));
    assert!(token_in(&self::slot(1, 16)).is_err());
}

#[test]
fn two_slots_for_one_field_are_refused() {
    let both = [slot(1, 32), slot(1, 48)].concat();
    assert!(matches!(token_in(&both).unwrap_err(), SlotError::Twice { at, .. } if at.len() == 2));
}

#[test]
fn slots_show_themselves_without_a_recipe() {
    let filled = token_in(&slot(1, 32)).unwrap().encode(TOKEN).unwrap();
    let all = found(&image(0, &[slot(2, 24), filled.to_vec()].concat()));
    let shown: Vec<_> = all
        .iter()
        .map(|one| (one.text.as_str(), one.filled))
        .collect();
    assert_eq!(
        shown,
        [
            ("eolslot field 2, 24 bytes", false),
            ("eolslot field 1, 32 bytes", true)
        ]
    );
}
