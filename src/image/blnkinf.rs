//! Blynk's firmware tag: `blnkinf`, NUL, then keys and values, each with its NUL, then a NUL.
//!
//! The cloud reads it from an uploaded image; here it is read and never written.

use super::{Address, Image, ImageError, Span};

/// What a tag starts with.
const MAGIC: &[u8] = b"blnkinf\0";
/// Longest tag that is believed, in bytes. Real ones have under 200.
const LONGEST: u64 = 4 * 1024;
/// Keys that Blynk's firmware writes. One of them tells a tag from the text that code searches for.
const KEYS: [&str; 7] = ["mcu", "ncp", "fw-type", "build", "blynk", "ver", "fw"];

/// A firmware tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlnkInf {
    /// Where its magic is loaded.
    pub at: Address,
    /// Keys and values, in the order of the tag.
    pub pairs: Vec<(String, String)>,
}

impl BlnkInf {
    /// Returns the value of `key`; of equal keys the first counts, as in Blynk's reader.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }
}

impl Image {
    /// Returns the firmware tag in the loaded bytes, if there is one.
    ///
    /// Copies that say the same are one tag. What is cut off, or has none of Blynk's keys, is none.
    ///
    /// # Errors
    /// [`ImageError::TwoTags`] for two that differ.
    pub fn blnkinf(&self) -> Result<Option<BlnkInf>, ImageError> {
        let mut found: Option<BlnkInf> = None;
        for at in self.find(MAGIC) {
            let Some(pairs) = self.tag(at) else { continue };
            match &found {
                Some(first) if first.pairs != pairs => {
                    let first = first.at;
                    return Err(ImageError::TwoTags { first, second: at });
                }
                Some(_) => {}
                None => found = Some(BlnkInf { at, pairs }),
            }
        }
        Ok(found)
    }

    /// Reads the tag whose magic is at `at`.
    fn tag(&self, at: Address) -> Option<Vec<(String, String)>> {
        let window = Span::new(at, LONGEST.min(u64::MAX - at.get()))?;
        let mut bytes = Vec::new();
        let mut next = at;
        for (start, piece) in self.pieces(window) {
            if start != next {
                break;
            }
            bytes.extend_from_slice(piece);
            next = start.checked_add(u64::try_from(piece.len()).ok()?)?;
        }
        let bytes = bytes.get(MAGIC.len()..)?;
        let (pairs, rest) = pairs(bytes)?;
        // Text that code searches for runs into the next tag.
        let tag = bytes.get(..bytes.len().checked_sub(rest)?)?;
        memchr::memmem::find(tag, MAGIC).is_none().then_some(pairs)
    }
}

/// Reads pairs up to the closing NUL; also returns how many bytes stand behind it.
fn pairs(mut bytes: &[u8]) -> Option<(Vec<(String, String)>, usize)> {
    let mut pairs = Vec::new();
    loop {
        let key = string(&mut bytes)?;
        if key.is_empty() {
            break;
        }
        pairs.push((key, string(&mut bytes)?));
    }
    pairs
        .iter()
        .any(|(key, _)| KEYS.contains(&key.as_str()))
        .then_some((pairs, bytes.len()))
}

/// Takes a string and its NUL off the front of `bytes`.
fn string(bytes: &mut &[u8]) -> Option<String> {
    let (text, rest) = bytes.split_at_checked(memchr::memchr(0, bytes)?)?;
    *bytes = rest.get(1..)?;
    String::from_utf8(text.to_vec()).ok()
}
