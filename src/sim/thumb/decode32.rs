//! The 32-bit encodings (DDI 0403E, A5.3). ARMv6-M has only BL, MSR, MRS and the barriers.
//!
//! One function a row of the manual's table; it must not know the 16-bit encodings. Register shifts,
//! extensions and products are in `arithmetic32`.

use super::{Bus, Cpu, Shift, Size, Stop, bit, field, sign_extend};

/// The fields that most encodings share, and the two half-words for an [`Stop::Undefined`].
#[derive(Clone, Copy)]
pub(super) struct Wide {
    pub first: u32,
    pub second: u32,
    pub rn: u32,
    pub rd: u32,
    pub rm: u32,
    pub rt: u32,
}

impl Wide {
    /// `i:imm3:imm8`.
    fn immediate_12(self) -> u32 {
        field(self.first, 10, 10) << 11 | field(self.second, 14, 12) << 8 | self.second & 0xff
    }

    /// `imm3:imm2`.
    fn immediate_5(self) -> u32 {
        field(self.second, 14, 12) << 2 | field(self.second, 7, 6)
    }
}

/// `base + offset` if `up`, else `base - offset`.
fn offset(base: u32, offset: u32, up: bool) -> u32 {
    if up {
        base.wrapping_add(offset)
    } else {
        base.wrapping_sub(offset)
    }
}

impl Cpu {
    /// Executes a 32-bit instruction.
    pub(super) fn exec32<B: Bus>(
        &mut self,
        bus: &mut B,
        first: u32,
        second: u32,
    ) -> Result<(), Stop> {
        let w = Wide {
            first,
            second,
            rn: first & 15,
            rd: field(second, 11, 8),
            rm: second & 15,
            rt: field(second, 15, 12),
        };
        if first >> 11 == 0b11110 && bit(second, 15) {
            return self.branch_or_control(w);
        }
        let done = match first >> 9 {
            _ if !self.v7m() => None,
            0b111_1000 | 0b111_1010 => {
                let (value, carry) = self.expand_immediate(w.immediate_12());
                self.data_processing_32(w, value, carry)
            }
            0b111_1001 | 0b111_1011 => self.plain_immediate(w),
            0b111_0101 => {
                let shift = Shift::from_bits(second >> 4);
                let value = self.operand(w.rm);
                let (value, carry) = shift.apply_immediate(value, w.immediate_5(), self.c);
                self.data_processing_32(w, value, carry)
            }
            0b111_0100 => return self.multiple_dual_table(bus, w),
            0b111_1100 => return self.load_store_single(bus, w),
            0b111_1101 => match field(first, 8, 7) {
                0 | 1 => self.register_operation(w),
                2 => self.multiply(w),
                _ => self.long_multiply_divide(w),
            },
            _ => None,
        };
        done.ok_or_else(|| self.undefined(first, second))
    }

    /// A5.3.4: branches, MSR, MRS, hints and barriers.
    fn branch_or_control(&mut self, w: Wide) -> Result<(), Stop> {
        let Wide { first, second, .. } = w;
        let undefined = self.undefined(first, second);
        let sign = field(first, 10, 10);
        let (j1, j2) = (field(second, 13, 13), field(second, 11, 11));
        let low = (second & 0x7ff) << 1;
        match second >> 12 & 5 {
            op @ (0b001 | 0b101) => {
                if op == 0b101 {
                    self.set_register(14, self.register(15) | 1);
                } else if !self.v7m() {
                    return Err(undefined);
                }
                let (i1, i2) = (!(j1 ^ sign) & 1, !(j2 ^ sign) & 1);
                let distance = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | low;
                self.branch_by(sign_extend(distance, 25));
            }
            0 if field(first, 9, 7) != 0b111 => {
                if !self.v7m() {
                    return Err(undefined);
                }
                let distance = sign << 20 | j2 << 19 | j1 << 18 | (first & 0x3f) << 12 | low;
                if self.condition(field(first, 9, 6)) {
                    self.branch_by(sign_extend(distance, 21));
                }
            }
            0 if first & 0xffe0 == 0xf380 => {
                let value = self.register(w.rn);
                match second & 0xff {
                    0..=3 => self.set_flags(value),
                    8 => self.set_register(13, value),
                    9 => self.set_psp(value),
                    16 => self.primask = value & 1,
                    17..=19 => {}
                    20 => self.control = value & 3,
                    _ => return Err(undefined),
                }
            }
            0 if first == 0xf3ef => {
                let value = match second & 0xff {
                    0..=7 => self.xpsr() & 0xf800_0000,
                    8 => self.register(13),
                    9 => self.psp,
                    16 => self.primask,
                    17..=19 => 0,
                    20 => self.control,
                    _ => return Err(undefined),
                };
                self.set_register(w.rd, value);
            }
            0 if first == 0xf3bf || first == 0xf3af => {} // Barriers, CLREX and hints.
            _ => return Err(undefined),
        }
        Ok(())
    }

    /// `ThumbExpandImm_C` (A5.3.2).
    fn expand_immediate(&self, imm12: u32) -> (u32, bool) {
        let byte = imm12 & 0xff;
        if field(imm12, 11, 10) != 0 {
            let value = (0x80 | imm12 & 0x7f).rotate_right(field(imm12, 11, 7));
            return (value, bit(value, 31));
        }
        let value = match field(imm12, 9, 8) {
            0 => byte,
            1 => byte << 16 | byte,
            2 => byte << 24 | byte << 8,
            _ => byte * 0x0101_0101,
        };
        (value, self.c)
    }

    /// A5.3.1 and A5.3.11: `b` and `carry` come out of the immediate or the shifter.
    fn data_processing_32(&mut self, w: Wide, b: u32, carry: bool) -> Option<()> {
        let a = self.operand(w.rn);
        let flags = bit(w.first, 4);
        let carry_in = self.c;
        let mut logical = |result: u32| {
            if flags {
                self.set_nz(result);
                self.c = carry;
            }
            result
        };
        let result = match field(w.first, 8, 5) {
            0b0000 => logical(a & b),
            0b0001 => logical(a & !b),
            0b0010 if w.rn == 15 => logical(b),
            0b0010 => logical(a | b),
            0b0011 if w.rn == 15 => logical(!b),
            0b0011 => logical(a | !b),
            0b0100 => logical(a ^ b),
            0b1000 => self.add(a, b, false, flags),
            0b1010 => self.add(a, b, carry_in, flags),
            0b1011 => self.add(a, !b, carry_in, flags),
            0b1101 => self.add(a, !b, true, flags),
            0b1110 => self.add(!a, b, true, flags),
            _ => return None,
        };
        // With Rd = PC and S set the encoding is TST, TEQ, CMN or CMP.
        if !(w.rd == 15 && flags) {
            self.set_register(w.rd, result);
        }
        Some(())
    }

    /// A5.3.3: ADDW, SUBW, MOVW, MOVT and the bit fields.
    fn plain_immediate(&mut self, w: Wide) -> Option<()> {
        let imm12 = w.immediate_12();
        let imm16 = w.rn << 12 | imm12;
        let base = if w.rn == 15 {
            self.literal_base()
        } else {
            self.register(w.rn)
        };
        let (lsb, width_minus_1) = (w.immediate_5(), w.second & 0x1f);
        let old = self.register(w.rd);
        let result = match field(w.first, 8, 4) {
            0b00000 => base.wrapping_add(imm12),
            0b01010 => base.wrapping_sub(imm12),
            0b00100 => imm16,
            0b01100 => imm16 << 16 | old & 0xffff,
            0b10100 => sign_extend(base >> lsb, width_minus_1 + 1),
            0b11100 => base >> lsb & u32::MAX >> (31 - width_minus_1),
            0b10110 => {
                let width = (width_minus_1 + 1).checked_sub(lsb).filter(|w| *w > 0)?;
                let mask = u32::MAX >> (32 - width) << lsb;
                let source = if w.rn == 15 { 0 } else { base };
                old & !mask | source << lsb & mask
            }
            _ => return None,
        };
        self.set_register(w.rd, result);
        Some(())
    }

    /// A5.3.5 and A5.3.6: LDM, STM, LDRD, STRD, TBB and TBH.
    fn multiple_dual_table<B: Bus>(&mut self, bus: &mut B, w: Wide) -> Result<(), Stop> {
        let (load, write_back) = (bit(w.first, 4), bit(w.first, 5));
        if !bit(w.first, 6) {
            let bytes = w.second.count_ones() * 4;
            let base = self.register(w.rn);
            let down = field(w.first, 8, 7) == 0b10;
            let other_end = offset(base, bytes, !down);
            let lowest = if down { other_end } else { base };
            let target = if load {
                self.load_multiple(bus, lowest, w.second)?
            } else {
                self.store_multiple(bus, lowest, w.second)?;
                None
            };
            if write_back {
                self.set_register(w.rn, other_end);
            }
            return target.map_or(Ok(()), |target| self.branch_exchange(target));
        }
        if w.first & 0xfff0 == 0xe8d0 && w.second & 0xffe0 == 0xf000 {
            let index = self.register(w.rm);
            let (size, index) = if bit(w.second, 4) {
                (Size::Half, index << 1)
            } else {
                (Size::Byte, index)
            };
            let entry = self.load(bus, self.operand(w.rn).wrapping_add(index), size)?;
            self.branch_by(entry << 1);
            return Ok(());
        }
        let indexed = bit(w.first, 8);
        if !indexed && !write_back {
            return Err(self.undefined(w.first, w.second)); // Exclusive accesses.
        }
        let base = if w.rn == 15 {
            self.literal_base()
        } else {
            self.register(w.rn)
        };
        let moved = offset(base, (w.second & 0xff) << 2, bit(w.first, 7));
        let low = if indexed { moved } else { base };
        if low & 3 != 0 {
            return Err(Stop::Unaligned(low));
        }
        let high = low.wrapping_add(4);
        if load {
            let (a, b) = (bus.read(low, Size::Word)?, bus.read(high, Size::Word)?);
            self.set_register(w.rt, a);
            self.set_register(w.rd, b);
        } else {
            bus.write(low, Size::Word, self.register(w.rt))?;
            bus.write(high, Size::Word, self.register(w.rd))?;
        }
        if write_back {
            self.set_register(w.rn, moved);
        }
        Ok(())
    }

    /// A5.3.7 to A5.3.10: single loads and stores, with PLD and PLI as no-operations.
    fn load_store_single<B: Bus>(&mut self, bus: &mut B, w: Wide) -> Result<(), Stop> {
        let size = match field(w.first, 6, 5) {
            0 => Size::Byte,
            1 => Size::Half,
            2 => Size::Word,
            _ => return Err(self.undefined(w.first, w.second)),
        };
        let imm12 = w.second & 0xfff;
        let base = self.register(w.rn);
        let (address, write_back) = if w.rn == 15 {
            let up = bit(w.first, 7);
            (offset(self.literal_base(), imm12, up), None)
        } else if bit(w.first, 7) {
            (base.wrapping_add(imm12), None)
        } else if bit(w.second, 11) {
            let moved = offset(base, w.second & 0xff, bit(w.second, 9));
            let address = if bit(w.second, 10) { moved } else { base };
            (address, bit(w.second, 8).then_some(moved))
        } else if w.second & 0xfc0 == 0 {
            let index = self.register(w.rm) << field(w.second, 5, 4);
            (base.wrapping_add(index), None)
        } else {
            return Err(self.undefined(w.first, w.second));
        };
        if !bit(w.first, 4) {
            self.store(bus, address, size, self.register(w.rt))?;
            if let Some(moved) = write_back {
                self.set_register(w.rn, moved);
            }
            return Ok(());
        }
        if w.rt == 15 && size != Size::Word {
            return Ok(()); // PLD and PLI only hint.
        }
        let value = self.load(bus, address, size)?;
        let value = if bit(w.first, 8) {
            sign_extend(value, 8 * size.bytes())
        } else {
            value
        };
        if let Some(moved) = write_back {
            self.set_register(w.rn, moved);
        }
        if w.rt == 15 {
            return self.branch_exchange(value);
        }
        self.set_register(w.rt, value);
        Ok(())
    }
}
