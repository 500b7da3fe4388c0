//! ESP images: an XOR byte over all segments, a SHA-256 behind it, a signature behind that.
//!
//! Source: Espressif, esptool documentation, "Firmware Image Format"; for ESP8266 version 2,
//! whose image starts with 0xEA and ends with a CRC-32, and for `--ram-only-header`, whose
//! header counts the segments in front of the XOR byte only, esptool `bin_image.py`. The two
//! flash bytes of the header are rewritten by flash tools, the digest with them: they count as
//! they are stored. The digest of the ELF in the application's description names the shared
//! ELF and stays.

mod signature;

use signature::SECTOR;

use crate::checksum::compute::digest::Hash;
use crate::checksum::feed::Piece;
use crate::checksum::finding::{Finding, Formula};
use crate::image::structure::{part, run_of, take, word};
use crate::image::{Address, Image, Span, partitions};
use crate::recipe::Kind;

/// First byte of a header.
const MAGIC: u8 = 0xE9;
/// The last flash mode (`ESP_IMAGE_SPI_MODE_SLOW_READ`).
const LAST_FLASH_MODE: u8 = 5;
/// Upper bytes of addresses at which ESP32 and later chips have memory.
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x20..=0x6F;
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
/// Bytes in front of each segment: its load address and length.
const SEGMENT_HEADER: u64 = 8;
/// The byte that says whether a digest is appended.
const DIGEST_FLAG: u64 = 23;
/// The XOR starts with this.
const SEED: u8 = 0xEF;
/// The application's description, at the start of the first segment: offset, magic, bytes.
const DESCRIPTION: u64 = 0x20;
const DESCRIPTION_MAGIC: u32 = 0xABCD_5432;
const DESCRIPTION_BYTES: u64 = 256;

/// An image whose structure is whole.
struct Layout {
    base: Address,
    /// The segments' data.
    data: Vec<Span>,
    /// Headers of image and segments.
    frame: Vec<Span>,
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
/// of 0x10000. What is no image fails by its structure. Partitions for applications that hold
/// something else are found too.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut bases = Vec::new();
    for run in image.runs() {
        let steps = (0..run.len()).step_by(usize::try_from(SECTOR).unwrap_or(usize::MAX));
        for base in steps.filter_map(|offset| run.start().checked_add(offset)) {
            let found = match take(image, base, 0) {
                Some([MAGIC]) => match at(image, base) {
                    found if found.is_empty() => cut_off(image, base).into_iter().collect(),
                    found => found,
                },
                Some([MAGIC_2]) => version_2(image, base).unwrap_or_default(),
                _ => continue,
            };
            if !found.is_empty() {
                bases.push(base);
            }
            findings.extend(found);
        }
    }
    findings.extend(foreign(image, &bases));
    findings
}

/// Finds partitions for applications that hold bytes, and no image: encrypted, as a rule.
///
/// `bases` are the images that were found.
fn foreign(image: &Image, bases: &[Address]) -> Vec<Finding> {
    let apps = partitions(image).into_iter().filter(|one| {
        one.is_app() && !bases.contains(&one.span.start()) && !is_erased(image, one.span)
    });
    apps.map(|app| {
        Finding::refused(
            app.span,
            format!("ESP partition {:?} at {}", app.label, app.span.start()),
            "it is for an application and holds no image that can be read: an image for flash encryption is patched before it is encrypted",
        )
    })
    .collect()
}

/// Returns whether nothing but FF is stored there.
fn is_erased(image: &Image, span: Span) -> bool {
    image.stored_within(span).all(|part| {
        image
            .chunks(part)
            .is_ok_and(|mut chunks| chunks.all(|(_, bytes)| bytes.iter().all(|byte| *byte == 0xFF)))
    })
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

/// Finds an image whose end is missing, by a long header and segments that make sense.
fn cut_off(image: &Image, base: Address) -> Option<Finding> {
    let run = run_of(image, base)?;
    let header: [u8; 24] = take(image, base, 0)?;
    let [_, segments, mode, _, _, _, _, entry, .., digest] = header;
    let reserved = header.get(19..23)?;
    let plausible = (1..=MOST_SEGMENTS).contains(&segments)
        && mode <= LAST_FLASH_MODE
        && ADDRESSES.contains(&entry)
        && reserved == [0; 4]
        && matches!(digest, 0 | 1);
    if !plausible {
        return None;
    }
    let stored = run.end().get().checked_sub(base.get())?;
    let mut next = LONG;
    for _ in 0..segments {
        let inside = next.checked_add(SEGMENT_HEADER)? <= stored;
        if !inside {
            break;
        }
        let [.., load] = take::<4>(image, base, next)?;
        let len = word(image, base, next.checked_add(4)?)?;
        if len % 4 != 0 || len >= MOST_BYTES || !(ADDRESSES.contains(&load) || load == 0) {
            return None;
        }
        next = next.checked_add(SEGMENT_HEADER)?.checked_add(len.into())?;
    }
    // At least as many: the segments behind the end cannot be read.
    let says = (next | 15).checked_add(if digest == 1 { 33 } else { 1 })?;
    missing(base, stored, says)
}

/// Says that an image of `says` bytes has only `stored`.
fn missing(base: Address, stored: u64, says: u64) -> Option<Finding> {
    let covers = part(base, 0, stored)?;
    (says > stored).then(|| Finding::cut_off(covers, format!("ESP image at {base}"), says))
}

/// Reads an ESP8266 image of version 2 at `base`.
fn version_2(image: &Image, base: Address) -> Option<Vec<Finding>> {
    let flash = word(image, base, SHORT.checked_add(4)?)?;
    let start = SHORT.checked_add(SEGMENT_HEADER)?;
    let start = start.checked_add(u64::from(flash))?;
    if flash >= MOST_BYTES || take(image, base, start) != Some([MAGIC]) {
        return None;
    }
    let mut layout = layout(image, base, start, SHORT)?;
    layout
        .frame
        .push(part(base, 0, SHORT.checked_add(SEGMENT_HEADER)?)?);
    let xor = xor(image, &layout)?;
    let end = layout.xor.checked_add(1)?;
    let covers = vec![part(base, 0, end)?];
    let whole = Finding::computed(
        Kind::EspImage,
        covers,
        part(base, end, 4)?,
        Formula::Esp8266,
    )
    .named(format!("ESP image at {base}: CRC-32"))
    .framed(layout.frame.clone())
    .judged(image)?;
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
    let mut frame = vec![part(base, start, header)?];
    let mut enters = false;
    for _ in 0..segments {
        let load = word(image, base, next)?;
        let len = word(image, base, next.checked_add(4)?)?;
        if len % 4 != 0 || len >= MOST_BYTES {
            return None;
        }
        frame.push(part(base, next, SEGMENT_HEADER)?);
        next = next.checked_add(SEGMENT_HEADER)?;
        if let Some(span) = part(base, next, u64::from(len)) {
            image.require(span).ok()?;
            data.push(span);
        }
        enters |= (load..load.saturating_add(len)).contains(&entry);
        next = next.checked_add(u64::from(len))?;
    }
    let xor = next | 15;
    take::<1>(image, base, xor)?;
    frame.extend(part(base, next, xor.checked_sub(next)?));
    if header == LONG && word(image, base, DESCRIPTION) == Some(DESCRIPTION_MAGIC) {
        frame.extend(part(base, DESCRIPTION, DESCRIPTION_BYTES));
    }
    let flag: [u8; 1] = take(image, base, DIGEST_FLAG)?;
    Some(Layout {
        base,
        data,
        frame,
        xor,
        digest: header == LONG && flag == [1],
        enters,
    })
}

/// Judges the XOR byte.
fn xor(image: &Image, layout: &Layout) -> Option<Finding> {
    let seed = Piece::Constant { byte: SEED, len: 1 };
    let data = layout.data.iter().map(|span| Piece::Stored(*span));
    let pieces = [seed].into_iter().chain(data).collect();
    let at = part(layout.base, layout.xor, 1)?;
    Finding::fed(Kind::EspImage, pieces, at, Formula::Xor8)
        .named(format!("ESP image at {}: XOR byte", layout.base))
        .framed(layout.frame.clone())
        .judged(image)
}

/// Lists the fields of an image.
fn fields(image: &Image, layout: &Layout, xor: Finding) -> Vec<Finding> {
    let base = layout.base;
    let mut fields = vec![xor];
    let end = layout.xor.saturating_add(1);
    let digest = || {
        let covers = vec![part(base, 0, end)?];
        let formula = Formula::Hash(Hash::Sha256);
        Finding::computed(Kind::EspImage, covers, part(base, end, 32)?, formula)
            .named(format!("ESP image at {base}: SHA-256"))
            .framed(layout.frame.clone())
            .judged(image)
    };
    let digest = layout.digest.then(digest).flatten();
    if layout.digest && digest.is_none() {
        let run = run_of(image, base).map_or(0, |run| run.end().get());
        let stored = run.saturating_sub(base.get());
        fields.extend(missing(base, stored, end.saturating_add(32)));
    }
    let behind = end.saturating_add(if digest.is_some() { 32 } else { 0 });
    if digest.is_some() {
        fields.extend(signature::version_1(image, base, behind));
    }
    fields.extend(digest);
    fields.extend(signature::version_2(image, base, behind));
    fields
}
