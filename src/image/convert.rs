//! Another container on the way out: what an image loads, as BIN or HEX.
//!
//! Only loaded bytes go over. Names, start addresses and whatever else a container holds beside
//! them stay behind; the image itself is never read from a converted one.

use std::str::FromStr;

use thiserror::Error;

use super::hex::write;
use super::{Address, Edits, Format, Image, ImageError, Span};

/// Bytes of filling that a BIN may have: more is a slip, such as flash and fuses in one file.
const MOST_FILLING: u64 = 16 * 1024 * 1024;
/// Addresses that a HEX can write.
const SPACE: u64 = 1 << 32;

/// What an image becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// All bytes from the lowest address on; `fill` where nothing is stored.
    Bin {
        /// What gaps are filled with.
        fill: u8,
    },
    /// Intel HEX: type 04 and 00 records of 16 bytes, LF, no start address.
    Hex,
}

impl Conversion {
    /// What erased NOR flash holds.
    pub const FILL: u8 = 0xFF;

    /// Returns the format of such a file.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::Bin { .. } => Format::Bin,
            Self::Hex => Format::Hex,
        }
    }

    /// Returns the extension of such a file.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Bin { .. } => "bin",
            Self::Hex => "hex",
        }
    }
}

/// `bin`, with gaps as erased flash has them, or `hex`.
impl FromStr for Conversion {
    type Err = ConversionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bin" => Ok(Self::Bin { fill: Self::FILL }),
            "hex" => Ok(Self::Hex),
            _ => Err(ConversionError(text.to_owned())),
        }
    }
}

/// Text that is no form to convert to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` cannot be written: choose bin or hex")]
pub struct ConversionError(String);

impl Image {
    /// Returns the addresses between the lowest and the highest that nothing stores.
    #[must_use]
    pub fn gaps(&self) -> Vec<Span> {
        let runs = self.runs();
        let pairs = runs.iter().zip(runs.iter().skip(1));
        pairs
            .filter_map(|(low, high)| Span::between(low.end(), high.start()))
            .collect()
    }

    /// Returns the loaded bytes, with `edits` in them, as another container.
    ///
    /// # Errors
    /// [`ImageError::Gap`] and [`ImageError::TooHigh`] for an image that does not fit;
    /// [`ImageError::Outside`] for an edit of a byte that is not stored.
    pub fn convert(&self, edits: &Edits, to: Conversion) -> Result<Vec<u8>, ImageError> {
        for span in edits.spans() {
            self.require(span)?;
        }
        self.convertible(to)?;
        match to {
            Conversion::Bin { fill } => self.to_bin(edits, fill),
            Conversion::Hex => self.to_hex(edits),
        }
    }

    /// Checks that the image fits into another container.
    ///
    /// # Errors
    /// [`ImageError::Gap`], [`ImageError::TooHigh`].
    pub fn convertible(&self, to: Conversion) -> Result<(), ImageError> {
        match to {
            Conversion::Bin { .. } => {
                let gaps = self.gaps();
                let filling: u64 = gaps.iter().map(|gap| gap.len()).sum();
                let most = MOST_FILLING;
                match gaps.into_iter().max_by_key(|gap| gap.len()) {
                    Some(gap) if filling > most => Err(ImageError::Gap { gap, filling, most }),
                    _ => Ok(()),
                }
            }
            Conversion::Hex => match self.runs().last() {
                Some(run) if run.end().get() > SPACE => Err(ImageError::TooHigh { run: *run }),
                _ => Ok(()),
            },
        }
    }

    fn to_bin(&self, edits: &Edits, fill: u8) -> Result<Vec<u8>, ImageError> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut next: Option<Address> = None;
        for run in self.runs() {
            if let Some(gap) = next.and_then(|next| Span::between(next, run.start())) {
                let len = usize::try_from(gap.len()).unwrap_or(usize::MAX);
                bytes.resize(bytes.len().saturating_add(len), fill);
            }
            bytes.extend(self.edited(run, edits)?);
            next = Some(run.end());
        }
        Ok(bytes)
    }

    fn to_hex(&self, edits: &Edits) -> Result<Vec<u8>, ImageError> {
        let mut text = Vec::new();
        // What no record says counts from 0.
        let mut base = Some(0);
        for run in self.runs() {
            let bytes = self.edited(run, edits)?;
            write::data(&mut text, &mut base, run.start(), &bytes);
        }
        write::end(&mut text);
        Ok(text)
    }

    /// Returns the bytes of `span` with `edits` in them.
    fn edited(&self, span: Span, edits: &Edits) -> Result<Vec<u8>, ImageError> {
        let mut bytes = self.bytes(span)?.into_owned();
        edits.apply(span, &mut bytes);
        Ok(bytes)
    }
}
