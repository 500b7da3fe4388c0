//! Text slots: a value, its NUL and padding in a named place.
//!
//! The form is C's: a string in an array. What a blank slot holds is the recipe's word;
//! without it, the rules of [`Blank::Unsaid`].

use zeroize::Zeroizing;

use super::{DISTINCT, ERASED, Layout, NUL, Slot, SlotError, Wrong, all, find, stored};
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
pub(super) fn locate(image: &Image, spec: &SlotSpec) -> Result<Slot, SlotError> {
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
    let layout = Layout::Text(Text {
        nul: spec.nul,
        pad: spec.pad,
        spoken: matches!(spec.blank, Blank::Text(_) | Blank::Unsaid),
    });
    Ok(Slot {
        value: spec.value.clone(),
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

#[cfg(test)]
mod tests {
    use super::super::{Content, alone, locate};
    use super::*;
    use crate::image::Hint;

    const TOKEN: &[u8] = b"-bcdefghijklmnopqrstuvwxyz_12345";

    fn image(bytes: &[u8]) -> Image {
        let base = Some(Address::new(0x100));
        Image::read(
            bytes.to_vec(),
            Hint {
                base,
                ..Hint::default()
            },
        )
        .unwrap()
    }

    fn spec(text: &str) -> SlotSpec {
        toml::from_str(text).unwrap()
    }

    /// A slot of `size` bytes at 0x100 that holds `content`, then NULs.
    fn find_in(content: &[u8], size: usize, keys: &str) -> Result<Slot, SlotError> {
        let mut bytes = content.to_vec();
        bytes.resize(size, 0);
        let text = format!("value = \"auth-token\"\naddress = 0x100\nsize = {size}\n{keys}");
        locate(&image(&bytes), &spec(&text))
    }

    #[test]
    fn a_value_gets_its_nul_and_its_padding() {
        let slot = find_in(b"PLACEHOLDER", 40, "pad = 0xFF").unwrap();
        assert_eq!(slot.capacity(), 39);
        let bytes = slot.encode(TOKEN).unwrap();
        let wanted = [TOKEN, &[0], &[0xFF; 7]].concat();
        assert_eq!(bytes.as_slice(), wanted);
        assert_eq!(slot.read(&bytes), Content::Filled(TOKEN.to_vec().into()));
    }

    #[test]
    fn without_a_nul_the_token_fits_32_bytes() {
        let slot = find_in(&[0xFF; 32], 32, "nul = false").unwrap();
        assert_eq!(slot.encode(TOKEN).unwrap().as_slice(), TOKEN);
        let error = find_in(&[0xFF; 32], 32, "").unwrap_err();
        let (room, needs, takes) = (32, 33, crate::slot::Takes::OnlyNul);
        let at = Address::new(0x100);
        assert_eq!(
            error,
            SlotError::TooSmall {
                at,
                room,
                needs,
                takes
            }
        );
    }

    #[test]
    fn what_is_blank_is_the_recipe_s_word() {
        let at = Address::new(0x100);
        let token = [TOKEN, b"\0"].concat();
        for keys in ["", "blank = { text = \"PLACE\" }", "blank = \"erased\""] {
            assert_eq!(
                find_in(&token, 40, keys).unwrap_err(),
                SlotError::Filled { at },
                "{keys}"
            );
        }
        assert!(find_in(&token, 40, "blank = \"any\"").is_ok());
        assert!(find_in(b"PLACEHOLDER", 40, "blank = { text = \"PLACE\" }").is_ok());
        assert!(find_in(&[0xFF; 40], 40, "blank = \"erased\"").is_ok());
        let odd = find_in(b"PLACEHOLDER", 40, "blank = \"erased\"").unwrap_err();
        assert!(matches!(odd, SlotError::NotBlank { .. }));
    }

    #[test]
    fn unsaid_takes_erased_zeroed_or_a_placeholder() {
        assert!(find_in(&[0xFF; 40], 40, "").is_ok());
        assert!(find_in(&[], 40, "").is_ok());
        assert!(find_in(b"YourAuthToken", 40, "").is_ok());
        assert!(find_in(b"no placeholder\0\x01\x02", 40, "").is_err());
        assert!(find_in(b"\x80\x01\x02", 40, "").is_err());
    }

    #[test]
    fn a_unit_s_slot_is_blank_filled_or_damaged() {
        let slot = find_in(b"PLACEHOLDER", 40, "").unwrap();
        let mut master = b"PLACEHOLDER".to_vec();
        master.resize(40, 0);
        assert_eq!(slot.read(&master), Content::Blank);
        assert_eq!(slot.read(&[0xFF; 40]), Content::Blank);
        let torn = [TOKEN, &[0xFF; 8]].concat();
        assert!(matches!(slot.read(&torn), Content::Damaged(_)));
        let mut behind = slot.encode(TOKEN).unwrap();
        behind[39] = 7;
        assert!(matches!(slot.read(&behind), Content::Damaged(_)));
        assert!(matches!(slot.read(&behind[1..]), Content::Damaged(_)));
        let short = [b"short\0".as_slice(), &[0; 34]].concat();
        assert!(matches!(slot.read(&short), Content::Damaged(_)));
    }

    #[test]
    fn a_value_that_reads_as_something_else_is_refused() {
        let at = Address::new(0x100);
        let mut bytes = b"UNSET".to_vec();
        bytes.resize(16, 0);
        let text = "value = \"column:MAC\"\naddress = 0x100\nsize = 16\n";
        let slot = locate(&image(&bytes), &spec(text)).unwrap();
        assert_eq!(slot.encode(b"").unwrap_err(), SlotError::ValueEmpty { at });
        let nul = slot.encode(b"a\0b").unwrap_err();
        assert_eq!(nul, SlotError::ValueNul { at, index: 1 });
        let blank = slot.encode(b"UNSET").unwrap_err();
        assert!(matches!(blank, SlotError::Unreadable { .. }));
        assert!(matches!(
            slot.encode(b"\xFF\xFE").unwrap_err(),
            SlotError::Unreadable { .. }
        ));
        let spaced = locate(
            &image(&bytes),
            &spec(&format!("{text}nul = false\npad = 0x20")),
        )
        .unwrap();
        assert!(matches!(
            spaced.encode(b"ends in ").unwrap_err(),
            SlotError::Unreadable { .. }
        ));
        assert!(spaced.encode(b"ends").is_ok());
    }

    #[test]
    fn a_marker_counts_in_loaded_bytes_and_once() {
        let text = "value = \"auth-token\"\nmarker = \"TOKEN_HERE\"\n";
        let bytes = [b"..TOKEN_HERE".as_slice(), &[0; 40]].concat();
        let sized = format!("{text}size = 40");
        let slot = locate(&image(&bytes), &spec(&sized)).unwrap();
        assert_eq!(slot.span().start(), Address::new(0x102));
        let unsized_ = locate(&image(&bytes), &spec(text)).unwrap_err();
        assert!(matches!(unsized_, SlotError::NoSize { .. }));
        let twice = locate(&image(&[bytes.clone(), bytes].concat()), &spec(&sized)).unwrap_err();
        assert!(matches!(twice, SlotError::Twice { at, .. } if at.len() == 2));
        let none = locate(&image(&[0; 64]), &spec(&sized)).unwrap_err();
        assert!(matches!(none, SlotError::Missing { .. }));
    }

    #[test]
    fn a_copy_of_the_placeholder_is_refused() {
        let mut bytes = b"PLACEHOLDER_1".to_vec();
        bytes.resize(40, 0);
        bytes.extend(b"it was PLACEHOLDER_ before\0");
        let text = "value = \"auth-token\"\naddress = 0x100\nsize = 40\n";
        let slot = |bytes: &[u8]| locate(&image(bytes), &spec(text)).unwrap();
        assert_eq!(alone(&image(&bytes), &[slot(&bytes)]), Ok(()));
        bytes.extend(b"PLACEHOLDER_1\0");
        let (index, error) = alone(&image(&bytes), &[slot(&bytes)]).unwrap_err();
        let also = vec![Address::new(0x100 + 40 + 27)];
        let at = Address::new(0x100);
        assert_eq!((index, error), (0, SlotError::Copied { at, also }));
    }
}
