//! One checksum of an image: what it reads, how it is computed and where it is stored.

use zeroize::Zeroizing;

use super::compute::crc::{Crc, Source};
use super::compute::digest::Hash;
use super::compute::sign::Signature;
use super::compute::sum::Sum;
use super::error::ChecksumError;
use super::feed::Feed;
use super::value::Value;
use crate::image::{Edits, Endian, Image, ImageError, Span};
use crate::recipe::Complement;

/// One checksum: what it reads, how it is computed and where it is stored.
#[derive(Debug)]
pub struct Checksum {
    /// Its place in the recipe, from 0.
    pub(super) index: usize,
    /// The place from 1 and the name, for messages.
    pub(super) label: String,
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) covers: Vec<Span>,
    pub(super) feed: Feed,
    pub(super) engine: Engine,
    pub(super) complement: Complement,
    pub(super) endian: Endian,
    pub(super) state: State,
}

/// What computes a checksum.
#[derive(Debug)]
pub(super) enum Engine {
    Crc(Crc),
    Sum(Sum),
    Hash(Hash),
    /// CRC-32/ISO-HDLC as ESP8266 boot loaders store it.
    Esp8266(Crc),
    Sign(Box<Signature>),
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
    pub(super) const fn width(&self) -> Option<u8> {
        match self {
            Self::Crc(crc) | Self::Esp8266(crc) => Some(crc.width()),
            Self::Sum(sum) => Some(sum.width()),
            Self::Hash(_) | Self::Sign(_) => None,
        }
    }

    /// Returns the bytes of the stored field.
    pub(super) fn len(&self) -> u16 {
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
        let number = self.engine.width().map(|_| self.endian);
        Value::new(bytes, number)
    }

    /// Computes the field's bytes from scratch, over `image` with `edits` in it.
    ///
    /// # Errors
    /// [`ChecksumError::Image`] for another image than the plan was made for,
    /// [`ChecksumError::NoPrivateKey`] for a signature that can only be checked.
    pub fn compute(&self, image: &Image, edits: &Edits) -> Result<Vec<u8>, ChecksumError> {
        let source: Source<'_, ImageError> = &mut |take| self.feed.each(image, edits, take);
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
    pub(super) fn finish(&self, number: u128) -> Vec<u8> {
        match &self.engine {
            Engine::Esp8266(_) => self.field(esp8266(number)),
            _ => self.field(number),
        }
    }

    /// Turns a digest of what is fed into the field's bytes: itself, or a signature.
    pub(super) fn of_digest(&self, digest: Vec<u8>) -> Result<Vec<u8>, ChecksumError> {
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
    pub fn is_current(&self, image: &Image) -> Result<bool, ChecksumError> {
        let stored = self.stored(image)?;
        let edits = Edits::new();
        let Engine::Sign(signature) = &self.engine else {
            return Ok(self.compute(image, &edits)? == stored);
        };
        let source: Source<'_, ImageError> = &mut |take| self.feed.each(image, &edits, take);
        let is_current = signature.verifies(source, &stored);
        is_current.map_err(|error| self.broken(error))
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

    pub(super) fn broken(&self, source: ImageError) -> ChecksumError {
        ChecksumError::Image {
            checksum: self.label.clone(),
            source,
        }
    }

    /// Returns whether a change of `span` changes this checksum.
    pub(super) fn reads(&self, span: Span) -> bool {
        self.covers
            .iter()
            .any(|own| own.intersection(span).is_some())
    }
}

/// Returns a CRC-32 as ESP8266 boot loaders store it: a sum without its sign (esptool
/// `esp8266_crc32`).
const fn esp8266(crc: u128) -> u128 {
    match crc & 0x8000_0000 {
        0 => crc.wrapping_add(1),
        _ => !crc,
    }
}
