//! `[[checksum]]`: what covers a slot, and where it is stored.

use std::path::PathBuf;

use serde::Deserialize;

use super::range::{Position, RangeSpec};
use crate::image::Endian;

/// The families of checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A cyclic redundancy check of the catalogue, or with parameters of its own.
    Crc,
    /// Sum of bytes, modulo 2^8.
    Sum8,
    /// Sum of units, modulo 2^16.
    Sum16,
    /// Sum of units, modulo 2^32.
    Sum32,
    /// Exclusive or of all bytes.
    Xor8,
    /// Adler-32 (RFC 1950).
    Adler32,
    /// Fletcher's checksum over bytes, modulo 255.
    Fletcher16,
    /// Fletcher's checksum over 16-bit words, modulo 65535.
    Fletcher32,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
    /// MD5 (RFC 1321).
    Md5,
    /// XOR byte and appended SHA-256 of an ESP image.
    EspImage,
    /// Hash and signature of an MCUboot image.
    Mcuboot,
    /// The word that makes the first eight words of an NXP LPC sum to 0.
    LpcVector,
    /// CRC-32 in the header of an LPC55 image.
    #[serde(rename = "lpc55-image")]
    #[strum(serialize = "lpc55-image")]
    Lpc55Image,
    /// SHA-256 of an RP2350 image definition.
    #[serde(rename = "rp2350-hash")]
    #[strum(serialize = "rp2350-hash")]
    Rp2350Hash,
    /// SHA-256 and CRC-32 behind a Particle module.
    Particle,
    /// CRC-32 behind a file for USB firmware upgrade.
    DfuSuffix,
    /// CRCs in the settings page of Nordic's nRF5 SDK boot loader.
    NordicSettings,
    /// Hashes of the images in a flattened image tree of U-Boot.
    Fit,
    /// The two CRC-32 in a legacy image header of U-Boot.
    Uimage,
}

/// Which CRC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "an algorithm is a name such as \"CRC-32/ISO-HDLC\", or { width, poly, init } as numbers, with refin, refout and xorout where they are not 0"
)]
pub enum Algorithm {
    /// A name of the catalogue, such as `CRC-32/ISO-HDLC`.
    Name(String),
    /// Parameters of its own.
    Model(CrcModel),
}

/// A CRC by its parameters, in the catalogue's (Rocksoft) terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrcModel {
    /// Width in bits: 8, 16, 32 or 64 for a stored field of whole bytes; others round up.
    pub width: u8,
    /// Polynomial, highest term left out.
    pub poly: u64,
    /// Start value of the register.
    pub init: u64,
    /// Whether bytes go in with the lowest bit first.
    #[serde(default)]
    pub refin: bool,
    /// Whether the register comes out reversed.
    #[serde(default)]
    pub refout: bool,
    /// What the result is combined with.
    #[serde(default)]
    pub xorout: u64,
}

/// How the stored field counts inside its own range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "OwnText")]
pub enum Own {
    /// Its bytes are left out.
    #[default]
    Skip,
    /// Each of its bytes counts as this value.
    As(u8),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "own is \"skip\", or a byte such as 0xFF")]
enum OwnText {
    Word(String),
    Byte(u8),
}

impl TryFrom<OwnText> for Own {
    type Error = String;

    fn try_from(text: OwnText) -> Result<Self, Self::Error> {
        match text {
            OwnText::Byte(byte) => Ok(Self::As(byte)),
            OwnText::Word(word) if word == "skip" => Ok(Self::Skip),
            OwnText::Word(word) => Err(format!(
                "`{word}` does not say how the stored field counts: write \"skip\" or a byte such as 0xFF"
            )),
        }
    }
}

/// A range that counts as a constant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Except {
    /// Which bytes.
    pub range: RangeSpec,
    /// The value that each of them counts as.
    #[serde(rename = "as")]
    pub value: u8,
}

/// What is done to the result before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Complement {
    /// Nothing.
    #[default]
    None,
    /// Every bit is inverted.
    Ones,
    /// It is negated, so that sum and stored field give 0.
    Twos,
}

/// What the untouched image stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initial {
    /// The right value: the proof that the recipe means what the firmware means.
    #[default]
    Valid,
    /// All 00 or all FF: nothing proves the recipe.
    Unset,
}

/// One `[[checksum]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecksumSpec {
    /// The family.
    pub kind: Kind,
    /// Which CRC; for `crc` only.
    pub algorithm: Option<Algorithm>,
    /// What is covered, in the order in which it is fed.
    #[serde(default)]
    pub over: Vec<RangeSpec>,
    /// What inside `over` counts as a constant.
    #[serde(default)]
    pub except: Vec<Except>,
    /// How the stored field counts inside `over`.
    #[serde(default)]
    pub own: Own,
    /// What bytes of `over` count as that nothing stores; absent, a gap is an error.
    pub fill: Option<u8>,
    /// Bytes that are fed as one little-endian word, or summed as one: 1, 2 or 4.
    pub unit: Option<u8>,
    /// What is done to the result.
    #[serde(default)]
    pub complement: Complement,
    /// Where the result is stored.
    pub at: Option<Position>,
    /// Byte order of the stored field; absent: little-endian.
    #[serde(default, deserialize_with = "endian")]
    pub endian: Option<Endian>,
    /// What the untouched image stores.
    #[serde(default)]
    pub initial: Initial,
    /// Why a field found by structure is left as it is.
    pub leave: Option<String>,
    /// File of the private key that a signature is made with again.
    pub key: Option<PathBuf>,
    /// File of the public key, for verification without the private one.
    #[serde(rename = "public-key")]
    pub public_key: Option<PathBuf>,
    /// Whether the stored field may lie in a protected range.
    #[serde(default, rename = "allow-protected")]
    pub allow_protected: bool,
}

fn endian<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Endian>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "little" => Ok(Some(Endian::Little)),
        "big" => Ok(Some(Endian::Big)),
        other => Err(serde::de::Error::custom(format!(
            "`{other}` is no byte order: write \"little\" or \"big\""
        ))),
    }
}
