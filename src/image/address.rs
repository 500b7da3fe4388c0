//! Places: where a byte is loaded, and runs of such places.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A load address (LMA) in bytes: where the programmer puts a byte.
///
/// It is neither the address that running code uses (VMA) nor an offset in a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(u64);

impl Address {
    /// Takes a load address.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// Returns the address as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the address `bytes` higher, unless that wraps.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }
}

/// Hexadecimal with at least eight digits, as data sheets print addresses.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes `0x…` or decimal digits; `_` may group them.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.replace('_', "");
        let value = match digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
        {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        value.map(Self).map_err(|_| AddressError(text.to_owned()))
    }
}

/// Text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address: write 0x08000000 or decimal digits")]
pub struct AddressError(String);

/// A run of load addresses: never empty, never wrapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    start: Address,
    len: u64,
}

impl Span {
    /// Takes `len` bytes from `start` on; `None` for no byte, or where the end wraps.
    #[must_use]
    pub fn new(start: Address, len: u64) -> Option<Self> {
        if len == 0 {
            return None;
        }
        start.checked_add(len).map(|_| Self { start, len })
    }

    /// Takes the bytes from `start` up to, and without, `end`.
    #[must_use]
    pub fn between(start: Address, end: Address) -> Option<Self> {
        Self::new(start, end.get().checked_sub(start.get())?)
    }

    /// Returns the first address.
    #[must_use]
    pub const fn start(self) -> Address {
        self.start
    }

    /// Returns the address behind the last byte.
    #[must_use]
    pub const fn end(self) -> Address {
        // Cannot wrap: checked when the span was made.
        Address(self.start.0.wrapping_add(self.len))
    }

    /// Returns the number of bytes, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub const fn len(self) -> u64 {
        self.len
    }

    /// Returns whether every byte of `other` lies in this span.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end() <= self.end()
    }

    /// Returns the bytes that both spans hold.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::between(self.start.max(other.start), self.end().min(other.end()))
    }

    /// Returns what is left of this span without `other`: none, one or two spans.
    pub fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let below = Self::between(self.start, self.end().min(other.start));
        let above = Self::between(self.start.max(other.end()), self.end());
        below.into_iter().chain(above)
    }

    /// Returns the parts of `spans` that lie in none of `others`.
    #[must_use]
    pub fn outside(spans: Vec<Self>, others: impl IntoIterator<Item = Self>) -> Vec<Self> {
        others.into_iter().fold(spans, |rest, other| {
            rest.into_iter()
                .flat_map(|span| span.without(other))
                .collect()
        })
    }

    /// Returns the first address at which `found` is not `wanted`, both read from the start on.
    #[must_use]
    pub fn difference(self, found: &[u8], wanted: &[u8]) -> Option<Address> {
        let at = found.iter().zip(wanted).position(|(a, b)| a != b)?;
        self.start.checked_add(u64::try_from(at).ok()?)
    }
}

/// `0x08000000..0x08001000`, end exclusive.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
