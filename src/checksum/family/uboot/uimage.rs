//! Legacy images: a header of 64 bytes with a CRC of the data and one of itself.
//!
//! Source: U-Boot `include/image.h` (`struct legacy_img_hdr`) and `tools/default_image.c`.
//! Numbers are big-endian. A header counts where its own CRC is right.

use super::effort::{Effort, PACK, too_much};
use crate::checksum::feed::Piece;
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, run_of, stored, take, word_be};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

/// `IH_MAGIC`.
const MAGIC: [u8; 4] = 0x2705_1956u32.to_be_bytes();
/// Bytes of the header, and offsets in it: `ih_hcrc`, `ih_size`, `ih_dcrc`, `ih_type` with `ih_comp`.
const HEADER: u64 = 64;
const HEADER_CRC: u64 = 4;
const DATA_SIZE: u64 = 12;
const DATA_CRC: u64 = 24;
const TYPE: u64 = 30;
const CRC: u64 = 4;
/// `IH_TYPE_MULTI`, `IH_TYPE_SCRIPT`: sizes stand in front of the data, a 0 behind the last.
const MULTI: u8 = 4;
const SCRIPT: u8 = 6;
/// Sizes that are looked at; U-Boot's own tools make far fewer.
const MOST_PARTS: u64 = 1024;

const CRC32: Formula = Formula::Crc("CRC-32/ISO-HDLC");

/// Finds all legacy images.
pub(super) fn findings(image: &Image, effort: &mut Effort) -> Vec<Finding> {
    let mut findings = Vec::new();
    for base in image.find(&MAGIC) {
        let Some(header) = header(image, base).filter(|header| header.right) else {
            continue;
        };
        let size = word_be(image, base, DATA_SIZE).map_or(0, u64::from);
        if !effort.allows(HEADER.saturating_add(size)) {
            findings.extend(too_much(image, "uImage headers"));
            return findings;
        }
        findings.extend(data(image, base, size));
        findings.push(header);
    }
    findings
}

/// Judges the CRC of a header, whose own field counts as zero.
fn header(image: &Image, base: Address) -> Option<Finding> {
    let zero = Piece::Constant { byte: 0, len: CRC };
    let behind = HEADER_CRC.checked_add(CRC)?;
    let pieces = vec![
        Piece::Stored(stored(image, base, 0, HEADER_CRC)?),
        zero,
        Piece::Stored(stored(image, base, behind, HEADER.checked_sub(behind)?)?),
    ];
    Finding::fed(Kind::Uimage, pieces, part(base, HEADER_CRC, CRC)?, CRC32)
        .big_endian()
        .named(format!("uImage at {base}: CRC-32 of the header"))
        .judged(image)
}

/// Judges the CRC of `size` bytes of data.
fn data(image: &Image, base: Address, size: u64) -> Vec<Finding> {
    let fields = || -> Option<Vec<Finding>> {
        let Some(covers) = stored(image, base, HEADER, size) else {
            return cut_off(image, base, size).map(|finding| vec![finding]);
        };
        let [kind, compression] = take(image, base, TYPE)?;
        let field = Finding::computed(
            Kind::Uimage,
            vec![covers],
            part(base, DATA_CRC, CRC)?,
            CRC32,
        )
        .big_endian()
        .named(format!("uImage at {base}: CRC-32 of the data"))
        .framed(frame(image, base, kind, size)?)
        .judged(image)?;
        let mut fields = vec![field];
        if compression != 0 {
            fields.push(Finding::refused(
                covers,
                format!("uImage at {base}: compressed data"),
                PACK,
            ));
        }
        Some(fields)
    };
    fields().unwrap_or_default()
}

/// Returns the header, and the sizes of parts behind it.
fn frame(image: &Image, base: Address, kind: u8, size: u64) -> Option<Vec<Span>> {
    let mut frame = vec![part(base, 0, HEADER)?];
    if matches!(kind, MULTI | SCRIPT) {
        let sizes = (0..MOST_PARTS.min(size / 4)).map(|index| HEADER.saturating_add(index * 4));
        let last = sizes
            .take_while(|offset| word_be(image, base, *offset).is_some_and(|size| size != 0))
            .last();
        let end = last.unwrap_or(HEADER).saturating_add(8);
        let end = end.min(HEADER.saturating_add(size));
        frame.extend(part(base, HEADER, end.checked_sub(HEADER)?));
    }
    Some(frame)
}

/// Finds an image whose end is missing.
fn cut_off(image: &Image, base: Address, size: u64) -> Option<Finding> {
    let run = run_of(image, base)?;
    let there = run.end().get().checked_sub(base.get())?;
    let says = HEADER.checked_add(size)?;
    let covers = part(base, 0, there)?;
    (says > there).then(|| Finding::cut_off(covers, format!("uImage at {base}"), says))
}
