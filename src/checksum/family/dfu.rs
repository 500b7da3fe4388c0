//! DFU suffix: 16 bytes behind a file for USB device firmware upgrade.
//!
//! Source: USB Device Class Specification for Device Firmware Upgrade 1.1, appendix B: the
//! last four bytes are a CRC-32 without a final inversion over all bytes in front. NXP tools
//! put a header of 16 bytes in front afterwards, which then does not count.

use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, stored, take};
use crate::image::{Image, Span};
use crate::recipe::Kind;

/// Bytes of the suffix, as it says itself.
const SUFFIX: u64 = 16;
/// Signature and length, and where they stand from the end.
const MARK: [u8; 4] = *b"UFD\x10";
const MARK_FROM_END: u64 = 8;
/// Bytes of the stored CRC.
const CRC: u64 = 4;
/// First bytes that count: all, or those behind the header of NXP tools.
const STARTS: [u64; 2] = [0, 16];

/// Finds the suffix of each run: it ends where the run ends.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let runs = image.runs().into_iter();
    runs.filter_map(|run| suffix(image, run)).collect()
}

fn suffix(image: &Image, run: Span) -> Option<Finding> {
    let base = run.start();
    if take(image, base, run.len().checked_sub(MARK_FROM_END)?)? != MARK {
        return None;
    }
    let end = run.len().checked_sub(CRC)?;
    let frame = part(base, run.len().checked_sub(SUFFIX)?, SUFFIX)?;
    let readings = STARTS.into_iter().filter_map(|start| {
        let covers = stored(image, base, start, end.checked_sub(start)?)?;
        let formula = Formula::Crc("CRC-32/JAMCRC");
        Finding::computed(
            Kind::DfuSuffix,
            vec![covers],
            part(base, end, CRC)?,
            formula,
        )
        .named(format!("DFU file at {base}: CRC-32"))
        .framed(vec![frame])
        .judged(image)
    });
    let mut readings: Vec<Finding> = readings.collect();
    let right = readings
        .iter()
        .position(|finding| finding.right)
        .unwrap_or(0);
    (!readings.is_empty()).then(|| readings.swap_remove(right))
}
