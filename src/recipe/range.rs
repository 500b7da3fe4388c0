//! Places in a recipe: `__start..__end`, `section:.text`, `0x100..end-4`.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thiserror::Error;

use crate::image::Address;

/// What a bound is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// A load address.
    Address(Address),
    /// A symbol.
    Symbol(String),
    /// A section: its first byte as a start, the place behind its last as an end.
    Section(String),
    /// `start`: the lowest stored address of the image.
    ImageStart,
    /// `end`: the place behind the highest stored address of the image.
    ImageEnd,
}

/// One end of a range: an anchor and a distance from it in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What it is counted from.
    pub anchor: Anchor,
    /// Bytes to add.
    pub offset: i64,
}

impl FromStr for Bound {
    type Err = BoundError;

    /// Takes a symbol, `section:NAME`, an address, `start` or `end`; `+N` or `-N` may follow.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (name, offset) = split_offset(text)?;
        let anchor = match name {
            "" => return Err(BoundError::Empty),
            "start" => Anchor::ImageStart,
            "end" => Anchor::ImageEnd,
            _ if name.starts_with(|first: char| first.is_ascii_digit()) => Anchor::Address(
                name.parse()
                    .map_err(|_| BoundError::Number(name.to_owned()))?,
            ),
            _ => match name.strip_prefix("section:") {
                Some("") => return Err(BoundError::Empty),
                Some(section) => Anchor::Section(section.to_owned()),
                None => Anchor::Symbol(name.to_owned()),
            },
        };
        Ok(Self { anchor, offset })
    }
}

/// Splits `name+4` or `name-0x10`. Section names may hold `-` and `+`, so only digits count.
fn split_offset(text: &str) -> Result<(&str, i64), BoundError> {
    let Some(at) = text.rfind(['+', '-']) else {
        return Ok((text, 0));
    };
    let (name, rest) = text.split_at(at);
    let (sign, digits) = rest.split_at(1);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok((text, 0));
    }
    let bytes = digits
        .parse::<Address>()
        .ok()
        .and_then(|bytes| i64::try_from(bytes.get()).ok())
        .ok_or_else(|| BoundError::Number(digits.to_owned()))?;
    Ok((name.trim_end(), if sign == "-" { -bytes } else { bytes }))
}

/// A range of load addresses, end exclusive, as the recipe writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeSpec {
    /// First byte.
    pub start: Bound,
    /// Behind the last byte.
    pub end: Bound,
    /// The recipe's own words, for messages.
    pub text: String,
}

impl FromStr for RangeSpec {
    type Err = BoundError;

    /// Takes `A..B`, or `section:NAME` for a whole section.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = match split_range(text) {
            Some((start, end)) => (start.parse::<Bound>()?, end.parse::<Bound>()?),
            None => {
                let whole: Bound = text.parse()?;
                if !matches!(whole.anchor, Anchor::Section(_)) || whole.offset != 0 {
                    return Err(BoundError::NoRange(text.to_owned()));
                }
                (whole.clone(), whole)
            }
        };
        Ok(Self {
            start,
            end,
            text: text.trim().to_owned(),
        })
    }
}

/// Splits at `..`; a section's own leading dot stays with its name (`a..section:.text`).
fn split_range(text: &str) -> Option<(&str, &str)> {
    text.split_once("..")
}

impl<'de> Deserialize<'de> for RangeSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Where a checksum is stored: exactly one anchor, and a distance from it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PositionText")]
pub struct Position(pub Bound);

/// `{ symbol = "..." }`, `{ section = "..." }` or `{ address = ... }`, with `offset`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionText {
    symbol: Option<String>,
    section: Option<String>,
    address: Option<Number>,
    #[serde(default)]
    offset: i64,
}

/// An address as a TOML integer, or as text with `start`, `end` and an offset.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an address is a number from 0 on, or text such as \"0x08000000\""
)]
enum Number {
    Integer(u64),
    Text(String),
}

impl TryFrom<PositionText> for Position {
    type Error = BoundError;

    fn try_from(text: PositionText) -> Result<Self, Self::Error> {
        let bound = match (text.symbol, text.section, text.address) {
            (Some(symbol), None, None) => Bound {
                anchor: Anchor::Symbol(symbol),
                offset: 0,
            },
            (None, Some(section), None) => Bound {
                anchor: Anchor::Section(section),
                offset: 0,
            },
            (None, None, Some(Number::Integer(address))) => Bound {
                anchor: Anchor::Address(Address::new(address)),
                offset: 0,
            },
            (None, None, Some(Number::Text(text))) => text.parse()?,
            _ => return Err(BoundError::Position),
        };
        let offset = bound
            .offset
            .checked_add(text.offset)
            .ok_or_else(|| BoundError::Number(text.offset.to_string()))?;
        Ok(Self(Bound { offset, ..bound }))
    }
}

/// Reads an address written as an integer or as text.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    match Number::deserialize(deserializer)? {
        Number::Integer(address) => Ok(Address::new(address)),
        Number::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

/// Reads an address that may be absent.
pub(super) fn optional_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Address>, D::Error> {
    address(deserializer).map(Some)
}

/// Text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BoundError {
    /// No name.
    #[error("a place has no name: write a symbol, section:NAME, an address, start or end")]
    Empty,
    /// A number that is none, or too large.
    #[error("`{0}` is no number of bytes")]
    Number(String),
    /// Neither `A..B` nor a whole section.
    #[error("`{0}` is no range: write START..END, end exclusive, or section:NAME")]
    NoRange(String),
    /// Not exactly one of `symbol`, `section` and `address`.
    #[error("write exactly one of symbol, section and address")]
    Position,
}
