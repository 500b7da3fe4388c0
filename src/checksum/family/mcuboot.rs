//! MCUboot images: a hash, and mostly a signature, behind the image.
//!
//! Source: MCUboot, "Image format" and `boot/bootutil/include/bootutil/image.h`. Numbers
//! are little-endian. A hash covers header, image and protected entries; a signature covers
//! the hash or, "pure", the same bytes. Security counter, dependencies and boot record stay,
//! and so does the magic at the end of a padded slot, which nothing covers.

use crate::checksum::compute::digest::Hash;
use crate::checksum::compute::key::KeyKind;
use crate::checksum::compute::sign::{Message, Named, Scheme};
use crate::checksum::finding::{Finding, Formula, Means};
use crate::image::structure::{half, part, run_of, stored, word};
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
const PAD: u64 = 28;
/// What a header that is none by chance keeps to: its size, the image's, and the flags.
const LARGEST_HEADER: u16 = 0x8000;
const LARGEST: u32 = 64 * 1024 * 1024;
const KNOWN_FLAGS: u32 = 0xFFFF;
/// Images start at a multiple of this: flash sectors.
const SECTOR: u64 = 4096;
/// `IMAGE_F_ENCRYPTED_AES128`, `IMAGE_F_ENCRYPTED_AES256`.
const ENCRYPTED: u32 = 0x04 | 0x08;
/// `IMAGE_F_COMPRESSED_LZMA1`, `IMAGE_F_COMPRESSED_LZMA2`.
const COMPRESSED: u32 = 0x200 | 0x400;
/// `IMAGE_TLV_INFO_MAGIC`, `IMAGE_TLV_PROT_INFO_MAGIC`.
const INFO: u16 = 0x6907;
const PROTECTED_INFO: u16 = 0x6908;
/// Bytes of an entry in front of its value, and of the info in front of all entries.
const ENTRY: u64 = 4;
/// Types of entries: `IMAGE_TLV_KEYHASH`, `IMAGE_TLV_PUBKEY`, `IMAGE_TLV_SIG_PURE`.
const KEY_HASH: u16 = 0x01;
const PUBLIC_KEY: u16 = 0x02;
const PURE: u16 = 0x25;

/// An image whose structure is whole.
struct Layout {
    base: Address,
    /// What the hash covers.
    covers: Span,
    /// Header and all entries.
    frame: Vec<Span>,
    /// Type and value of each entry behind the image.
    entries: Vec<(u16, Span)>,
    flags: u32,
}

/// Finds all images: wherever the magic stands at a multiple of four.
pub(super) fn findings(image: &Image) -> Vec<Finding> {
    let aligned = |at: &Address| {
        let offset = run_of(image, *at).map_or(0, |run| at.get().saturating_sub(run.start().get()));
        at.get().is_multiple_of(4) || offset.is_multiple_of(4)
    };
    let bases = image.find(&MAGIC).filter(aligned);
    bases
        .flat_map(|base| match layout(image, base) {
            Some(layout) => fields(image, &layout),
            None => cut_off(image, base).into_iter().collect(),
        })
        .collect()
}

/// Finds an image whose end is missing, by a header that makes sense at the start of a sector.
fn cut_off(image: &Image, base: Address) -> Option<Finding> {
    let run = run_of(image, base)?;
    let offset = base.get().checked_sub(run.start().get())?;
    let header = half(image, base, HEADER_SIZE)?;
    let size = word(image, base, IMAGE_SIZE)?;
    let plausible = offset.is_multiple_of(SECTOR)
        && (HEADER..=LARGEST_HEADER).contains(&header)
        && header.is_multiple_of(4)
        && (1..=LARGEST).contains(&size)
        && word(image, base, FLAGS)? <= KNOWN_FLAGS
        && word(image, base, PAD)? == 0;
    if !plausible {
        return None;
    }
    let protected = u64::from(half(image, base, PROTECTED_SIZE)?);
    let info = (u64::from(header) + u64::from(size)).checked_add(protected)?;
    let entries =
        half(image, base, info.checked_add(2)?).filter(|_| half(image, base, info) == Some(INFO));
    let says = info.checked_add(entries.map_or(ENTRY, u64::from))?;
    let stored = run.len().checked_sub(offset)?;
    (says > stored).then_some(Finding::cut_off(
        part(base, 0, stored)?,
        format!("MCUboot image at {base}"),
        says,
    ))
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
        if len > 0 {
            entries.push((kind, stored(image, base, value, len)?));
        }
    }
    Some(Layout {
        base,
        covers: stored(image, base, 0, info)?,
        frame: vec![
            part(base, 0, u64::from(header))?,
            part(base, behind, end.checked_sub(behind)?)?,
        ],
        entries,
        flags: word(image, base, FLAGS)?,
    })
}

/// Returns the hash that entries of a type hold.
const fn hash(kind: u16) -> Option<Hash> {
    match kind {
        0x10 => Some(Hash::Sha256),
        0x11 => Some(Hash::Sha384),
        0x12 => Some(Hash::Sha512),
        _ => None,
    }
}

/// Lists the fields of an image.
fn fields(image: &Image, layout: &Layout) -> Vec<Finding> {
    let (base, covers) = (layout.base, layout.covers);
    let mut fields = Vec::new();
    let mut unchanged = true;
    let mut hashed = None;
    for (kind, at) in &layout.entries {
        let Some(hash) = hash(*kind).filter(|hash| u64::from(hash.len()) == at.len()) else {
            continue;
        };
        let formula = Formula::Hash(hash);
        let field = Finding::computed(Kind::Mcuboot, vec![covers], *at, formula)
            .named(format!("MCUboot image at {base}: {}", hash.name()))
            .framed(layout.frame.clone())
            .judged(image);
        if let Some(field) = field {
            unchanged = field.right;
            hashed = Some(hash);
            fields.push(field);
        }
    }
    let signed = |at: &Span, what: &str, means| Finding {
        kind: Some(Kind::Mcuboot),
        covers: vec![covers],
        at: vec![*at],
        frame: layout.frame.clone(),
        right: unchanged,
        signed: true,
        value: None,
        text: format!("MCUboot image at {base}: {what}"),
        means,
    };
    for (index, (kind, at)) in layout.entries.iter().enumerate() {
        let (what, with) = match kind {
            0x20 => ("RSA-2048 signature", Some(KeyKind::Rsa2048)),
            0x22 => ("ECDSA signature", Some(KeyKind::EcdsaP256)),
            0x23 => ("RSA-3072 signature", Some(KeyKind::Rsa3072)),
            0x24 => ("Ed25519 signature", Some(KeyKind::Ed25519)),
            0x21 => ("ECDSA P-224 signature", None),
            _ => continue,
        };
        let means = with
            .and_then(|with| scheme(layout, index, with, hashed))
            .map_or(Means::Refuse(NO_SCHEME), Means::Sign);
        fields.push(signed(at, what, means));
    }
    for (flag, what, reason) in [
        (ENCRYPTED, "encrypted", "encrypt it behind this step"),
        (COMPRESSED, "compressed", "compress it behind this step"),
    ] {
        if layout.flags & flag != 0 {
            fields.push(signed(&covers, what, Means::Refuse(reason)));
        }
    }
    fields
}

const NO_SCHEME: &str = "signatures of this kind over this hash cannot be made here: sign the unit's image behind this step with imgtool";

/// Returns how the signature at `index` is made; none for a pair of key and hash that imgtool
/// does not make.
fn scheme(layout: &Layout, index: usize, kind: KeyKind, hashed: Option<Hash>) -> Option<Scheme> {
    let pure = layout.entries.iter().any(|(kind, _)| *kind == PURE);
    let message = match (kind, hashed, pure) {
        (KeyKind::Ed25519, _, true) => Message::Whole,
        (_, _, true) => return None,
        (KeyKind::Ed25519, Some(hash), false) => Message::Digest(hash),
        (_, Some(Hash::Sha256), false) => Message::Digest(Hash::Sha256),
        _ => return None,
    };
    // The key is named in front of its signature.
    let before = layout.entries.get(..index).unwrap_or_default();
    let named = before.iter().rev().find_map(|(kind, at)| match *kind {
        KEY_HASH => {
            let hash = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
            let hash = hash
                .into_iter()
                .find(|hash| u64::from(hash.len()) == at.len());
            hash.map(|hash| Named {
                at: *at,
                hash: Some(hash),
            })
        }
        PUBLIC_KEY => Some(Named {
            at: *at,
            hash: None,
        }),
        _ => None,
    });
    Some(Scheme {
        kind,
        message,
        named,
    })
}
