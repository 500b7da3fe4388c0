//! The unique ID of a simulated chip: derived from the board's name, and recognisable as simulated.

use std::fmt;
use std::str::FromStr;

use super::seed::Hash;

/// Unique ID as three words; chips with a 64-bit ID (nRF) show the first two.
///
/// An ID derived from a name carries `SIM` (53 49 4D) in the upper three bytes of its second word,
/// which leaves 40 bits for the name on nRF chips and 72 on STM32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uid([u32; 3]);

/// Why a unique ID's text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unique id {found:?} is not 16 or 24 hexadecimal digits")]
pub struct UidError {
    /// What stood there.
    pub found: String,
}

/// `SIM` in the upper bytes of the second word.
const MARK: u32 = 0x5349_4d00;

impl Uid {
    /// Takes the words as they will be read, lowest address first.
    #[must_use]
    pub const fn new(words: [u32; 3]) -> Uid {
        Uid(words)
    }

    /// Derives the ID of the board with this name; the same name always gives the same ID.
    #[must_use]
    pub fn derived(name: &str) -> Uid {
        let hash = Hash::new().add(name.as_bytes());
        let (low, high) = words(spread(hash.value()));
        let (more, _) = words(spread(hash.add(b"/2").value()));
        Uid([low, MARK | high & 0xff, more])
    }

    /// Returns the words, lowest address first.
    #[must_use]
    pub const fn words(self) -> [u32; 3] {
        self.0
    }

    /// Returns one word, 0 beyond the third.
    pub(super) fn word(self, index: usize) -> u32 {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Whether the ID carries the mark of [`Uid::derived`].
    #[must_use]
    pub const fn is_simulated(self) -> bool {
        let [_, second, _] = self.0;
        second & 0xffff_ff00 == MARK
    }
}

/// Spreads a hash over all its bits (the finalizer of MurmurHash3): names that differ in their last
/// character get numbers that people tell apart.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

fn words(hash: u64) -> (u32, u32) {
    (
        (hash & 0xffff_ffff) as u32,
        (hash >> 32 & 0xffff_ffff) as u32,
    )
}

impl FromStr for Uid {
    type Err = UidError;

    /// Reads two or three words of eight hexadecimal digits each, first word first.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || UidError {
            found: text.to_owned(),
        };
        if !matches!(text.len(), 16 | 24) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let word = |start: usize| match text.get(start..start + 8) {
            Some(digits) => u32::from_str_radix(digits, 16).map_err(|_| refused()),
            None => Ok(0),
        };
        Ok(Uid([word(0)?, word(8)?, word(16)?]))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{a:08x}{b:08x}{c:08x}")
    }
}
