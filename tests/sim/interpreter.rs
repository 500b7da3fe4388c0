//! The interpreter against `armagnac`, one random instruction at a time.
//!
//! Encodings that `armagnac` calls unpredictable or unknown are skipped, and so are instructions
//! whose effect outlives them (hints, SVC, BKPT, CPS, MSR).

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use armagnac::core::{Config, Emulator, Processor, RunOptions};
use armagnac::registers::RegisterIndex;
use eol_inject::sim::thumb::{Architecture, Bus, BusFault, Cpu, Size, Stop};

const CODE: u32 = 0x1000;
const AT: u32 = CODE + 0x400;
const RAM: u32 = 0x2000_0000;
const RAM_SIZE: usize = 0x2000;

struct Memory {
    code: Vec<u8>,
    ram: Vec<u8>,
}

impl Memory {
    fn with(first: u32, second: u32) -> Memory {
        let mut code = vec![0; 0x1000];
        let at = (AT - CODE) as usize;
        code[at..at + 2].copy_from_slice(&first.to_le_bytes()[..2]);
        code[at + 2..at + 4].copy_from_slice(&second.to_le_bytes()[..2]);
        let ram = (0..RAM_SIZE).map(|index| (index * 7) as u8).collect();
        Memory { code, ram }
    }

    fn cells(&mut self, address: u32, size: Size) -> Result<&mut [u8], BusFault> {
        let (memory, base) = if address >= RAM {
            (&mut self.ram, RAM)
        } else {
            (&mut self.code, CODE)
        };
        let start = address.wrapping_sub(base) as usize;
        memory
            .get_mut(start..start.saturating_add(size.bytes() as usize))
            .ok_or(BusFault(address))
    }
}

impl Bus for Memory {
    fn read(&mut self, address: u32, size: Size) -> Result<u32, BusFault> {
        let cells = self.cells(address, size)?;
        Ok(cells
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    fn write(&mut self, address: u32, size: Size, value: u32) -> Result<(), BusFault> {
        let cells = self.cells(address, size)?;
        cells.copy_from_slice(&value.to_le_bytes()[..size.bytes() as usize]);
        Ok(())
    }
}

struct Random(u64);

impl Random {
    fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    /// A register below SP.
    fn low(&mut self) -> u32 {
        self.word() % 13
    }

    fn narrow(&mut self) -> (u32, u32) {
        (self.word() % 0xe800, self.word() & 0xffff)
    }

    /// A 32-bit encoding; those that matter come up more often.
    fn wide(&mut self) -> (u32, u32) {
        let second = self.word() & 0xffff;
        match self.word() % 8 {
            0 | 1 => (
                0xf000 | self.word() & 0x7f0 | self.low(),
                second & 0x70ff | self.low() << 8,
            ),
            2 => (
                0xea00 | self.word() & 0x1f0 | self.low(),
                second & 0x70f0 | self.low() << 8 | self.low(),
            ),
            3 => (
                0xfa00 | self.word() & 0x0f0 | self.low(),
                0xf000 | second & 0xf0 | self.low() << 8 | self.low(),
            ),
            4 => (
                0xfb00 | self.word() & 0x0f0 | self.low(),
                second & 0x00f0 | self.low() << 12 | self.low() << 8 | self.low(),
            ),
            5 => (
                0xf800 | self.word() & 0x1f0 | self.low(),
                second & 0x0fff | self.low() << 12,
            ),
            6 => (0xe800 | self.word() & 0x1f0 | self.low(), second & 0x5fff),
            _ => {
                let upper = if self.word() & 1 == 0 { 0xf000 } else { 0 };
                (0xe800 | self.word() & 0x17ff | upper, second)
            }
        }
    }

    /// A register value: in RAM, anywhere, small, or in code.
    fn value(&mut self) -> u32 {
        match self.word() % 4 {
            0 => RAM + 0x800 + (self.word() & 0x3fc),
            1 => self.word(),
            2 => self.word() & 0xff,
            _ => CODE + (self.word() & 0x3ff),
        }
    }
}

fn outlives(first: u32, is_wide: bool) -> bool {
    if is_wide {
        return first & 0xff80 == 0xf380;
    }
    matches!(first >> 8, 0xbf | 0xdf | 0xbe | 0xb6)
}

/// STM whose base is in the list but not its lowest register: the stored value is UNKNOWN.
fn stores_unknown(first: u32, is_wide: bool) -> bool {
    let base = first >> 8 & 7;
    !is_wide && first >> 11 == 0b11000 && first >> base & 1 == 1 && first & ((1 << base) - 1) != 0
}

thread_local! {
    /// Panics of this thread are expected and print nothing.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

fn silence_expected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
}

/// Returns how many instructions both executed, with the same result, and how many stopped here only.
fn compare(architecture: Architecture, count: u32, is_wide: bool) -> (u32, u32) {
    silence_expected_panics();
    let config = match architecture {
        Architecture::V6M => Config::v6m(),
        Architecture::V7M => Config::v7m(),
    };
    let mut oracle = Processor::new(config);
    oracle.map_ram(CODE, 0x1000).unwrap();
    oracle.map_ram(RAM, RAM_SIZE as u32).unwrap();
    let mut random = Random(0x1234_5678_9abc_def0);
    let (mut equal, mut ours_only) = (0, 0);
    for _ in 0..count {
        let (first, second) = if is_wide {
            random.wide()
        } else {
            random.narrow()
        };
        if outlives(first, is_wide) || stores_unknown(first, is_wide) {
            continue;
        }
        let mut memory = Memory::with(first, second);
        let mut cpu = Cpu::new(architecture);
        for index in 0..15 {
            cpu.set_register(index, random.value());
        }
        cpu.set_register(13, RAM + 0x1000 + (random.word() & 0x1fc));
        cpu.set_register(15, AT);
        cpu.set_xpsr(random.word() & 0xf000_0000 | 1 << 24);

        for index in 0..15 {
            oracle.set(RegisterIndex::new_main(index), cpu.register(index));
        }
        oracle.set_pc(AT);
        let xpsr = cpu.xpsr();
        let flag = |bit: u32| xpsr >> bit & 1 != 0;
        oracle
            .registers
            .psr
            .set_n(flag(31))
            .set_z(flag(30))
            .set_c(flag(29))
            .set_v(flag(28));
        oracle.write_bytes_iface(CODE, &memory.code).unwrap();
        oracle.write_bytes_iface(RAM, &memory.ram).unwrap();
        QUIET.set(true); // The oracle panics on some shifts.
        let ran = catch_unwind(AssertUnwindSafe(|| oracle.run(RunOptions::new().gas(1))));
        QUIET.set(false);
        if !matches!(ran, Ok(Ok(None))) {
            continue;
        }
        if let Err(stop) = cpu.step(&mut memory) {
            // Not modelled here (coprocessors, saturation, exclusive accesses), or stricter here
            // (alignment on ARMv6-M, branches to ARM state): a stop, never a wrong result.
            assert!(!matches!(stop, Stop::Bus(_)), "{stop:x?} of {first:04x}");
            ours_only += 1;
            continue;
        }
        for index in (0..15).filter(|index| *index != 13) {
            assert_eq!(
                cpu.register(index),
                oracle[RegisterIndex::new_main(index)],
                "r{index} of {first:04x} {second:04x}"
            );
        }
        // SP has no bits 1:0 here.
        let sp = oracle[RegisterIndex::new_main(13)];
        assert_eq!(cpu.register(13), sp & !3, "sp of {first:04x} {second:04x}");
        assert_eq!(
            cpu.register(15),
            oracle.pc(),
            "pc of {first:04x} {second:04x}"
        );
        let theirs = &oracle.registers.psr;
        let after = cpu.xpsr();
        let flags = [31, 30, 29, 28].map(|bit| after >> bit & 1 != 0);
        assert_eq!(
            flags,
            [theirs.n(), theirs.z(), theirs.c(), theirs.v()],
            "flags of {first:04x} {second:04x}"
        );
        let ram = oracle.read_bytes_iface(RAM, RAM_SIZE as u32).unwrap();
        assert!(ram == memory.ram, "memory after {first:04x} {second:04x}");
        equal += 1;
    }
    (equal, ours_only)
}

#[test]
fn random_16_bit_instructions_of_armv6_m_match_the_oracle() {
    let (equal, ours_only) = compare(Architecture::V6M, 4_000, false);
    assert!(equal > 2_700 && ours_only < 200, "{equal}, {ours_only}");
}

#[test]
fn random_16_bit_instructions_of_armv7_m_match_the_oracle() {
    let (equal, ours_only) = compare(Architecture::V7M, 4_000, false);
    assert!(equal > 2_700 && ours_only < 100, "{equal}, {ours_only}");
}

#[test]
fn random_32_bit_instructions_match_the_oracle() {
    let (equal, ours_only) = compare(Architecture::V7M, 8_000, true);
    assert!(equal > 1_400 && ours_only < 500, "{equal}, {ours_only}");
}

#[test]
#[ignore = "takes minutes in the dev profile"]
fn many_random_instructions_match_the_oracle() {
    let (narrow_v6m, _) = compare(Architecture::V6M, 200_000, false);
    let (narrow_v7m, _) = compare(Architecture::V7M, 200_000, false);
    let (wide, _) = compare(Architecture::V7M, 600_000, true);
    let all = narrow_v6m + narrow_v7m + wide;
    assert!(all > 400_000, "{narrow_v6m} + {narrow_v7m} + {wide}");
}

/// Runs `code` from `AT` until it stops.
fn run(architecture: Architecture, code: &[u16], registers: &[(u32, u32)]) -> (Cpu, Stop) {
    let mut memory = Memory::with(0, 0);
    for (index, half) in code.iter().enumerate() {
        let at = (AT - CODE) as usize + 2 * index;
        memory.code[at..at + 2].copy_from_slice(&half.to_le_bytes());
    }
    let mut cpu = Cpu::new(architecture);
    cpu.set_register(13, RAM + 0x1000);
    cpu.set_register(15, AT);
    for (index, value) in registers {
        cpu.set_register(*index, *value);
    }
    for _ in 0..1_000 {
        if let Err(stop) = cpu.step(&mut memory) {
            return (cpu, stop);
        }
    }
    panic!("code does not stop");
}

#[test]
fn an_it_block_executes_the_right_half() {
    // cmp r0, #5; ite eq; moveq r1, #1; movne r1, #2; bkpt
    let code = [0x2805, 0xbf0c, 0x2101, 0x2102, 0xbe00];
    for (r0, r1) in [(5, 1), (6, 2)] {
        let (cpu, stop) = run(Architecture::V7M, &code, &[(0, r0)]);
        assert_eq!((cpu.register(1), stop), (r1, Stop::Breakpoint(0)));
    }
}

#[test]
fn push_and_pop_return_to_the_caller() {
    // bl f; bkpt 1; f: push {r4, lr}; movs r4, #9; mov r0, r4; pop {r4, pc}
    let code = [0xf000, 0xf801, 0xbe01, 0xb510, 0x2409, 0x4620, 0xbd10];
    let (cpu, stop) = run(Architecture::V6M, &code, &[(4, 77)]);
    assert_eq!(stop, Stop::Breakpoint(1));
    assert_eq!((cpu.register(0), cpu.register(4)), (9, 77));
    assert_eq!(cpu.register(13), RAM + 0x1000);
}

#[test]
fn the_pc_stays_at_an_instruction_that_stops_the_core() {
    let v7m_on_v6m = [0xf240, 0x1000]; // movw r0, #0x100
    type Case<'a> = (&'a [u16], &'a [(u32, u32)], Stop);
    let cases: [Case<'_>; 4] = [
        (
            &v7m_on_v6m,
            &[],
            Stop::Undefined {
                address: AT,
                first: 0xf240,
                second: 0x1000,
            },
        ),
        (
            &[0x6800],
            &[(0, 0x5000_0000)],
            Stop::Bus(BusFault(0x5000_0000)),
        ),
        (&[0x6800], &[(0, RAM + 1)], Stop::Unaligned(RAM + 1)),
        (&[0x4700], &[(0, RAM)], Stop::Exception(RAM)),
    ];
    for (code, registers, expected) in cases {
        let (cpu, stop) = run(Architecture::V6M, code, registers);
        assert_eq!(stop, expected);
        assert_eq!(cpu.register(15), AT);
    }
}

#[test]
fn sleeping_leaves_the_pc_behind_the_instruction() {
    let (cpu, stop) = run(Architecture::V6M, &[0xbf30], &[]);
    assert_eq!((stop, cpu.register(15)), (Stop::Sleep, AT + 2));
}

#[test]
fn a_division_by_zero_gives_zero() {
    // udiv r2, r0, r1; sdiv r3, r0, r1; bkpt
    let code = [0xfbb0, 0xf2f1, 0xfb90, 0xf3f1, 0xbe00];
    let (cpu, _) = run(Architecture::V7M, &code, &[(0, 7), (1, 0), (2, 1), (3, 1)]);
    assert_eq!((cpu.register(2), cpu.register(3)), (0, 0));
    let (cpu, _) = run(Architecture::V7M, &code, &[(0, 0x8000_0000), (1, u32::MAX)]);
    assert_eq!(cpu.register(3), 0x8000_0000);
}

#[test]
fn no_encoding_makes_the_interpreter_panic() {
    let mut random = Random(0x0bad_c0de_0bad_c0de);
    for architecture in [Architecture::V6M, Architecture::V7M] {
        let mut memory = Memory::with(0, 0);
        let mut cpu = Cpu::new(architecture);
        for first in 0..=0xffff_u32 {
            for _ in 0..if first >> 11 >= 0b11101 { 16 } else { 2 } {
                let second = random.word();
                let at = (AT - CODE) as usize;
                memory.code[at..at + 2].copy_from_slice(&first.to_le_bytes()[..2]);
                memory.code[at + 2..at + 4].copy_from_slice(&second.to_le_bytes()[..2]);
                for index in 0..15 {
                    cpu.set_register(index, random.value());
                }
                cpu.set_register(15, AT);
                cpu.set_xpsr(random.word() | 1 << 24);
                let _ = cpu.step(&mut memory);
            }
        }
    }
}
