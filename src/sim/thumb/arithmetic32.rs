//! 32-bit encodings that compute between registers only (DDI 0403E, A5.3.12 to A5.3.17).
//!
//! They must not touch the bus. `None` is an encoding outside the modelled set.

use super::decode32::Wide;
use super::{Cpu, Shift, bit, field, sign_extend};

/// Low word of a 64-bit product, and its high word.
fn halves(product: u64) -> (u32, u32) {
    (
        (product & 0xffff_ffff) as u32,
        (product >> 32 & 0xffff_ffff) as u32,
    )
}

impl Cpu {
    /// A5.3.12 to A5.3.15: shifts by register, extensions, REV and CLZ.
    pub(super) fn register_operation(&mut self, w: Wide) -> Option<()> {
        let Wide { first, second, .. } = w;
        let (a, b) = (self.register(w.rn), self.register(w.rm));
        let result = if !bit(second, 7) {
            if bit(first, 7) || second & 0xf0f0 != 0xf000 {
                return None;
            }
            let shift = Shift::from_bits(first >> 5);
            let (result, carry) = shift.apply(a, b & 0xff, self.c);
            if bit(first, 4) {
                self.set_nz(result);
                self.c = carry;
            }
            result
        } else if !bit(first, 7) {
            let rotated = b.rotate_right(field(second, 5, 4) * 8);
            let extended = match field(first, 6, 4) {
                0 => sign_extend(rotated, 16),
                1 => rotated & 0xffff,
                4 => sign_extend(rotated, 8),
                5 => rotated & 0xff,
                _ => return None,
            };
            if w.rn == 15 {
                extended
            } else {
                extended.wrapping_add(a)
            }
        } else {
            match (second & 0xf0c0, field(first, 6, 4), field(second, 5, 4)) {
                (0xf080, 1, 0) => b.swap_bytes(),
                (0xf080, 1, 1) => b.swap_bytes().rotate_left(16),
                (0xf080, 1, 2) => b.reverse_bits(),
                (0xf080, 1, 3) => sign_extend(b.swap_bytes() >> 16, 16),
                (0xf080, 3, 0) => b.leading_zeros(),
                _ => return None,
            }
        };
        self.set_register(w.rd, result);
        Some(())
    }

    /// A5.3.16: MUL, MLA and MLS.
    pub(super) fn multiply(&mut self, w: Wide) -> Option<()> {
        if w.first & 0xfff0 != 0xfb00 {
            return None;
        }
        let product = self.register(w.rn).wrapping_mul(self.register(w.rm));
        let result = match (field(w.second, 7, 4), w.rt) {
            (0, 15) => product,
            (0, ra) => product.wrapping_add(self.register(ra)),
            (1, ra) => self.register(ra).wrapping_sub(product),
            _ => return None,
        };
        self.set_register(w.rd, result);
        Some(())
    }

    /// A5.3.17: the 64-bit products, SDIV and UDIV (a division by zero gives 0).
    pub(super) fn long_multiply_divide(&mut self, w: Wide) -> Option<()> {
        let (a, b) = (self.register(w.rn), self.register(w.rm));
        let unsigned = u64::from(a).wrapping_mul(u64::from(b));
        let signed = i64::from(a.cast_signed())
            .wrapping_mul(i64::from(b.cast_signed()))
            .cast_unsigned();
        let sum = u64::from(self.register(w.rd)) << 32 | u64::from(self.register(w.rt));
        let (low, high) = halves(match (field(w.first, 6, 4), field(w.second, 7, 4)) {
            (0, 0) => signed,
            (2, 0) => unsigned,
            (4, 0) => sum.wrapping_add(signed),
            (6, 0) => sum.wrapping_add(unsigned),
            (1, 15) if b == 0 => return self.set_quotient(w, 0),
            (1, 15) => {
                let quotient = a.cast_signed().wrapping_div(b.cast_signed());
                return self.set_quotient(w, quotient.cast_unsigned());
            }
            (3, 15) => return self.set_quotient(w, a.checked_div(b).unwrap_or(0)),
            _ => return None,
        });
        self.set_register(w.rt, low);
        self.set_register(w.rd, high);
        Some(())
    }

    fn set_quotient(&mut self, w: Wide, quotient: u32) -> Option<()> {
        self.set_register(w.rd, quotient);
        Some(())
    }
}
