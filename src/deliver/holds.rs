//! What a board's slots and checksums say of it.

use zeroize::Zeroizing;

use super::Holds;
use crate::checksum;
use crate::image::{Address, Edits, Span};
use crate::patch::{self, Master};
use crate::recipe::SlotValue;
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
    let Some(values) = values(master, read) else {
        return Holds::Foreign { at: first };
    };
    let fingerprint = values.token.fingerprint();
    let sealed = patch::apply(master, &values)
        .ok()
        .and_then(|patched| checksum::seal(patched).ok());
    let Some(sealed) = sealed else {
        return Holds::Foreign { at: first };
    };
    for (start, wanted) in sealed.edits().iter() {
        let span = u64::try_from(wanted.len()).ok();
        let Some(span) = span.and_then(|len| Span::new(start, len)) else {
            continue;
        };
        let found = part(read, span);
        let differs = found.iter().zip(wanted).position(|(a, b)| a != b);
        let offset = differs.and_then(|offset| u64::try_from(offset).ok());
        if let Some(at) = offset.and_then(|offset| start.checked_add(offset)) {
            return Holds::Foreign { at };
        }
    }
    Holds::Token(fingerprint)
}

/// Returns what was read at `span`; what was not read counts as erased.
fn part(read: &Edits, span: Span) -> Zeroizing<Vec<u8>> {
    let len = usize::try_from(span.len()).unwrap_or(0);
    let mut bytes = Zeroizing::new(vec![0xFF; len]);
    read.apply(span, &mut bytes);
    bytes
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
