//! Integrity fields that show themselves by structure, against what the recipe says of them.
//!
//! A field that is right now is made right again, left for a reason, or refused. A field that is
//! wrong already is ignored: the device does not check it, or the programmer fills it in.

use std::sync::Arc;

use super::error::ChecksumError;
use super::feed::{Feed, Piece, Words};
use super::field::{Checksum, Engine};
use super::finding::{Finding, Means};
use super::resolve;
use crate::checksum::compute::key::{Key, KeyKind};
use crate::checksum::compute::sign::{Scheme, Signature, der_of};
use crate::image::{Image, Span};
use crate::recipe::{ChecksumSpec, Keys};
use crate::slot::Slot;

/// Adds the checksums of the structures that the recipe names, as far as slots and checksums
/// change what they cover.
///
/// # Errors
/// What is wrong with a key.
pub(super) fn expand(
    image: &Image,
    findings: &[Finding],
    specs: &[ChecksumSpec],
    keys: &Keys,
    slots: &[Slot],
    checksums: &mut Vec<Checksum>,
) -> Result<(), ChecksumError> {
    let mut waiting: Vec<&Finding> = findings.iter().collect();
    // A repaired field may be covered by another one, so this goes on until nothing comes.
    loop {
        let next = waiting.iter().position(|finding| {
            finding.right
                && covered(finding, slots, checksums).is_some()
                && !is_repaired(finding, checksums)
                && named(specs, finding).next().is_some()
        });
        let Some(next) = next else {
            return Ok(());
        };
        let finding = waiting.swap_remove(next);
        let mut last = None;
        for (index, spec) in named(specs, finding) {
            let made = match &finding.means {
                Means::Compute(_) => Ok(finding.checksum(index)),
                Means::Sign(scheme) => signature(image, finding, scheme, index, spec, keys),
                Means::Refuse(_) | Means::Recipe(_) | Means::CutOff { .. } => Ok(None),
            };
            match made {
                Ok(Some(checksum)) => {
                    checksums.push(checksum);
                    last = None;
                    break;
                }
                Ok(None) => {}
                // Another [[checksum]] of the kind may bring the right key.
                Err(error) => last = last.or(Some(error)),
            }
        }
        if let Some(error) = last {
            return Err(error);
        }
    }
}

/// Returns what the recipe says of a finding's family, but what is left.
fn named<'s>(
    specs: &'s [ChecksumSpec],
    finding: &Finding,
) -> impl Iterator<Item = (usize, &'s ChecksumSpec)> {
    let kind = finding.kind;
    let specs = specs.iter().enumerate();
    specs.filter(move |(_, spec)| Some(spec.kind) == kind && spec.leave.is_none())
}

fn is_repaired(finding: &Finding, checksums: &[Checksum]) -> bool {
    checksums.iter().any(|one| finding.at.contains(&one.at))
}

/// Makes the checksum that signs again; none where the recipe names no key.
fn signature(
    image: &Image,
    finding: &Finding,
    scheme: &Scheme,
    index: usize,
    spec: &ChecksumSpec,
    keys: &Keys,
) -> Result<Option<Checksum>, ChecksumError> {
    let label = finding.label(index);
    let Some((file, key)) = key(spec, keys, &label)? else {
        return Ok(None);
    };
    let wrong = |reason: String| ChecksumError::Key {
        checksum: label.clone(),
        file: file.clone(),
        reason,
    };
    if key.kind != scheme.kind {
        return Err(wrong(format!(
            "it is an {} key, the signature wants {}",
            key.kind, scheme.kind
        )));
    }
    if let Some(named) = &scheme.named {
        let says = image.bytes(named.at).ok();
        if named.of(&key).as_deref() != says.as_deref() {
            return Err(wrong(format!(
                "the image names another public key at {}",
                named.at.start()
            )));
        }
    }
    let Some(at) = finding.at.first() else {
        return Ok(None);
    };
    let stored = image.bytes(*at).unwrap_or_default();
    let padded = scheme.kind == KeyKind::EcdsaP256
        && der_of(&stored).is_some_and(|der| der.len() < stored.len());
    let signature = Signature {
        scheme: scheme.clone(),
        key: Arc::new(key),
        len: stored.len(),
        padded,
    };
    let pieces = finding.covers.iter().map(|span| Piece::Stored(*span));
    let feed = Feed::of(pieces.collect(), Words::Bytes);
    Ok(finding.field(index, feed, Engine::Sign(Box::new(signature))))
}

/// Reads the key that a `[[checksum]]` names: the private one, else the public one.
fn key(
    spec: &ChecksumSpec,
    keys: &Keys,
    label: &str,
) -> Result<Option<(String, Key)>, ChecksumError> {
    let named = [&spec.key, &spec.public_key].into_iter().flatten();
    let given = named.clone().find_map(|file| Some((file, keys.get(file)?)));
    let Some((file, bytes)) = given else {
        let Some(file) = named.into_iter().next() else {
            return Ok(None);
        };
        return Err(ChecksumError::Key {
            checksum: label.to_owned(),
            file: file.display().to_string(),
            reason: "it was not read".to_owned(),
        });
    };
    let file = file.display().to_string();
    match Key::read(bytes) {
        Ok(key) => Ok(Some((file, key))),
        Err(reason) => Err(ChecksumError::Key {
            checksum: label.to_owned(),
            file,
            reason: reason.to_owned(),
        }),
    }
}

/// Holds the recipe against what was found; gives what the recipe leaves, with the reasons.
///
/// # Errors
/// [`ChecksumError::CutOff`], [`ChecksumError::InFrame`], [`ChecksumError::Signed`], [`ChecksumError::Unrepaired`],
/// [`ChecksumError::Undeclared`] and [`ChecksumError::NotFound`].
pub(super) fn judge(
    findings: Vec<Finding>,
    specs: &[ChecksumSpec],
    slots: &[Slot],
    checksums: &[Checksum],
) -> Result<Vec<(Finding, String)>, ChecksumError> {
    for finding in &findings {
        if let Means::CutOff { says } = finding.means
            && covered(finding, slots, checksums).is_some()
        {
            let (what, stored) = (finding.text.clone(), finding.covers.iter());
            let stored = stored.map(|span| span.len()).sum();
            return Err(ChecksumError::CutOff { what, says, stored });
        }
    }
    for (index, spec) in specs.iter().enumerate() {
        let same = |finding: &Finding| finding.kind == Some(spec.kind) && finding.right;
        if resolve::by_structure(spec.kind) && !findings.iter().any(same) {
            let checksum = label(specs, index);
            return Err(ChecksumError::NotFound { checksum });
        }
    }
    let mut touched: Vec<(Finding, String)> = findings
        .into_iter()
        .filter_map(|finding| {
            let covered = covered(&finding, slots, checksums)?;
            Some((finding, covered))
        })
        .collect();
    // What takes a key is said first: nothing else helps then.
    touched.sort_by_key(|(finding, _)| !finding.signed);
    let mut left = Vec::new();
    for (finding, covered) in touched {
        in_frame(&finding, slots)?;
        if is_repaired(&finding, checksums) || !(finding.right || finding.signed) {
            continue;
        }
        let (what, signed) = (finding.text.clone(), finding.signed);
        if signed {
            return Err(ChecksumError::Signed {
                what,
                covered,
                next: next_step(&finding),
            });
        }
        let reason = specs
            .iter()
            .filter(|spec| finding.kind == Some(spec.kind))
            .find_map(|spec| spec.leave.clone());
        match (reason, &finding.means, finding.kind) {
            (Some(reason), ..) => left.push((finding, reason)),
            (None, Means::Refuse(_) | Means::Recipe(_), _) => {
                let next = finding.advice();
                return Err(ChecksumError::Unrepaired {
                    what,
                    covered,
                    next,
                });
            }
            (None, _, kind) => {
                return Err(ChecksumError::Undeclared {
                    what,
                    covered,
                    kind: kind.map(|kind| kind.to_string()).unwrap_or_default(),
                });
            }
        }
    }
    Ok(left)
}

/// Says what to do about a signature.
fn next_step(finding: &Finding) -> String {
    match (&finding.means, finding.kind) {
        (Means::Refuse(reason), _) => (*reason).to_owned(),
        (_, Some(kind)) => format!(
            "add [[checksum]] kind = \"{kind}\" with key = \"<private key>.pem\", or put the slot outside the signed bytes"
        ),
        _ => "put the slot outside the signed bytes".to_owned(),
    }
}

/// Refuses a slot over a structure's own headers.
fn in_frame(finding: &Finding, slots: &[Slot]) -> Result<(), ChecksumError> {
    for slot in slots {
        let hit = |part: &&Span| part.intersection(slot.span()).is_some();
        if let Some(part) = finding.frame.iter().find(hit) {
            return Err(ChecksumError::InFrame {
                what: finding.text.clone(),
                part: *part,
                value: slot.value().to_string(),
                slot: slot.span(),
            });
        }
    }
    Ok(())
}

/// Names the first slot or checksum that changes what `finding` covers.
fn covered(finding: &Finding, slots: &[Slot], checksums: &[Checksum]) -> Option<String> {
    let hit = |own: &[Span], span: Span| own.iter().any(|own| own.intersection(span).is_some());
    let slot = slots.iter().find(|slot| {
        let span = slot.span();
        hit(&finding.covers, span) || hit(&finding.at, span) || hit(&finding.frame, span)
    });
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
