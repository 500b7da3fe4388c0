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
mod text;

pub use dead::suspects;
pub use error::{SlotError, Takes, Wrong};
pub use nvs::Stored;

use zeroize::Zeroizing;

use crate::image::{Address, Image, Span};
use crate::recipe::{Locator, SlotSpec, SlotValue};
use crate::unit::{AuthToken, Serial};

/// A value whose reader stops at its NUL must not hold one.
const NUL: u8 = 0;

/// NOR flash after an erase.
const ERASED: u8 = 0xFF;

/// Shortest placeholder that is looked for outside its slot: shorter text is everywhere.
const DISTINCT: usize = 4;

/// Reserved bytes that take one value: found exactly once, and blank in the Master.
#[derive(Clone)]
pub struct Slot {
    value: SlotValue,
    place: String,
    span: Span,
    layout: Layout,
    /// Whether the program names it, by section or symbol: an object of its own.
    named: bool,
    /// What the Master holds there. With `blank = "any"` it may be a secret.
    master: Zeroizing<Vec<u8>>,
}

/// How a value is written.
#[derive(Debug, Clone)]
enum Layout {
    Text(text::Text),
    EolSlot(eolslot::EolSlot),
    BlnkOpt(blnkopt::BlnkOpt),
    Nvs(nvs::Nvs),
}

/// What a unit or an image holds in a slot.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing yet.
    Blank,
    /// A value that reads back as it was written.
    Filled(Zeroizing<Vec<u8>>),
    /// Neither; the reason shows no value.
    Damaged(String),
}

impl Slot {
    /// Returns which value the slot takes.
    #[must_use]
    pub const fn value(&self) -> &SlotValue {
        &self.value
    }

    /// Returns how the slot was found, such as `section .auth_token`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the load addresses that a unit may change.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Returns the longest value in bytes.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        let bytes = match &self.layout {
            Layout::Text(text) => text.capacity(self.master.len()),
            Layout::EolSlot(slot) => slot.capacity(),
            Layout::BlnkOpt(block) => block.capacity(&self.master),
            Layout::Nvs(nvs) => nvs.room(self.master.len()).end().saturating_sub(1),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Returns the slot's whole new content for `value`.
    ///
    /// # Errors
    /// [`SlotError::ValueEmpty`], [`SlotError::ValueNul`], [`SlotError::TooSmall`], and
    /// [`SlotError::Unreadable`] for a value that would not read back as itself.
    pub fn encode(&self, value: &[u8]) -> Result<Zeroizing<Vec<u8>>, SlotError> {
        let at = self.span.start();
        if value.is_empty() {
            return Err(SlotError::ValueEmpty { at });
        }
        if let Some(index) = value.iter().position(|byte| *byte == NUL) {
            return Err(SlotError::ValueNul { at, index });
        }
        self.room_for(value.len())?;
        let bytes = self.written(value);
        let unreadable = |reason| SlotError::Unreadable { at, reason };
        match self.read(&bytes) {
            Content::Filled(back) if back.as_slice() == value => Ok(bytes),
            Content::Blank => Err(unreadable("it is what the blank slot holds")),
            _ if self.value == SlotValue::AuthToken => Err(unreadable("it is no AuthToken")),
            _ => Err(unreadable(
                "it ends in what fills the slot up, or is no text",
            )),
        }
    }

    /// Reads the slot's bytes, of this image or of a unit.
    #[must_use]
    pub fn read(&self, bytes: &[u8]) -> Content {
        if bytes.len() != self.master.len() {
            let (found, wanted) = (bytes.len(), self.master.len());
            return Content::Damaged(format!("it has {found} bytes, the slot has {wanted}"));
        }
        if bytes == self.master.as_slice() {
            return Content::Blank;
        }
        let decoded = match &self.layout {
            Layout::Text(text) => text.decode(bytes),
            Layout::EolSlot(_) => eolslot::decode(bytes),
            Layout::BlnkOpt(block) => block.decode(bytes),
            Layout::Nvs(nvs) => nvs.decode(bytes),
        };
        let value = match decoded {
            Ok(None) => return Content::Blank,
            Ok(Some(value)) => value,
            Err(reason) => return Content::Damaged(reason),
        };
        if let Some(reason) = self.foreign(&value) {
            return Content::Damaged(reason);
        }
        if value.len() <= usize::try_from(self.capacity()).unwrap_or(usize::MAX)
            && self.written(&value).as_slice() == bytes
        {
            return Content::Filled(value);
        }
        Content::Damaged(
            "a value is there, with other bytes around it than it is written with".into(),
        )
    }

    /// Says why `value` cannot be what this slot is for.
    fn foreign(&self, value: &[u8]) -> Option<String> {
        match &self.value {
            SlotValue::AuthToken => AuthToken::parse(value)
                .err()
                .map(|error| format!("no AuthToken: {error}")),
            SlotValue::Serial => std::str::from_utf8(value)
                .ok()
                .is_none_or(|text| text.parse::<Serial>().is_err())
                .then(|| "no serial".to_owned()),
            SlotValue::Column(_) => std::str::from_utf8(value)
                .is_err()
                .then(|| "no text".to_owned()),
        }
    }

    /// Writes a value that fits.
    fn written(&self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        match &self.layout {
            Layout::Text(text) => text.write(value, self.master.len()),
            Layout::EolSlot(_) => eolslot::write(&self.master, value),
            Layout::BlnkOpt(block) => block.write(&self.master, value),
            Layout::Nvs(nvs) => nvs.write(&self.master, value),
        }
    }

    /// Refuses a value of `len` bytes that does not fit.
    fn room_for(&self, len: usize) -> Result<(), SlotError> {
        if let Layout::Nvs(nvs) = &self.layout {
            let (room, needs) = (nvs.room(self.master.len()), len.saturating_add(1));
            if room.contains(&needs) {
                return Ok(());
            }
            let at = self.span.start();
            let (least, most) = room.into_inner();
            return Err(SlotError::Reserved {
                at,
                least,
                most,
                needs,
            });
        }
        let needs = u64::try_from(len).unwrap_or(u64::MAX);
        let room = self.capacity();
        if needs <= room {
            return Ok(());
        }
        let at = self.span.start();
        let (room, needs, takes) = match &self.layout {
            Layout::Text(text) if text.nul() && needs == room + 1 => {
                (room + 1, needs + 1, Takes::OnlyNul)
            }
            Layout::Text(text) if text.nul() => (room + 1, needs + 1, Takes::Nul),
            Layout::BlnkOpt(block) => (room, needs, block.takes(&self.master)),
            _ => (room, needs, Takes::Nothing),
        };
        Err(SlotError::TooSmall {
            at,
            room,
            needs,
            takes,
        })
    }
}

/// Shows the place only: the Master's bytes may be a secret.
impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("value", &self.value)
            .field("place", &self.place)
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

/// Shows no value.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Blank => f.write_str("Blank"),
            Self::Filled(_) => f.write_str("Filled(<value>)"),
            Self::Damaged(reason) => f.debug_tuple("Damaged").field(reason).finish(),
        }
    }
}

/// Finds the slot that `spec` describes, and proves that it is stored, single and blank.
///
/// What only all slots together can tell, [`alone`] tells.
///
/// # Errors
/// Any [`SlotError`] of finding.
pub fn locate(image: &Image, spec: &SlotSpec) -> Result<Slot, SlotError> {
    let slot = match &spec.locator {
        Locator::EolSlot { field } => eolslot::locate(image, spec, *field)?,
        Locator::BlnkOpt { key, set } => blnkopt::locate(image, spec, key, set)?,
        Locator::EspNvs(_) | Locator::ZephyrNvs(_) => nvs::locate(image, spec)?,
        _ => text::locate(image, spec)?,
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

/// A slot that is found without a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub span: Span,
    /// What it is, such as `eolslot field 1, 32 bytes`; no value.
    pub text: String,
    /// Whether it holds a value.
    pub filled: bool,
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

/// Returns the addresses at which `pattern` stands in loaded bytes, in order.
fn find(image: &Image, pattern: &[u8]) -> Vec<Address> {
    image.find(pattern).collect()
}

/// Proves that every byte of `span` is stored, in one run of load addresses.
fn stored(image: &Image, span: Span) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    let mut first = span.start();
    for part in image.stored_within(span) {
        if part.start() != first {
            break;
        }
        first = part.end();
    }
    if first == span.start() {
        return Err(SlotError::Unstored { span });
    }
    match image.bytes(span) {
        Ok(bytes) => Ok(Zeroizing::new(bytes.into_owned())),
        Err(_) => Err(SlotError::Straddles { span, first }),
    }
}

/// Returns whether all `bytes` are `byte`.
fn all(bytes: &[u8], byte: u8) -> bool {
    bytes.iter().all(|other| *other == byte)
}
