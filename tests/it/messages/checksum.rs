use eol_inject::checksum::ChecksumError;
use eol_inject::image::Edits;
use eol_inject::patch::MasterError;
use strum::VariantNames as _;

use super::{Sample, listing};
use crate::craft::{bin, mcuboot, prove};

const SLOT: &str = "[[slot]]\nvalue = \"auth-token\"\naddress = 0x40\nsize = 40\n";

const CRC: &str = "kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\n";

fn sample(error: ChecksumError) -> Sample {
    Sample(error.name(), Box::new(error))
}

fn refused(bytes: &[u8], checksums: &str) -> Sample {
    match prove(bytes, &format!("{SLOT}{checksums}")).unwrap_err() {
        MasterError::Checksum(error) => sample(error),
        other => panic!("{other}"),
    }
}

/// 256 bytes with an erased slot at 0x40, and blank fields from 0x80 on.
fn image() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes[0x40..0x68].fill(0xFF);
    bytes[0x80..0xC0].fill(0xFF);
    bytes
}

#[test]
fn checksum_errors() {
    let one = |keys: &str| refused(&image(), &format!("[[checksum]]\n{keys}"));
    let crc = |keys: &str| one(&format!("{CRC}{keys}"));
    let unset = |over: &str, at: &str| {
        format!(
            "[[checksum]]\n{CRC}over = [\"{over}\"]\nat = {{ address = {at} }}\ninitial = \"unset\"\n"
        )
    };
    let at = "at = { address = 0x80 }\n";
    let over = "over = [\"0..0x80\"]\n";
    let boot = mcuboot(&image(), 0, &[]);
    let signed = mcuboot(&image(), 0, &[(0x24, &[1; 64])]);
    // The payload starts behind a header of 32 bytes.
    let moved = |bytes: &[u8], keys: &str| {
        let slot = SLOT.replace("0x40", "0x60");
        match prove(bytes, &format!("{slot}{keys}")).unwrap_err() {
            MasterError::Checksum(error) => sample(error),
            other => panic!("{other}"),
        }
    };
    let master = prove(&image(), &format!("{SLOT}{}", unset("0x70..0x80", "0x80"))).unwrap();
    let checksum = &master.plan().checksums()[0];
    let other = checksum.compute(&bin(&[0; 8]), &Edits::new()).unwrap_err();
    let model = |parameters: &str| {
        one(&format!(
            "kind = \"crc\"\nalgorithm = {{ {parameters} }}\n{over}{at}"
        ))
    };
    let samples = [
        one("kind = \"crc\"\nover = [\"0..4\"]"),
        crc(at),
        crc(over),
        one(&format!(
            "kind = \"sha256\"\ncomplement = \"ones\"\n{over}{at}"
        )),
        one(&format!(
            "kind = \"sum8\"\nalgorithm = \"CRC-8/SMBUS\"\n{over}{at}"
        )),
        one("kind = \"mcuboot\"\nunit = 4"),
        one(&format!(
            "kind = \"crc\"\nalgorithm = \"CRC-32/ISOHDLC\"\n{over}{at}"
        )),
        model("width = 16, poly = 0x1_1021, init = 0"),
        model("width = 72, poly = 1, init = 0"),
        crc(&format!("unit = 3\n{over}{at}")),
        one(&format!("kind = \"fletcher32\"\nunit = 4\n{over}{at}")),
        crc(&format!("over = [\"section:.text\"]\n{at}")),
        crc(&format!("{over}at = {{ symbol = \"image_crc\" }}")),
        crc(&format!(
            "{over}at = {{ address = \"0xFFFF_FFFF_FFFF_FFFE\" }}"
        )),
        crc(&format!("over = [\"0x80..0x40\"]\n{at}")),
        crc(&format!("over = [\"0..8\", \"4..12\"]\n{at}")),
        crc(&format!("over = [\"0xF0..0x110\"]\n{at}")),
        crc(&format!("over = [\"0x2000..0x3000\"]\nfill = 0xFF\n{at}")),
        crc(&format!("over = [\"0..0x8000_0000\"]\nfill = 0xFF\n{at}")),
        crc(&format!("over = [\"0..0x7E\"]\nunit = 4\n{at}")),
        crc(&format!("{over}at = {{ address = 0xFE }}")),
        crc(&format!("{over}at = {{ address = 0x50 }}")),
        refused(
            &image(),
            &[unset("0..8", "0x80"), unset("0..8", "0x82")].concat(),
        ),
        refused(
            &image(),
            &[unset("0..0x88", "0x80"), unset("0x80..0x84", "0x84")].concat(),
        ),
        crc(&format!("over = [\"0..0x10\"]\n{at}")),
        crc("over = [\"0..0x10\"]\nat = { address = 0x20 }"),
        refused(
            &[&image()[..0xF8], &0x0EC3_0C7Cu32.to_be_bytes(), &[0; 4]].concat(),
            &format!("[[checksum]]\n{CRC}over = [\"0..0x10\"]\nat = {{ address = 0xF8 }}"),
        ),
        refused(&image(), &unset("0..0x10", "0x20")),
        moved(&signed, ""),
        moved(&boot, ""),
        moved(&boot, "[[checksum]]\nkind = \"mcuboot\""),
        one("kind = \"esp-image\"\nleave = \"x\""),
        sample(other),
    ];
    insta::assert_snapshot!(listing(ChecksumError::VARIANTS, &samples));
}
