//! Everything that covers a slot, and making it true again.
//!
//! [`Plan::prove`] resolves the recipe's checksums against an image, orders them inner
//! before outer and shows that the untouched image satisfies them. [`crate::seal`] is the only
//! way from a patched image to one that may be delivered. A signature is no checksum: it is
//! made again with a key that the recipe names, or refused.

mod catalogue;
mod crc;
mod detect;
mod dfu;
mod digest;
mod error;
mod esp;
mod feed;
mod finding;
mod foreign;
mod hint;
mod key;
mod lpc;
mod mcuboot;
mod nordic;
mod order;
mod particle;
mod plain;
mod range;
mod resolve;
mod rp2350;
mod sign;
mod stamp;
mod sum;
mod uboot;
mod value;

pub use detect::findings;
pub use error::{ChecksumError, Hint};
pub use finding::Finding;
pub use resolve::fields;
pub(crate) use stamp::Stamps;
pub use value::Value;

use zeroize::Zeroizing;

use crate::image::{Edits, Endian, Image, Span};
use crate::recipe::{ChecksumSpec, Complement, Initial, Keys};
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
    /// CRC-32/ISO-HDLC as ESP8266 boot loaders store it.
    Esp8266(crc::Crc),
    Sign(Box<sign::Signature>),
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
            Self::Crc(crc) | Self::Esp8266(crc) => Some(crc.width()),
            Self::Sum(sum) => Some(sum.width()),
            Self::Hash(_) | Self::Sign(_) => None,
        }
    }

    /// Returns the bytes of the stored field.
    fn len(&self) -> u16 {
        match self {
            Self::Hash(hash) => hash.len().into(),
            Self::Crc(crc) | Self::Esp8266(crc) => crc.width().div_ceil(8).into(),
            Self::Sum(sum) => sum.width().div_ceil(8).into(),
            Self::Sign(signature) => u16::try_from(signature.len).unwrap_or(u16::MAX),
        }
    }
}

impl Checksum {
    /// Returns the algorithm's name, such as `CRC-32/ISO-HDLC`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its place in the recipe, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
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

    /// Returns what bytes of this field mean.
    #[must_use]
    pub fn value(&self, bytes: Vec<u8>) -> Value {
        Value::of(self, bytes)
    }

    /// Computes the field's bytes from scratch, over `image` with `edits` in it.
    ///
    /// # Errors
    /// [`ChecksumError::Image`] for another image than the plan was made for,
    /// [`ChecksumError::NoPrivateKey`] for a signature that can only be checked.
    pub fn compute(&self, image: &Image, edits: &Edits) -> Result<Vec<u8>, ChecksumError> {
        let source: crc::Source<'_, crate::image::ImageError> =
            &mut |take| self.feed.each(image, edits, take);
        let number = match &self.engine {
            Engine::Crc(crc) | Engine::Esp8266(crc) => crc.value(source),
            Engine::Sum(sum) => sum.value(source),
            Engine::Hash(hash) => return hash.value(source).map_err(|error| self.broken(error)),
            Engine::Sign(signature) => {
                let made = signature.make(source).map_err(|error| self.broken(error))?;
                return self.signed(made);
            }
        };
        number
            .map(|number| self.finish(number))
            .map_err(|error| self.broken(error))
    }

    /// Turns a CRC or sum into the field's bytes.
    fn finish(&self, number: u128) -> Vec<u8> {
        match &self.engine {
            Engine::Esp8266(_) => self.field(esp8266(number)),
            _ => self.field(number),
        }
    }

    /// Turns a digest of what is fed into the field's bytes: itself, or a signature.
    fn of_digest(&self, digest: Vec<u8>) -> Result<Vec<u8>, ChecksumError> {
        match &self.engine {
            Engine::Sign(signature) => self.signed(signature.sign(&Zeroizing::new(digest))),
            _ => Ok(digest),
        }
    }

    fn signed(&self, made: Option<Vec<u8>>) -> Result<Vec<u8>, ChecksumError> {
        made.ok_or_else(|| ChecksumError::NoPrivateKey {
            checksum: self.label.clone(),
        })
    }

    /// Returns whether `image` stores what its bytes give: recomputed from scratch, and for a
    /// signature checked with the public key.
    ///
    /// # Errors
    /// [`ChecksumError::Unstored`] and [`ChecksumError::Image`] for an image without the bytes.
    pub fn holds(&self, image: &Image) -> Result<bool, ChecksumError> {
        let stored = self.stored(image)?;
        let edits = Edits::new();
        let Engine::Sign(signature) = &self.engine else {
            return Ok(self.compute(image, &edits)? == stored);
        };
        let source: crc::Source<'_, crate::image::ImageError> =
            &mut |take| self.feed.each(image, &edits, take);
        let holds = signature.holds(source, &stored);
        holds.map_err(|error| self.broken(error))
    }

    /// Returns whether it is a signature, which [`Self::compute`] makes with a private key only.
    #[must_use]
    pub const fn is_signature(&self) -> bool {
        matches!(self.engine, Engine::Sign(_))
    }

    /// Returns whether it can be made here: all but a signature whose private key is elsewhere.
    #[must_use]
    pub fn can_be_made(&self) -> bool {
        match &self.engine {
            Engine::Sign(signature) => signature.signs(),
            _ => true,
        }
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
        (specs, keys): (&[ChecksumSpec], &Keys),
        slots: &[Slot],
    ) -> Result<Self, ChecksumError> {
        let mut checksums = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            checksums.extend(resolve::checksum(image, spec, index)?);
        }
        let findings = detect::findings(image);
        order::apart(image, &checksums, slots)?;
        detect::expand(image, &findings, (specs, keys), slots, &mut checksums)?;
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
        plan.left = detect::judge(findings, specs, slots, &plan.checksums)?;
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
            stored: checksum.value(stored),
        });
    }
    if checksum.holds(image)? {
        return Ok(());
    }
    if checksum.is_signature() {
        return Err(ChecksumError::OtherKey {
            checksum: checksum.label.clone(),
            at,
        });
    }
    let computed = checksum.compute(image, &Edits::new())?;
    Err(ChecksumError::Wrong {
        checksum: checksum.label.clone(),
        at,
        hint: hint::search(image, spec, &stored),
        stored: checksum.value(stored),
        computed: checksum.value(computed),
    })
}

/// Returns a CRC-32 as ESP8266 boot loaders store it: a sum without its sign (esptool
/// `esp8266_crc32`).
const fn esp8266(crc: u128) -> u128 {
    match crc & 0x8000_0000 {
        0 => crc.wrapping_add(1),
        _ => !crc,
    }
}

/// Returns whether a field looks as if nobody wrote it.
fn is_blank(bytes: &[u8]) -> bool {
    let all = |value: u8| bytes.iter().all(|byte| *byte == value);
    all(0x00) || all(0xFF)
}

#[cfg(test)]
mod tests;
