//! Plain checksums that `inspect` recognises by their place, with the lines that repair them.

use eol_inject::checksum::{Finding, findings};
use eol_inject::image::{Hint, Image};
use eol_inject::master::{Master, apply};
use eol_inject::seal::seal;
use sha2::{Digest as _, Sha256};

use super::craft::{TOKEN, bin, recipe, values};

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\nmarker = \"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\"\nsize = 40\n";

/// Firmware with a placeholder; its bytes are no checksum of anything.
fn firmware() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..400u32)
        .map(|index| u8::try_from(index.wrapping_mul(index) * 7 % 251).unwrap())
        .collect();
    bytes[200..240].copy_from_slice(b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER\0\0\0\0\0");
    bytes
}

/// CRC-32 by parameters, bit by bit: shares nothing with the line.
fn crc(bytes: &[u8], poly: u32, reflected: bool, xorout: u32) -> u32 {
    let mut register = u32::MAX;
    for byte in bytes {
        let byte = if reflected {
            byte.reverse_bits()
        } else {
            *byte
        };
        register ^= u32::from(byte) << 24;
        for _ in 0..8 {
            let out = register >> 31;
            register = (register << 1) ^ (poly * out);
        }
    }
    let register = if reflected {
        register.reverse_bits()
    } else {
        register
    };
    register ^ xorout
}

const POLY: u32 = 0x04C1_1DB7;
const CASTAGNOLI: u32 = 0x1EDC_6F41;

fn iso(bytes: &[u8]) -> [u8; 4] {
    crc(bytes, POLY, true, u32::MAX).to_le_bytes()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
}

/// Every formula, with what it gives, and its name.
fn formulas(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let swapped: Vec<u8> = words(bytes).flat_map(u32::to_be_bytes).collect();
    let le = |value: u32| value.to_le_bytes().to_vec();
    vec![
        ("CRC-32/ISO-HDLC", le(crc(bytes, POLY, true, u32::MAX))),
        ("CRC-32/MPEG-2", le(crc(bytes, POLY, false, 0))),
        ("CRC-32/MPEG-2 by words", le(crc(&swapped, POLY, false, 0))),
        ("CRC-32/JAMCRC", le(crc(bytes, POLY, true, 0))),
        ("CRC-32/ISCSI", le(crc(bytes, CASTAGNOLI, true, u32::MAX))),
        ("CRC-32/BZIP2", le(crc(bytes, POLY, false, u32::MAX))),
        ("sum of words", le(words(bytes).fold(0, u32::wrapping_sub))),
        ("SHA-256", Sha256::digest(bytes).to_vec()),
        ("MD5", <md5::Md5 as md5::Digest>::digest(bytes).to_vec()),
    ]
}

/// Returns the one plain field of an image.
fn only(image: &Image, what: &str) -> Finding {
    let mut found = findings(image);
    found.retain(|one| one.advice().starts_with("[[checksum]] kind = ") && one.kind.is_none());
    assert_eq!(found.len(), 1, "{what}: {found:?}");
    assert!(found[0].right && !found[0].signed, "{what}");
    found.remove(0)
}

/// Without its line the recipe is refused; with it the field follows the token.
fn is_repaired(image: &Image, what: &str) {
    let finding = only(image, what);
    let prove = |text: &str| Master::prove(image.clone(), &recipe(text));
    let refused = prove(SLOT).unwrap_err();
    assert_eq!(refused.name(), "checksum-unrepaired", "{what}");
    let text = format!("{SLOT}{}", finding.lines().join("\n"));
    let master = prove(&text).unwrap_or_else(|error| panic!("{what}: {text}: {error:?}"));
    let unit = seal(apply(&master, &values(TOKEN, "GW000001")).unwrap()).unwrap();
    let hint = Hint {
        base: (image.format() == eol_inject::image::Format::Bin).then(|| image.runs()[0].start()),
        ..Hint::default()
    };
    let unit = Image::read(unit.container().unwrap(), hint).unwrap();
    assert_eq!(only(&unit, what).text, finding.text, "{what}");
    assert_ne!(
        unit.bytes(finding.at[0]),
        image.bytes(finding.at[0]),
        "{what}"
    );
}

#[test]
fn a_checksum_behind_the_firmware_is_recognised() {
    for (name, value) in formulas(&firmware()) {
        for big in [false, true] {
            let mut value = value.clone();
            if big {
                value.reverse();
            }
            let image = bin(&[firmware(), value.clone()].concat());
            if big && !name.starts_with("CRC") {
                assert_eq!(findings(&image), [], "{name} backwards");
                continue;
            }
            let text = only(&image, name).text;
            assert_eq!(text, format!("image at 0x00000000: {name} behind it"));
            is_repaired(&image, name);
            // Erased flash behind it, up to a border.
            let padded = [firmware(), value, vec![0xFF; 112]].concat();
            is_repaired(&bin(&padded), name);
        }
    }
}

#[test]
fn a_checksum_in_the_last_word_of_a_filled_flash_is_recognised() {
    let filled = [firmware(), vec![0xFF; 0x1FFC - 400]].concat();
    let crc = iso(&filled);
    is_repaired(&bin(&[filled, crc.to_vec()].concat()), "BIN");
    // As a HEX stores it: the firmware, and the word far behind.
    let mut text = String::new();
    let mut record = |at: u16, data: &[u8]| {
        let [high, low] = at.to_be_bytes();
        let bytes = [&[u8::try_from(data.len()).unwrap(), high, low, 0], data].concat();
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
        text.push(':');
        text.extend(bytes.iter().chain([&sum]).map(|byte| format!("{byte:02X}")));
        text.push('\n');
    };
    for (index, data) in firmware().chunks(16).enumerate() {
        record(u16::try_from(index * 16).unwrap(), data);
    }
    record(0x1FFC, &crc);
    text.push_str(":00000001FF\n");
    let image = Image::read(text.into(), Hint::default()).unwrap();
    assert!(only(&image, "HEX").advice().contains("fill = 0xff"));
    is_repaired(&image, "HEX");
}

#[test]
fn a_header_with_length_and_checksum_is_recognised() {
    let body = firmware();
    let length = u32::try_from(body.len()).unwrap();
    for (name, value) in formulas(&body) {
        if value.len() != 4 || name == "sum of words" {
            continue;
        }
        for big in [false, true] {
            let mut value = value.clone();
            if big {
                value.reverse();
            }
            // Magic, version, length, checksum; then the firmware at a border.
            let mut image = b"FWHD\x01\x02\0\0".to_vec();
            image.extend(length.to_le_bytes());
            image.extend(&value);
            image.resize(64, 0);
            image.extend(&body);
            let text = only(&bin(&image), name).text;
            let wanted = format!("image at 0x00000040: {name} in the header before it");
            assert_eq!(text, wanted);
            is_repaired(&bin(&image), name);
        }
    }
}

#[test]
fn nothing_is_recognised_where_everything_fits() {
    for byte in [0, 0xFF, 0x5A] {
        let found = findings(&bin(&[byte; 512]));
        let plain = found.iter().filter(|one| one.kind.is_none());
        assert_eq!(plain.count(), 0, "{byte:#x}");
    }
    // A wrong value is nobody's business.
    let mut wrong = [firmware(), iso(&firmware()).to_vec()].concat();
    wrong[401] ^= 1;
    assert_eq!(findings(&bin(&wrong)), []);
}
