//! MCUboot images: a hash, and mostly a signature, behind the image.
//!
//! Source: MCUboot, "Image format" and `boot/bootutil/include/bootutil/image.h`. Numbers
//! are little-endian. A hash covers header, image and protected entries; a signature covers
//! the hash or, "pure", the same bytes.

use sha2::{Sha256, Sha384, Sha512};

use super::detect::{Finding, half, hash, part, word};
use crate::image::{Address, Image, Span};
use crate::recipe::Kind;

/// First bytes of a header: `IMAGE_MAGIC`.
const MAGIC: [u8; 4] = 0x96F3_B83Du32.to_le_bytes();
/// `IMAGE_HEADER_SIZE`: the least that `ih_hdr_size` says.
const HEADER: u16 = 32;
/// Offsets in the header.
const HEADER_SIZE: u64 = 8;
const PROTECTED_SIZE: u64 = 10;
const IMAGE_SIZE: u64 = 12;
const FLAGS: u64 = 16;
/// `IMAGE_F_ENCRYPTED_AES128`, `IMAGE_F_ENCRYPTED_AES256`.
const ENCRYPTED: u32 = 0x04 | 0x08;
/// `IMAGE_F_COMPRESSED_LZMA1`, `IMAGE_F_COMPRESSED_LZMA2`.
const COMPRESSED: u32 = 0x200 | 0x400;
/// `IMAGE_TLV_INFO_MAGIC`, `IMAGE_TLV_PROT_INFO_MAGIC`.
const INFO: u16 = 0x6907;
const PROTECTED_INFO: u16 = 0x6908;
/// Bytes of an entry in front of its value, and of the info in front of all entries.
const ENTRY: u64 = 4;

/// An image whose structure is whole.
struct Layout {
    base: Address,
    /// What the hash covers.
    covers: Span,
    /// Type and value of each entry behind the image.
    entries: Vec<(u16, Span)>,
    flags: u32,
}

/// Finds all images: wherever the magic stands at a multiple of four.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let aligned = |at: &Address| {
        let run = image
            .runs()
            .into_iter()
            .find(|run| run.start() <= *at && *at < run.end());
        let offset = run.map_or(0, |run| at.get().saturating_sub(run.start().get()));
        at.get().is_multiple_of(4) || offset.is_multiple_of(4)
    };
    let bases = image.find(&MAGIC).filter(aligned);
    bases
        .filter_map(|base| layout(image, base))
        .flat_map(|layout| fields(image, &layout))
        .collect()
}

/// Reads the header and the entries behind the image.
fn layout(image: &Image, base: Address) -> Option<Layout> {
    let header = half(image, base, HEADER_SIZE)?;
    let protected = u64::from(half(image, base, PROTECTED_SIZE)?);
    let size = word(image, base, IMAGE_SIZE)?;
    if header < HEADER || size == 0 {
        return None;
    }
    let behind = u64::from(header).checked_add(u64::from(size))?;
    if protected > 0
        && (half(image, base, behind) != Some(PROTECTED_INFO)
            || half(image, base, behind.checked_add(2)?).map(u64::from) != Some(protected))
    {
        return None;
    }
    let info = behind.checked_add(protected)?;
    if half(image, base, info)? != INFO {
        return None;
    }
    let end = info.checked_add(u64::from(half(image, base, info.checked_add(2)?)?))?;
    let mut entries = Vec::new();
    let mut next = info.checked_add(ENTRY)?;
    while next < end {
        let kind = half(image, base, next)?;
        let len = u64::from(half(image, base, next.checked_add(2)?)?);
        let value = next.checked_add(ENTRY)?;
        next = value.checked_add(len)?;
        if next > end {
            return None;
        }
        if let Some(span) = part(base, value, len) {
            image.bytes(span).ok()?;
            entries.push((kind, span));
        }
    }
    Some(Layout {
        base,
        covers: part(base, 0, info)?,
        entries,
        flags: word(image, base, FLAGS)?,
    })
}

/// Lists the fields of an image.
fn fields(image: &Image, layout: &Layout) -> Vec<Finding> {
    let (base, covers) = (layout.base, layout.covers);
    let finding = |at, right, signed, what: &str| Finding {
        kind: Kind::Mcuboot,
        covers: vec![covers],
        at,
        right,
        signed,
        text: format!("MCUboot image at {base}: {what}"),
    };
    let mut fields = Vec::new();
    let mut unchanged = true;
    for (kind, at) in &layout.entries {
        let (name, computed) = match kind {
            0x10 => ("SHA-256", hash::<Sha256>(image, covers)),
            0x11 => ("SHA-384", hash::<Sha384>(image, covers)),
            0x12 => ("SHA-512", hash::<Sha512>(image, covers)),
            _ => continue,
        };
        let stored = image.bytes(*at).ok();
        unchanged = computed.is_some() && computed.as_deref() == stored.as_deref();
        fields.push(finding(vec![*at], unchanged, false, name));
    }
    for (kind, at) in &layout.entries {
        let name = match kind {
            0x20 => "RSA-2048 signature",
            0x21 | 0x22 => "ECDSA signature",
            0x23 => "RSA-3072 signature",
            0x24 => "Ed25519 signature",
            _ => continue,
        };
        fields.push(finding(vec![*at], unchanged, true, name));
    }
    let keyed = [(ENCRYPTED, "encrypted"), (COMPRESSED, "compressed")];
    for (_, what) in keyed
        .into_iter()
        .filter(|(flag, _)| layout.flags & flag != 0)
    {
        fields.push(finding(vec![covers], true, true, what));
    }
    fields
}
