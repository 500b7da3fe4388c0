//! Integrity fields that show themselves by structure, and what the recipe says of them.
//!
//! A field that is right now must be made right again, left for a reason, or refused. A
//! field that is wrong now is nobody's business: the device does not check it, or a
//! programmer fills it.

use super::{Checksum, ChecksumError, esp, mcuboot, resolve};
use crate::image::{Address, Image, Span};
use crate::recipe::{ChecksumSpec, Kind};
use crate::slot::Slot;

/// An integrity field that was found by structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The family.
    pub kind: Kind,
    /// What it covers, in order.
    pub covers: Vec<Span>,
    /// Where it is stored.
    pub at: Vec<Span>,
    /// Whether it is right now; for a signature, whether what was signed is unchanged.
    pub right: bool,
    /// Whether it takes a key to make it.
    pub signed: bool,
    /// What it is, such as `ESP image at 0x00010000: SHA-256`.
    pub text: String,
}

/// Lists the integrity fields of `image` that show themselves by structure.
#[must_use]
pub fn findings(image: &Image) -> Vec<Finding> {
    let mut findings = esp::findings(image);
    findings.extend(mcuboot::findings(image));
    findings.sort_by_key(|finding| finding.at.first().copied());
    findings
}

/// Holds the recipe against what was found; gives what the recipe leaves, with the reasons.
///
/// # Errors
/// [`ChecksumError::Signed`], [`ChecksumError::Undeclared`], [`ChecksumError::NotYet`] and
/// [`ChecksumError::NotFound`].
pub(super) fn judge(
    image: &Image,
    specs: &[ChecksumSpec],
    slots: &[Slot],
    checksums: &[Checksum],
) -> Result<Vec<(Finding, String)>, ChecksumError> {
    let findings = findings(image);
    let touched: Vec<(&Finding, String)> = findings
        .iter()
        .filter_map(|finding| Some((finding, covered(finding, slots, checksums)?)))
        .collect();
    if let Some((finding, covered)) = touched.iter().find(|(finding, _)| finding.signed) {
        return Err(ChecksumError::Signed {
            what: finding.text.clone(),
            covered: covered.clone(),
        });
    }
    let mut left = Vec::new();
    for (finding, covered) in touched.into_iter().filter(|(finding, _)| finding.right) {
        let repaired = |one: &Checksum| finding.at.contains(&one.at);
        if checksums.iter().any(repaired) {
            continue;
        }
        let what = finding.text.clone();
        let mut named = specs
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.kind == finding.kind);
        match named.next() {
            None => {
                return Err(ChecksumError::Undeclared {
                    what,
                    covered,
                    kind: finding.kind.to_string(),
                });
            }
            Some((index, ChecksumSpec { leave: None, .. })) => {
                return Err(ChecksumError::NotYet {
                    checksum: label(specs, index),
                    what,
                    covered,
                });
            }
            Some((
                _,
                ChecksumSpec {
                    leave: Some(reason),
                    ..
                },
            )) => {
                left.push((finding.clone(), reason.clone()));
            }
        }
    }
    for (index, spec) in specs.iter().enumerate() {
        let same = |finding: &Finding| finding.kind == spec.kind && finding.right;
        if resolve::by_structure(spec.kind) && !findings.iter().any(same) {
            let checksum = label(specs, index);
            return Err(ChecksumError::NotFound { checksum });
        }
    }
    Ok(left)
}

/// Names the first slot or checksum that changes what `finding` covers.
fn covered(finding: &Finding, slots: &[Slot], checksums: &[Checksum]) -> Option<String> {
    let hit = |own: &[Span], span: Span| own.iter().any(|own| own.intersection(span).is_some());
    let slot = slots
        .iter()
        .find(|slot| hit(&finding.covers, slot.span()) || hit(&finding.at, slot.span()));
    if let Some(slot) = slot {
        return Some(format!("the slot for {} at {}", slot.value(), slot.span()));
    }
    let field = checksums.iter().find(|one| hit(&finding.covers, one.at));
    field.map(|one| format!("{} at {}", one.label, one.at))
}

/// Names the checksum at `index` of the recipe.
fn label(specs: &[ChecksumSpec], index: usize) -> String {
    let title = specs.get(index).map(resolve::title).unwrap_or_default();
    format!("checksum {} ({title})", index.saturating_add(1))
}

/// Returns `N` bytes at `offset` from `base`, where all of them are stored.
pub(super) fn take<const N: usize>(image: &Image, base: Address, offset: u64) -> Option<[u8; N]> {
    let span = part(base, offset, u64::try_from(N).ok()?)?;
    image.bytes(span).ok()?.as_ref().try_into().ok()
}

/// Returns the 32-bit little-endian number at `offset` from `base`.
pub(super) fn word(image: &Image, base: Address, offset: u64) -> Option<u32> {
    take(image, base, offset).map(u32::from_le_bytes)
}

/// Returns the 16-bit little-endian number at `offset` from `base`.
pub(super) fn half(image: &Image, base: Address, offset: u64) -> Option<u16> {
    take(image, base, offset).map(u16::from_le_bytes)
}

/// Returns `len` load addresses at `offset` from `base`.
pub(super) fn part(base: Address, offset: u64, len: u64) -> Option<Span> {
    Span::new(base.checked_add(offset)?, len)
}

/// Digests the bytes of `span`; none where some are not stored.
pub(super) fn hash<D: sha2::Digest>(image: &Image, span: Span) -> Option<Vec<u8>> {
    let mut hash = D::new();
    for (_, bytes) in image.chunks(span).ok()? {
        hash.update(bytes);
    }
    Some(hash.finalize().to_vec())
}
