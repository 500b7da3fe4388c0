//! Everything that covers a slot, and making it true again.
//!
//! [`Plan::prove`] resolves the recipe's checksums against an image, orders them inner
//! before outer and shows that the untouched image satisfies them. [`seal`] is the only
//! way from a patched image to one that may be delivered. A signature is no checksum:
//! it is found, and refused.

mod catalogue;
mod crc;
mod detect;
mod digest;
mod error;
mod esp;
mod feed;
mod hint;
mod mcuboot;
mod order;
mod range;
mod resolve;
mod sealed;
mod sum;

pub use detect::{Finding, findings};
pub use error::{ChecksumError, Hint};
pub use sealed::{Sealed, Stored, seal};

use crate::image::{Edits, Endian, Image, Span};
use crate::recipe::{ChecksumSpec, Complement, Initial};
use crate::slot::Slot;
use feed::Feed;

/// One checksum: what it reads, how it is computed and where it is stored.
#[derive(Debug)]
pub struct Checksum {
    /// Its place in the recipe, from 0.
    index: usize,
    /// The place from 1 and the name, for messages.
    label: String,
    name: String,
    at: Span,
    covers: Vec<Span>,
    feed: Feed,
    engine: Engine,
    complement: Complement,
    endian: Endian,
    state: State,
}

/// What computes a checksum.
#[derive(Debug)]
enum Engine {
    Crc(crc::Crc),
    Sum(sum::Sum),
    Hash(digest::Hash),
}

/// What the untouched image stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The right value: the recipe means what the firmware means.
    Proved,
    /// Nothing. The value is what sealing the untouched image would store.
    Unset(Vec<u8>),
}

impl Engine {
    /// Returns the bits of a number that this gives; none for a digest.
    const fn width(&self) -> Option<u8> {
        match self {
            Self::Crc(crc) => Some(crc.width()),
            Self::Sum(sum) => Some(sum.width()),
            Self::Hash(_) => None,
        }
    }

    /// Returns the bytes of the stored field.
    fn len(&self) -> u8 {
        match self {
            Self::Hash(hash) => hash.len(),
            Self::Crc(crc) => crc.width().div_ceil(8),
            Self::Sum(sum) => sum.width().div_ceil(8),
        }
    }
}

impl Checksum {
    /// Returns the algorithm's name, such as `CRC-32/ISO-HDLC`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the result is stored.
    #[must_use]
    pub const fn at(&self) -> Span {
        self.at
    }

    /// Returns the load addresses whose bytes count, in the order in which they are fed.
    #[must_use]
    pub fn covers(&self) -> &[Span] {
        &self.covers
    }

    /// Returns what the untouched image stores.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Returns the field's bytes in `image`.
    ///
    /// # Errors
    /// [`ChecksumError::Unstored`] for an image without them.
    pub fn stored(&self, image: &Image) -> Result<Vec<u8>, ChecksumError> {
        match image.bytes(self.at) {
            Ok(bytes) => Ok(bytes.into_owned()),
            Err(_) => Err(ChecksumError::Unstored {
                checksum: self.label.clone(),
                at: self.at,
            }),
        }
    }

    /// Computes the field's bytes from scratch, over `image` with `edits` in it.
    ///
    /// # Errors
    /// [`ChecksumError::Image`] for another image than the plan was made for.
    pub fn compute(&self, image: &Image, edits: &Edits) -> Result<Vec<u8>, ChecksumError> {
        let source: crc::Source<'_, crate::image::ImageError> =
            &mut |take| self.feed.each(image, edits, take);
        let number = match &self.engine {
            Engine::Crc(crc) => crc.value(source),
            Engine::Sum(sum) => sum.value(source),
            Engine::Hash(hash) => return hash.value(source).map_err(|error| self.broken(error)),
        };
        let number = number.map_err(|error| self.broken(error))?;
        Ok(self.field(number))
    }

    /// Writes a number as it is stored.
    fn field(&self, number: u128) -> Vec<u8> {
        let bits = u32::from(self.engine.width().unwrap_or(128).clamp(1, 128));
        let mask = u128::MAX >> (128 - bits);
        let number = mask
            & match self.complement {
                Complement::None => number,
                Complement::Ones => !number,
                Complement::Twos => number.wrapping_neg(),
            };
        let len = usize::from(self.engine.len());
        let mut bytes: Vec<u8> = number.to_le_bytes().into_iter().take(len).collect();
        if self.endian == Endian::Big {
            bytes.reverse();
        }
        bytes
    }

    fn broken(&self, source: crate::image::ImageError) -> ChecksumError {
        ChecksumError::Image {
            checksum: self.label.clone(),
            source,
        }
    }

    /// Returns whether a change of `span` changes this checksum.
    fn reads(&self, span: Span) -> bool {
        self.covers
            .iter()
            .any(|own| own.intersection(span).is_some())
    }
}

/// All checksums of a recipe, resolved, proved, and in the order that seals.
#[derive(Debug)]
pub struct Plan {
    checksums: Vec<Checksum>,
    left: Vec<(Finding, String)>,
}

impl Plan {
    /// Resolves `specs` against `image`, orders them, and proves them on the untouched image.
    ///
    /// # Errors
    /// Any [`ChecksumError`] but those of computing.
    pub fn prove(
        image: &Image,
        specs: &[ChecksumSpec],
        slots: &[Slot],
    ) -> Result<Self, ChecksumError> {
        let mut checksums = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            checksums.extend(resolve::checksum(image, spec, index)?);
        }
        order::apart(image, &checksums, slots)?;
        let mut plan = Self {
            checksums: order::inner_first(checksums)?,
            left: Vec::new(),
        };
        for checksum in &plan.checksums {
            if let Some(spec) = specs.get(checksum.index) {
                prove(image, checksum, spec)?;
            }
        }
        plan.left = detect::judge(image, specs, slots, &plan.checksums)?;
        plan.fill_in(image)?;
        Ok(plan)
    }

    /// Returns the checksums, inner before outer.
    #[must_use]
    pub fn checksums(&self) -> &[Checksum] {
        &self.checksums
    }

    /// Returns the fields that the recipe leaves as they are, each with its reason.
    #[must_use]
    pub fn left(&self) -> &[(Finding, String)] {
        &self.left
    }

    /// Computes what `unset` checksums would get: the untouched image, sealed.
    fn fill_in(&mut self, image: &Image) -> Result<(), ChecksumError> {
        let mut edits = Edits::new();
        for checksum in &mut self.checksums {
            let unset = matches!(checksum.state, State::Unset(_));
            if !unset && edits.spans().next().is_none() {
                continue;
            }
            let value = checksum.compute(image, &edits)?;
            edits.put(checksum.at.start(), &value);
            if unset {
                checksum.state = State::Unset(value);
            }
        }
        Ok(())
    }
}

/// Shows that the untouched image stores what the recipe says it stores.
fn prove(image: &Image, checksum: &Checksum, spec: &ChecksumSpec) -> Result<(), ChecksumError> {
    let stored = checksum.stored(image)?;
    let at = checksum.at.start();
    if spec.initial == Initial::Unset {
        if is_blank(&stored) {
            return Ok(());
        }
        return Err(ChecksumError::NotUnset {
            checksum: checksum.label.clone(),
            at,
            stored,
        });
    }
    let computed = checksum.compute(image, &Edits::new())?;
    if computed == stored {
        return Ok(());
    }
    Err(ChecksumError::Wrong {
        checksum: checksum.label.clone(),
        at,
        hint: hint::search(image, spec, &stored),
        stored,
        computed,
    })
}

/// Returns whether a field looks as if nobody wrote it.
fn is_blank(bytes: &[u8]) -> bool {
    let all = |value: u8| bytes.iter().all(|byte| *byte == value);
    all(0x00) || all(0xFF)
}

#[cfg(test)]
mod tests;
