//! What U-Boot and its relatives load: uImage, FIT, eGON, STM32MP1.
//!
//! Source: U-Boot `include/image.h` (legacy image), `doc/usage/fit`, Devicetree
//! Specification 0.4 section 5, `include/sunxi_image.h`, and `tools/stm32image.c`.

use super::super::finding::Finding;
use super::super::read::{part, stored, take, word, word_be};
use crate::image::{Address, Image};

/// First bytes of a legacy image, and offsets in its header of 64 bytes.
const UIMAGE: [u8; 4] = 0x2705_1956u32.to_be_bytes();
const HEADER: u64 = 64;
const HEADER_CRC: u64 = 4;
const DATA_SIZE: u64 = 12;
/// First bytes of a flattened devicetree, and the node that makes it a FIT.
const TREE: [u8; 4] = 0xD00D_FEEDu32.to_be_bytes();
const TREE_HEADER: u32 = 40;
const IMAGES: &[u8] = b"\0\0\0\x01images\0";
/// The mark of an Allwinner boot image, at offset 4; its sum starts with a constant.
const EGON: &[u8; 8] = b"eGON.BT0";
const EGON_SUM: u32 = 0x5F0A_6C39;
/// First bytes of an STM32MP1 image, and offsets in its header of 256 bytes.
const STM32: &[u8; 4] = b"STM2";
const STM32_HEADER: u64 = 256;
const STM32_SUM: u64 = 68;
const STM32_LENGTH: u64 = 76;

const PACK: &str = "patch the file that is packed, and pack it behind this step with mkimage";

pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings: Vec<Finding> = image
        .find(&UIMAGE)
        .filter_map(|at| uimage(image, at))
        .collect();
    findings.extend(image.find(&TREE).filter_map(|at| fit(image, at)));
    findings.extend(image.find(EGON).filter_map(|at| egon(image, at)));
    findings.extend(image.find(STM32).filter_map(|at| stm32mp1(image, at)));
    findings
}

/// A header whose own CRC is right.
fn uimage(image: &Image, base: Address) -> Option<Finding> {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut header: [u8; 64] = take(image, base, 0)?;
    let size = u64::from(word_be(image, base, DATA_SIZE)?);
    let stored_crc = word_be(image, base, HEADER_CRC)?;
    header.get_mut(4..8)?.fill(0);
    let covers = stored(image, base, 0, HEADER.checked_add(size)?)?;
    (CRC32.checksum(&header) == stored_crc)
        .then(|| Finding::refused(covers, format!("uImage at {base}: CRC-32"), PACK))
}

/// A devicetree with a node `images`.
fn fit(image: &Image, base: Address) -> Option<Finding> {
    let [total, structs, strings, reserved, version, compatible] =
        [4, 8, 12, 16, 20, 24].map(|offset| word_be(image, base, offset));
    let (total, structs, strings) = (total?, structs?, strings?);
    let inside = |offset: u32| (TREE_HEADER..total).contains(&offset);
    let header = version? == 17 && compatible? <= 17 && inside(reserved?);
    if !header || !inside(structs) || !inside(strings) {
        return None;
    }
    let covers = stored(image, base, 0, total.into())?;
    let bytes = image.bytes(covers).ok()?;
    memchr::memmem::find(&bytes, IMAGES)?;
    Some(Finding::refused(
        covers,
        format!("FIT at {base}: hashes"),
        PACK,
    ))
}

/// A boot image whose sum is right.
fn egon(image: &Image, mark: Address) -> Option<Finding> {
    let base = Address::new(mark.get().checked_sub(4)?);
    let length = word(image, base, 16).filter(|length| length % 4 == 0 && *length >= 32)?;
    let sum = word(image, base, 12)?;
    let covers = stored(image, base, 0, length.into())?;
    let bytes = image.bytes(covers).ok()?;
    let words = bytes.as_chunks::<4>().0.iter();
    let all = words.fold(0u32, |all, word| {
        all.wrapping_add(u32::from_le_bytes(*word))
    });
    let right = all.wrapping_sub(sum).wrapping_add(EGON_SUM) == sum;
    let reason = "patch the file that mksunxiboot packs, and pack it behind this step";
    right.then(|| Finding::refused(covers, format!("eGON.BT0 image at {base}: sum"), reason))
}

/// A boot image whose sum is right.
fn stm32mp1(image: &Image, base: Address) -> Option<Finding> {
    let length = u64::from(word(image, base, STM32_LENGTH)?);
    let payload = stored(image, base, STM32_HEADER, length)?;
    let bytes = image.bytes(payload).ok()?;
    let sum = bytes
        .iter()
        .fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    let covers = part(base, 0, STM32_HEADER.checked_add(length)?)?;
    let reason = "patch the file that is packed, and pack it behind this step with stm32image";
    (word(image, base, STM32_SUM) == Some(sum))
        .then(|| Finding::refused(covers, format!("STM32MP1 image at {base}: sum"), reason))
}
