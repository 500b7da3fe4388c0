//! Why checksums cannot be made true.

use std::fmt;

use thiserror::Error;

use super::value::Value;
use crate::image::{Address, ImageError, Span};

/// Why a checksum plan is refused, or a checksum could not be computed.
///
/// `checksum` in the variants is its place in the recipe and its name, such as
/// `checksum 1 (CRC-32/ISO-HDLC)`.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "checksum-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ChecksumError {
    /// A key that the family needs is not there.
    #[error("{checksum} has no `{key}`")]
    NoKey { checksum: String, key: &'static str },
    /// A key that the family has no use for.
    #[error("{checksum} has `{key}`, which does not go with its kind")]
    KeyMisplaced { checksum: String, key: &'static str },
    /// No such CRC in the catalogue.
    #[error("{checksum}: the catalogue has no CRC of that name{}", Near(near))]
    UnknownAlgorithm {
        checksum: String,
        near: Vec<&'static str>,
    },
    /// Parameters that make no CRC.
    #[error("{checksum}: {reason}")]
    Model { checksum: String, reason: String },
    /// A unit that is none.
    #[error("{checksum}: unit = {unit}; a unit is {allowed} bytes")]
    UnitSize {
        checksum: String,
        unit: u8,
        allowed: &'static str,
    },
    /// A symbol or section is not there, or gives no load address.
    #[error("{checksum}: `{place}` gives no load address")]
    Place {
        checksum: String,
        place: String,
        source: ImageError,
    },
    /// A place outside the address space.
    #[error("{checksum}: `{place}` lies outside the address space")]
    Wraps { checksum: String, place: String },
    /// It ends where it starts, or before.
    #[error(
        "{checksum}: the range {range} is {start}..{end}: it holds no byte; the end is exclusive"
    )]
    NoByte {
        checksum: String,
        range: String,
        start: Address,
        end: Address,
    },
    /// Two of its ranges share bytes.
    #[error("{checksum}: the ranges {first} and {second} share bytes, which would count twice")]
    Twice {
        checksum: String,
        first: Span,
        second: Span,
    },
    /// A range covers bytes that nothing stores.
    #[error(
        "{checksum}: nothing is stored at {gap} of the range {range}: write fill = 0xFF if the device reads erased flash there"
    )]
    Gap {
        checksum: String,
        range: String,
        gap: Span,
    },
    /// No byte of a range is stored.
    #[error(
        "{checksum}: no byte of the range {range} is stored ({span}); addresses are load addresses (LMA)"
    )]
    Outside {
        checksum: String,
        range: String,
        span: Span,
    },
    /// A range that is longer than any flash.
    #[error(
        "{checksum}: the range {range} counts {bytes} bytes that nothing stores, more than {most}"
    )]
    TooLong {
        checksum: String,
        range: String,
        bytes: u64,
        most: u64,
    },
    /// A range is no whole number of units.
    #[error("{checksum}: the range {range} counts {bytes} bytes, no multiple of unit = {unit}")]
    Unit {
        checksum: String,
        range: String,
        bytes: u64,
        unit: u8,
    },
    /// Nothing is stored where the result goes.
    #[error("{checksum} is stored at {at}, which is not in the image")]
    Unstored { checksum: String, at: Span },
    /// The result lies inside a slot.
    #[error("{checksum} is stored at {at}, inside the slot {slot}: one would overwrite the other")]
    InSlot {
        checksum: String,
        at: Span,
        slot: Span,
    },
    /// Two results share bytes.
    #[error("{first} and {second} are stored in the same bytes: {at} and {other}")]
    FieldsOverlap {
        first: String,
        second: String,
        at: Span,
        other: Span,
    },
    /// Each covers the next, and the last the first.
    #[error(
        "{} cover each other in a circle: no order makes all of them true",
        Circle(checksums)
    )]
    Cycle {
        /// The checksums of the circle, in order.
        checksums: Vec<String>,
    },
    /// The untouched image stores another value.
    #[error("{checksum} at {at} stores {stored}, computed {computed}{hint}")]
    Wrong {
        checksum: String,
        at: Address,
        stored: Value,
        /// What was computed, as it would be stored.
        computed: Value,
        /// Which other reading of the recipe gives the stored value.
        hint: Hint,
    },
    /// `initial = "unset"`, and a value is stored.
    #[error("{checksum} at {at} stores {stored}: initial = \"unset\" wants all 00 or all ff there")]
    NotUnset {
        checksum: String,
        at: Address,
        stored: Value,
    },
    /// The end of an image around a slot is missing.
    #[error(
        "{what} says {says} bytes and has {stored}: its end is missing, and no device starts it; fetch or build the file again"
    )]
    CutOff {
        what: String,
        /// Bytes that it says it has.
        says: u64,
        stored: u64,
    },
    /// A signature covers a slot or checksum.
    #[error(
        "{what} covers {covered}, and no unit's image would be accepted without making it again: {next}"
    )]
    Signed {
        what: String,
        covered: String,
        next: String,
    },
    /// A structure covers a slot that no kind of checksum repairs.
    #[error("{what} is right now, covers {covered}, and is not repaired by itself: {next}")]
    Unrepaired {
        what: String,
        covered: String,
        next: String,
    },
    /// A slot lies over a structure's own headers.
    #[error(
        "the slot for {value} at {slot} lies over a header or table of {what}, which stands at {part}"
    )]
    InFrame {
        what: String,
        part: Span,
        value: String,
        slot: Span,
    },
    /// A key file that cannot make the signature.
    #[error("{checksum}: the key {file} cannot be used: {reason}")]
    Key {
        checksum: String,
        file: String,
        /// Why; never a part of the key.
        reason: String,
    },
    /// A signature that the recipe's key does not confirm.
    #[error(
        "{checksum} at {at} is no signature of these bytes by the recipe's key: the image was signed with another key, or changed afterwards"
    )]
    OtherKey { checksum: String, at: Address },
    /// A signature is wanted, and only the public key is here.
    #[error(
        "{checksum} cannot be made: its private key is not here, or fits no signature of this length"
    )]
    NoPrivateKey { checksum: String },
    /// A field that is right now covers a slot, and the recipe does not say so.
    #[error(
        "{what} is right now and covers {covered}, and no [[checksum]] names it: add [[checksum]] kind = \"{kind}\""
    )]
    Undeclared {
        what: String,
        covered: String,
        kind: String,
    },
    /// The recipe names a structure that the image does not have.
    #[error("{checksum}: the image has no structure of this kind that is right now")]
    NotFound { checksum: String },
    /// The image has no byte where one was planned for.
    #[error("{checksum} could not be computed")]
    Image {
        checksum: String,
        source: ImageError,
    },
}

crate::unit::stable_name!(ChecksumError);

/// Which other reading of the recipe gives the value that is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hint {
    /// None that was tried.
    #[default]
    None,
    /// All bytes of the field are 00 or ff.
    Blank,
    /// With these lines it would be right.
    Lines(Vec<String>),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(
                "; no other byte order, complement, unit or algorithm of its width gives the stored value: the range, or the image, is another",
            ),
            Self::Blank => f.write_str(
                ": the field is blank; if the build leaves it so, write initial = \"unset\"",
            ),
            Self::Lines(lines) => write!(f, "; it would be right with {}", lines.join(" and ")),
        }
    }
}

/// Names that may be meant.
struct Near<'a>(&'a [&'static str]);

impl fmt::Display for Near<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; alike: {}", self.0.join(", "))
    }
}

/// The names of a circle.
struct Circle<'a>(&'a [String]);

impl fmt::Display for Circle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" and "))
    }
}
