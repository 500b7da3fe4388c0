//! Sums: bytes or words added up, xor, Adler and Fletcher.

use super::crc::Source;
use crate::image::Endian;

/// Bytes that are added up before a division; whole words.
const BLOCK: usize = 4096;

/// A checksum that adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sum {
    /// Units added up, modulo 2 to the power of `bits`.
    Plain {
        /// Width of the result.
        bits: u8,
        /// Bytes in a unit: 1, 2 or 4.
        unit: u8,
        /// Byte order of a unit.
        endian: Endian,
    },
    /// Exclusive or of all bytes.
    Xor8,
    /// Adler-32 (RFC 1950, section 8.2).
    Adler32,
    /// Fletcher's checksum of bytes, modulo 255 (RFC 1146, appendix I).
    Fletcher16,
    /// Fletcher's checksum of 16-bit words, modulo 65535.
    Fletcher32 {
        /// Byte order of a word.
        endian: Endian,
    },
}

impl Sum {
    /// Returns the width of the result in bits.
    pub(crate) const fn width(self) -> u8 {
        match self {
            Self::Plain { bits, .. } => bits,
            Self::Xor8 => 8,
            Self::Fletcher16 => 16,
            Self::Adler32 | Self::Fletcher32 { .. } => 32,
        }
    }

    /// Returns what `bytes`, whole words, add to a sum of its own kind.
    pub(crate) fn part(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Plain { unit, endian, .. } => units(bytes, unit, endian),
            _ => bytes.iter().fold(0, |sum, byte| sum ^ u64::from(*byte)),
        }
    }

    /// Returns the summands of Adler's and Fletcher's sums in `bytes`, whole words.
    pub(crate) fn summands(self, bytes: &[u8]) -> impl Iterator<Item = u64> {
        let (len, endian) = match self {
            Self::Fletcher32 { endian } => (2, endian),
            _ => (1, Endian::Big),
        };
        bytes.chunks_exact(len).map(move |word| {
            let word = word.iter().map(|byte| u64::from(*byte));
            match endian {
                Endian::Big => word.fold(0, |sum, byte| sum << 8 | byte),
                Endian::Little => word.rev().fold(0, |sum, byte| sum << 8 | byte),
            }
        })
    }

    /// Computes the sum of all that `source` gives; words are whole in each call.
    pub(crate) fn value<E>(self, source: Source<'_, E>) -> Result<u128, E> {
        match self {
            Self::Plain { bits, unit, endian } => {
                let mut sum = 0u64;
                source(&mut |bytes| sum = sum.wrapping_add(units(bytes, unit, endian)))?;
                let mask = u64::MAX >> (64 - u32::from(bits.clamp(1, 64)));
                Ok(u128::from(sum & mask))
            }
            Self::Xor8 => {
                let mut sum = 0u8;
                source(&mut |bytes| sum = bytes.iter().fold(sum, |sum, byte| sum ^ byte))?;
                Ok(u128::from(sum))
            }
            Self::Adler32 => {
                let mut sum = adler2::Adler32::new();
                source(&mut |bytes| sum.write_slice(bytes))?;
                Ok(u128::from(sum.checksum()))
            }
            Self::Fletcher16 => {
                let mut sum = Fletcher::new(255);
                source(&mut |bytes| {
                    for block in bytes.chunks(BLOCK) {
                        sum.add(block.iter().map(|byte| u64::from(*byte)));
                    }
                })?;
                Ok(u128::from(sum.second() << 8 | sum.first()))
            }
            Self::Fletcher32 { endian } => {
                let mut sum = Fletcher::new(65535);
                source(&mut |bytes| {
                    for block in bytes.chunks(BLOCK) {
                        sum.add(words(block, endian));
                    }
                })?;
                Ok(u128::from(sum.second() << 16 | sum.first()))
            }
        }
    }
}

/// Adds the units of `bytes`.
fn units(bytes: &[u8], unit: u8, endian: Endian) -> u64 {
    let sum = |sum: u64, word: u64| sum.wrapping_add(word);
    match unit {
        4 => bytes
            .chunks_exact(4)
            .filter_map(|word| <[u8; 4]>::try_from(word).ok())
            .map(|word| match endian {
                Endian::Little => u32::from_le_bytes(word),
                Endian::Big => u32::from_be_bytes(word),
            })
            .map(u64::from)
            .fold(0, sum),
        2 => words(bytes, endian).fold(0, sum),
        _ => bytes.iter().map(|byte| u64::from(*byte)).fold(0, sum),
    }
}

/// Returns the 16-bit words of `bytes`.
fn words(bytes: &[u8], endian: Endian) -> impl Iterator<Item = u64> {
    bytes
        .chunks_exact(2)
        .filter_map(|word| <[u8; 2]>::try_from(word).ok())
        .map(move |word| match endian {
            Endian::Little => u16::from_le_bytes(word),
            Endian::Big => u16::from_be_bytes(word),
        })
        .map(u64::from)
}

/// The two running sums of Fletcher's checksum.
struct Fletcher {
    first: u64,
    second: u64,
    modulus: u64,
}

impl Fletcher {
    const fn new(modulus: u64) -> Self {
        Self {
            first: 0,
            second: 0,
            modulus,
        }
    }

    /// Adds the words of a block, whose sums stay far below 2^64 without a division.
    fn add(&mut self, words: impl Iterator<Item = u64>) {
        for word in words {
            self.first += word;
            self.second += self.first;
        }
        self.first %= self.modulus;
        self.second %= self.modulus;
    }

    const fn first(&self) -> u64 {
        self.first
    }

    const fn second(&self) -> u64 {
        self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(sum: Sum, bytes: &[u8]) -> u128 {
        let source: Source<'_, ()> = &mut |take| {
            take(bytes);
            Ok(())
        };
        sum.value(source).unwrap()
    }

    const fn plain(bits: u8, unit: u8, endian: Endian) -> Sum {
        Sum::Plain { bits, unit, endian }
    }

    #[test]
    fn sums_give_their_check_values() {
        // python3: sum(b"123456789") & 0xFF, and the same over struct.iter_unpack("<H"/"<I", ...).
        assert_eq!(value(plain(8, 1, Endian::Little), b"123456789"), 0xDD);
        assert_eq!(value(plain(16, 1, Endian::Little), b"123456789"), 0x01DD);
        assert_eq!(value(plain(32, 1, Endian::Little), b"123456789"), 0x01DD);
        assert_eq!(value(plain(16, 2, Endian::Little), b"12345678"), 0xD4D0);
        assert_eq!(value(plain(16, 2, Endian::Big), b"12345678"), 0xD0D4);
        assert_eq!(
            value(plain(32, 4, Endian::Little), b"12345678"),
            0x6C6A_6866
        );
        assert_eq!(value(plain(32, 4, Endian::Big), b"12345678"), 0x6668_6A6C);
        assert_eq!(value(plain(8, 4, Endian::Big), b"12345678"), 0x6C);
        assert_eq!(value(Sum::Xor8, b"123456789"), 0x31);
    }

    #[test]
    fn adler_and_fletcher_give_their_published_values() {
        // python3: zlib.adler32(b"123456789"); Fletcher: the examples of Wikipedia.
        assert_eq!(value(Sum::Adler32, b"123456789"), 0x091E_01DE);
        assert_eq!(value(Sum::Fletcher16, b"abcde"), 0xC8F0);
        assert_eq!(value(Sum::Fletcher16, b"abcdefgh"), 0x0627);
        let little = Sum::Fletcher32 {
            endian: Endian::Little,
        };
        assert_eq!(value(little, b"abcdef"), 0x5650_2D2A);
        assert_eq!(value(little, b"abcdefgh"), 0xEBE1_9591);
    }
}
