//! Where a value may go: objects with a name, placeholders in loaded bytes, and what shows itself.

use super::words::{Meaning, beginning, is_placeholder, meaning};
use crate::image::{Address, Image, Span};
use crate::recipe::SlotValue;
use crate::slot;
use crate::unit::AuthToken;

/// Bytes of an object that may be a slot.
const LARGEST: u64 = 4096;
/// Fewest characters of a placeholder that is found by its text: a token's, a serial's.
const TOKEN: usize = AuthToken::LEN;
const SERIAL: usize = 8;
const NUL: u8 = 0;
const ERASED: u8 = 0xFF;

/// How much speaks for a place. Of several with the most nobody can tell which one is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grounds {
    /// A name that may be of something else, and no placeholder.
    Weak,
    /// A placeholder that does not say of what, or a blank object with the right name.
    Fair,
    /// A placeholder that says of what, by its text or its name.
    Good,
    /// A slot that was made to be one.
    Declared,
}

/// A place, and how a recipe may name it: best first.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) value: SlotValue,
    pub(super) span: Span,
    pub(super) grounds: Grounds,
    /// Lines that locate it, each way in one entry.
    pub(super) ways: Vec<Vec<String>>,
    /// How many of them go by a name.
    named: usize,
    pub(super) why: String,
}

/// Collects all places, in order of address.
pub(super) fn all(image: &Image) -> Vec<Place> {
    let mut places = declared(image);
    let mut taken: Vec<Span> = slot::found(image).iter().map(|one| one.span).collect();
    for store in slot::stores(image) {
        taken.push(store.span);
        let strings = store.strings.iter();
        places.extend(strings.filter_map(|(name, span)| string(image, name, *span)));
    }
    let mut objects = Objects::of(image, &taken);
    places.append(&mut objects.places);
    taken.append(&mut objects.taken);
    places.extend(texts(image, &taken));
    places.sort_by_key(|place| (place.span.start(), place.span.len()));
    places
}

/// Returns the slots that show themselves.
fn declared(image: &Image) -> Vec<Place> {
    let found = slot::found(image).into_iter().filter(|one| !one.filled);
    found
        .map(|one| {
            let field = one.text.strip_prefix("eolslot field ");
            let field = field.and_then(|text| text.split(',').next()?.parse::<u16>().ok());
            let (value, line) = match field {
                Some(1) => (SlotValue::AuthToken, "eolslot = true".to_owned()),
                Some(2) => (SlotValue::Serial, "eolslot = true".to_owned()),
                Some(field) => {
                    let header = "<header of the list>".to_owned();
                    (SlotValue::Column(header), format!("eolslot = {field}"))
                }
                None => (SlotValue::AuthToken, "blnkopt = true".to_owned()),
            };
            let ways = match field {
                Some(_) => vec![vec![line]],
                // Where another key takes all the room, a short value for it makes some.
                None => vec![
                    vec![line.clone()],
                    vec![line, "set     = { ssid = \"<network>\" }".to_owned()],
                ],
            };
            Place {
                value,
                span: one.span,
                grounds: Grounds::Declared,
                ways,
                named: 0,
                why: one.text,
            }
        })
        .collect()
}

/// Returns the string of a settings store that is called, or reads, as a value's would be.
fn string(image: &Image, name: &str, span: Span) -> Option<Place> {
    const HEADER: usize = 32;
    let (namespace, key) = name.split_once('/')?;
    let bytes = image.bytes(span).ok()?;
    let text = leading(bytes.get(HEADER..)?);
    let (value, grounds) = judged(meaning(key), text)?;
    let mut way = vec![format!(
        "nvs     = {{ namespace = {namespace:?}, key = {key:?} }}"
    )];
    way.extend(blank(text));
    Some(Place {
        value,
        span,
        grounds,
        ways: vec![way],
        named: 0,
        why: format!("the string {name} of the settings store"),
    })
}

/// Judges a text with the name that it has: which value it is for, and how surely.
fn judged(named: Meaning, text: &str) -> Option<(SlotValue, Grounds)> {
    let placeholder = is_placeholder(text);
    let says = if placeholder {
        meaning(text)
    } else {
        Meaning::Nothing
    };
    match (named, says) {
        (Meaning::Other, _) | (_, Meaning::Other) => None,
        (Meaning::Serial, _) | (Meaning::Nothing, Meaning::Serial) => {
            let grounds = if placeholder {
                Grounds::Good
            } else {
                Grounds::Weak
            };
            Some((SlotValue::Serial, grounds))
        }
        (Meaning::Token, _) => {
            let grounds = if placeholder {
                Grounds::Good
            } else {
                Grounds::Fair
            };
            Some((SlotValue::AuthToken, grounds))
        }
        (Meaning::TokenPerhaps, _) if !placeholder => Some((SlotValue::AuthToken, Grounds::Weak)),
        (_, Meaning::Token | Meaning::TokenPerhaps) | (Meaning::TokenPerhaps, _) => {
            Some((SlotValue::AuthToken, Grounds::Good))
        }
        (Meaning::Nothing, Meaning::Nothing) if placeholder => {
            Some((SlotValue::AuthToken, Grounds::Fair))
        }
        (Meaning::Nothing, Meaning::Nothing) => None,
    }
}

/// Objects that may be slots, and the bytes of all that are spoken for.
struct Objects {
    places: Vec<Place>,
    taken: Vec<Span>,
}

impl Objects {
    /// Looks at each section and symbol with stored bytes.
    fn of(image: &Image, taken: &[Span]) -> Self {
        let mut found = Self {
            places: Vec::new(),
            taken: Vec::new(),
        };
        let names = image.names();
        let sections = names.sections.iter().filter(|section| section.stored);
        let sections = sections.filter_map(|section| {
            let span = Span::new(section.lma?, section.size)?;
            // `.data` holds one object today, and more tomorrow.
            let meant = meaning(&section.name) != Meaning::Nothing;
            meant.then_some(("section", section.name.as_str(), span))
        });
        let symbols = names.symbols.iter().filter_map(|symbol| {
            let span = Span::new(names.address(symbol)?, symbol.size)?;
            Some(("symbol", symbol.name.as_str(), span))
        });
        let mut objects: Vec<_> = sections.chain(symbols).collect();
        objects.retain(|(_, _, span)| span.len() <= LARGEST);
        // What is smaller is what is meant; of equals the section comes first.
        objects.sort_by_key(|(_, _, span)| span.len());
        for (kind, name, span) in objects {
            if taken.iter().all(|one| one.intersection(span).is_none()) {
                found.add(image, kind, name, span);
            }
        }
        found
    }

    fn add(&mut self, image: &Image, kind: &str, name: &str, span: Span) {
        let Ok(bytes) = image.bytes(span) else {
            return;
        };
        let text = leading(&bytes);
        let rest = bytes.get(text.len()..).unwrap_or_default();
        let blank_like = fills_up(rest) && (!text.is_empty() || is_blank(&bytes));
        if !blank_like {
            return;
        }
        if meaning(name) == Meaning::Other {
            self.taken.push(span);
            return;
        }
        let way = |text: &str| {
            let mut way = vec![format!("{kind:<7} = {name:?}")];
            way.extend((span.len() == 32).then(|| "nul     = false".to_owned()));
            way.extend(blank(text));
            way
        };
        let same = self
            .places
            .iter_mut()
            .find(|place| place.span.start() == span.start());
        let judged = judged(meaning(name), text);
        match (same, judged) {
            (Some(place), judged) => {
                place.ways.insert(place.named, way(text));
                place.named += 1;
                // A second name may say what the first one does not.
                if let Some((value, grounds)) = judged.filter(|(_, it)| *it > place.grounds) {
                    (place.value, place.grounds) = (value, grounds);
                }
            }
            (None, Some((value, grounds))) if room(&value) <= span.len() => {
                let mut ways = vec![way(text)];
                ways.extend(unnamed(image, span.start(), text, span.len()));
                self.places.push(Place {
                    value,
                    span,
                    grounds,
                    ways,
                    named: 1,
                    why: format!("{kind} {name}"),
                });
            }
            _ => return,
        }
        self.taken.push(span);
    }
}

/// Returns the fewest bytes that take a value.
const fn room(value: &SlotValue) -> u64 {
    match value {
        SlotValue::AuthToken => 32,
        _ => 8,
    }
}

/// Finds placeholders by their text alone, outside what is spoken for.
fn texts(image: &Image, taken: &[Span]) -> Vec<Place> {
    let mut places = Vec::new();
    for run in image.runs() {
        let Ok(bytes) = image.bytes(run) else {
            continue;
        };
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let text = word(rest);
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            let behind = bytes.get(at.saturating_add(text.len()));
            if text.len() >= SERIAL && is_placeholder(text) {
                let start = u64::try_from(at)
                    .ok()
                    .and_then(|at| run.start().checked_add(at));
                let edges = (before.copied(), behind.copied());
                let place = start.and_then(|start| found(image, start, text, edges));
                let free = |place: &Place| {
                    taken
                        .iter()
                        .all(|one| one.intersection(place.span).is_none())
                };
                places.extend(place.filter(free));
            }
            at = at.saturating_add(text.len().max(1));
        }
    }
    places
}

/// Returns the place of a placeholder between these two bytes. No byte beside its own is counted in:
/// whose they are, nobody tells.
fn found(
    image: &Image,
    start: Address,
    text: &str,
    (before, behind): (Option<u8>, Option<u8>),
) -> Option<Place> {
    let (value, grounds) = judged(Meaning::Nothing, text)?;
    let printable = |byte: Option<u8>| byte.is_some_and(|byte| (b' '..=b'~').contains(&byte));
    let ended = behind == Some(NUL);
    let len = u64::try_from(text.len()).ok()?;
    let (size, nul) = match value {
        SlotValue::AuthToken if text.len() < TOKEN => return None,
        // A text that goes on cannot be ended by a NUL.
        SlotValue::AuthToken if printable(behind) && text.len() != TOKEN => return None,
        SlotValue::AuthToken if text.len() == TOKEN && ended => (len.checked_add(1)?, true),
        SlotValue::AuthToken if text.len() == TOKEN => (len, false),
        SlotValue::AuthToken => (len, true),
        _ if ended => (len.checked_add(1)?, true),
        _ => return None,
    };
    let grounds = if printable(before) || printable(behind) {
        Grounds::Weak
    } else {
        grounds
    };
    let mut ways: Vec<Vec<String>> = zephyr(image, start, text);
    let declared = !ways.is_empty();
    if !declared {
        ways = unnamed(image, start, text, size);
        if !nul {
            ways.iter_mut()
                .for_each(|way| way.push("nul     = false".to_owned()));
        }
    }
    Some(Place {
        value,
        span: Span::new(start, size)?,
        grounds,
        ways,
        named: 0,
        why: if declared {
            "a text of Zephyr's settings store".to_owned()
        } else {
            "a placeholder by its text".to_owned()
        },
    })
}

/// Returns how a recipe names a value of Zephyr's settings store.
fn zephyr(image: &Image, at: Address, text: &str) -> Vec<Vec<String>> {
    let places = slot::zephyr_at(image, at).into_iter();
    places
        .map(|place| {
            let id = place.id;
            let nvs = match (place.sector, place.align) {
                (4096, 4) => format!("nvs     = {{ id = {id} }}"),
                (sector, align) => {
                    format!("nvs     = {{ id = {id}, sector = {sector}, align = {align} }}")
                }
            };
            let mut way = vec![nvs];
            way.extend(blank(text));
            way
        })
        .collect()
}

/// Returns how a recipe finds a place without a name: by its text, else by its address.
fn unnamed(image: &Image, start: Address, text: &str, size: u64) -> Vec<Vec<String>> {
    /// A marker as long as a token would be taken for one.
    const LONGEST: usize = 48;
    let lines = |first: String| {
        let mut way = vec![first, format!("size    = {size}")];
        way.extend(blank(text));
        way
    };
    let short = text.get(..TOKEN - 1).unwrap_or(text);
    let markers = [text, short].into_iter().filter(|marker| {
        marker.len() <= LONGEST
            && is_placeholder(marker)
            && !AuthToken::looks_like(marker)
            && image.find(marker.as_bytes()).take(2).count() == 1
    });
    let mut ways: Vec<Vec<String>> = markers
        .take(1)
        .map(|marker| lines(format!("marker  = {marker:?}")))
        .collect();
    ways.push(lines(format!("address = {start}")));
    ways
}

/// Returns the line that says how a placeholder starts; other texts may be secrets.
fn blank(text: &str) -> Option<String> {
    is_placeholder(text).then(|| format!("blank   = {{ text = {:?} }}", beginning(text)))
}

/// Returns the printable text that `bytes` start with.
fn leading(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| !(b' '..=b'~').contains(byte));
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    std::str::from_utf8(text).unwrap_or_default()
}

/// Returns the characters of one word that `bytes` start with.
fn word(bytes: &[u8]) -> &str {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.#*".contains(byte);
    let end = bytes.iter().position(|byte| !is_word(byte));
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    std::str::from_utf8(text).unwrap_or_default()
}

/// Returns whether all bytes are as a linker or an erase leaves them.
fn is_blank(bytes: &[u8]) -> bool {
    [NUL, ERASED]
        .iter()
        .any(|blank| bytes.iter().all(|byte| byte == blank))
}

/// Returns whether `rest` can stand behind a text.
fn fills_up(rest: &[u8]) -> bool {
    is_blank(rest.strip_prefix(&[NUL]).unwrap_or(rest))
}
