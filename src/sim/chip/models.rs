//! The simulated chips: one row each.
//!
//! A row names memories, identification words and the controller; it must not describe behaviour.
//! Names are those of probe-rs' built-in targets, so that its real flash algorithms are used.
//!
//! Sources: nRF52840 Product Specification (chapters "Memory", "FICR", "UICR"); nRF51 Series
//! Reference Manual 3.0 (chapters 4 to 8); RM0091 and DS9826 (STM32F072), RM0008, PM0075 and DS5319
//! (STM32F103), RM0090 and DS8626 (STM32F405), RM0351 and DS10969 (STM32L475): chapters "Memory
//! map", "Embedded Flash memory", "Debug support" and "Device electronic signature".

use super::model::IdWord::{Uid, Value};
use super::model::{Model, Protection, RamWindow};
use super::{fpec, nvmc, stm32f4, stm32l4};
use crate::sim::thumb::Architecture;

const KIB: u32 = 1024;

impl Model {
    /// Finds a simulated chip by its probe-rs name; case does not matter.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Model> {
        MODELS
            .iter()
            .find(|model| model.name.eq_ignore_ascii_case(name))
    }

    /// Returns all simulated chips.
    #[must_use]
    pub fn all() -> &'static [Model] {
        MODELS
    }
}

/// Option bytes of STM32F0 and F1 as delivered: each byte followed by its complement.
const FPEC_OPTIONS: &[u8] = &[
    0xaa, 0x55, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0,
];

static MODELS: &[Model] = &[
    Model {
        name: "nRF52840_xxAA",
        architecture: Architecture::V7M,
        fpu: true,
        cpuid: 0x410f_c241,
        dpidr: 0x2ba0_1477,
        ap_idr: 0x2477_0011,
        designer: (2, 0x44, 0x008),
        flash_base: 0,
        flash: &[(256, 4 * KIB)],
        info_base: 0x1000_1000,
        info: &[(1, 4 * KIB)],
        info_delivered: &[],
        ram: &[
            window(0x2000_0000, 256 * KIB, 0),
            window(0x0080_0000, 256 * KIB, 0),
        ],
        fixed: &[(0x1000_0000, 0x1000_1000, u32::MAX)],
        ids: &[
            (0x1000_0010, Value(4 * KIB)),     // CODEPAGESIZE
            (0x1000_0014, Value(256)),         // CODESIZE, in pages
            (0x1000_0060, Uid(0)),             // DEVICEID[0]
            (0x1000_0064, Uid(1)),             // DEVICEID[1]
            (0x1000_00a0, Value(1)),           // DEVICEADDRTYPE: random
            (0x1000_0100, Value(0x0005_2840)), // INFO.PART
            (0x1000_0104, Value(0x4141_4430)), // INFO.VARIANT, "AAD0"
            (0x1000_0108, Value(0x2004)),      // INFO.PACKAGE: QI
            (0x1000_010c, Value(256)),         // INFO.RAM, in KiB
            (0x1000_0110, Value(1024)),        // INFO.FLASH, in KiB
        ],
        protection: Protection::ApProtect,
        controller: || Box::new(nvmc::Nvmc::nrf52840()),
    },
    Model {
        name: "nRF51822_xxAC",
        architecture: Architecture::V6M,
        fpu: false,
        cpuid: 0x410c_c200,
        dpidr: 0x0bb1_1477,
        ap_idr: 0x0477_0021,
        designer: (2, 0x44, 0x001),
        flash_base: 0,
        flash: &[(256, KIB)],
        info_base: 0x1000_1000,
        info: &[(1, KIB)],
        info_delivered: &[],
        ram: &[window(0x2000_0000, 32 * KIB, 0)],
        fixed: &[
            (0x1000_0000, 0x1000_1000, u32::MAX),
            (0xf000_0fe0, 0xf000_1000, 0),
        ],
        ids: &[
            (0x1000_0010, Value(KIB)),         // CODEPAGESIZE
            (0x1000_0014, Value(256)),         // CODESIZE, in pages
            (0x1000_0034, Value(4)),           // NUMRAMBLOCK
            (0x1000_0038, Value(8 * KIB)),     // SIZERAMBLOCKS
            (0x1000_005c, Value(0x0000_0083)), // CONFIGID
            (0x1000_0060, Uid(0)),             // DEVICEID[0]
            (0x1000_0064, Uid(1)),             // DEVICEID[1]
        ],
        protection: Protection::Rbpconf,
        controller: || Box::new(nvmc::Nvmc::nrf51822()),
    },
    Model {
        name: "STM32F072RB",
        architecture: Architecture::V6M,
        fpu: false,
        cpuid: 0x410c_c200,
        dpidr: 0x0bb1_1477,
        ap_idr: 0x0477_0021,
        designer: (0, 0x20, 0x448),
        flash_base: 0x0800_0000,
        flash: &[(64, 2 * KIB)],
        info_base: 0x1fff_f800,
        info: &[(1, 16)],
        info_delivered: FPEC_OPTIONS,
        ram: &[window(0x2000_0000, 16 * KIB, 0)],
        fixed: &[(0x1fff_c800, 0x1fff_f800, 0)],
        ids: &[
            (0x1fff_f7ac, Uid(0)),
            (0x1fff_f7b0, Uid(1)),
            (0x1fff_f7b4, Uid(2)),
            (0x1fff_f7cc, Value(0xffff_0080)), // Flash size, in KiB
            (0x4001_5800, Value(0x2001_6448)), // DBGMCU_IDCODE
        ],
        protection: Protection::Rdp,
        controller: || Box::new(fpec::Fpec::default()),
    },
    Model {
        name: "STM32F103RB",
        architecture: Architecture::V7M,
        fpu: false,
        cpuid: 0x411f_c231,
        dpidr: 0x1ba0_1477,
        ap_idr: 0x1477_0011,
        designer: (0, 0x20, 0x410),
        flash_base: 0x0800_0000,
        flash: &[(128, KIB)],
        info_base: 0x1fff_f800,
        info: &[(1, 16)],
        info_delivered: FPEC_OPTIONS,
        ram: &[window(0x2000_0000, 20 * KIB, 0)],
        fixed: &[(0x1fff_f000, 0x1fff_f800, 0)],
        ids: &[
            (0x1fff_f7e0, Value(0xffff_0080)), // Flash size, in KiB
            (0x1fff_f7e8, Uid(0)),
            (0x1fff_f7ec, Uid(1)),
            (0x1fff_f7f0, Uid(2)),
            (0xe004_2000, Value(0x2003_6410)), // DBGMCU_IDCODE
        ],
        protection: Protection::Rdp,
        controller: || Box::new(fpec::Fpec::default()),
    },
    Model {
        name: "STM32F405RG",
        architecture: Architecture::V7M,
        fpu: true,
        cpuid: 0x410f_c241,
        dpidr: 0x2ba0_1477,
        ap_idr: 0x2477_0011,
        designer: (0, 0x20, 0x413),
        flash_base: 0x0800_0000,
        flash: &[(4, 16 * KIB), (1, 64 * KIB), (7, 128 * KIB)],
        info_base: 0x1fff_c000,
        info: &[(1, 16)],
        info_delivered: &[0xef, 0xaa, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ram: &[
            window(0x2000_0000, 128 * KIB, 0),
            window(0x1000_0000, 64 * KIB, 128 * KIB), // CCM
        ],
        fixed: &[
            (0x1fff_0000, 0x1fff_7800, 0),        // System memory
            (0x1fff_7800, 0x1fff_7a10, u32::MAX), // OTP, never written
            (0x1fff_7a10, 0x1fff_7a30, 0),
        ],
        ids: &[
            (0x1fff_7a10, Uid(0)),
            (0x1fff_7a14, Uid(1)),
            (0x1fff_7a18, Uid(2)),
            (0x1fff_7a20, Value(0x0400_ffff)), // Flash size in KiB at 0x1fff_7a22
            (0xe004_2000, Value(0x100f_6413)), // DBGMCU_IDCODE
        ],
        protection: Protection::Rdp,
        controller: || Box::new(stm32f4::Flash::default()),
    },
    Model {
        name: "STM32L475VG",
        architecture: Architecture::V7M,
        fpu: true,
        cpuid: 0x410f_c241,
        dpidr: 0x2ba0_1477,
        ap_idr: 0x2477_0011,
        designer: (0, 0x20, 0x415),
        flash_base: 0x0800_0000,
        flash: &[(512, 2 * KIB)],
        info_base: 0x1fff_7800,
        info: &[(1, 16)],
        info_delivered: &[0xaa, 0xf8, 0xef, 0xff, 0x55, 0x07, 0x10, 0x00],
        ram: &[
            window(0x2000_0000, 96 * KIB, 0),
            window(0x1000_0000, 32 * KIB, 96 * KIB), // SRAM2
        ],
        fixed: &[
            (0x1fff_0000, 0x1fff_7000, 0),        // System memory
            (0x1fff_7000, 0x1fff_7400, u32::MAX), // OTP, never written
            (0x1fff_7500, 0x1fff_7800, 0),
        ],
        ids: &[
            (0x1fff_7590, Uid(0)),
            (0x1fff_7594, Uid(1)),
            (0x1fff_7598, Uid(2)),
            (0x1fff_75e0, Value(0xffff_0400)), // Flash size, in KiB
            (0xe004_2000, Value(0x1007_6415)), // DBGMCU_IDCODE
        ],
        protection: Protection::Rdp,
        controller: || Box::new(stm32l4::Flash::default()),
    },
];

const fn window(base: u32, length: u32, offset: u32) -> RamWindow {
    RamWindow {
        base,
        length,
        offset,
    }
}
