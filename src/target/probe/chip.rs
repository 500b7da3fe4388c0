//! How each family of chips says who it is: identification registers, its own number, its flash.
//!
//! probe-rs attaches to a chip of another kind without a word, so this is compared right after.
//! Nothing here talks to a target.

use crate::image::Address;

/// A family, and where its chips say who they are.
#[derive(Debug)]
pub struct Family {
    /// What people call it.
    pub name: &'static str,
    /// Prefixes of the chips' names, longest first, and the identities that one of them may show.
    chips: &'static [(&'static [&'static str], &'static [u32])],
    /// The register of the identity, and the bits of it that count.
    identity: Option<(u64, u32)>,
    /// Where the size of the flash stands; none where the chip's description counts other memory too.
    pub size: Option<FlashSize>,
    /// The words of the chip's own number, by address.
    pub number: &'static [u64],
    /// Memory that starts up, locks or calibrates the chip: first address, address behind, name.
    pub reserved: (u64, u64, &'static str),
    /// Whether erased bytes of a sector can be programmed beside programmed ones: programming the
    /// erased value again must do no harm.
    pub programs_blank: bool,
}

/// Where the size of the flash stands, in KiB unless pages are said.
#[derive(Debug, Clone, Copy)]
pub enum FlashSize {
    /// A 16-bit number.
    Half(u64),
    /// A word.
    Word(u64),
    /// Two words: bytes of a page, and pages.
    Pages(u64),
}

/// Bits of DBGMCU_IDCODE that name the device: DEV_ID.
const DEV_ID: u32 = 0xFFF;
/// DBGMCU_IDCODE where the core is a Cortex-M3 or M4.
const IDCODE: u64 = 0xE004_2000;
/// DBGMCU_IDCODE where the core is a Cortex-M0 or M0+.
const IDCODE_M0: u64 = 0x4001_5800;
/// DBGMCU_IDCODE where the core is a Cortex-M33.
const IDCODE_M33: u64 = 0xE004_4000;
const OPTIONS: (u64, u64, &str) = (0x1FF0_0000, 0x2000_0000, "system memory or option bytes");
/// The same where the core is a Cortex-M33.
const OPTIONS_M33: (u64, u64, &str) = (0x0BF0_0000, 0x0C00_0000, "system memory");
const UICR: (u64, u64, &str) = (0x1000_0000, 0x1000_2000, "UICR");

/// Returns the addresses of a number of 96 bits.
const fn words(at: u64) -> [u64; 3] {
    [at, at + 4, at + 8]
}

/// What most families of ST have in common; the number is where it has been since 2015.
const STM32: Family = Family {
    name: "STM32",
    chips: &[],
    identity: Some((IDCODE, DEV_ID)),
    size: None,
    number: &words(0x1FFF_7590),
    reserved: OPTIONS,
    programs_blank: false,
};

/// Chips by the prefixes of their names, and the identities that one of them may show.
macro_rules! chips {
    ($($($name:literal)+ => $($id:literal)*),+ $(,)?) => {
        &[$((&[$($name),+], &[$($id),*])),+]
    };
}

/// Sources: nRF52840 Product Specification 1.8 (FICR) and those of its family; nRF51 Series
/// Reference Manual 3.0 (chapter 7); RM0091 and RM0360 (STM32F0), RM0008 and RM0041 (F1), RM0090,
/// RM0368, RM0383, RM0386, RM0390, RM0401, RM0402 and RM0430 (F4), RM0351, RM0394 and RM0432 (L4):
/// chapters "Debug support" and "Device electronic signature". The erratum sheet of the F405
/// (ES0182) adds 0x411, which its first revision shows. nRF9160 Product Specification (FICR);
/// RM0490 (C0), RM0033 (F2), RM0313, RM0316, RM0364, RM0365 and RM0366 (F3), RM0385, RM0410 and RM0431
/// (F7), RM0444 and RM0454 (G0), RM0440 (G4), RM0433 and RM0468 (H7), RM0367, RM0376, RM0377 and
/// RM0451 (L0), RM0438 (L5), RM0456 (U5), RM0434, RM0471 and RM0473 (WB), RM0453 and RM0461 (WL).
static FAMILIES: &[Family] = &[
    Family {
        name: "nRF52",
        chips: chips![
            "nRF52805" => 0x52805, "nRF52810" => 0x52810, "nRF52811" => 0x52811,
            "nRF52820" => 0x52820, "nRF52832" => 0x52832, "nRF52833" => 0x52833,
            "nRF52840" => 0x52840
        ],
        identity: Some((0x1000_0100, u32::MAX)),
        size: Some(FlashSize::Word(0x1000_0110)),
        number: &[0x1000_0060, 0x1000_0064],
        reserved: UICR,
        programs_blank: true,
    },
    Family {
        name: "nRF51",
        chips: chips!["nRF51" =>],
        identity: None,
        size: Some(FlashSize::Pages(0x1000_0010)),
        number: &[0x1000_0060, 0x1000_0064],
        reserved: UICR,
        programs_blank: false,
    },
    Family {
        name: "STM32F0",
        chips: chips![
            "STM32F030" => 0x444 0x440 0x442, "STM32F031" "STM32F038" => 0x444,
            "STM32F042" "STM32F048" => 0x445, "STM32F051" "STM32F058" => 0x440,
            "STM32F070" => 0x445 0x448, "STM32F07" => 0x448, "STM32F09" => 0x442
        ],
        identity: Some((IDCODE_M0, DEV_ID)),
        size: Some(FlashSize::Half(0x1FFF_F7CC)),
        number: &words(0x1FFF_F7AC),
        ..STM32
    },
    Family {
        name: "STM32F1",
        chips: chips![
            "STM32F100" => 0x420 0x428, "STM32F105" "STM32F107" => 0x418,
            "STM32F10" => 0x410 0x412 0x414 0x430
        ],
        size: Some(FlashSize::Half(0x1FFF_F7E0)),
        number: &words(0x1FFF_F7E8),
        ..STM32
    },
    Family {
        name: "STM32F4",
        chips: chips![
            "STM32F401" => 0x423 0x433, "STM32F405" "STM32F407" => 0x413 0x411,
            "STM32F410" => 0x458, "STM32F411" => 0x431, "STM32F412" => 0x441,
            "STM32F413" => 0x463, "STM32F415" "STM32F417" => 0x413 0x411, "STM32F423" => 0x463,
            "STM32F446" => 0x421, "STM32F469" "STM32F479" => 0x434,
            "STM32F42" "STM32F43" => 0x419
        ],
        size: Some(FlashSize::Half(0x1FFF_7A22)),
        number: &words(0x1FFF_7A10),
        programs_blank: true,
        ..STM32
    },
    Family {
        name: "STM32L4",
        chips: chips![
            "STM32L41" "STM32L42" => 0x464, "STM32L43" "STM32L44" => 0x435,
            "STM32L45" "STM32L46" => 0x462, "STM32L47" "STM32L48" => 0x415,
            "STM32L49" "STM32L4A" => 0x461, "STM32L4P" "STM32L4Q" => 0x471,
            "STM32L4R" "STM32L4S" => 0x470
        ],
        size: Some(FlashSize::Half(0x1FFF_75E0)),
        ..STM32
    },
    Family {
        name: "nRF91",
        chips: chips!["nRF9160" => 0x9160],
        identity: Some((0x00FF_020C, u32::MAX)),
        size: None,
        number: &[0x00FF_0204, 0x00FF_0208],
        reserved: (0x00FF_0000, 0x0100_0000, "UICR"),
        programs_blank: false,
    },
    Family {
        name: "STM32C0",
        chips: chips!["STM32C011" => 0x443, "STM32C031" => 0x453, "STM32C071" => 0x493],
        identity: Some((IDCODE_M0, DEV_ID)),
        size: Some(FlashSize::Half(0x1FFF_75A0)),
        number: &words(0x1FFF_7550),
        ..STM32
    },
    Family {
        name: "STM32F2",
        chips: chips!["STM32F2" => 0x411],
        size: Some(FlashSize::Half(0x1FFF_7A22)),
        number: &words(0x1FFF_7A10),
        ..STM32
    },
    Family {
        name: "STM32F3",
        chips: chips![
            "STM32F301" => 0x439, "STM32F302" => 0x439 0x422 0x446,
            "STM32F303" => 0x422 0x446 0x438, "STM32F318" => 0x439,
            "STM32F328" "STM32F334" => 0x438, "STM32F358" => 0x422,
            "STM32F373" "STM32F378" => 0x432, "STM32F398" => 0x446
        ],
        size: Some(FlashSize::Half(0x1FFF_F7CC)),
        number: &words(0x1FFF_F7AC),
        ..STM32
    },
    Family {
        name: "STM32F72",
        chips: chips!["STM32F72" "STM32F73" => 0x452],
        number: &words(0x1FF0_7A10),
        ..STM32
    },
    Family {
        name: "STM32F7",
        chips: chips!["STM32F74" "STM32F75" => 0x449, "STM32F76" "STM32F77" => 0x451],
        number: &words(0x1FF0_F420),
        ..STM32
    },
    Family {
        name: "STM32G0",
        chips: chips![
            "STM32G03" "STM32G04" => 0x466, "STM32G05" "STM32G06" => 0x456,
            "STM32G07" "STM32G08" => 0x460, "STM32G0B" "STM32G0C" => 0x467
        ],
        identity: Some((IDCODE_M0, DEV_ID)),
        size: Some(FlashSize::Half(0x1FFF_75E0)),
        ..STM32
    },
    Family {
        name: "STM32G4",
        chips: chips![
            "STM32G43" "STM32G44" => 0x468, "STM32G47" "STM32G48" => 0x469,
            "STM32G49" "STM32G4A" => 0x479
        ],
        size: Some(FlashSize::Half(0x1FFF_75E0)),
        ..STM32
    },
    Family {
        name: "STM32H7",
        chips: chips!["STM32H72" "STM32H73" => 0x483, "STM32H74" "STM32H75" => 0x450],
        identity: Some((0x5C00_1000, DEV_ID)),
        number: &words(0x1FF1_E800),
        ..STM32
    },
    Family {
        name: "STM32L0",
        chips: chips![
            "STM32L010" => 0x457 0x425 0x417 0x447, "STM32L011" "STM32L021" => 0x457,
            "STM32L03" "STM32L04" => 0x425, "STM32L05" "STM32L06" => 0x417,
            "STM32L07" "STM32L08" => 0x447
        ],
        identity: Some((IDCODE_M0, DEV_ID)),
        number: &[0x1FF8_0050, 0x1FF8_0054, 0x1FF8_0064],
        ..STM32
    },
    Family {
        name: "STM32L5",
        chips: chips!["STM32L55" "STM32L56" => 0x472],
        identity: Some((IDCODE_M33, DEV_ID)),
        number: &words(0x0BFA_0590),
        reserved: OPTIONS_M33,
        ..STM32
    },
    Family {
        name: "STM32U5",
        chips: chips![
            "STM32U53" "STM32U54" => 0x455, "STM32U57" "STM32U58" => 0x482,
            "STM32U59" "STM32U5A" => 0x481
        ],
        identity: Some((IDCODE_M33, DEV_ID)),
        number: &words(0x0BFA_0700),
        reserved: OPTIONS_M33,
        ..STM32
    },
    Family {
        name: "STM32WB",
        chips: chips!["STM32WB1" => 0x494, "STM32WB3" => 0x496 0x495, "STM32WB5" => 0x495],
        size: Some(FlashSize::Half(0x1FFF_75E0)),
        ..STM32
    },
    Family {
        name: "STM32WL",
        chips: chips!["STM32WL5" "STM32WLE" => 0x497],
        size: Some(FlashSize::Half(0x1FFF_75E0)),
        ..STM32
    },
];

impl Family {
    /// Returns the family of a chip, and the identities that it may show.
    pub fn of(chip: &str) -> Option<(&'static Self, &'static [u32])> {
        let starts = |prefix: &str| {
            chip.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        FAMILIES.iter().find_map(|family| {
            let mut chips = family.chips.iter();
            let (_, wanted) = chips.find(|(names, _)| names.iter().any(|name| starts(name)))?;
            Some((family, *wanted))
        })
    }

    /// Returns the identity's register, and the bits that count.
    pub const fn identity(&self) -> Option<(u64, u32)> {
        self.identity
    }

    /// Returns the registers that tell chips apart, each with what it can show and who does.
    pub fn registers() -> impl Iterator<Item = (u64, u32, &'static Self)> {
        FAMILIES
            .iter()
            .filter_map(|family| family.identity.map(|(at, mask)| (at, mask, family)))
    }

    /// Returns whether a chip of this family shows `identity`.
    pub fn shows(&self, identity: u32) -> bool {
        self.chips
            .iter()
            .any(|(_, wanted)| wanted.contains(&identity))
    }

    /// Returns what is written only where the recipe says so, if `at` lies in it.
    pub fn reserves(&self, at: Address) -> Option<&'static str> {
        let (first, behind, name) = self.reserved;
        (first..behind).contains(&at.get()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_found_by_the_longest_prefix() {
        let of = |chip: &str| Family::of(chip).map(|(family, wanted)| (family.name, wanted));
        assert_eq!(of("nRF52840_xxAA"), Some(("nRF52", &[0x52840][..])));
        assert_eq!(of("STM32F070RB"), Some(("STM32F0", &[0x445, 0x448][..])));
        assert_eq!(of("stm32f072rb"), Some(("STM32F0", &[0x448][..])));
        assert_eq!(of("STM32F105RB"), Some(("STM32F1", &[0x418][..])));
        assert_eq!(of("nRF51822_xxAC"), Some(("nRF51", &[][..])));
        assert_eq!(of("STM32WB55RG"), Some(("STM32WB", &[0x495][..])));
        assert_eq!(of("STM32WBA52KG"), None);
        assert_eq!(of("STM32F722RE"), Some(("STM32F72", &[0x452][..])));
        assert_eq!(of("RP2040"), None);
    }
}
