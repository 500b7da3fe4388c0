//! ESP images: an XOR byte over all segments, a SHA-256 behind it, a signature behind that.
//!
//! Source: Espressif, esptool documentation, "Firmware Image Format"; for ESP8266 version 2,
//! whose image starts with 0xEA and ends with a CRC-32, esptool `bin_image.py`; ESP-IDF Programming
//! Guide, "Secure Boot v2", "Signature Block Format". The two flash bytes of the header are
//! rewritten by flash tools, the digest with them: they count as they are stored.

use sha2::Sha256;

use super::detect::{Finding, hash, part, take, word};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

/// First byte of a header.
const MAGIC: u8 = 0xE9;
/// First byte of an ESP8266 image of version 2: one segment first, then a header as above.
const MAGIC_2: u8 = 0xEA;
/// Most segments of an image (`ESP_IMAGE_MAX_SEGMENTS`).
const MOST_SEGMENTS: u8 = 16;
/// Most bytes of a segment.
const MOST_BYTES: u32 = 16 * 1024 * 1024;
/// Header with its extension: ESP32 and later.
const LONG: u64 = 24;
/// Header without: ESP8266.
const SHORT: u64 = 8;
/// The byte that says whether a digest is appended.
const DIGEST_FLAG: u64 = 23;
/// The XOR starts with this.
const SEED: u8 = 0xEF;
/// Images start at a multiple of this: flash sectors.
const SECTOR: u64 = 4096;
/// First byte of a signature block.
const SIGNATURE_MAGIC: u8 = 0xE7;
/// Bytes of a signature block that its CRC covers; the CRC-32 follows.
const SIGNATURE_COVERED: u64 = 1196;

/// An image whose structure is whole.
struct Layout {
    base: Address,
    /// The segments' data.
    data: Vec<Span>,
    /// Offset of the XOR byte.
    xor: u64,
    /// Whether a digest is appended.
    digest: bool,
    /// Whether the entry point lies in a segment.
    enters: bool,
}

/// Finds all images: at the start of each run, and at each sector of it.
///
/// Boot loaders stand at 0x0, 0x1000 or 0x2000 of a merged image, applications at multiples
/// of 0x10000. What is no image fails by its structure.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = Vec::new();
    for run in image.runs() {
        let steps = (0..run.len()).step_by(usize::try_from(SECTOR).unwrap_or(usize::MAX));
        for base in steps.filter_map(|offset| run.start().checked_add(offset)) {
            match take(image, base, 0) {
                Some([MAGIC]) => findings.extend(at(image, base)),
                Some([MAGIC_2]) => findings.extend(version_2(image, base).unwrap_or_default()),
                _ => {}
            }
        }
    }
    findings
}

/// Reads the image at `base`.
fn at(image: &Image, base: Address) -> Vec<Finding> {
    let readings = [LONG, SHORT].map(|header| layout(image, base, 0, header));
    let readings = readings.into_iter().flatten();
    let mut findings: Vec<(bool, Vec<Finding>)> = readings
        .filter_map(|layout| {
            let xor = xor(image, &layout)?;
            // A wrong byte behind a structure that fits by chance is no finding.
            (xor.right || layout.enters).then(|| (xor.right, fields(image, &layout, xor)))
        })
        .collect();
    let best = findings.iter().position(|(right, _)| *right).unwrap_or(0);
    if findings.is_empty() {
        return Vec::new();
    }
    findings.swap_remove(best).1
}

/// Reads an ESP8266 image of version 2 at `base`.
fn version_2(image: &Image, base: Address) -> Option<Vec<Finding>> {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let flash = word(image, base, SHORT.checked_add(4)?)?;
    let start = SHORT.checked_add(8)?.checked_add(u64::from(flash))?;
    if flash >= MOST_BYTES || take(image, base, start) != Some([MAGIC]) {
        return None;
    }
    let layout = layout(image, base, start, SHORT)?;
    let xor = xor(image, &layout)?;
    let end = layout.xor.checked_add(1)?;
    let covers = part(base, 0, end)?;
    let mut crc = CRC32.digest();
    for (_, bytes) in image.chunks(covers).ok()? {
        crc.update(bytes);
    }
    // esptool `esp8266_crc32`: a sum without its sign.
    let crc = match crc.finalize() {
        crc if crc >> 31 == 1 => !crc,
        crc => crc.wrapping_add(1),
    };
    let whole = Finding {
        kind: Kind::EspImage,
        covers: vec![covers],
        at: vec![part(base, end, 4)?],
        right: word(image, base, end) == Some(crc),
        signed: false,
        text: format!("ESP image at {base}: CRC-32"),
    };
    (xor.right || whole.right || layout.enters).then(|| vec![xor, whole])
}

/// Reads headers of segments, up to the place of the XOR byte; `start` is the header's offset.
fn layout(image: &Image, base: Address, start: u64, header: u64) -> Option<Layout> {
    let [segments] = take(image, base, start.checked_add(1)?)?;
    if segments == 0 || segments > MOST_SEGMENTS {
        return None;
    }
    let entry = word(image, base, start.checked_add(4)?)?;
    let mut next = start.checked_add(header)?;
    let mut data = Vec::new();
    let mut enters = false;
    for _ in 0..segments {
        let load = word(image, base, next)?;
        let len = word(image, base, next.checked_add(4)?)?;
        if len % 4 != 0 || len >= MOST_BYTES {
            return None;
        }
        next = next.checked_add(8)?;
        if let Some(span) = part(base, next, u64::from(len)) {
            image.bytes(Span::new(span.start(), 1)?).ok()?;
            data.push(span);
        }
        enters |= (load..load.saturating_add(len)).contains(&entry);
        next = next.checked_add(u64::from(len))?;
    }
    let xor = next | 15;
    take::<1>(image, base, xor)?;
    let flag: [u8; 1] = take(image, base, DIGEST_FLAG)?;
    Some(Layout {
        base,
        data,
        xor,
        digest: header == LONG && flag == [1],
        enters,
    })
}

/// Judges the XOR byte.
fn xor(image: &Image, layout: &Layout) -> Option<Finding> {
    let mut sum = SEED;
    for span in &layout.data {
        for (_, bytes) in image.chunks(*span).ok()? {
            sum = bytes.iter().fold(sum, |sum, byte| sum ^ byte);
        }
    }
    Some(Finding {
        kind: Kind::EspImage,
        covers: layout.data.clone(),
        at: vec![part(layout.base, layout.xor, 1)?],
        right: take(image, layout.base, layout.xor) == Some([sum]),
        signed: false,
        text: format!("ESP image at {}: XOR byte", layout.base),
    })
}

/// Lists the fields of an image.
fn fields(image: &Image, layout: &Layout, xor: Finding) -> Vec<Finding> {
    let base = layout.base;
    let mut fields = vec![xor];
    let end = layout.xor.saturating_add(1);
    let mut behind = end;
    if layout.digest
        && let Some(covers) = part(base, 0, end)
        && let Some(at) = part(base, end, 32)
        && let Some(stored) = take::<32>(image, base, end)
    {
        behind = end.saturating_add(32);
        fields.push(Finding {
            kind: Kind::EspImage,
            covers: vec![covers],
            at: vec![at],
            right: hash::<Sha256>(image, covers).as_deref() == Some(&stored),
            signed: false,
            text: format!("ESP image at {base}: SHA-256"),
        });
    }
    fields.extend(signature(image, base, behind));
    fields
}

/// Finds the signature block in the sector behind an image that ends at `end`.
fn signature(image: &Image, base: Address, end: u64) -> Option<Finding> {
    const CRC32: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let sector = end.checked_next_multiple_of(SECTOR)?;
    let [magic, version, 0, 0] = take(image, base, sector)? else {
        return None;
    };
    let block = part(base, sector, SIGNATURE_COVERED)?;
    let stored = word(image, base, sector.checked_add(SIGNATURE_COVERED)?)?;
    let crc = CRC32.checksum(&image.bytes(block).ok()?);
    if magic != SIGNATURE_MAGIC || !matches!(version, 2 | 3) || crc != stored {
        return None;
    }
    let covers = part(base, 0, sector)?;
    let digest: [u8; 32] = take(image, base, sector.checked_add(4)?)?;
    Some(Finding {
        kind: Kind::EspImage,
        covers: vec![covers],
        at: vec![part(base, sector, SECTOR).unwrap_or(block)],
        right: hash::<Sha256>(image, covers).as_deref() == Some(&digest),
        signed: true,
        text: format!("ESP image at {base}: secure boot signature, version {version}"),
    })
}
