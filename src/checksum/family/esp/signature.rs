//! Secure boot signatures behind an ESP image: found, and refused.
//!
//! Source: ESP-IDF Programming Guide, "Secure Boot v2", "Signature Block Format", and "Secure
//! Boot (v1)", "Image Signing Algorithm": a version word of 0 and 64 bytes right behind the
//! image.

use sha2::{Digest as _, Sha256};

use crate::checksum::finding::Finding;
use crate::image::structure::{part, run_of, take, word};
use crate::image::{Address, Image};
use crate::recipe::Kind;

/// First byte of a signature block.
const MAGIC: u8 = 0xE7;
/// Bytes of a signature block that its CRC covers; the CRC-32 follows.
const COVERED: u64 = 1196;
/// Bytes of a signature of version 1, and its version word in front.
const BYTES_1: u64 = 64;
const VERSION_1: u64 = 4;
/// Different bytes that a signature of 64 bytes has at least: by chance it has over 50.
const VARIED: usize = 32;

/// Images and signature blocks start at a multiple of this: flash sectors.
pub(super) const SECTOR: u64 = 4096;

const REASON: &str = "secure boot checks it: sign the unit's image behind this step with espsecure, or keep the value in an NVS partition";

/// Finds the signature block in the sector behind an image that ends at `end`.
pub(super) fn version_2(image: &Image, base: Address, end: u64) -> Option<Finding> {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let sector = end.checked_next_multiple_of(SECTOR)?;
    let [magic, version, 0, 0] = take(image, base, sector)? else {
        return None;
    };
    let block = part(base, sector, COVERED)?;
    let stored = word(image, base, sector.checked_add(COVERED)?)?;
    let crc = CRC32.checksum(&image.bytes(block).ok()?);
    if magic != MAGIC || !matches!(version, 2 | 3) || crc != stored {
        return None;
    }
    let covers = part(base, 0, sector)?;
    let digest: [u8; 32] = take(image, base, sector.checked_add(4)?)?;
    let right = image
        .bytes(covers)
        .is_ok_and(|bytes| Sha256::digest(&bytes).as_slice() == digest);
    let text = format!("ESP image at {base}: secure boot signature, version {version}");
    Some(Finding {
        kind: Some(Kind::EspImage),
        at: vec![part(base, sector, SECTOR).unwrap_or(block)],
        right,
        ..Finding::refused(covers, text, REASON)
    })
}

/// Finds a signature of version 1 at `end`: bytes by chance, and nothing or FF behind them.
pub(super) fn version_1(image: &Image, base: Address, end: u64) -> Option<Finding> {
    if take(image, base, end)? != [0; 4] {
        return None;
    }
    let signature: [u8; 64] = take(image, base, end.checked_add(VERSION_1)?)?;
    let mut seen = signature;
    seen.sort_unstable();
    let varied = seen.chunk_by(|a, b| a == b).count();
    let behind = end.checked_add(VERSION_1)?.checked_add(BYTES_1)?;
    let next = base.checked_add(behind)?;
    let ends = run_of(image, next).is_none() || take(image, base, behind) == Some([0xFF; 16]);
    if varied < VARIED || !ends {
        return None;
    }
    let text = format!("ESP image at {base}: secure boot signature, version 1");
    Some(Finding {
        kind: Some(Kind::EspImage),
        at: vec![part(base, end, VERSION_1.checked_add(BYTES_1)?)?],
        ..Finding::refused(part(base, 0, end)?, text, REASON)
    })
}
