//! Which checksum comes before which.

use super::error::ChecksumError;
use super::field::Checksum;
use crate::image::Image;
use crate::slot::Slot;

/// Proves that every field is stored, outside the slots, and alone in its bytes.
pub(super) fn apart(
    image: &Image,
    checksums: &[Checksum],
    slots: &[Slot],
) -> Result<(), ChecksumError> {
    for (index, checksum) in checksums.iter().enumerate() {
        let (label, at) = (checksum.label.clone(), checksum.at);
        checksum.stored(image)?;
        let hit = slots
            .iter()
            .find(|slot| slot.span().intersection(at).is_some());
        if let Some(slot) = hit {
            return Err(ChecksumError::InSlot {
                checksum: label,
                at,
                slot: slot.span(),
            });
        }
        let before = checksums.iter().take(index);
        let hit = before
            .into_iter()
            .find(|other| other.at.intersection(at).is_some());
        if let Some(other) = hit {
            return Err(ChecksumError::FieldsOverlap {
                first: other.label.clone(),
                second: label,
                at: other.at,
                other: at,
            });
        }
    }
    Ok(())
}

/// Puts a checksum behind all that it covers; otherwise the recipe's order stays (Kahn 1962).
pub(super) fn inner_first(checksums: Vec<Checksum>) -> Result<Vec<Checksum>, ChecksumError> {
    let mut waiting: Vec<Checksum> = checksums;
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = waiting.iter().position(|one| {
            let others = waiting.iter().filter(|other| other.at != one.at);
            others.into_iter().all(|other| !one.reads(other.at))
        });
        match free {
            Some(free) => ordered.push(waiting.remove(free)),
            None => return Err(circle(&waiting)),
        }
    }
    Ok(ordered)
}

/// Names a circle among checksums that all wait for another one.
fn circle(waiting: &[Checksum]) -> ChecksumError {
    let mut path: Vec<usize> = Vec::new();
    let mut next = 0;
    // Each of them reads another, so the walk comes back to where it was.
    while !path.contains(&next) && path.len() < waiting.len() {
        path.push(next);
        let read = |one: &Checksum| {
            let hit = |other: &Checksum| other.at != one.at && one.reads(other.at);
            waiting.iter().position(hit)
        };
        next = waiting.get(next).and_then(read).unwrap_or(0);
    }
    let start = path.iter().position(|index| *index == next).unwrap_or(0);
    let names = path
        .iter()
        .skip(start)
        .filter_map(|index| waiting.get(*index));
    ChecksumError::Cycle {
        checksums: names.map(|one| one.label.clone()).collect(),
    }
}
