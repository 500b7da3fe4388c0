//! Packages and sums of microcontroller vendors: PSoC, TI, Silicon Labs, NXP i.MX.
//!
//! Source: Infineon AN84858, "Programming Specifications", "Hex file"; TI SDK
//! `oad_image_header.h`; Silicon Labs UG266, "GBL file format"; NXP AN4581 (HAB).

use crate::checksum::finding::Finding;
use crate::image::structure::{part, run_of, stored, take, word};
use crate::image::{Address, Image, Span};

/// Where a PSoC HEX keeps the sum of its flash, and where flash ends at the latest.
const PSOC_SUM: u64 = 0x9030_0000;
const PSOC_FLASH_END: u64 = 0x8000_0000;
/// First bytes of a TI image for updates over the air.
const OAD: [&[u8; 8]; 4] = [b"CC26x2R1", b"CC13x2R1", b"CC13x4  ", b"OAD IMG "];
/// The CRC, and what it covers.
const OAD_CRC: u64 = 8;
const OAD_COVERED: u64 = 12;
const OAD_LENGTH: u64 = 24;
/// First and last tag of a GBL file.
const GBL: [u8; 4] = 0x03A6_17EBu32.to_le_bytes();
const GBL_END: u32 = 0xFC04_04FC;
const GBL_MOST_TAGS: usize = 4096;
/// First bytes of a HAB image vector table: tag, length, and one of its versions.
const IVT: [u8; 3] = [0xD1, 0x00, 0x20];
const CSF: [u8; 2] = [0xD4, 0x00];

pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings: Vec<Finding> = psoc(image);
    for mark in OAD {
        findings.extend(image.find(mark).filter_map(|at| oad(image, at)));
    }
    findings.extend(image.find(&GBL).filter_map(|at| gbl(image, at)));
    findings.extend(image.find(&IVT).filter_map(|at| hab(image, at)));
    findings
}

/// The 16-bit sum of all flash bytes, highest byte first.
fn psoc(image: &Image) -> Vec<Finding> {
    let sum = take(image, Address::new(PSOC_SUM), 0).map(u16::from_be_bytes);
    let runs = image.runs().into_iter();
    let flash: Vec<Span> = runs
        .filter(|run| run.end().get() <= PSOC_FLASH_END)
        .collect();
    let mut all = 0u16;
    for run in &flash {
        for (_, bytes) in image.chunks(*run).into_iter().flatten() {
            let add = |sum: u16, byte: &u8| sum.wrapping_add(u16::from(*byte));
            all = bytes.iter().fold(all, add);
        }
    }
    if sum != Some(all) {
        return Vec::new();
    }
    let reason = "write the sum as [[checksum]] kind = \"sum16\", endian = \"big\", at = { address = 0x90300000 }";
    let name = "PSoC HEX: sum of the flash";
    let findings = flash.into_iter().map(|run| {
        let mut finding = Finding::refused(run, name.to_owned(), reason);
        finding.at.extend(part(Address::new(PSOC_SUM), 0, 2));
        finding.signed = false;
        finding
    });
    findings.collect()
}

/// A header whose CRC is right.
fn oad(image: &Image, base: Address) -> Option<Finding> {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let run = run_of(image, base)?;
    let end = run.end().get().checked_sub(base.get())?;
    let length = word(image, base, OAD_LENGTH).map(u64::from);
    let crc = word(image, base, OAD_CRC)?;
    let mut ends = [length, Some(end)].into_iter().flatten();
    ends.find_map(|end| {
        let covered = stored(image, base, OAD_COVERED, end.checked_sub(OAD_COVERED)?)?;
        let right = CRC32.checksum(&image.bytes(covered).ok()?) == crc;
        let covers = part(base, 0, end)?;
        let reason = "write the CRC as [[checksum]] kind = \"crc\", or make the header behind this step with oad_image_tool";
        right.then(|| {
            let mut finding =
                Finding::refused(covers, format!("TI OAD image at {base}: CRC-32"), reason);
            finding.at.extend(part(base, OAD_CRC, 4));
            finding.signed = false;
            finding
        })
    })
}

/// Tags one after another, up to the last.
fn gbl(image: &Image, base: Address) -> Option<Finding> {
    let mut next = 0u64;
    for _ in 0..GBL_MOST_TAGS {
        let tag = word(image, base, next)?;
        let length = u64::from(word(image, base, next.checked_add(4)?)?);
        let value = next.checked_add(8)?;
        next = value.checked_add(length)?;
        if tag == GBL_END {
            let covers = stored(image, base, 0, next)?;
            let reason = "patch the file that commander packs, and pack it behind this step";
            let text = format!("GBL file at {base}: CRC-32 or signature");
            return Some(Finding::refused(covers, text, reason));
        }
    }
    None
}

/// An image vector table that points at itself and at a command sequence file.
fn hab(image: &Image, base: Address) -> Option<Finding> {
    let [_, _, _, version] = take(image, base, 0)?;
    let myself = word(image, base, 20)?;
    let boot_data = word(image, base, 16)?;
    let sequence = word(image, base, 24)?;
    let plain = word(image, base, 8)? == 0 && word(image, base, 28)? == 0;
    let ahead = |address: u32| address.checked_sub(myself).map(u64::from);
    if !(0x40..=0x4F).contains(&version) || !plain || sequence == 0 {
        return None;
    }
    let boot_data = ahead(boot_data)?;
    let start = word(image, base, boot_data)?;
    let length = u64::from(word(image, base, boot_data.checked_add(4)?)?);
    if boot_data < 32 || start > myself || take(image, base, ahead(sequence)?)? != CSF {
        return None;
    }
    let first = base
        .get()
        .checked_sub(u64::from(myself.checked_sub(start)?))?;
    let all = Span::new(Address::new(first), length)?;
    let run = run_of(image, base)?;
    let reason = "the boot ROM checks it: sign the unit's image behind this step with cst";
    Some(Finding::refused(
        all.intersection(run)?,
        format!("HAB image at {base}: signature"),
        reason,
    ))
}
