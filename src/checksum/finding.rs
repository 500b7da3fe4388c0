//! An integrity field that shows itself by structure, and how it is made right.

use super::feed::{Feed, Piece, Words};
use super::field::{Checksum, Engine, State};
use super::value::Value;
use crate::checksum::compute::crc::Crc;
use crate::checksum::compute::digest::Hash;
use crate::checksum::compute::sign::Scheme;
use crate::checksum::compute::sum::Sum;
use crate::image::{Edits, Endian, Image, Span};
use crate::recipe::{Complement, Kind};

/// An integrity field that was found by structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The family, as a recipe names it; none for a structure that no kind repairs.
    pub kind: Option<Kind>,
    /// What it covers, in order.
    pub covers: Vec<Span>,
    /// Where it is stored.
    pub at: Vec<Span>,
    /// The structure's own headers and tables: a slot among them breaks it.
    pub frame: Vec<Span>,
    /// Whether it is right now; for a signature, whether what was signed is unchanged.
    pub right: bool,
    /// Whether it takes a key to make it.
    pub signed: bool,
    /// What is stored, where it is computed.
    pub value: Option<Value>,
    /// What it is, such as `ESP image at 0x00010000: SHA-256`.
    pub text: String,
    pub(super) means: Means,
}

/// How a field is made right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Means {
    /// By computing it.
    Compute(Computed),
    /// By signing again with a key.
    Sign(Scheme),
    /// Not at all: why, and what to do.
    Refuse(&'static str),
    /// By these keys of a `[[checksum]]`, which say all of it.
    Recipe(Vec<String>),
    /// Not at all: the image's end is missing.
    CutOff {
        /// Bytes that the image says it has.
        says: u64,
    },
}

/// A field that follows from bytes alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) pieces: Vec<Piece>,
    pub(super) formula: Formula,
    pub(super) endian: Endian,
}

/// What turns bytes into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formula {
    Xor8,
    /// All 32-bit little-endian words and the field give 0.
    Words32,
    Hash(Hash),
    /// A CRC of the catalogue.
    Crc(&'static str),
    /// CRC-32/MPEG-2 as the CRC unit of an STM32 makes it of words.
    Stm32,
    /// CRC-32/ISO-HDLC as ESP8266 boot loaders store it.
    Esp8266,
}

impl Formula {
    /// Returns what computes it.
    fn engine(self) -> Option<Engine> {
        Some(match self {
            Self::Xor8 => Engine::Sum(Sum::Xor8),
            Self::Words32 => Engine::Sum(Sum::Plain {
                bits: 32,
                unit: 4,
                endian: Endian::Little,
            }),
            Self::Hash(hash) => Engine::Hash(hash),
            Self::Crc(name) => Engine::Crc(Crc::named(name)?),
            Self::Stm32 => Engine::Crc(Crc::named("CRC-32/MPEG-2")?),
            Self::Esp8266 => Engine::Esp8266(Crc::named("CRC-32/ISO-HDLC")?),
        })
    }
}

impl Finding {
    /// Returns the lines that repair it, as a recipe has them; else what to do.
    #[must_use]
    pub fn advice(&self) -> String {
        let kind = self.kind.map(|kind| kind.to_string()).unwrap_or_default();
        match &self.means {
            Means::Compute(_) => format!("[[checksum]] kind = \"{kind}\""),
            Means::Sign(_) => format!("[[checksum]] kind = \"{kind}\", key = \"<file>.pem\""),
            Means::Refuse(reason) => (*reason).to_owned(),
            Means::Recipe(keys) => format!("[[checksum]] {}", keys.join(", ")),
            Means::CutOff { says } => {
                let stored: u64 = self.covers.iter().map(|span| span.len()).sum();
                format!("cut off: it says {says} bytes and has {stored}")
            }
        }
    }

    /// Returns the table that repairs it, as lines of a recipe; empty where none does.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let kind = self.kind.map(|kind| format!("kind = \"{kind}\""));
        let keys = match &self.means {
            Means::Compute(_) => kind.into_iter().collect(),
            Means::Sign(_) => {
                let key = "key = \"<file>.pem\"".to_owned();
                kind.into_iter().chain([key]).collect()
            }
            Means::Recipe(keys) => keys.clone(),
            Means::Refuse(_) | Means::CutOff { .. } => return Vec::new(),
        };
        std::iter::once("[[checksum]]".to_owned())
            .chain(keys)
            .collect()
    }

    /// Describes a field that is computed over stored bytes, little-endian; it is judged later.
    pub(super) fn computed(kind: Kind, covers: Vec<Span>, at: Span, formula: Formula) -> Self {
        let pieces = covers.into_iter().map(Piece::Stored).collect();
        Self::fed(kind, pieces, at, formula)
    }

    /// Describes a field over stored bytes and constants.
    pub(super) fn fed(kind: Kind, pieces: Vec<Piece>, at: Span, formula: Formula) -> Self {
        let covers = pieces.iter().filter_map(|piece| match piece {
            Piece::Stored(span) => Some(*span),
            Piece::Constant { .. } => None,
        });
        Self {
            kind: Some(kind),
            covers: covers.collect(),
            at: vec![at],
            frame: Vec::new(),
            right: false,
            signed: false,
            value: None,
            text: String::new(),
            means: Means::Compute(Computed {
                pieces,
                formula,
                endian: Endian::Little,
            }),
        }
    }

    /// Describes a structure that covers `covers` and that nothing here makes right again.
    pub(super) fn refused(covers: Span, text: String, reason: &'static str) -> Self {
        Self {
            kind: None,
            covers: vec![covers],
            at: Vec::new(),
            frame: Vec::new(),
            right: true,
            signed: true,
            value: None,
            text,
            means: Means::Refuse(reason),
        }
    }

    /// Describes an image of `says` bytes of which only `covers` are stored.
    pub(super) fn cut_off(covers: Span, what: String, says: u64) -> Self {
        Self {
            right: false,
            signed: false,
            means: Means::CutOff { says },
            ..Self::refused(covers, what, "")
        }
    }

    /// Stores the field with its highest byte first.
    pub(super) fn big_endian(mut self) -> Self {
        if let Means::Compute(computed) = &mut self.means {
            computed.endian = Endian::Big;
        }
        self
    }

    /// Says what it is.
    pub(super) fn named(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    /// Says which headers it has.
    pub(super) fn framed(mut self, frame: Vec<Span>) -> Self {
        self.frame = frame;
        self
    }

    /// Computes a field and says whether it is right; none where not all bytes are stored.
    pub(super) fn judged(mut self, image: &Image) -> Option<Self> {
        let checksum = self.checksum(0)?;
        let stored = checksum.stored(image).ok()?;
        let computed = checksum.compute(image, &Edits::new()).ok()?;
        self.right = stored == computed;
        self.value = Some(checksum.value(stored));
        Some(self)
    }

    /// Makes the checksum that repairs it, for the `[[checksum]]` at `index`; none for a
    /// signature and for what nothing repairs.
    pub(super) fn checksum(&self, index: usize) -> Option<Checksum> {
        let Means::Compute(computed) = &self.means else {
            return None;
        };
        let words = match computed.formula {
            Formula::Words32 => Words::Whole(4),
            Formula::Stm32 => Words::Swapped(4),
            _ => Words::Bytes,
        };
        let feed = Feed::of(computed.pieces.clone(), words);
        let field = self.field(index, feed, computed.formula.engine()?)?;
        Some(Checksum {
            complement: match computed.formula {
                Formula::Words32 => Complement::Twos,
                _ => Complement::None,
            },
            endian: computed.endian,
            ..field
        })
    }

    /// Makes the checksum in its place that `engine` computes over `feed`, lowest byte first.
    pub(super) fn field(&self, index: usize, feed: Feed, engine: Engine) -> Option<Checksum> {
        Some(Checksum {
            index,
            label: self.label(index),
            name: self.text.clone(),
            at: self.at.first().copied()?,
            covers: self.covers.clone(),
            feed,
            engine,
            complement: Complement::None,
            endian: Endian::Little,
            state: State::Proved,
        })
    }

    /// Returns how messages call it.
    pub(super) fn label(&self, index: usize) -> String {
        format!("checksum {} ({})", index.saturating_add(1), self.text)
    }
}
