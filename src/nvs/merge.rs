//! A settings store into a shared image: over erased bytes that it stores, or as records of its own.

use super::NvsError;
use crate::image::{Address, Edits, Format, Hint, Image, ImageError, Partition, Span, partitions};

/// Erased NOR flash.
pub(super) const ERASED: u8 = 0xFF;

/// Puts `store` into the container `bytes`.
pub(super) fn merge(
    bytes: Vec<u8>,
    hint: Hint,
    at: Span,
    store: &[u8],
) -> Result<Vec<u8>, NvsError> {
    let image = Image::read(bytes, hint)?;
    if let Some(first) = foreign(&image, at) {
        return Err(NvsError::Occupied { at, first });
    }
    expected(&image, at)?;
    match image.require(at) {
        Ok(()) => {
            let mut edits = Edits::new();
            edits.put(at.start(), store);
            Ok(image.render(&edits)?)
        }
        Err(_) if image.format() == Format::Hex && image.stored_within(at).next().is_none() => {
            Ok(image.with_records(at.start(), store))
        }
        Err(ImageError::Outside { first, .. }) => Err(NvsError::Outside {
            at,
            first,
            format: image.format(),
        }),
        Err(other) => Err(other.into()),
    }
}

/// Returns the first address that stores anything but erased flash.
fn foreign(image: &Image, at: Span) -> Option<Address> {
    image.stored_within(at).find_map(|part| {
        let bytes = image.bytes(part).ok()?;
        let index = bytes.iter().position(|byte| *byte != ERASED)?;
        part.start().checked_add(u64::try_from(index).ok()?)
    })
}

/// Refuses a place that the partition table in the image does not know as a store.
fn expected(image: &Image, at: Span) -> Result<(), NvsError> {
    let mut known = partitions(image);
    known.retain(Partition::is_nvs);
    if known.is_empty() || known.iter().any(|one| one.span == at) {
        return Ok(());
    }
    let known: Vec<String> = known
        .iter()
        .map(|one| format!("{:?} at {}", one.label, one.span))
        .collect();
    Err(NvsError::Partition {
        at,
        known: known.join(", "),
    })
}
