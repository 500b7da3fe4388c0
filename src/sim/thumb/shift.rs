//! The shifter, and the bit fields of which encodings are made. It must not know a register.

/// Shift kinds in their two-bit encoding (DDI 0403E, A7.4.2).
#[derive(Clone, Copy)]
pub(super) enum Shift {
    Lsl,
    Lsr,
    Asr,
    Ror,
}

impl Shift {
    /// Takes the kind from the low two bits.
    pub fn from_bits(bits: u32) -> Shift {
        match bits & 3 {
            0 => Shift::Lsl,
            1 => Shift::Lsr,
            2 => Shift::Asr,
            _ => Shift::Ror,
        }
    }

    /// Shifts by a register amount: returns the value and the carry out.
    pub fn apply(self, value: u32, amount: u32, carry: bool) -> (u32, bool) {
        if amount == 0 {
            return (value, carry);
        }
        let low = amount.min(32);
        match self {
            Shift::Lsl => (
                value.checked_shl(amount).unwrap_or(0),
                amount <= 32 && bit(value, 32 - low),
            ),
            Shift::Lsr => (
                value.checked_shr(amount).unwrap_or(0),
                amount <= 32 && bit(value, low - 1),
            ),
            Shift::Asr => {
                let signed = value.cast_signed();
                let sign = signed >> 31;
                (
                    signed.checked_shr(low).unwrap_or(sign).cast_unsigned(),
                    bit(value, low - 1),
                )
            }
            Shift::Ror => {
                let value = value.rotate_right(amount & 31);
                (value, bit(value, 31))
            }
        }
    }

    /// Shifts by a five-bit immediate: 0 means 32 for LSR and ASR, and RRX for ROR.
    pub fn apply_immediate(self, value: u32, imm5: u32, carry: bool) -> (u32, bool) {
        match (self, imm5) {
            (Shift::Lsr | Shift::Asr, 0) => self.apply(value, 32, carry),
            (Shift::Ror, 0) => (u32::from(carry) << 31 | value >> 1, bit(value, 0)),
            _ => self.apply(value, imm5, carry),
        }
    }
}

/// Returns bit `index` of `value`.
pub(super) const fn bit(value: u32, index: u32) -> bool {
    value >> (index & 31) & 1 != 0
}

/// Returns bits `high..=low` of `value`.
pub(super) const fn field(value: u32, high: u32, low: u32) -> u32 {
    value >> low & ((1 << (high - low + 1)) - 1)
}

/// Extends the sign of the low `width` bits.
pub(super) const fn sign_extend(value: u32, width: u32) -> u32 {
    let unused = 32 - width;
    ((value << unused).cast_signed() >> unused).cast_unsigned()
}
