use eol_inject::checksum::{Finding, findings};

use super::craft::{bin, esp, esp_signed, mcuboot, prove};

const PLACEHOLDER: &[u8] = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER_____";

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\nsize = 40\n";

fn shown(bytes: &[u8]) -> Vec<(String, bool, bool)> {
    let show = |one: Finding| (one.text, one.right, one.signed);
    findings(&bin(bytes)).into_iter().map(show).collect()
}

fn refusal(bytes: &[u8], keys: &str) -> &'static str {
    prove(bytes, &format!("{SLOT}{keys}")).map_or_else(|error| error.name(), |_| "proved")
}

/// A payload with the placeholder in it.
fn payload() -> Vec<u8> {
    let mut payload = vec![0x11; 64];
    payload.extend(PLACEHOLDER);
    payload.resize(256, 0x22);
    payload
}

#[test]
fn an_esp_image_shows_its_xor_byte_and_its_digest() {
    let image = esp(&[&payload(), &[7; 20]]);
    let shown = shown(&image);
    let wanted = ["XOR byte", "SHA-256"]
        .map(|field| (format!("ESP image at 0x00000000: {field}"), true, false));
    assert_eq!(shown, wanted);
    let found = findings(&bin(&image));
    assert_eq!(found[0].covers.len(), 2);
    assert_eq!(found[1].at[0].end().get(), image.len() as u64);
}

#[test]
fn an_esp_image_inside_a_merged_image_is_found() {
    let mut merged = vec![0xFF; 0x1_0000];
    merged.extend(esp(&[&payload()]));
    let texts: Vec<_> = shown(&merged).into_iter().map(|one| one.0).collect();
    assert_eq!(texts[1], "ESP image at 0x00010000: SHA-256");
}

#[test]
fn a_wrong_field_is_shown_and_is_nobody_s_business() {
    let mut image = esp(&[&payload()]);
    *image.last_mut().unwrap() ^= 1;
    let shown = shown(&image);
    assert_eq!((shown[0].1, shown[1].1), (true, false));
    // The XOR byte is right and covers the slot.
    assert_eq!(refusal(&image, ""), "checksum-undeclared");
    image[40] ^= 1;
    assert_eq!(refusal(&image, ""), "proved");
}

#[test]
fn a_field_over_the_slot_is_named_in_the_recipe_or_refused() {
    for (image, kind) in [
        (esp(&[&payload()]), "esp-image"),
        (mcuboot(&payload(), 0, &[]), "mcuboot"),
    ] {
        let listed = format!("[[checksum]]\nkind = \"{kind}\"\n");
        assert_eq!(refusal(&image, ""), "checksum-undeclared");
        assert_eq!(refusal(&image, &listed), "proved");
        let left = format!("{SLOT}{listed}leave = \"the loader does not look\"");
        let master = prove(&image, &left).unwrap();
        let reasons = master.plan().left().iter();
        assert!(reasons.clone().count() > 0);
        assert!(
            reasons
                .into_iter()
                .all(|(_, reason)| reason == "the loader does not look")
        );
    }
}

#[test]
fn a_structure_that_is_not_there_is_not_left() {
    let keys = "[[checksum]]\nkind = \"mcuboot\"\nleave = \"x\"";
    assert_eq!(refusal(&payload(), keys), "checksum-not-found");
    let keys = "[[checksum]]\nkind = \"mcuboot\"\nover = [\"0..4\"]";
    assert_eq!(refusal(&payload(), keys), "checksum-key-misplaced");
}

#[test]
fn a_field_that_a_plain_checksum_repairs_is_repaired() {
    let image = mcuboot(&payload(), 0, &[]);
    let covered = 32 + payload().len();
    let keys = format!(
        "[[checksum]]\nkind = \"sha256\"\nover = [\"0..{covered}\"]\nat = {{ address = {} }}",
        covered + 8
    );
    assert_eq!(refusal(&image, &keys), "proved");
}

#[test]
fn a_signature_over_the_slot_is_refused_even_when_left() {
    let left = "[[checksum]]\nkind = \"mcuboot\"\nleave = \"who cares\"";
    let signed = mcuboot(&payload(), 0, &[(0x01, &[1; 32]), (0x24, &[2; 64])]);
    let texts: Vec<_> = shown(&signed).into_iter().map(|one| one.0).collect();
    assert_eq!(texts[1], "MCUboot image at 0x00000000: Ed25519 signature");
    assert_eq!(refusal(&signed, left), "checksum-signed");
    assert_eq!(
        refusal(&mcuboot(&payload(), 0x04, &[]), left),
        "checksum-signed"
    );
    let signed = esp_signed(&esp(&[&payload()]));
    let shown = shown(&signed);
    assert_eq!(
        shown[2].0,
        "ESP image at 0x00000000: secure boot signature, version 2"
    );
    assert!(shown[2].1 && shown[2].2);
    let left = "[[checksum]]\nkind = \"esp-image\"\nleave = \"who cares\"";
    assert_eq!(refusal(&signed, left), "checksum-signed");
}

#[test]
fn a_signed_image_beside_the_slot_is_left_alone() {
    let mut image = mcuboot(&[5; 100], 0, &[(0x22, &[2; 70])]);
    image.resize(0x1000, 0xFF);
    image.extend(payload());
    assert_eq!(refusal(&image, ""), "proved");
}

#[test]
fn a_literal_that_equals_a_magic_is_no_image() {
    let mut image = payload();
    image.extend(0x96F3_B83Du32.to_le_bytes());
    image.extend([0; 64]);
    image[0] = 0xE9;
    image[1] = 3;
    assert_eq!(shown(&image), []);
    assert_eq!(refusal(&image, ""), "proved");
}

#[test]
fn an_esp8266_image_of_version_2_shows_its_crc() {
    // esptool 5.6.0, ESP8266V2FirmwareImage with segments at 0x40201010 and 0x40100000, save();
    // `esptool image-info` says valid.
    let mut image = vec![
        0xEA, 4, 2, 0x20, 4, 0, 0x10, 0x40, 0, 0, 0, 0, 0x40, 0, 0, 0,
    ];
    image.extend(b"PLACEHOLDER_PLACEHOLDER_PLACEHOLD");
    image.resize(16 + 64, 0);
    image.extend([
        0xE9, 1, 2, 0x20, 4, 0, 0x10, 0x40, 0, 0, 0x10, 0x40, 0x40, 0, 0, 0,
    ]);
    image.extend(0..64);
    image.resize(175, 0);
    image.extend([0xEF, 0xC8, 0x7C, 0xA4, 0x6D]);
    let wanted = ["XOR byte", "CRC-32"]
        .map(|field| (format!("ESP image at 0x00000000: {field}"), true, false));
    assert_eq!(shown(&image), wanted);
    // The first segment counts in the CRC only.
    let slot = SLOT.replace(
        "PLACEHOLDER_PLACEHOLDER_PLACEHOLDER",
        "PLACEHOLDER_PLACEHOLDER_PLACEHOLD",
    );
    let error = prove(&image, &slot).unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        text.starts_with("ESP image at 0x00000000: CRC-32 is right now"),
        "{text}"
    );
}

#[test]
fn images_of_the_vendors_tools_are_right() {
    let read = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images");
        shown(&std::fs::read(folder.join(name)).unwrap())
    };
    let field =
        |of: &str, what: &str, signed| (format!("{of} image at 0x00000000: {what}"), true, signed);
    assert_eq!(
        read("esp32c3.bin"),
        [
            field("ESP", "XOR byte", false),
            field("ESP", "SHA-256", false)
        ]
    );
    assert_eq!(
        read("mcuboot-unsigned.bin"),
        [field("MCUboot", "SHA-256", false)]
    );
    assert_eq!(
        read("mcuboot-signed.bin"),
        [
            field("MCUboot", "SHA-256", false),
            field("MCUboot", "Ed25519 signature", true)
        ]
    );
}

#[test]
fn a_slot_over_a_segment_s_header_is_refused() {
    let listed = "[[checksum]]\nkind = \"esp-image\"";
    let image = esp(&[&[0xFF; 64], &[0xFF; 64]]);
    // The second header stands at 24 + 8 + 64.
    for (at, name) in [
        (56, "checksum-in-frame"),
        (0, "checksum-in-frame"),
        (32, "proved"),
    ] {
        let slot = format!(
            "[[slot]]\nvalue = \"auth-token\"\naddress = {at}\nsize = 64\nblank = \"any\"\n{listed}"
        );
        let name_of = prove(&image, &slot).map_or_else(|error| error.name(), |_| "proved");
        assert_eq!(name_of, name, "{at}");
    }
}

#[test]
fn a_partition_for_an_application_without_an_image_is_refused() {
    use md5::Digest as _;
    let mut flash = vec![0xFF; 0x2_0000];
    let mut entry = b"\xAA\x50\0\0\0\0\x01\0\0\0\x01\0factory\0\0\0\0\0\0\0\0\0".to_vec();
    entry.resize(32, 0);
    let mut table = entry.clone();
    table.extend([0xEB, 0xEB]);
    table.resize(48, 0xFF);
    table.extend(md5::Md5::digest(&entry));
    flash[0x8000..0x8000 + table.len()].copy_from_slice(&table);
    // What flash encryption leaves.
    for (at, byte) in flash[0x1_0000..0x1_8000].iter_mut().enumerate() {
        *byte = u8::try_from(at * 167 % 251).unwrap();
    }
    flash[0x1_2000..0x1_2000 + PLACEHOLDER.len()].copy_from_slice(PLACEHOLDER);
    assert_eq!(refusal(&flash, ""), "checksum-signed");
    let image = esp(&[&payload()]);
    flash[0x1_0000..0x1_8000].fill(0xFF);
    flash[0x1_0000..0x1_0000 + image.len()].copy_from_slice(&image);
    assert_eq!(
        refusal(&flash, "[[checksum]]\nkind = \"esp-image\""),
        "proved"
    );
}

#[test]
fn an_image_whose_end_is_missing_is_told_and_is_no_master() {
    let esp = esp(&[&payload(), &[7; 20]]);
    let mcuboot = mcuboot(&payload(), 0, &[]);
    for (whole, kind) in [(&esp, "esp-image"), (&mcuboot, "mcuboot")] {
        let keys = format!("[[checksum]]\nkind = \"{kind}\"\n");
        assert_eq!(refusal(whole, &keys), "proved");
        // From behind the slot to before the last byte.
        for len in (180..whole.len()).step_by(7).chain([whole.len() - 1]) {
            let cut = &whole[..len];
            let advice = |finding: &Finding| finding.advice().starts_with("cut off: it says ");
            let found = findings(&bin(cut));
            assert!(found.iter().any(advice), "{kind} of {len}: {found:?}");
            // Whatever the recipe says of it.
            assert_eq!(refusal(cut, &keys), "checksum-cut-off", "{kind} of {len}");
            assert_eq!(refusal(cut, ""), "checksum-cut-off", "{kind} of {len}");
        }
    }
}
