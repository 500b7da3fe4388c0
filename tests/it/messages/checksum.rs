use eol_inject::checksum::ChecksumError;
use eol_inject::image::Edits;
use eol_inject::master::{Master, MasterError, apply};
use eol_inject::seal::seal;
use strum::VariantNames as _;

use super::{Sample, listing};
use crate::craft::{TOKEN, bin, mcuboot, prove, recipe, values};

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

const KEYED: &str = "[[checksum]]\nkind = \"mcuboot\"\nkey = \"root.pem\"";

/// An ECDSA key is none for an Ed25519 signature.
const OTHER_KEY: &[u8] = include_bytes!("../../../fixtures/images/mcuboot-p256-key.pem");
const DEMO_KEY: &str = include_str!("../../../fixtures/images/mcuboot-demo-key.pem");
const SIGNED: &[u8] = include_bytes!("../../../fixtures/images/mcuboot-signed.bin");

fn of(result: Result<Master, MasterError>) -> Sample {
    match result.unwrap_err() {
        MasterError::Checksum(error) => sample(error),
        other => panic!("{other}"),
    }
}

/// An image without its last byte.
fn cut_off() -> Sample {
    let mut bytes = mcuboot(&image(), 0, &[]);
    bytes.pop();
    let slot = SLOT.replace("0x40", "0x60");
    of(prove(
        &bytes,
        &format!("{slot}[[checksum]]\nkind = \"mcuboot\""),
    ))
}

/// The CRC of an OAD header, which the recipe does not name.
fn oad() -> Sample {
    let mut bytes = [b"OAD IMG \0\0\0\0".as_slice(), &image()].concat();
    bytes[24..28].fill(0xFF);
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[12..]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    of(prove(&bytes, &SLOT.replace("0x40", "0x4C")))
}

/// A slot over an image header.
fn framed() -> Sample {
    let slot = "[[slot]]\nvalue = \"auth-token\"\naddress = 0\nsize = 40\nblank = \"any\"\n";
    let keys = format!("{slot}[[checksum]]\nkind = \"mcuboot\"");
    of(prove(&mcuboot(&image(), 0, &[]), &keys))
}

/// Proves a signed image with what the recipe says of its key, and what the key's file holds.
fn signed(bytes: &[u8], keys: &str, file: Option<&[u8]>) -> Result<Master, MasterError> {
    let slot = "[[slot]]\nvalue = \"auth-token\"\naddress = 0x1020\nsize = 64\nblank = \"any\"\n";
    let crc =
        format!("[[checksum]]\n{CRC}over = [\"0x20..0x1060\"]\nat = {{ address = 0x1060 }}\n");
    let mut recipe = recipe(&format!("{slot}{crc}{keys}"));
    if let Some(file) = file {
        let root = std::path::Path::new("root.pem");
        recipe.keys.put(root, file.to_vec().into());
    }
    Master::prove(bin(bytes), &recipe)
}

fn keyed(keys: &str, file: Option<&[u8]>) -> Sample {
    of(signed(SIGNED, keys, file))
}

/// One bit of the signature is lost.
fn changed() -> Sample {
    let mut bytes = SIGNED.to_vec();
    let last = bytes.iter().rposition(|byte| *byte != 0xFF).unwrap();
    bytes[last - 8] ^= 1;
    of(signed(&bytes, KEYED, Some(DEMO_KEY.as_bytes())))
}

/// The public key proves, and cannot sign.
fn public() -> Sample {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
    let key = ed25519_dalek::SigningKey::from_pkcs8_pem(DEMO_KEY).unwrap();
    let public = key
        .verifying_key()
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    let keys = KEYED.replace("key =", "public-key =");
    let master = signed(SIGNED, &keys, Some(public.as_bytes())).unwrap();
    let patched = apply(&master, &values(TOKEN, "GW000001")).unwrap();
    sample(seal(patched).unwrap_err())
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
        cut_off(),
        oad(),
        framed(),
        keyed("", None),
        keyed(KEYED, None),
        keyed(KEYED, Some(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")),
        keyed(KEYED, Some(OTHER_KEY)),
        changed(),
        public(),
        one("kind = \"crc\"\nkey = \"root.pem\""),
        one("kind = \"esp-image\"\nleave = \"x\""),
        sample(other),
    ];
    insta::assert_snapshot!(listing(ChecksumError::VARIANTS, &samples));
}
