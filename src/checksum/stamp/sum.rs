//! A sum follows a change: what is added up differs by the differences of its summands, each
//! as often as the sum counts it.
//!
//! Adler's and Fletcher's second sum counts a summand once for itself and once for each behind
//! it (RFC 1950, section 8.2; RFC 1146, appendix I).

use zeroize::Zeroizing;

use super::window::Windows;
use crate::checksum::compute::sum::Sum;
use crate::image::Edits;

/// Largest prime below 2^16: Adler's modulus.
const ADLER: i64 = 65521;

/// How a sum counts.
#[derive(Debug)]
pub(super) struct Weighted {
    sum: Sum,
    /// One for each window: how often the second sum counts the first unit of it, as a
    /// remainder. Each unit behind counts once less.
    weights: Vec<i64>,
}

/// A pair of running sums in one number.
struct Pair {
    modulus: i64,
    /// Bits of one sum.
    bits: u32,
    /// Bytes of a summand.
    unit: u64,
}

impl Weighted {
    pub(super) fn new(sum: Sum, windows: &Windows) -> Self {
        let weights = match pair(sum) {
            None => Vec::new(),
            Some(Pair { modulus, unit, .. }) => {
                let modulus = modulus.unsigned_abs();
                let left = windows.iter().map(|window| windows.left(window) / unit);
                let weights = left.map(|left| i64::try_from(left % modulus).unwrap_or(0));
                weights.collect()
            }
        };
        Self { sum, weights }
    }

    /// Returns the sum for `edits`, from the one of the untouched image; `new` is room for a
    /// window.
    pub(super) fn follow(
        &self,
        value: u128,
        windows: &Windows,
        edits: &Edits,
        new: &mut Zeroizing<Vec<u8>>,
    ) -> u128 {
        if let Some(pair) = pair(self.sum) {
            return self.pair(&pair, value, (windows, edits, new));
        }
        let mut change = 0u64;
        for window in windows.iter() {
            let old = windows.read(window, edits, new);
            let (old, new) = (self.sum.part(old), self.sum.part(new));
            change = match self.sum {
                Sum::Xor8 => change ^ old ^ new,
                _ => change.wrapping_add(new).wrapping_sub(old),
            };
        }
        let value = u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0);
        let value = match self.sum {
            Sum::Xor8 => value ^ change,
            _ => value.wrapping_add(change),
        };
        u128::from(value & (u64::MAX >> (64 - u32::from(self.sum.width()))))
    }

    fn pair(
        &self,
        pair: &Pair,
        value: u128,
        (windows, edits, new): (&Windows, &Edits, &mut Zeroizing<Vec<u8>>),
    ) -> u128 {
        let (mut first, mut second) = (0i64, 0i64);
        for (window, weight) in windows.iter().zip(&self.weights) {
            let old = windows.read(window, edits, new);
            let units = self.sum.summands(old).zip(self.sum.summands(new));
            let mut weight = *weight;
            for (old, new) in units {
                let change = new.cast_signed().wrapping_sub(old.cast_signed());
                first = first.wrapping_add(change);
                second = second.wrapping_add(change.wrapping_mul(weight) % pair.modulus);
                weight = weight.wrapping_sub(1);
            }
        }
        let mask = (1u128 << pair.bits) - 1;
        let follow = |old: u128, change: i64| {
            let old = i64::try_from(old & mask).unwrap_or(0);
            let new = old
                .wrapping_add(change % pair.modulus)
                .rem_euclid(pair.modulus);
            u128::from(new.unsigned_abs())
        };
        follow(value >> pair.bits, second) << pair.bits | follow(value, first)
    }
}

const fn pair(sum: Sum) -> Option<Pair> {
    let (modulus, bits, unit) = match sum {
        Sum::Adler32 => (ADLER, 16, 1),
        Sum::Fletcher16 => (255, 8, 1),
        Sum::Fletcher32 { .. } => (65535, 16, 2),
        Sum::Plain { .. } | Sum::Xor8 => return None,
    };
    Some(Pair {
        modulus,
        bits,
        unit,
    })
}
