//! What tells one chip from another: identification registers, and where its own number is.
//!
//! Attaching to the wrong chip often succeeds, so this is compared before anything else. It knows
//! registers only, no flash.
//!
//! Sources: nRF51 Series Reference Manual 3.0 and nRF52 Product Specifications, chapter "FICR";
//! ST's RM0091, RM0360 (F0), RM0008, RM0041 (F1), RM0090, RM0368, RM0383, RM0390, RM0386, RM0401,
//! RM0402, RM0430 (F4), RM0351, RM0394, RM0432 (L4): chapters "DBGMCU_IDCODE" and "Unique device
//! ID register". What is not here is not compared.

use std::ops::Range;

/// What identifies a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Address of the register that names the part, and which of its bits do.
    pub register: u64,
    /// The bits that count.
    pub mask: u32,
    /// What they are on this chip.
    pub values: Values,
    /// Where the chip's own number is, and its number of words.
    pub uid: Option<(u64, usize)>,
    /// Memory that can be programmed and must not be: protection, option bytes, trimming.
    pub settings: Range32,
}

/// A range of addresses, end exclusive.
pub type Range32 = (u64, u64);

/// What a part register may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Exactly this.
    One(u32),
    /// One of these: several dies carry the name.
    Any(&'static [u32]),
}

impl Values {
    /// Returns whether `found` is one of them.
    pub fn hold(self, found: u32) -> bool {
        match self {
            Self::One(value) => value == found,
            Self::Any(values) => values.contains(&found),
        }
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(value) => write!(f, "{value:#x}"),
            Self::Any(values) => {
                let texts: Vec<_> = values.iter().map(|value| format!("{value:#x}")).collect();
                f.write_str(&texts.join(" or "))
            }
        }
    }
}

/// The device number of each STM32, by the beginning of its name; the first that fits counts.
const STM32: &[(&str, &[u32])] = &[
    ("STM32F030", &[0x440, 0x442, 0x444, 0x445]),
    ("STM32F031", &[0x444]),
    ("STM32F038", &[0x444]),
    ("STM32F042", &[0x445]),
    ("STM32F048", &[0x445]),
    ("STM32F051", &[0x440]),
    ("STM32F058", &[0x440]),
    ("STM32F070", &[0x445, 0x448]),
    ("STM32F071", &[0x448]),
    ("STM32F072", &[0x448]),
    ("STM32F078", &[0x448]),
    ("STM32F09", &[0x442]),
    ("STM32F100", &[0x420, 0x428]),
    ("STM32F101", &[0x410, 0x412, 0x414, 0x430]),
    ("STM32F102", &[0x410, 0x412]),
    ("STM32F103", &[0x410, 0x412, 0x414, 0x430]),
    ("STM32F105", &[0x418]),
    ("STM32F107", &[0x418]),
    ("STM32F401", &[0x423, 0x433]),
    ("STM32F405", &[0x413]),
    ("STM32F407", &[0x413]),
    ("STM32F410", &[0x458]),
    ("STM32F411", &[0x431]),
    ("STM32F412", &[0x441]),
    ("STM32F413", &[0x463]),
    ("STM32F415", &[0x413]),
    ("STM32F417", &[0x413]),
    ("STM32F423", &[0x463]),
    ("STM32F42", &[0x419]),
    ("STM32F43", &[0x419]),
    ("STM32F446", &[0x421]),
    ("STM32F469", &[0x434]),
    ("STM32F479", &[0x434]),
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
    ("STM32L4R", &[0x470]),
    ("STM32L4S", &[0x470]),
    ("STM32L4P", &[0x471]),
    ("STM32L4Q", &[0x471]),
];

/// Returns what identifies `chip`, named as probe-rs names it; `None` where this is not known.
pub fn known(chip: &str) -> Option<Known> {
    let name = chip.to_ascii_uppercase();
    if let Some(part) = name.strip_prefix("NRF52") {
        return nrf52(part);
    }
    if name.starts_with("NRF51") {
        return Some(Known {
            // No register names the part; the page size tells the series from others.
            register: 0x1000_0010,
            mask: u32::MAX,
            values: Values::One(1024),
            uid: Some((0x1000_0060, 2)),
            settings: NRF_SETTINGS,
        });
    }
    stm32(&name)
}

/// FICR and UICR.
const NRF_SETTINGS: Range32 = (0x1000_0000, 0x1000_2000);

/// `INFO.PART` spells the part's number in hexadecimal digits.
fn nrf52(part: &str) -> Option<Known> {
    let digits = part.get(..3)?;
    let part = u32::from_str_radix(digits, 16).ok()?;
    Some(Known {
        register: 0x1000_0100,
        mask: u32::MAX,
        values: Values::One(0x0005_2000 | part),
        uid: Some((0x1000_0060, 2)),
        settings: NRF_SETTINGS,
    })
}

fn stm32(name: &str) -> Option<Known> {
    let (start, numbers) = STM32.iter().find(|(start, _)| name.starts_with(start))?;
    let (register, uid) = match start.get(..7)? {
        // The value lines document no number.
        "STM32F0" if matches!(*start, "STM32F030" | "STM32F070") => (0x4001_5800, None),
        "STM32F0" => (0x4001_5800, Some((0x1fff_f7ac, 3))),
        "STM32F1" => (0xe004_2000, Some((0x1fff_f7e8, 3))),
        "STM32F4" => (0xe004_2000, Some((0x1fff_7a10, 3))),
        _ => (0xe004_2000, Some((0x1fff_7590, 3))),
    };
    Some(Known {
        register,
        mask: 0xfff,
        values: Values::Any(numbers),
        uid,
        settings: (0x1fff_0000, 0x2000_0000),
    })
}

impl Known {
    /// Returns the memory that holds settings of the chip.
    pub const fn settings(&self) -> Range<u64> {
        self.settings.0..self.settings.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_known_by_their_names() {
        let values = |chip: &str| known(chip).map(|known| known.values.to_string());
        assert_eq!(values("nRF52840_xxAA").as_deref(), Some("0x52840"));
        assert_eq!(values("nrf51822_xxac").as_deref(), Some("0x400"));
        assert_eq!(values("STM32F072RB").as_deref(), Some("0x448"));
        assert_eq!(values("STM32F429ZI").as_deref(), Some("0x419"));
        assert_eq!(values("STM32F423RH").as_deref(), Some("0x463"));
        assert_eq!(values("STM32G071RB"), None);
        assert_eq!(values("RP2040"), None);
    }

    #[cfg(feature = "sim")]
    #[test]
    fn every_simulated_chip_is_known_and_has_a_number_there() {
        for model in crate::sim::Model::all() {
            let known = known(model.name);
            let (address, words) = model.uid_location();
            let uid = known.and_then(|known| known.uid);
            assert_eq!(uid, Some((u64::from(address), words)), "{}", model.name);
        }
    }
}
