use std::path::Path;

use eol_inject::image::{Address, Hint, Image};
use eol_inject::master::{Master, MasterError};
use eol_inject::recipe::Recipe;
use eol_inject::unit::Values;
use sha2::{Digest as _, Sha256};

/// A token that starts like an option.
pub const TOKEN: &[u8; 32] = b"-bcdefghijklmnopqrstuvwxyz_12345";

/// Reads `bytes` as a BIN that is loaded from 0 on.
pub fn bin(bytes: &[u8]) -> Image {
    let base = Some(Address::new(0));
    let format = Some(eol_inject::image::Format::Bin);
    Image::read(
        bytes.to_vec(),
        Hint {
            format,
            base,
            ..Hint::default()
        },
    )
    .unwrap()
}

/// Reads a recipe that has `rest` behind its head.
pub fn recipe(rest: &str) -> Recipe {
    let text = format!("product = \"GW-100\"\n[image]\nfile = \"gw100.bin\"\n{rest}");
    Recipe::parse(&text, Path::new(".")).unwrap()
}

/// Proves `bytes` against a recipe.
pub fn prove(bytes: &[u8], rest: &str) -> Result<Master, MasterError> {
    Master::prove(bin(bytes), &recipe(rest))
}

/// What one unit gets.
pub fn values(token: &[u8; 32], serial: &str) -> Values {
    Values {
        serial: serial.parse().unwrap(),
        token: eol_inject::unit::AuthToken::parse(token).unwrap(),
        columns: [("MAC".to_owned(), "02:00:00:00:00:01".to_owned().into())].into(),
    }
}

/// An MCUboot image around `payload`: a SHA-256, then the entries given.
pub fn mcuboot(payload: &[u8], flags: u32, entries: &[(u16, &[u8])]) -> Vec<u8> {
    let mut image = 0x96F3_B83Du32.to_le_bytes().to_vec();
    image.extend([0; 4]);
    image.extend(32u16.to_le_bytes());
    image.extend([0; 2]);
    image.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    image.extend(flags.to_le_bytes());
    image.resize(32, 0);
    image.extend(payload);
    let hash = Sha256::digest(&image);
    let all = [(0x10, hash.as_slice())]
        .into_iter()
        .chain(entries.iter().copied());
    let mut tlvs = Vec::new();
    for (kind, value) in all {
        tlvs.extend(u16::to_le_bytes(kind));
        tlvs.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        tlvs.extend(value);
    }
    image.extend(0x6907u16.to_le_bytes());
    image.extend(u16::try_from(tlvs.len() + 4).unwrap().to_le_bytes());
    image.extend(tlvs);
    image
}

/// An ESP image with one segment for each of `segments`, and a digest.
pub fn esp(segments: &[&[u8]]) -> Vec<u8> {
    let mut image = vec![0xE9, u8::try_from(segments.len()).unwrap(), 2, 0x20];
    image.extend(0x4200_0004u32.to_le_bytes());
    image.resize(23, 0);
    image.push(1);
    let mut sum = 0xEF;
    for data in segments {
        image.extend(0x4200_0000u32.to_le_bytes());
        image.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        image.extend(*data);
        sum = data.iter().fold(sum, |sum, byte| sum ^ byte);
    }
    image.resize(image.len() | 15, 0);
    image.push(sum);
    let hash = Sha256::digest(&image);
    image.extend(hash);
    image
}

/// `image` with a secure boot block of version 2 behind it.
pub fn esp_signed(image: &[u8]) -> Vec<u8> {
    let mut signed = image.to_vec();
    signed.resize(image.len().next_multiple_of(4096), 0xFF);
    let mut block = vec![0xE7, 2, 0, 0];
    block.extend(Sha256::digest(&signed));
    block.resize(1196, 0x5A);
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&block);
    block.extend(crc.to_le_bytes());
    block.resize(1216, 0);
    block.resize(4096, 0xFF);
    signed.extend(block);
    signed
}
