//! What an ELF header says about the machine.

use object::elf;

/// Byte order of the machine that runs the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Endian {
    /// Least significant byte first.
    #[strum(serialize = "little-endian")]
    Little,
    /// Most significant byte first.
    #[strum(serialize = "big-endian")]
    Big,
}

/// What an ELF header says about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Address size in bits: 32 or 64.
    pub bits: u8,
    /// Byte order.
    pub endian: Endian,
    /// Name of `e_machine`, such as `ARM`; its number where it has no name here.
    pub name: String,
}

/// Names the value of `e_machine`.
pub(crate) fn name(code: u16) -> String {
    let name = match elf::Machine(code) {
        elf::EM_68K => "M68K",
        elf::EM_AARCH64 => "AArch64",
        elf::EM_ALTERA_NIOS2 => "Nios II",
        elf::EM_ARC_COMPACT => "ARCompact",
        elf::EM_ARC_COMPACT2 => "ARCv2",
        elf::EM_ARM => "ARM",
        elf::EM_AVR => "AVR",
        elf::EM_AVR32 => "AVR32",
        elf::EM_BLACKFIN => "Blackfin",
        elf::EM_COLDFIRE => "ColdFire",
        elf::EM_CSKY => "C-SKY",
        elf::EM_HEXAGON => "Hexagon",
        elf::EM_386 => "x86",
        elf::EM_LOONGARCH => "LoongArch",
        elf::EM_MICROBLAZE => "MicroBlaze",
        elf::EM_MIPS | elf::EM_MIPS_RS3_LE => "MIPS",
        elf::EM_MSP430 => "MSP430",
        elf::EM_OPENRISC => "OpenRISC",
        elf::EM_PARISC => "PA-RISC",
        elf::EM_PPC => "PowerPC",
        elf::EM_PPC64 => "PowerPC64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_RL78 => "RL78",
        elf::EM_RX => "RX",
        elf::EM_S390 => "s390",
        elf::EM_SH => "SuperH",
        elf::EM_SPARC | elf::EM_SPARC32PLUS => "SPARC",
        elf::EM_SPARCV9 => "SPARC V9",
        elf::EM_TI_C2000 => "TI C2000",
        elf::EM_TI_C6000 => "TI C6000",
        elf::EM_TRICORE => "TriCore",
        elf::EM_V850 => "V850",
        elf::EM_X86_64 => "x86-64",
        elf::EM_XTENSA => "Xtensa",
        _ => return format!("machine {code}"),
    };
    name.to_owned()
}
