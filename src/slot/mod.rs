//! Where values go: from a locator to exactly one slot, and from a value to its bytes.
//!
//! A slot is found once, in stored bytes, in one run of load addresses, and blank.
//! Everything is searched in loaded bytes: debug data holds copies of a placeholder
//! that no unit ever loads. Nothing here knows checksums or containers.

mod blnkopt;
mod dead;
mod eolslot;
mod error;
mod merged;
mod nvs;
mod reserved;
mod site;
mod text;

pub use dead::suspects;
pub use error::{SlotError, Takes, Wrong};
pub use nvs::Stored;
pub use reserved::{Content, Slot};
pub use site::Found;

use reserved::Layout;
use site::find;

use crate::image::{Address, Image};
use crate::recipe::{Locator, SlotSpec, SlotValue};
use crate::unit::AuthToken;

/// Finds the slot that `spec` describes, and proves that it is stored, single and blank.
///
/// What only all slots together can tell, [`alone`] tells.
///
/// # Errors
/// Any [`SlotError`] of finding.
pub fn locate(image: &Image, spec: &SlotSpec) -> Result<Slot, SlotError> {
    let value = spec.value.clone();
    let slot = match &spec.locator {
        Locator::EolSlot { field } => Slot::new(
            value,
            eolslot::locate(image, spec, *field)?,
            Layout::EolSlot,
        ),
        Locator::BlnkOpt { key, set } => Slot::new(
            value,
            blnkopt::locate(image, spec, key, set)?,
            Layout::BlnkOpt,
        ),
        Locator::EspNvs(_) | Locator::ZephyrNvs(_) => {
            Slot::new(value, nvs::locate(image, spec)?, Layout::Nvs)
        }
        _ => Slot::new(value, text::locate(image, spec)?, Layout::Text),
    };
    match (&spec.value, &slot.layout) {
        (SlotValue::AuthToken, _) => slot.room_for(AuthToken::LEN)?,
        // How long other values are, only the units tell.
        (_, Layout::Nvs(_)) => {}
        _ => slot.room_for(1)?,
    }
    Ok(slot)
}

/// Proves that no placeholder of `slots` stands anywhere else in loaded bytes, that no other text
/// ends in one, and that none covers the firmware tag.
///
/// # Errors
/// The slot's position in `slots`, and [`SlotError::Copied`], [`SlotError::Shared`] or
/// [`SlotError::FirmwareTag`].
pub fn alone(image: &Image, slots: &[Slot]) -> Result<(), (usize, SlotError)> {
    let tags = blnkopt::tags(image, blnkopt::INFO);
    for (index, slot) in slots.iter().enumerate() {
        let hit = tags
            .iter()
            .find(|tag| tag.intersection(slot.span).is_some());
        if let Some(tag) = hit {
            let (span, tag) = (slot.span, tag.start());
            return Err((index, SlotError::FirmwareTag { span, tag }));
        }
        let Layout::Text(text) = &slot.layout else {
            continue;
        };
        let Some(placeholder) = text.placeholder(&slot.master) else {
            continue;
        };
        let outside = |at: &Address| {
            let inside = |other: &Slot| other.span.start() <= *at && *at < other.span.end();
            !slots.iter().any(inside)
        };
        let also: Vec<Address> = find(image, placeholder)
            .into_iter()
            .filter(outside)
            .collect();
        if !also.is_empty() {
            let at = slot.span.start();
            return Err((index, SlotError::Copied { at, also }));
        }
        if let Some(why) = merged::shared(image, slot) {
            let at = slot.span.start();
            return Err((index, SlotError::Shared { at, why }));
        }
    }
    Ok(())
}

/// Lists the slots that show themselves: eolslots and option blocks, in order of address.
#[must_use]
pub fn found(image: &Image) -> Vec<Found> {
    let mut found = eolslot::found(image);
    found.extend(blnkopt::found(image));
    found.sort_by_key(|found| found.span);
    found
}

/// Lists the settings stores of ESP-IDF in an image, with the names of their strings; no value.
///
/// Zephyr's stores have no mark of their own, and are found by a recipe only.
#[must_use]
pub fn stores(image: &Image) -> Vec<Stored> {
    nvs::listed(image)
}

/// Lists the values of Zephyr's settings stores whose text is at `at`, as a recipe names them.
#[must_use]
pub fn zephyr_at(image: &Image, at: Address) -> Vec<crate::recipe::ZephyrNvs> {
    nvs::zephyr_at(image, at)
}
