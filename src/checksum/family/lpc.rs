//! NXP LPC: the word that makes a vector table sum to 0, and the CRC image of LPC55.
//!
//! Source: NXP UM10360 (LPC176x), "Criterion for valid user code": the word at 0x1C of an ARM
//! Cortex-M part; UM10139 (LPC214x): the word at 0x14 of an ARM7 part. LPC55 and later: NXP
//! UM11126, "Boot ROM", "Image header": length at 0x20, type at 0x24, CRC-32/MPEG-2 at 0x28
//! over all bytes but its own.

use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, stored, take, word};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

/// Bytes of the vectors that the word is made over.
const VECTORS: u64 = 32;
/// Where the word stands: Cortex-M, and ARM7.
const CORTEX: u64 = 0x1C;
const ARM7: u64 = 0x14;
/// `LDR PC, [PC, #n]` and `B`, as ARM7 vectors are.
const LDR_PC: [u8; 3] = [0xF0, 0x9F, 0xE5];
const BRANCH: u8 = 0xEA;
/// Fields of the image header.
const LENGTH: u64 = 0x20;
const TYPE: u64 = 0x24;
const CRC: u64 = 0x28;
const BEHIND_CRC: u64 = 0x2C;
/// Least length of an image with a header.
const LEAST: u64 = 0x40;
/// Image types in the low bits, as spsdk has them (`MbiImageTypeEnum`): with a CRC, loaded into RAM
/// or executed in place; and signed.
const TYPES: u8 = 0x3F;
const WITH_CRC: [u8; 2] = [2, 5];
const SIGNED: [u8; 3] = [1, 4, 8];
/// First bytes of a certificate block, of version 1 and 2.1.
const CERTIFICATES: [[u8; 4]; 2] = [*b"cert", *b"chdr"];

/// Finds the fields at the start of each run.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = Vec::new();
    for run in image.runs() {
        findings.extend(vectors(image, run));
        findings.extend(image_crc(image, run));
    }
    findings
}

/// Finds the word that makes the vectors sum to 0. Only a right one shows itself.
fn vectors(image: &Image, run: Span) -> Option<Finding> {
    let base = run.start();
    let at = if is_cortex(image, run) {
        CORTEX
    } else if is_arm7(image, base) {
        ARM7
    } else {
        return None;
    };
    let behind = at.checked_add(4)?;
    let mut covers = vec![part(base, 0, at)?];
    covers.extend(part(base, behind, VECTORS.checked_sub(behind)?));
    let finding = Finding::computed(
        Kind::LpcVector,
        covers,
        part(base, at, 4)?,
        Formula::Words32,
    );
    let finding = finding.named(format!("LPC vector table at {base}: checksum"));
    finding.judged(image).filter(|finding| finding.right)
}

/// Returns whether a run starts with a stack pointer and an entry into itself.
fn is_cortex(image: &Image, run: Span) -> bool {
    let (Some(stack), Some(entry)) = (
        word(image, run.start(), 0),
        word(image, run.start(), 4).map(|entry| entry & !1),
    ) else {
        return false;
    };
    let ram = matches!(stack >> 24, 0x02 | 0x04 | 0x10 | 0x20) && stack % 4 == 0;
    let inside = Span::new(Address::new(u64::from(entry)), 2).is_some_and(|at| run.contains(at));
    let thumb = word(image, run.start(), 4).is_some_and(|entry| entry & 1 == 1);
    ram && thumb && inside
}

/// Returns whether all vectors but the reserved one are jumps.
fn is_arm7(image: &Image, base: Address) -> bool {
    let jumps = |offset: u64| match take::<4>(image, base, offset) {
        Some([_, _, _, BRANCH]) => true,
        Some([_, rest @ ..]) => rest == LDR_PC,
        None => false,
    };
    (0..VECTORS)
        .step_by(4)
        .filter(|offset| *offset != ARM7)
        .all(jumps)
}

/// Finds an LPC55 image header: a CRC that is right, or a certificate block.
fn image_crc(image: &Image, run: Span) -> Option<Finding> {
    let base = run.start();
    let length = u64::from(word(image, base, LENGTH)?);
    let [kind, ..] = take::<4>(image, base, TYPE)?;
    if !(LEAST..=run.len()).contains(&length) {
        return None;
    }
    let header = part(base, LENGTH, 0x18)?;
    match kind & TYPES {
        kind if WITH_CRC.contains(&kind) => {
            let behind = length.checked_sub(BEHIND_CRC)?;
            let covers = vec![
                part(base, 0, CRC)?,
                stored(image, base, BEHIND_CRC, behind)?,
            ];
            let formula = Formula::Crc("CRC-32/MPEG-2");
            let finding = Finding::computed(Kind::Lpc55Image, covers, part(base, CRC, 4)?, formula)
                .named(format!("LPC55 image at {base}: CRC-32"))
                .framed(vec![header]);
            finding.judged(image).filter(|finding| finding.right)
        }
        kind if SIGNED.contains(&kind) => {
            let block = u64::from(word(image, base, CRC)?);
            let certificates = CERTIFICATES.contains(&take(image, base, block)?);
            let covers = stored(image, base, 0, length).filter(|_| certificates)?;
            Some(Finding::refused(
                covers,
                format!("LPC55 image at {base}: signature"),
                "sign it behind this step, or keep the slot outside the signed bytes",
            ))
        }
        _ => None,
    }
}
