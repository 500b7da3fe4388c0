//! A slot: reserved bytes, and how a value is written into them.

use zeroize::Zeroizing;

use super::blnkopt::BlnkOpt;
use super::eolslot::{self, EolSlot};
use super::nvs::Nvs;
use super::site::{NUL, Site};
use super::text::Text;
use super::{SlotError, Takes};
use crate::image::Span;
use crate::recipe::SlotValue;
use crate::unit::{AuthToken, Serial};

/// Reserved bytes that take one value: found exactly once, and blank in the Master.
#[derive(Clone)]
pub struct Slot {
    pub(super) value: SlotValue,
    place: String,
    pub(super) span: Span,
    pub(super) layout: Layout,
    /// Whether the program names it, by section or symbol: an object of its own.
    pub(super) named: bool,
    /// What the Master holds there. With `blank = "any"` it may be a secret.
    pub(super) master: Zeroizing<Vec<u8>>,
}

/// How a value is written.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    Text(Text),
    EolSlot(EolSlot),
    BlnkOpt(BlnkOpt),
    Nvs(Nvs),
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
    /// Takes a place for a value.
    pub(super) fn new<L>(value: SlotValue, site: Site<L>, layout: fn(L) -> Layout) -> Self {
        Self {
            value,
            place: site.place,
            span: site.span,
            layout: layout(site.layout),
            named: site.named,
            master: site.master,
        }
    }

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
    pub(super) fn room_for(&self, len: usize) -> Result<(), SlotError> {
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
