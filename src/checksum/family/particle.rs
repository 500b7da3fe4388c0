//! Particle modules: SHA-256 and CRC-32 behind the module, the CRC over the digest.
//!
//! Source: Particle Device OS, `dynalib/inc/module_info.h`: the suffix ends with the digest,
//! its own size, and a big-endian CRC-32 of all bytes in front.

use crate::checksum::compute::digest::Hash;
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{half, part, stored};
use crate::image::{Image, Span};
use crate::recipe::Kind;

/// Offsets from the end of the module.
const DIGEST: u64 = 38;
const SIZE: u64 = 6;
const CRC: u64 = 4;
/// Sizes that a suffix has had.
const SIZES: std::ops::RangeInclusive<u16> = 36..=64;

/// Finds a module in each run: it ends where the run ends. Only a right CRC shows one.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let runs = image.runs().into_iter();
    runs.filter_map(|run| module(image, run))
        .flatten()
        .collect()
}

fn module(image: &Image, run: Span) -> Option<Vec<Finding>> {
    let base = run.start();
    let size = half(image, base, run.len().checked_sub(SIZE)?)?;
    if !SIZES.contains(&size) || run.len() < 64 {
        return None;
    }
    let end = run.len().checked_sub(CRC)?;
    let crc = Finding::computed(
        Kind::Particle,
        vec![stored(image, base, 0, end)?],
        part(base, end, CRC)?,
        Formula::Crc("CRC-32/ISO-HDLC"),
    );
    let crc = crc
        .big_endian()
        .named(format!("Particle module at {base}: CRC-32"))
        .framed(vec![part(base, run.len().checked_sub(SIZE)?, SIZE)?])
        .judged(image)
        .filter(|crc| crc.right)?;
    let start = run.len().checked_sub(DIGEST)?;
    let digest = Finding::computed(
        Kind::Particle,
        vec![part(base, 0, start)?],
        part(base, start, 32)?,
        Formula::Hash(Hash::Sha256),
    );
    let digest = digest
        .named(format!("Particle module at {base}: SHA-256"))
        .judged(image)?;
    Some(vec![digest, crc])
}
