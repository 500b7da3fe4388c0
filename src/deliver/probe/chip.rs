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
    /// Prefix of the chips' names, and the identity that each must show; longest first.
    chips: &'static [(&'static str, &'static [u32])],
    /// The register of the identity, and the bits of it that count.
    identity: Option<(u64, u32)>,
    /// Where the size of the flash stands.
    pub size: FlashSize,
    /// The chip's own number: first address, and words.
    pub number: (u64, usize),
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
const OPTIONS: (u64, u64, &str) = (0x1FFF_0000, 0x2000_0000, "system memory or option bytes");
const UICR: (u64, u64, &str) = (0x1000_0000, 0x1000_2000, "UICR");

/// Sources: nRF52840 Product Specification 1.8 (FICR) and those of its family; nRF51 Series
/// Reference Manual 3.0 (chapter 7); RM0091 and RM0360 (STM32F0), RM0008 and RM0041 (F1), RM0090,
/// RM0368, RM0383, RM0386, RM0390, RM0401, RM0402 and RM0430 (F4), RM0351, RM0394 and RM0432 (L4):
/// chapters "Debug support" and "Device electronic signature". The erratum sheet of the F405
/// (ES0182) adds 0x411, which its first revision shows.
static FAMILIES: &[Family] = &[
    Family {
        name: "nRF52",
        chips: &[
            ("nRF52805", &[0x52805]),
            ("nRF52810", &[0x52810]),
            ("nRF52811", &[0x52811]),
            ("nRF52820", &[0x52820]),
            ("nRF52832", &[0x52832]),
            ("nRF52833", &[0x52833]),
            ("nRF52840", &[0x52840]),
        ],
        identity: Some((0x1000_0100, u32::MAX)),
        size: FlashSize::Word(0x1000_0110),
        number: (0x1000_0060, 2),
        reserved: UICR,
        programs_blank: true,
    },
    Family {
        name: "nRF51",
        chips: &[("nRF51", &[])],
        identity: None,
        size: FlashSize::Pages(0x1000_0010),
        number: (0x1000_0060, 2),
        reserved: UICR,
        programs_blank: false,
    },
    Family {
        name: "STM32F0",
        chips: &[
            ("STM32F030", &[0x444, 0x440, 0x442]),
            ("STM32F031", &[0x444]),
            ("STM32F038", &[0x444]),
            ("STM32F042", &[0x445]),
            ("STM32F048", &[0x445]),
            ("STM32F051", &[0x440]),
            ("STM32F058", &[0x440]),
            ("STM32F070", &[0x445, 0x448]),
            ("STM32F07", &[0x448]),
            ("STM32F09", &[0x442]),
        ],
        identity: Some((0x4001_5800, DEV_ID)),
        size: FlashSize::Half(0x1FFF_F7CC),
        number: (0x1FFF_F7AC, 3),
        reserved: OPTIONS,
        programs_blank: false,
    },
    Family {
        name: "STM32F1",
        chips: &[
            ("STM32F100", &[0x420, 0x428]),
            ("STM32F105", &[0x418]),
            ("STM32F107", &[0x418]),
            ("STM32F10", &[0x410, 0x412, 0x414, 0x430]),
        ],
        identity: Some((IDCODE, DEV_ID)),
        size: FlashSize::Half(0x1FFF_F7E0),
        number: (0x1FFF_F7E8, 3),
        reserved: OPTIONS,
        programs_blank: false,
    },
    Family {
        name: "STM32F4",
        chips: &[
            ("STM32F401", &[0x423, 0x433]),
            ("STM32F405", &[0x413, 0x411]),
            ("STM32F407", &[0x413, 0x411]),
            ("STM32F410", &[0x458]),
            ("STM32F411", &[0x431]),
            ("STM32F412", &[0x441]),
            ("STM32F413", &[0x463]),
            ("STM32F415", &[0x413, 0x411]),
            ("STM32F417", &[0x413, 0x411]),
            ("STM32F423", &[0x463]),
            ("STM32F446", &[0x421]),
            ("STM32F469", &[0x434]),
            ("STM32F479", &[0x434]),
            ("STM32F42", &[0x419]),
            ("STM32F43", &[0x419]),
        ],
        identity: Some((IDCODE, DEV_ID)),
        size: FlashSize::Half(0x1FFF_7A22),
        number: (0x1FFF_7A10, 3),
        reserved: OPTIONS,
        programs_blank: true,
    },
    Family {
        name: "STM32L4",
        chips: &[
            ("STM32L41", &[0x464]),
            ("STM32L42", &[0x464]),
            ("STM32L43", &[0x435]),
            ("STM32L44", &[0x435]),
            ("STM32L45", &[0x462]),
            ("STM32L46", &[0x462]),
            ("STM32L47", &[0x415]),
            ("STM32L48", &[0x415]),
            ("STM32L49", &[0x461]),
            ("STM32L4A", &[0x461]),
            ("STM32L4P", &[0x471]),
            ("STM32L4Q", &[0x471]),
            ("STM32L4R", &[0x470]),
            ("STM32L4S", &[0x470]),
        ],
        identity: Some((IDCODE, DEV_ID)),
        size: FlashSize::Half(0x1FFF_75E0),
        number: (0x1FFF_7590, 3),
        reserved: OPTIONS,
        programs_blank: false,
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
            let (_, wanted) = chips.find(|(prefix, _)| starts(prefix))?;
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
        assert_eq!(of("RP2040"), None);
    }
}
