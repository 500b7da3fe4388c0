use eol_inject::recipe::SlotSpec;
use eol_inject::slot::{SlotError, alone, locate};
use strum::VariantNames as _;

use super::{Sample, listing};
use crate::craft::{TOKEN, bin};
use crate::support::fixtures;

fn spec(keys: &str) -> SlotSpec {
    toml::from_str(&format!("value = \"auth-token\"\n{keys}")).unwrap()
}

fn sample(error: SlotError) -> Sample {
    Sample(error.name(), Box::new(error))
}

fn refused(bytes: &[u8], keys: &str) -> Sample {
    sample(locate(&bin(bytes), &spec(keys)).unwrap_err())
}

fn padded(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(64, 0);
    bytes
}

fn eolslot(field: u8, capacity: u8) -> Vec<u8> {
    let mut bytes = b"EOLSLOT1".to_vec();
    bytes.extend([field, 0, capacity, 0, 0xFF, 0xFF, 0, 0]);
    bytes.resize(20 + usize::from(capacity), 0xFF);
    bytes
}

const BLOCK: &[u8] = b"blnkopt\0ssid\0PlaceholderPlaceholder\0pass\0\0port\x00443\0\0";

#[test]
fn slot_errors() {
    let at = "address = 0\nsize = 40\n";
    let marker = "marker = \"TOKEN\"\nsize = 40\n";
    let place = padded(b"PLACEHOLDER_TEXT");
    let twice = [&place[..], &place[..]].concat();
    let placed = locate(&bin(&twice), &spec(at)).unwrap();
    let copied = alone(&bin(&twice), &[placed]).unwrap_err().1;
    let longer = [b"\0default=", &place[..]].concat();
    let merged = locate(&bin(&longer), &spec("marker = \"PLACE\"\nsize = 40")).unwrap();
    let merged = alone(&bin(&longer), &[merged]).unwrap_err().1;
    let tag = [&place[..], b"blnkinf\0mcu\x001.0\0\0"].concat();
    let wide = locate(&bin(&tag), &spec("address = 0\nsize = 70\nblank = \"any\"")).unwrap();
    let tagged = alone(&bin(&tag), &[wide]).unwrap_err().1;
    let slot = locate(&bin(&place), &spec(at)).unwrap();
    let encode = |value: &[u8]| sample(slot.encode(value).unwrap_err());
    let mut torn = eolslot(1, 32);
    torn[30] = 0;
    let store = "value = \"serial\"\nblank = \"any\"\nnvs = ";
    let stored = |file: &str, nvs: &str| {
        let bytes = std::fs::read(fixtures().join("images").join(file)).unwrap();
        let spec: SlotSpec = toml::from_str(&format!("{store}{nvs}")).unwrap();
        locate(&bin(&bytes), &spec)
    };
    let esp = |name: &str| {
        let nvs = format!("{{ namespace = \"{name}\", key = \"blynk_token\" }}");
        stored("nvs-esp.bin", &nvs)
    };
    let zephyr = |id| stored("nvs-zephyr.bin", &format!("{{ id = {id} }}"));
    let samples = [
        sample(esp("nowhere").unwrap_err()),
        sample(zephyr(9).unwrap_err()),
        sample(esp("storage").unwrap().encode(b"GW1").unwrap_err()),
        sample(zephyr(2).unwrap().encode(b"GW1").unwrap_err()),
        refused(&place, "section = \".auth_token\""),
        refused(&place, "symbol = \"auth_token\""),
        refused(&place, "address = 0"),
        refused(&place, "marker = \"PLACE\""),
        refused(&eolslot(1, 32), "eolslot = true\nsize = 24"),
        refused(&place, marker),
        refused(&place, "eolslot = true"),
        refused(&[eolslot(2, 24), eolslot(1, 16)].concat(), "eolslot = true"),
        refused(&place, "blnkopt = true"),
        refused(&[BLOCK; 2].concat(), "blnkopt = true"),
        refused(&twice, "marker = \"PLACE\"\nsize = 40"),
        refused(&b"TOKEN ".repeat(7), marker),
        sample(copied),
        sample(merged),
        refused(&place, "address = 0x0800_0000\nsize = 40"),
        refused(&place, "address = 40\nsize = 40"),
        refused(&place, "address = 0\nsize = 24"),
        refused(&[0xFF; 32], "address = 0\nsize = 24\nnul = false"),
        refused(BLOCK, "blnkopt = true\nset = { pass = \"p\" }"),
        refused(&padded(TOKEN), at),
        refused(&place, &format!("{at}blank = {{ text = \"EMPTY\" }}")),
        refused(&place, &format!("{at}blank = \"erased\"")),
        refused(&padded(b"\x01\x02"), at),
        refused(&torn, "eolslot = true"),
        sample(tagged),
        refused(&[BLOCK, &[0; 64]].concat(), "blnkopt = true"),
        refused(BLOCK, "blnkopt = true\nset = { pass = \"\" }"),
        refused(BLOCK, "blnkopt = true\nset = { auth = \"x\" }"),
        encode(b""),
        encode(b"a\0b"),
        encode(&[b'a'; 50]),
        encode(b"too short for a token"),
        encode(b"PLACEHOLDER_TEXT"),
    ];
    insta::assert_snapshot!(listing(SlotError::VARIANTS, &samples));
}
