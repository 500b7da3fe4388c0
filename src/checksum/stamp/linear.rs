//! A CRC follows a change: the CRC without start value is linear over GF(2), so what changed
//! bytes are worth is the remainder of their difference, moved on by the zeros behind them.
//!
//! Registers are left-aligned in 128 bits and shift to the left, for every width of the
//! catalogue: reflected algorithms take mirrored bytes and give a mirrored remainder
//! (Williams, "A painless guide to CRC error detection algorithms", 1993, section 11).

use zeroize::Zeroizing;

use super::window::Windows;
use crate::checksum::compute::crc::Shape;
use crate::image::Edits;

/// Bits of the register.
const BITS: u32 = u128::BITS;
/// Bits that one table of a [`Shift`] takes.
const NIBBLE: u32 = 4;

/// What a change of each window is worth.
#[derive(Debug)]
pub(super) struct Linear {
    shape: Shape,
    bytes: Bytes,
    /// One for each window: on to the next one, or to the end.
    shifts: Vec<Shift>,
}

/// What each byte leaves in a register of zeros.
#[derive(Debug)]
enum Bytes {
    /// For 64 bits and fewer, mirrored where bytes come in mirrored.
    Narrow(Box<[u64; 256]>),
    Wide(Box<[u128; 256]>),
}

/// A register moved on by a fixed number of zero bytes: a linear map, four bits a table.
#[derive(Debug)]
struct Shift(Vec<[u128; 16]>);

impl Linear {
    pub(super) fn new(shape: Shape, windows: &Windows) -> Self {
        let bytes = match shape.width {
            ..=64 => Bytes::narrow(shape),
            _ => Bytes::Wide(wide(shape)),
        };
        let shifts = windows.gaps().into_iter();
        let shifts = shifts.map(|zeros| Shift::by(shape, zeros)).collect();
        Self {
            shape,
            bytes,
            shifts,
        }
    }

    /// Returns what differs in the CRC for `edits`; `new` is room for a window.
    pub(super) fn change(
        &self,
        windows: &Windows,
        edits: &Edits,
        new: &mut Zeroizing<Vec<u8>>,
    ) -> u128 {
        let mut register = 0;
        for (window, shift) in windows.iter().zip(&self.shifts) {
            let old = windows.read(window, edits, new);
            let changed = old.iter().zip(new.iter()).map(|(old, new)| old ^ new);
            register = self.bytes.feed(register, changed, self.shape.refin);
            register = shift.apply(register);
        }
        let value = register >> (BITS - u32::from(self.shape.width));
        match self.shape.refout {
            true => value.reverse_bits() >> (BITS - u32::from(self.shape.width)),
            false => value,
        }
    }
}

impl Bytes {
    fn narrow(shape: Shape) -> Self {
        let wide = wide(shape);
        // The lower half of a left-aligned register of at most 64 bits is empty.
        let entry = |index: u8| wide.get(usize::from(index)).map_or(0, |entry| half(*entry));
        let mut bytes = Box::new([0; 256]);
        for (index, to) in (0..=u8::MAX).zip(bytes.iter_mut()) {
            *to = match shape.refin {
                true => entry(index.reverse_bits()).reverse_bits(),
                false => entry(index),
            };
        }
        Self::Narrow(bytes)
    }

    fn feed(&self, register: u128, bytes: impl Iterator<Item = u8>, refin: bool) -> u128 {
        match self {
            Self::Narrow(table) => {
                let entry = |index: u8| table.get(usize::from(index)).copied().unwrap_or_default();
                let register = half(register);
                let register = if refin {
                    let mirrored = bytes.fold(register.reverse_bits(), |register, byte| {
                        let [low, ..] = register.to_le_bytes();
                        (register >> 8) ^ entry(low ^ byte)
                    });
                    mirrored.reverse_bits()
                } else {
                    bytes.fold(register, |register, byte| {
                        let [top, ..] = register.to_be_bytes();
                        (register << 8) ^ entry(top ^ byte)
                    })
                };
                u128::from(register) << u64::BITS
            }
            Self::Wide(table) => bytes.fold(register, |register, byte| {
                let byte = if refin { byte.reverse_bits() } else { byte };
                let [top, ..] = register.to_be_bytes();
                let entry = table.get(usize::from(top ^ byte));
                (register << 8) ^ entry.copied().unwrap_or_default()
            }),
        }
    }
}

/// Returns the upper half of a register.
fn half(register: u128) -> u64 {
    u64::try_from(register >> u64::BITS).unwrap_or_default()
}

/// Returns what each byte leaves in a left-aligned register of zeros.
fn wide(shape: Shape) -> Box<[u128; 256]> {
    let poly = shape.poly << (BITS - u32::from(shape.width));
    let byte = |byte: u8| {
        (0..8).fold(u128::from(byte) << (BITS - 8), |register, _| {
            let carry = register >> (BITS - 1) == 1;
            (register << 1) ^ if carry { poly } else { 0 }
        })
    };
    let mut bytes = Box::new([0; 256]);
    for (value, entry) in (0..=u8::MAX).zip(bytes.iter_mut()) {
        *entry = byte(value);
    }
    bytes
}

impl Shift {
    fn by(shape: Shape, zeros: u64) -> Self {
        let align = BITS - u32::from(shape.width);
        let factor = power(shape, u128::from(zeros) * 8);
        let tables = (0..u32::from(shape.width).div_ceil(NIBBLE)).map(|index| {
            let mut table = [0; 16];
            for (value, entry) in (0..).zip(table.iter_mut()) {
                let register: u128 = value << (BITS - NIBBLE - NIBBLE * index);
                *entry = product(shape, register >> align, factor) << align;
            }
            table
        });
        Self(tables.collect())
    }

    fn apply(&self, register: u128) -> u128 {
        let mut left = register;
        let mut moved = 0;
        for table in &self.0 {
            let [top, ..] = left.to_be_bytes();
            let entry = table.get(usize::from(top >> NIBBLE));
            moved ^= entry.copied().unwrap_or_default();
            left <<= NIBBLE;
        }
        moved
    }
}

/// Returns the remainder of x to the power of `exponent`, by squaring.
fn power(shape: Shape, exponent: u128) -> u128 {
    let mut base = times_x(shape, 1);
    let mut result = 1;
    let mut exponent = exponent;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(shape, result, base);
        }
        base = product(shape, base, base);
        exponent >>= 1;
    }
    result
}

/// Returns the remainder of a product of two remainders.
fn product(shape: Shape, one: u128, other: u128) -> u128 {
    (0..shape.width).rev().fold(0, |sum, bit| {
        let sum = times_x(shape, sum);
        sum ^ if other >> bit & 1 == 1 { one } else { 0 }
    })
}

/// Returns the remainder of a remainder times x.
const fn times_x(shape: Shape, value: u128) -> u128 {
    let carry = value >> (shape.width - 1) & 1 == 1;
    let shifted = (value << 1) & shape.mask();
    if carry { shifted ^ shape.poly } else { shifted }
}
