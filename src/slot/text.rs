//! Text slots: a value, its NUL and padding in a named place.
//!
//! The form is C's: a string in an array. What a blank slot holds is the recipe's word;
//! without it, the rules of [`Blank::Unsaid`].

use zeroize::Zeroizing;

use super::error::{SlotError, Wrong};
use super::site::{DISTINCT, ERASED, NUL, Site, all, find, stored};
use crate::image::{Address, Image, Span};
use crate::recipe::{Blank, Locator, SlotSpec, SlotValue};
use crate::unit::AuthToken;

/// How slots with a marker get lost, in the order of how often it happens.
const LOST: &str = "it was filled already, the linker dropped it (KEEP and a run-time read keep it), or the compiler folded it (volatile keeps it)";

/// A value, a NUL unless told otherwise, then padding.
#[derive(Debug, Clone)]
pub(super) struct Text {
    nul: bool,
    pad: u8,
    /// Whether the Master's text says that the slot is blank.
    spoken: bool,
}

impl Text {
    pub(super) const fn nul(&self) -> bool {
        self.nul
    }

    pub(super) fn capacity(&self, len: usize) -> usize {
        len.saturating_sub(usize::from(self.nul))
    }

    pub(super) fn write(&self, value: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(len));
        bytes.extend_from_slice(value);
        if self.nul {
            bytes.push(NUL);
        }
        bytes.resize(len, self.pad);
        bytes
    }

    /// Returns the value, none for an erased or zeroed slot, or why there is neither.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        if all(bytes, ERASED) || all(bytes, NUL) {
            return Ok(None);
        }
        let end = if self.nul {
            bytes.iter().position(|byte| *byte == NUL)
        } else {
            let last = bytes.iter().rposition(|byte| *byte != self.pad);
            last.and_then(|last| last.checked_add(1))
        };
        let end = end.ok_or("no NUL ends the text")?;
        let value = bytes.get(..end).unwrap_or_default();
        Ok(Some(Zeroizing::new(value.to_vec())))
    }

    /// Returns the Master's placeholder, where one says that the slot is blank.
    pub(super) fn placeholder<'a>(&self, master: &'a [u8]) -> Option<&'a [u8]> {
        let text = if self.spoken { leading(master) } else { &[] };
        (text.len() >= DISTINCT).then_some(text)
    }
}

/// Returns the printable ASCII that `bytes` start with.
fn leading(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| !(b' '..=b'~').contains(byte));
    bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()
}

/// Finds a slot by section, symbol, marker or address.
pub(super) fn locate(image: &Image, spec: &SlotSpec) -> Result<Site<Text>, SlotError> {
    let (place, start, holds) = place(image, &spec.locator)?;
    let size = match (spec.size, holds) {
        (Some(size), Some(holds)) if size > holds || size == 0 => {
            return Err(SlotError::Size { size, place, holds });
        }
        (Some(size), _) => size,
        (None, Some(holds)) => holds,
        (None, None) => return Err(SlotError::NoSize { place }),
    };
    let span = Span::new(start, size).ok_or_else(|| SlotError::Size {
        size,
        place: place.clone(),
        holds: holds.unwrap_or(0),
    })?;
    let master = stored(image, span)?;
    blank(spec, span.start(), &master)?;
    let layout = Text {
        nul: spec.nul,
        pad: spec.pad,
        spoken: matches!(spec.blank, Blank::Text(_) | Blank::Unsaid),
    };
    Ok(Site {
        place,
        span,
        layout,
        named: matches!(spec.locator, Locator::Section(_) | Locator::Symbol(_)),
        master,
    })
}

/// Returns what the recipe names, where it starts, and how long it is where that is known.
fn place(image: &Image, locator: &Locator) -> Result<(String, Address, Option<u64>), SlotError> {
    match locator {
        Locator::Section(name) => {
            let place = format!("section {name}");
            match image.section(name) {
                Ok(span) => Ok((place, span.start(), Some(span.len()))),
                Err(source) => Err(SlotError::Place { place, source }),
            }
        }
        Locator::Symbol(name) => {
            let place = format!("symbol {name}");
            match image.symbol(name) {
                Ok((start, size)) => Ok((place, start, (size > 0).then_some(size))),
                Err(source) => Err(SlotError::Place { place, source }),
            }
        }
        Locator::Marker(text) => {
            let what = format!("marker {text:?}");
            let start = once(find(image, text.as_bytes()), &what)?;
            Ok((what, start, None))
        }
        Locator::Address(start) => Ok((format!("address {start}"), *start, None)),
        _ => Err(SlotError::NoSize {
            place: "locator".to_owned(),
        }),
    }
}

/// Takes the only hit.
pub(super) fn once(hits: Vec<Address>, what: &str) -> Result<Address, SlotError> {
    match hits.as_slice() {
        [] => Err(SlotError::Missing {
            what: what.to_owned(),
            wrong: Wrong::default(),
            cause: LOST,
        }),
        [one] => Ok(*one),
        _ => Err(SlotError::Twice {
            what: what.to_owned(),
            at: hits,
        }),
    }
}

/// Refuses a slot that is not blank in the way the recipe says.
pub(super) fn blank(spec: &SlotSpec, at: Address, master: &[u8]) -> Result<(), SlotError> {
    let wanted = match (&spec.blank, &spec.locator) {
        (Blank::Any, _) => return Ok(()),
        (Blank::Erased, _) if all(master, ERASED) => return Ok(()),
        (Blank::Erased, _) => "the recipe says erased, all 0xFF".to_owned(),
        (Blank::Text(text), _) if master.starts_with(text.as_bytes()) => return Ok(()),
        (Blank::Text(text), _) => format!("it does not start with {text:?}"),
        (Blank::Unsaid, Locator::Marker(_)) => return Ok(()),
        (Blank::Unsaid, _) if unsaid(master, spec.pad) => return Ok(()),
        (Blank::Unsaid, _) => {
            "it is neither all 0x00, all 0xFF nor a placeholder text: write blank = { text = \"...\" }, \"erased\" or \"any\"".to_owned()
        }
    };
    if spec.value == SlotValue::AuthToken && holds_token(master, spec.pad) {
        return Err(SlotError::Filled { at });
    }
    Err(SlotError::NotBlank { at, wanted })
}

/// Returns whether `master` is blank where the recipe does not say how a blank slot looks.
fn unsaid(master: &[u8], pad: u8) -> bool {
    if all(master, ERASED) || all(master, NUL) {
        return true;
    }
    let text = leading(master);
    let rest = master.get(text.len()..).unwrap_or_default();
    !text.is_empty() && fills_up(rest, pad) && !holds_token(master, pad)
}

/// Returns whether `bytes` start with text in the shape of an AuthToken that ends there.
fn holds_token(bytes: &[u8], pad: u8) -> bool {
    bytes
        .split_at_checked(AuthToken::LEN)
        .is_some_and(|(token, rest)| AuthToken::parse(token).is_ok() && fills_up(rest, pad))
}

/// Returns whether `rest` can stand behind a text: a NUL first, then one value all over.
fn fills_up(rest: &[u8], pad: u8) -> bool {
    let rest = match rest {
        [NUL, rest @ ..] => rest,
        rest => rest,
    };
    all(rest, NUL) || all(rest, pad) || all(rest, ERASED)
}
