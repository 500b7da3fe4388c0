//! The 16-bit encodings (DDI 0403E, A5.2; DDI 0419E, A5.2).
//!
//! One function a row of the manual's table; it must not know the 32-bit encodings.

use super::{Bus, Cpu, Shift, Size, Stop, bit, field, sign_extend};

impl Cpu {
    /// Executes a 16-bit instruction; `flags` is false inside an IT block.
    pub(super) fn exec16<B: Bus>(&mut self, bus: &mut B, h: u32, flags: bool) -> Result<(), Stop> {
        match h >> 11 {
            0b00000..=0b00010 => self.shift_immediate(h, flags),
            0b00011 => self.add_subtract_3(h, flags),
            0b00100..=0b00111 => self.immediate_8(h, flags),
            0b01000 if !bit(h, 10) => self.data_processing(h, flags),
            0b01000 => return self.high_registers(h),
            0b01001 => {
                let address = self.literal_base().wrapping_add((h & 0xff) << 2);
                let value = self.load(bus, address, Size::Word)?;
                self.set_register(field(h, 10, 8), value);
            }
            0b01010 | 0b01011 => return self.load_store_register(bus, h),
            0b01100..=0b10001 => return self.load_store_immediate(bus, h),
            0b10010 | 0b10011 => {
                let address = self.register(13).wrapping_add((h & 0xff) << 2);
                let rt = field(h, 10, 8);
                if bit(h, 11) {
                    let value = self.load(bus, address, Size::Word)?;
                    self.set_register(rt, value);
                } else {
                    self.store(bus, address, Size::Word, self.register(rt))?;
                }
            }
            0b10100 | 0b10101 => {
                let base = if bit(h, 11) {
                    self.register(13)
                } else {
                    self.literal_base()
                };
                self.set_register(field(h, 10, 8), base.wrapping_add((h & 0xff) << 2));
            }
            0b10110 | 0b10111 => return self.miscellaneous(bus, h),
            0b11000 | 0b11001 => return self.multiple(bus, h),
            0b11010 | 0b11011 => match field(h, 11, 8) {
                0xe => return Err(self.undefined(h, 0)),
                0xf => return Err(Stop::Exception(h & 0xff)),
                code if self.condition(code) => self.branch_by(sign_extend(h & 0xff, 8) << 1),
                _ => {}
            },
            0b11100 => self.branch_by(sign_extend(h & 0x7ff, 11) << 1),
            _ => return Err(self.undefined(h, 0)),
        }
        Ok(())
    }

    fn shift_immediate(&mut self, h: u32, flags: bool) {
        let value = self.register(field(h, 5, 3));
        let shift = Shift::from_bits(h >> 11);
        let (result, carry) = shift.apply_immediate(value, field(h, 10, 6), self.c);
        self.set_register(h & 7, result);
        if flags {
            self.set_nz(result);
            self.c = carry;
        }
    }

    fn add_subtract_3(&mut self, h: u32, flags: bool) {
        let a = self.register(field(h, 5, 3));
        let third = field(h, 8, 6);
        let b = if bit(h, 10) {
            third
        } else {
            self.register(third)
        };
        let result = if bit(h, 9) {
            self.add(a, !b, true, flags)
        } else {
            self.add(a, b, false, flags)
        };
        self.set_register(h & 7, result);
    }

    fn immediate_8(&mut self, h: u32, flags: bool) {
        let (rd, imm) = (field(h, 10, 8), h & 0xff);
        let a = self.register(rd);
        match field(h, 12, 11) {
            0 => {
                self.set_register(rd, imm);
                if flags {
                    self.set_nz(imm);
                }
            }
            1 => {
                self.add(a, !imm, true, true);
            }
            2 => {
                let result = self.add(a, imm, false, flags);
                self.set_register(rd, result);
            }
            _ => {
                let result = self.add(a, !imm, true, flags);
                self.set_register(rd, result);
            }
        }
    }

    fn data_processing(&mut self, h: u32, flags: bool) {
        let rd = h & 7;
        let (a, b) = (self.register(rd), self.register(field(h, 5, 3)));
        let carry = self.c;
        let logical = match field(h, 9, 6) {
            0b0000 => a & b,
            0b0001 => a ^ b,
            op @ (0b0010 | 0b0011 | 0b0100 | 0b0111) => {
                let shift = if op == 0b0111 {
                    Shift::Ror
                } else {
                    Shift::from_bits(op - 0b0010)
                };
                let (result, carry) = shift.apply(a, b & 0xff, carry);
                if flags {
                    self.c = carry;
                }
                result
            }
            0b0101 => {
                let sum = self.add(a, b, carry, flags);
                return self.set_register(rd, sum);
            }
            0b0110 => {
                let difference = self.add(a, !b, carry, flags);
                return self.set_register(rd, difference);
            }
            0b1000 => return self.set_nz(a & b),
            0b1001 => {
                let negated = self.add(!b, 0, true, flags);
                return self.set_register(rd, negated);
            }
            0b1010 => {
                self.add(a, !b, true, true);
                return;
            }
            0b1011 => {
                self.add(a, b, false, true);
                return;
            }
            0b1100 => a | b,
            0b1101 => a.wrapping_mul(b),
            0b1110 => a & !b,
            _ => !b,
        };
        self.set_register(rd, logical);
        if flags {
            self.set_nz(logical);
        }
    }

    /// ADD, CMP and MOV with high registers, BX and BLX.
    fn high_registers(&mut self, h: u32) -> Result<(), Stop> {
        let rd = h & 7 | h >> 4 & 8;
        let (a, b) = (self.operand(rd), self.operand(field(h, 6, 3)));
        match field(h, 9, 8) {
            0 => self.set_register(rd, a.wrapping_add(b)),
            1 => {
                self.add(a, !b, true, true);
            }
            2 => self.set_register(rd, b),
            _ => {
                let link = self.register(15) | 1;
                self.branch_exchange(b)?;
                if bit(h, 7) {
                    self.set_register(14, link);
                }
            }
        }
        Ok(())
    }

    fn load_store_register<B: Bus>(&mut self, bus: &mut B, h: u32) -> Result<(), Stop> {
        let address = self
            .register(field(h, 5, 3))
            .wrapping_add(self.register(field(h, 8, 6)));
        let rt = h & 7;
        let value = match field(h, 11, 9) {
            0 => return self.store(bus, address, Size::Word, self.register(rt)),
            1 => return self.store(bus, address, Size::Half, self.register(rt)),
            2 => return self.store(bus, address, Size::Byte, self.register(rt)),
            3 => sign_extend(self.load(bus, address, Size::Byte)?, 8),
            4 => self.load(bus, address, Size::Word)?,
            5 => self.load(bus, address, Size::Half)?,
            6 => self.load(bus, address, Size::Byte)?,
            _ => sign_extend(self.load(bus, address, Size::Half)?, 16),
        };
        self.set_register(rt, value);
        Ok(())
    }

    fn load_store_immediate<B: Bus>(&mut self, bus: &mut B, h: u32) -> Result<(), Stop> {
        let size = match h >> 12 {
            0b0110 => Size::Word,
            0b0111 => Size::Byte,
            _ => Size::Half,
        };
        let offset = field(h, 10, 6) * size.bytes();
        let address = self.register(field(h, 5, 3)).wrapping_add(offset);
        let rt = h & 7;
        if bit(h, 11) {
            let value = self.load(bus, address, size)?;
            self.set_register(rt, value);
            Ok(())
        } else {
            self.store(bus, address, size, self.register(rt))
        }
    }

    fn miscellaneous<B: Bus>(&mut self, bus: &mut B, h: u32) -> Result<(), Stop> {
        let rd = h & 7;
        let value = self.register(field(h, 5, 3));
        match field(h, 11, 8) {
            0b0000 => {
                let (sp, offset) = (self.register(13), (h & 0x7f) << 2);
                let sp = if bit(h, 7) {
                    sp.wrapping_sub(offset)
                } else {
                    sp.wrapping_add(offset)
                };
                self.set_register(13, sp);
            }
            0b0001 | 0b0011 | 0b1001 | 0b1011 if self.v7m() => {
                let offset = u32::from(bit(h, 9)) << 6 | field(h, 7, 3) << 1;
                if (self.register(rd) != 0) == bit(h, 11) {
                    self.branch_by(offset);
                }
            }
            0b0010 => self.set_register(
                rd,
                match field(h, 7, 6) {
                    0 => sign_extend(value, 16),
                    1 => sign_extend(value, 8),
                    2 => value & 0xffff,
                    _ => value & 0xff,
                },
            ),
            0b0100 | 0b0101 => return self.push(bus, h & 0xff | (h & 0x100) << 6),
            0b0110 if h & 0xffec == 0xb660 => {
                if bit(h, 1) {
                    self.primask = h >> 4 & 1;
                }
            }
            0b1010 => {
                let reversed = match field(h, 7, 6) {
                    0 => value.swap_bytes(),
                    1 => value.swap_bytes().rotate_left(16),
                    3 => sign_extend(value.swap_bytes() >> 16, 16),
                    _ => return Err(self.undefined(h, 0)),
                };
                self.set_register(rd, reversed);
            }
            0b1100 | 0b1101 => return self.pop(bus, h & 0xff | (h & 0x100) << 7),
            0b1110 => return Err(Stop::Breakpoint((h & 0xff) as u8)),
            0b1111 => return self.hint_or_it(h),
            _ => return Err(self.undefined(h, 0)),
        }
        Ok(())
    }

    fn hint_or_it(&mut self, h: u32) -> Result<(), Stop> {
        if h & 0xf != 0 {
            if !self.v7m() {
                return Err(self.undefined(h, 0));
            }
            self.it = (h & 0xff) as u8;
            return Ok(());
        }
        match field(h, 7, 4) {
            2 | 3 => Err(Stop::Sleep),
            _ => Ok(()),
        }
    }

    fn push<B: Bus>(&mut self, bus: &mut B, list: u32) -> Result<(), Stop> {
        let base = self.register(13).wrapping_sub(4 * list.count_ones());
        self.store_multiple(bus, base, list)?;
        self.set_register(13, base);
        Ok(())
    }

    fn pop<B: Bus>(&mut self, bus: &mut B, list: u32) -> Result<(), Stop> {
        let base = self.register(13);
        let target = self.load_multiple(bus, base, list)?;
        if let Some(target) = target {
            self.branch_exchange(target)?;
        }
        self.set_register(13, base.wrapping_add(4 * list.count_ones()));
        Ok(())
    }

    fn multiple<B: Bus>(&mut self, bus: &mut B, h: u32) -> Result<(), Stop> {
        let (rn, list) = (field(h, 10, 8), h & 0xff);
        let base = self.register(rn);
        let end = base.wrapping_add(4 * list.count_ones());
        if bit(h, 11) {
            self.load_multiple(bus, base, list)?;
            if bit(list, rn) {
                return Ok(());
            }
        } else {
            self.store_multiple(bus, base, list)?;
        }
        self.set_register(rn, end);
        Ok(())
    }
}
