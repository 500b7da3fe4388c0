//! Places of the recipe to load addresses of this image.
//!
//! Ranges end exclusive. Symbols convert through the section they are defined in, so an
//! end symbol behind the last byte and a `.data` symbol both give load addresses.

use super::error::ChecksumError;
use crate::image::{Address, Image, ImageError, Span};
use crate::recipe::{Anchor, Bound, Position, RangeSpec};

/// A range of the recipe, resolved.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) span: Span,
    /// The recipe's words.
    pub(super) text: String,
}

/// Which end of a range a bound is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

/// Resolves a range.
pub(super) fn resolve(
    image: &Image,
    spec: &RangeSpec,
    label: &str,
) -> Result<Range, ChecksumError> {
    let start = address(image, &spec.start, Side::Start, label)?;
    let end = address(image, &spec.end, Side::End, label)?;
    let span = Span::between(start, end).ok_or_else(|| ChecksumError::NoByte {
        checksum: label.to_owned(),
        range: spec.text.clone(),
        start,
        end,
    })?;
    Ok(Range {
        span,
        text: spec.text.clone(),
    })
}

/// Resolves all ranges of `over`, which share no byte.
pub(super) fn resolve_all(
    image: &Image,
    specs: &[RangeSpec],
    label: &str,
) -> Result<Vec<Range>, ChecksumError> {
    let mut ranges: Vec<Range> = Vec::with_capacity(specs.len());
    for spec in specs {
        let range = resolve(image, spec, label)?;
        let shared = |other: &&Range| other.span.intersection(range.span).is_some();
        if let Some(first) = ranges.iter().find(shared) {
            return Err(ChecksumError::Twice {
                checksum: label.to_owned(),
                first: first.span,
                second: range.span,
            });
        }
        ranges.push(range);
    }
    Ok(ranges)
}

/// Resolves the place of a stored field of `len` bytes.
pub(super) fn field(
    image: &Image,
    at: &Position,
    len: u64,
    label: &str,
) -> Result<Span, ChecksumError> {
    let start = address(image, &at.0, Side::Start, label)?;
    Span::new(start, len).ok_or_else(|| ChecksumError::Wraps {
        checksum: label.to_owned(),
        place: words(&at.0),
    })
}

/// Resolves one end of a range.
fn address(
    image: &Image,
    bound: &Bound,
    side: Side,
    label: &str,
) -> Result<Address, ChecksumError> {
    let place = |source: ImageError| ChecksumError::Place {
        checksum: label.to_owned(),
        place: words(bound),
        source,
    };
    let anchor = match &bound.anchor {
        Anchor::Address(address) => *address,
        Anchor::Symbol(name) => image.symbol(name).map_err(place)?.0,
        Anchor::Section(name) => {
            let section = image.section(name).map_err(place)?;
            match side {
                Side::Start => section.start(),
                Side::End => section.end(),
            }
        }
        Anchor::ImageStart => edge(image, Side::Start).map_err(place)?,
        Anchor::ImageEnd => edge(image, Side::End).map_err(place)?,
    };
    anchor
        .get()
        .checked_add_signed(bound.offset)
        .map(Address::new)
        .ok_or_else(|| ChecksumError::Wraps {
            checksum: label.to_owned(),
            place: words(bound),
        })
}

/// Returns the lowest stored address, or the place behind the highest.
fn edge(image: &Image, side: Side) -> Result<Address, ImageError> {
    let runs = image.runs();
    let edge = match side {
        Side::Start => runs.first().map(|run| run.start()),
        Side::End => runs.last().map(|run| run.end()),
    };
    edge.ok_or(ImageError::Empty)
}

/// Writes a bound as the recipe would.
fn words(bound: &Bound) -> String {
    let anchor = match &bound.anchor {
        Anchor::Address(address) => address.to_string(),
        Anchor::Symbol(name) => name.clone(),
        Anchor::Section(name) => format!("section:{name}"),
        Anchor::ImageStart => "start".to_owned(),
        Anchor::ImageEnd => "end".to_owned(),
    };
    match bound.offset {
        0 => anchor,
        offset => format!("{anchor}{offset:+}"),
    }
}
