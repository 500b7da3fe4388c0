//! A CRC follows a change: the CRC without start value is linear over GF(2), so what changed
//! bytes are worth is the remainder of their difference, moved on by the zeros behind them.
//!
//! Registers are left-aligned in 128 bits and shift to the left, for every width of the
//! catalogue: reflected algorithms take mirrored bytes and give a mirrored remainder
//! (Williams, "A painless guide to CRC error detection algorithms", 1993, section 11).

use zeroize::Zeroizing;

use super::super::crc::Shape;
use super::window::Windows;
use crate::image::Edits;

/// Bits of the register.
const BITS: u32 = u128::BITS;
/// Bits that one table of a [`Shift`] takes.
const NIBBLE: u32 = 4;

/// What a change of each window is worth.
#[derive(Debug)]
pub(super) struct Linear {
    shape: Shape,
    /// What each byte leaves in a register of zeros.
    bytes: Box<[u128; 256]>,
    /// One for each window: on to the next one, or to the end.
    shifts: Vec<Shift>,
}

/// A register moved on by a fixed number of zero bytes: a linear map, four bits a table.
#[derive(Debug)]
struct Shift(Vec<[u128; 16]>);

impl Linear {
    pub(super) fn new(shape: Shape, windows: &Windows) -> Self {
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
            for (old, new) in old.iter().zip(new.iter()) {
                register = self.step(register, old ^ new);
            }
            register = shift.apply(register);
        }
        let value = register >> (BITS - u32::from(self.shape.width));
        match self.shape.refout {
            true => value.reverse_bits() >> (BITS - u32::from(self.shape.width)),
            false => value,
        }
    }

    fn step(&self, register: u128, byte: u8) -> u128 {
        let byte = match self.shape.refin {
            true => byte.reverse_bits(),
            false => byte,
        };
        let [top, ..] = register.to_be_bytes();
        let entry = self.bytes.get(usize::from(top ^ byte));
        (register << 8) ^ entry.copied().unwrap_or_default()
    }
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
