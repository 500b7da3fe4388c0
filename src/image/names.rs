//! Sections and symbols: names for places.
//!
//! Names are kept with the addresses that the linker knows (VMA) and give load
//! addresses only: through the section that a symbol is defined in.

use super::Address;

/// A section of the linked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Address at run time.
    pub vma: u64,
    /// Size in bytes.
    pub size: u64,
    /// Load address, where a segment loads it.
    pub lma: Option<Address>,
    /// Whether its bytes are in the image: `.bss` is not.
    pub stored: bool,
    /// Whether it holds strings that the linker may merge (`SHF_MERGE` with `SHF_STRINGS`).
    pub merged: bool,
}

/// What a symbol's value is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A load address as it stands (`SHN_ABS`).
    Absolute,
    /// An address at run time, in the section with this index in [`Names`].
    Section(usize),
}

/// A named address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// Its value: an address at run time.
    pub value: u64,
    /// Size in bytes; 0 where the linker does not say.
    pub size: u64,
    /// What the value is relative to.
    pub place: Place,
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum NameKind {
    /// A section.
    Section,
    /// A symbol.
    Symbol,
}

/// All sections and symbols of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// In the order of the file; undefined ones are left out.
    pub symbols: Vec<Symbol>,
}

impl Names {
    /// Returns the section that `symbol` is defined in, unless it is absolute.
    #[must_use]
    pub fn section_of(&self, symbol: &Symbol) -> Option<&Section> {
        match symbol.place {
            Place::Absolute => None,
            Place::Section(index) => self.sections.get(index),
        }
    }

    /// Returns the load address of `symbol`; `None` where no segment loads its section.
    ///
    /// A symbol keeps its distance from its section's start, so one at the section's end, or
    /// behind it, is as far from the section's load address.
    #[must_use]
    pub fn address(&self, symbol: &Symbol) -> Option<Address> {
        if symbol.place == Place::Absolute {
            return Some(Address::new(symbol.value));
        }
        let section = self.section_of(symbol)?;
        let lma = section.lma?.get();
        match symbol.value.checked_sub(section.vma) {
            Some(above) => lma.checked_add(above),
            None => lma.checked_sub(section.vma.checked_sub(symbol.value)?),
        }
        .map(Address::new)
    }

    /// Returns up to three names of `kind` that look like `name`, in the order of the file.
    pub(super) fn near(&self, kind: NameKind, name: &str) -> Vec<String> {
        let mut near: Vec<String> = Vec::new();
        let mut offer = |other: &str| {
            if near.len() < 3 && alike(name, other) && near.iter().all(|known| known != other) {
                near.push(other.to_owned());
            }
        };
        match kind {
            NameKind::Section => self.sections.iter().for_each(|it| offer(&it.name)),
            NameKind::Symbol => self.symbols.iter().for_each(|it| offer(&it.name)),
        }
        near
    }
}

/// Returns whether one of two names may be a slip for the other: other case or punctuation, a
/// part of it (`token` in `_ZL5token`), or all equal but for two characters in one place.
fn alike(wanted: &str, other: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect()
    };
    let (wanted, other) = (plain(wanted), plain(other));
    if wanted.len() < 3 || other.len() < 3 {
        return false;
    }
    let same = |a: &mut dyn Iterator<Item = (char, char)>| a.take_while(|(a, b)| a == b).count();
    let head = same(&mut wanted.chars().zip(other.chars()));
    let tail = same(&mut wanted.chars().rev().zip(other.chars().rev()));
    other.contains(&wanted)
        || wanted.contains(&other)
        || head + tail + 2 >= wanted.len().max(other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert!(alike("auth_token", ".auth_token"));
        assert!(alike("AuthToken", "auth_token"));
        assert!(alike("auth_token", "_ZL10auth_token"));
        assert!(alike("auth_tokne", "auth_token"));
        assert!(alike("auht_token", "auth_token"));
        assert!(!alike("auth_token", "main"));
        assert!(!alike("auth_token", "a"));
    }

    #[test]
    fn a_symbol_keeps_its_distance_from_its_section() {
        let names = Names {
            sections: vec![Section {
                name: ".data".into(),
                vma: 0x2000_0000,
                size: 16,
                lma: Some(Address::new(0x0800_0100)),
                stored: true,
                merged: false,
            }],
            symbols: Vec::new(),
        };
        let symbol = |value, place| Symbol {
            name: "x".into(),
            value,
            size: 0,
            place,
        };
        let address = |value| names.address(&symbol(value, Place::Section(0)));
        assert_eq!(address(0x2000_0004), Some(Address::new(0x0800_0104)));
        assert_eq!(address(0x2000_0010), Some(Address::new(0x0800_0110)));
        assert_eq!(address(0x2000_0014), Some(Address::new(0x0800_0114)));
        assert_eq!(address(0x1fff_fffc), Some(Address::new(0x0800_00fc)));
        assert_eq!(
            names.address(&symbol(0x1234, Place::Absolute)),
            Some(Address::new(0x1234))
        );
        assert_eq!(names.address(&symbol(4, Place::Section(1))), None);
    }
}
