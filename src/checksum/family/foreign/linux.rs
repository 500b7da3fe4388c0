//! What boot ROMs of Linux boards load: eGON, STM32MP1.
//!
//! Source: U-Boot `include/sunxi_image.h`, and `tools/stm32image.c`.

use crate::checksum::finding::Finding;
use crate::image::structure::{part, stored, word};
use crate::image::{Address, Image};

/// The mark of an Allwinner boot image, at offset 4; its sum starts with a constant.
const EGON: &[u8; 8] = b"eGON.BT0";
const EGON_SUM: u32 = 0x5F0A_6C39;
/// First bytes of an STM32MP1 image, and offsets in its header of 256 bytes.
const STM32: &[u8; 4] = b"STM2";
const STM32_HEADER: u64 = 256;
const STM32_SUM: u64 = 68;
const STM32_LENGTH: u64 = 76;

pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let egons = image.find(EGON).filter_map(|at| egon(image, at));
    let mut findings: Vec<Finding> = egons.collect();
    findings.extend(image.find(STM32).filter_map(|at| stm32mp1(image, at)));
    findings
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
