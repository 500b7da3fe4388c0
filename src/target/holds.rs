//! What a board's slots and checksums say of it.

use zeroize::Zeroizing;

use super::Holds;
use crate::image::{Address, Edits, Span};
use crate::master::{self, Master};
use crate::recipe::SlotValue;
use crate::seal::seal;
use crate::slot::Content;
use crate::unit::{AuthToken, Values};

/// Judges what was read at the Master's slots and checksums.
pub fn judge(master: &Master, read: &Edits) -> Holds {
    let untouched = |span: Span| {
        let found = part(read, span);
        let stored = master.image().bytes(span);
        found.iter().all(|byte| *byte == 0xFF)
            || stored.is_ok_and(|stored| stored.as_ref() == found.as_slice())
    };
    let changes = master.changes();
    if changes.iter().all(|span| untouched(*span)) {
        return Holds::Blank;
    }
    let first = changes.iter().find(|span| !untouched(**span));
    let first = first.map_or(Address::new(0), |span| span.start());
    let Some(token) = token(master, read).map(|token| token.fingerprint()) else {
        return Holds::Foreign { at: first };
    };
    let torn = |at| Holds::Torn { token, at };
    let sealed = values(master, read)
        .and_then(|values| master::apply(master, &values).ok())
        .and_then(|patched| seal(patched).ok());
    let Some(sealed) = sealed else {
        return torn(first);
    };
    let mut differs = sealed
        .edits()
        .parts()
        .filter_map(|(span, wanted)| span.difference(&part(read, span), wanted));
    match differs.next() {
        Some(at) => torn(at),
        None => Holds::Token(token),
    }
}

/// Returns what was read at `span`; what was not read counts as erased.
fn part(read: &Edits, span: Span) -> Zeroizing<Vec<u8>> {
    read.bytes(span, 0xFF)
}

/// Returns whether a number that a tool told is taken from a token's slot, whatever the order.
pub fn shows(master: &Master, read: &Edits, number: &str) -> bool {
    let slots = master.slots().iter();
    let mut tokens = slots.filter(|slot| *slot.value() == SlotValue::AuthToken);
    tokens.any(|slot| {
        let Content::Filled(held) = slot.read(&part(read, slot.span())) else {
            return false;
        };
        let digits = Zeroizing::new(crate::unit::hex(&held));
        let backwards: Vec<u8> = held.iter().rev().copied().collect();
        let backwards = Zeroizing::new(crate::unit::hex(&backwards));
        // Eight digits are one word of memory, in either order of its bytes.
        let words = number
            .as_bytes()
            .chunks(8)
            .filter_map(|word| std::str::from_utf8(word).ok());
        let mut words = words.filter(|word| word.len() == 8);
        words.any(|word| digits.contains(word) || backwards.contains(word))
    })
}

/// Returns the token that all of a board's token slots hold.
fn token(master: &Master, read: &Edits) -> Option<AuthToken> {
    let mut tokens = master
        .slots()
        .iter()
        .filter(|slot| *slot.value() == SlotValue::AuthToken)
        .map(|slot| match slot.read(&part(read, slot.span())) {
            Content::Filled(held) => AuthToken::parse(&held).ok(),
            _ => None,
        });
    let first = tokens.next()??;
    let same = |token: Option<AuthToken>| {
        token.is_some_and(|token| token.fingerprint() == first.fingerprint())
    };
    tokens.all(same).then_some(first)
}

/// Returns the values that a board's slots hold, if they hold values.
fn values(master: &Master, read: &Edits) -> Option<Values> {
    let mut token = None;
    let mut serial = None;
    let mut columns = std::collections::BTreeMap::new();
    for slot in master.slots() {
        let Content::Filled(held) = slot.read(&part(read, slot.span())) else {
            return None;
        };
        match slot.value() {
            SlotValue::AuthToken => token = Some(AuthToken::parse(&held).ok()?),
            SlotValue::Serial => serial = Some(std::str::from_utf8(&held).ok()?.parse().ok()?),
            SlotValue::Column(header) => {
                let text = std::str::from_utf8(&held).ok()?.to_owned();
                columns.insert(header.clone(), text.into());
            }
        }
    }
    Some(Values {
        // No slot shows it where there is none for it.
        serial: serial.or_else(|| "unknown".parse().ok())?,
        token: token?,
        columns,
    })
}
