//! Settings stores made from a recipe, for images that bring none: once a batch, with a placeholder
//! for every unit's value.
//!
//! What comes out is a shared image like any other: slots are found in it, proved blank, and
//! filled. Nothing here knows units.

mod error;
pub(crate) mod esp;
mod merge;
mod table;
pub(crate) mod zephyr;

pub use error::NvsError;
pub use table::Reader;

use merge::ERASED;

use crate::recipe::{Blank, Locator, Recipe, SlotSpec, StoreKind, StoreSpec};

/// What a placeholder says, as far as there is room for it.
const PLACEHOLDER: &str = "PLACEHOLDER for ";
/// What it is filled up with.
const FILLER: u8 = b'.';
/// Returns the shared image of `recipe`: `image`, what its file holds, with the settings store in
/// it; or the store alone.
///
/// Without `[nvs]` in the recipe it is `image` as it is.
///
/// # Errors
/// [`NvsError`]
pub fn shared(
    recipe: &Recipe,
    image: Option<Vec<u8>>,
    read: &mut Reader<'_>,
) -> Result<Vec<u8>, NvsError> {
    let Some(spec) = &recipe.nvs else {
        return Ok(image.unwrap_or_default());
    };
    let store = store(spec, &recipe.slots, read)?;
    match image {
        Some(image) => merge::merge(image, recipe.image.hint(), spec.at, &store),
        None => Ok(store),
    }
}

/// Makes the partition that `spec` describes, with a placeholder for each of `slots` in it.
///
/// # Errors
/// [`NvsError`]: what it is to hold cannot be read, or does not fit.
pub fn store(
    spec: &StoreSpec,
    slots: &[SlotSpec],
    read: &mut Reader<'_>,
) -> Result<Vec<u8>, NvsError> {
    match &spec.kind {
        StoreKind::Esp { version, csv, rows } => {
            let mut values = match csv {
                Some(file) => table::read(file, read)?,
                None => Vec::new(),
            };
            for row in rows {
                values.push(table::value(row)?);
            }
            for slot in slots {
                if let Locator::EspNvs(place) = &slot.locator
                    && place.at == Some(spec.at)
                {
                    // A table may bring its own placeholder.
                    if values
                        .iter()
                        .any(|value| value.is(&place.namespace, &place.key))
                    {
                        continue;
                    }
                    let text = placeholder(slot, place.length.unwrap_or_default())?;
                    values.push(table::Value::text(&place.namespace, &place.key, text));
                }
            }
            esp::write(&values, *version, spec.at)
        }
        StoreKind::Zephyr {
            sector,
            align,
            data_crc,
            values,
        } => {
            let mut values = values.clone();
            for slot in slots {
                if let Locator::ZephyrNvs(place) = &slot.locator
                    && place.at == Some(spec.at)
                    && values.iter().all(|(id, _)| *id != place.id)
                {
                    let mut text = placeholder(slot, place.length.unwrap_or_default())?;
                    text.push(0);
                    values.push((place.id, text));
                }
            }
            let layout = zephyr::Layout {
                sector: *sector,
                align: *align,
                data_crc: *data_crc,
            };
            zephyr::write(&values, layout, spec.at)
        }
    }
}

/// Returns what a slot of `length` characters holds until it is filled.
fn placeholder(slot: &SlotSpec, length: usize) -> Result<Vec<u8>, NvsError> {
    let (text, filler) = match &slot.blank {
        Blank::Text(text) if text.len() > length => {
            return Err(NvsError::Placeholder {
                value: slot.value.clone(),
                text: text.clone(),
                length,
            });
        }
        Blank::Text(text) => (text.clone(), FILLER),
        Blank::Erased => (String::new(), ERASED),
        Blank::Any | Blank::Unsaid => (format!("{PLACEHOLDER}{}", slot.value), FILLER),
    };
    let mut bytes = text.into_bytes();
    bytes.resize(length, filler);
    Ok(bytes)
}
