//! blnkopt: Blynk's option block, re-packed to the length that it had.
//!
//! `tag := "blnkopt" 00 ( key 00 value 00 )* 00`, and the array has one more implicit NUL
//! that is never touched. There is no length, no version, no checksum; the first equal key
//! wins (blynk-library, `BlynkParam.h`). A shipped block has room because a placeholder
//! fills `ssid`, and room is what the old tag had: zeros behind it may be anybody's.

use std::ops::Range;

use zeroize::Zeroizing;

use super::error::{SlotError, Takes, Wrong};
use super::site::{Found, NUL, Site, find, stored};
use crate::image::{Address, Image, Span};
use crate::recipe::{Blank, SlotSpec, SlotValue};
use crate::unit::AuthToken;

/// The option block's first bytes.
const OPTIONS: &[u8] = b"blnkopt\0";
/// The firmware tag's first bytes, in the same form; read, never written.
pub(super) const INFO: &[u8] = b"blnkinf\0";
/// Longest tag that is read: a real one has a few hundred bytes.
const LONGEST: u64 = 4096;

const LOST: &str = "the linker dropped it (a local volatile array that is read keeps it), or the firmware has none";

/// A key of the option block, and what else is set with it.
#[derive(Debug, Clone)]
pub(super) struct BlnkOpt {
    key: Vec<u8>,
    set: Vec<(Vec<u8>, Vec<u8>)>,
}

impl BlnkOpt {
    /// Returns the longest value in a block as large as `master`.
    pub(super) fn capacity(&self, master: &[u8]) -> usize {
        let pairs = self.pairs(master, &[]);
        master.len().saturating_sub(packed(&pairs))
    }

    /// Writes `value` and what is set with it; NULs fill the block up.
    pub(super) fn write(&self, master: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(master.len()));
        bytes.extend_from_slice(OPTIONS);
        for (key, value) in self.pairs(master, value) {
            for part in [key, value] {
                bytes.extend_from_slice(part);
                bytes.push(NUL);
            }
        }
        bytes.resize(master.len(), NUL);
        bytes
    }

    /// Returns the value, none where the key is not there, or why the block is no block.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let tag = parse(bytes, OPTIONS)?;
        let value = tag.get(bytes, &self.key);
        let value = value.ok_or("another option block than the Master's, without the key")?;
        Ok(Some(Zeroizing::new(value.to_vec())))
    }

    /// Returns the key, not the slot's own, that takes most of the block.
    pub(super) fn takes(&self, master: &[u8]) -> Takes {
        let pairs = self.pairs(master, &[]);
        let others = pairs.iter().filter(|(key, _)| *key != self.key);
        let Some((key, value)) = others.max_by_key(|(_, value)| value.len()) else {
            return Takes::Nothing;
        };
        let bytes = key.len().saturating_add(value.len()).saturating_add(2);
        Takes::Key {
            key: String::from_utf8_lossy(key).into_owned(),
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        }
    }

    /// Returns the pairs of `master` with `set` and `value` in them. Keys keep their order.
    fn pairs<'a>(&'a self, master: &'a [u8], value: &'a [u8]) -> Vec<(&'a [u8], &'a [u8])> {
        let old = parse(master, OPTIONS).unwrap_or_default();
        let mut pairs: Vec<(&[u8], &[u8])> = old.pairs(master).collect();
        let own = (self.key.as_slice(), value);
        let set = self
            .set
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_slice()));
        for (key, value) in set.chain([own]) {
            match pairs.iter_mut().find(|(old, _)| *old == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key, value)),
            }
        }
        pairs
    }
}

/// Returns the bytes that a tag with these pairs takes.
fn packed(pairs: &[(&[u8], &[u8])]) -> usize {
    let each =
        |(key, value): &(&[u8], &[u8])| key.len().saturating_add(value.len()).saturating_add(2);
    pairs
        .iter()
        .map(each)
        .fold(OPTIONS.len().saturating_add(1), usize::saturating_add)
}

/// A tag that can be meant: where its keys and values lie in its bytes.
#[derive(Default)]
struct Tag {
    pairs: Vec<(Range<usize>, Range<usize>)>,
    /// Bytes up to and with the NUL that ends it.
    len: usize,
}

impl Tag {
    fn pairs<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let pairs = self.pairs.iter();
        pairs.filter_map(|(key, value)| Some((bytes.get(key.clone())?, bytes.get(value.clone())?)))
    }

    fn get<'a>(&self, bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
        self.pairs(bytes)
            .find_map(|(other, value)| (other == key).then_some(value))
    }
}

/// Reads a tag that starts `bytes`; the error says why there is none.
fn parse(bytes: &[u8], magic: &[u8]) -> Result<Tag, String> {
    if !bytes.starts_with(magic) {
        return Err("it does not start as an option block".to_owned());
    }
    let text = |from: usize| {
        let rest = bytes.get(from..)?;
        let len = rest.iter().position(|byte| *byte == NUL)?;
        let end = from.checked_add(len)?;
        Some((from..end, bytes.get(from..end)?))
    };
    let open = || "nothing ends it".to_owned();
    let mut tag = Tag {
        pairs: Vec::new(),
        len: magic.len(),
    };
    loop {
        let (key, name) = text(tag.len).ok_or_else(open)?;
        tag.len = key.end.saturating_add(1);
        if name.is_empty() {
            return Ok(tag);
        }
        if !name.iter().all(|byte| is_key(*byte)) {
            return Err(
                "a key has other characters than letters, digits, `-`, `_` and `.`".to_owned(),
            );
        }
        let (value, content) = text(tag.len).ok_or_else(open)?;
        if content.iter().any(u8::is_ascii_control) {
            return Err("a value has control characters".to_owned());
        }
        tag.len = value.end.saturating_add(1);
        tag.pairs.push((key, value));
    }
}

/// Returns whether `byte` may stand in a key.
const fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Reads the tag at `at`, whose own bytes are returned with it.
fn tag_at(image: &Image, at: Address, magic: &[u8]) -> Result<(Span, Vec<u8>), String> {
    let cut = || "nothing ends it".to_owned();
    let reach = at.get().saturating_add(LONGEST);
    let window = Span::between(at, Address::new(reach)).ok_or_else(cut)?;
    let run = image.stored_within(window).next().ok_or_else(cut)?;
    let joined = image
        .stored_within(window)
        .take_while({
            let mut next = run.start();
            move |part| std::mem::replace(&mut next, part.end()) == part.start()
        })
        .last()
        .and_then(|last| Span::between(at, last.end()))
        .ok_or_else(cut)?;
    let bytes = image.bytes(joined).map_err(|_| cut())?;
    let len = parse(&bytes, magic)?.len;
    let span = u64::try_from(len).ok().and_then(|len| Span::new(at, len));
    let bytes = bytes.get(..len).unwrap_or_default().to_vec();
    Ok((span.ok_or_else(cut)?, bytes))
}

/// Returns the tags in loaded bytes that start with `magic` and can be read.
pub(super) fn tags(image: &Image, magic: &[u8]) -> Vec<Span> {
    let hits = find(image, magic).into_iter();
    hits.filter_map(|at| tag_at(image, at, magic).ok())
        .map(|(span, _)| span)
        .collect()
}

/// Finds the option block, and checks that `key` can be written.
pub(super) fn locate(
    image: &Image,
    spec: &SlotSpec,
    key: &str,
    set: &[(String, String)],
) -> Result<Site<BlnkOpt>, SlotError> {
    let what = "option block blnkopt".to_owned();
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    for at in find(image, OPTIONS) {
        match tag_at(image, at, OPTIONS) {
            Ok((span, _)) => right.push(span),
            Err(reason) => wrong.push((at, reason)),
        }
    }
    let span = match right.as_slice() {
        [] => {
            let wrong = Wrong(wrong);
            return Err(SlotError::Missing {
                what,
                wrong,
                cause: LOST,
            });
        }
        [one] => *one,
        _ => {
            let at = right.iter().map(|span| span.start()).collect();
            return Err(SlotError::Twice { what, at });
        }
    };
    if let Some(size) = spec.size.filter(|size| *size != span.len()) {
        let (place, holds) = (what, span.len());
        return Err(SlotError::Size { size, place, holds });
    }
    let master = stored(image, span)?;
    let block = block(key, set)?;
    blank(spec, span.start(), &master, &block)?;
    Ok(Site {
        place: format!("blnkopt key {key}"),
        span,
        layout: block,
        named: false,
        master,
    })
}

/// Checks what the recipe wants to write.
fn block(key: &str, set: &[(String, String)]) -> Result<BlnkOpt, SlotError> {
    let refuse = |name: &str, reason| {
        let key = name.to_owned();
        Err(SlotError::Set { key, reason })
    };
    let bad_key = |name: &str| name.is_empty() || !name.bytes().all(is_key);
    if bad_key(key) {
        return refuse(key, "a key has letters, digits, `-`, `_` and `.` only");
    }
    for (name, value) in set {
        if bad_key(name) {
            return refuse(name, "a key has letters, digits, `-`, `_` and `.` only");
        }
        if name == key {
            return refuse(name, "it is the key that takes the slot's value");
        }
        if value.is_empty() {
            return refuse(name, "its value is empty, and readers stop there");
        }
        if value.chars().any(char::is_control) {
            return refuse(name, "its value has control characters");
        }
    }
    let bytes = |text: &String| text.clone().into_bytes();
    Ok(BlnkOpt {
        key: key.as_bytes().to_vec(),
        set: set
            .iter()
            .map(|(key, value)| (bytes(key), bytes(value)))
            .collect(),
    })
}

/// Refuses a block that holds the value already, or one that readers do not read to its end.
fn blank(spec: &SlotSpec, at: Address, master: &[u8], block: &BlnkOpt) -> Result<(), SlotError> {
    let damaged = |reason| SlotError::Damaged { at, reason };
    let tag = parse(master, OPTIONS).map_err(damaged)?;
    let empty = block.pairs(master, b"value").into_iter();
    if let Some((key, _)) = empty.into_iter().find(|(_, value)| value.is_empty()) {
        let key = String::from_utf8_lossy(key).into_owned();
        return Err(SlotError::EmptyKey { at, key });
    }
    let Some(value) = tag.get(master, &block.key) else {
        return Ok(());
    };
    let token = spec.value == SlotValue::AuthToken && AuthToken::parse(value).is_ok();
    match &spec.blank {
        Blank::Any => Ok(()),
        Blank::Text(text) if value.starts_with(text.as_bytes()) => Ok(()),
        Blank::Unsaid if !token => Ok(()),
        _ if token => Err(SlotError::Filled { at }),
        Blank::Text(text) => Err(SlotError::NotBlank {
            at,
            wanted: format!("its value does not start with {text:?}"),
        }),
        _ => Err(SlotError::NotBlank {
            at,
            wanted: "the recipe says erased, and an option block never is".to_owned(),
        }),
    }
}

/// Lists the option blocks; their keys, not their values.
pub(super) fn found(image: &Image) -> Vec<Found> {
    let tags = find(image, OPTIONS).into_iter();
    tags.filter_map(|at| tag_at(image, at, OPTIONS).ok())
        .filter_map(|(span, bytes)| {
            let tag = parse(&bytes, OPTIONS).ok()?;
            let keys: Vec<_> = tag
                .pairs(&bytes)
                .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
                .collect();
            let auth = tag.get(&bytes, b"auth");
            Some(Found {
                span,
                text: format!("blnkopt with {}", keys.join(", ")),
                filled: auth.is_some_and(|value| AuthToken::parse(value).is_ok()),
            })
        })
        .collect()
}
