//! Sections and symbols: names for places.
//!
//! Names are kept with the addresses that the linker knows (VMA) and give load
//! addresses only: through the section that a symbol is defined in.

use super::{Address, Image, ImageError, Span};

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
    fn near(&self, kind: NameKind, name: &str) -> Vec<String> {
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

impl Image {
    /// Returns the load addresses of the section called `name`; all of them are stored.
    ///
    /// # Errors
    /// [`ImageError::NoNames`], [`ImageError::NoSuchName`], [`ImageError::NotLoaded`],
    /// [`ImageError::TwoPlaces`], [`ImageError::EmptySection`], [`ImageError::NotStored`];
    /// [`ImageError::Outside`] where the names come from another file that stores more.
    pub fn section(&self, name: &str) -> Result<Span, ImageError> {
        let kind = NameKind::Section;
        let mut found: Option<(&Section, Address)> = None;
        let mut named = false;
        for section in self.names.sections.iter().filter(|it| it.name == name) {
            named = true;
            match (section.lma, found) {
                (Some(lma), None) => found = Some((section, lma)),
                (Some(second), Some((other, first)))
                    if (first, other.size) != (second, section.size) =>
                {
                    return Err(two(kind, name, first, second));
                }
                _ => {}
            }
        }
        let (section, at) = found.ok_or_else(|| self.unknown(kind, name, named))?;
        let span = Span::new(at, section.size).ok_or_else(|| ImageError::EmptySection {
            name: name.to_owned(),
            at,
        })?;
        if !section.stored {
            return Err(not_stored(kind, name, section));
        }
        self.require(span)?;
        Ok(span)
    }

    /// Returns the load address of the symbol called `name`, and its size (0 where unknown).
    ///
    /// The address need not be stored: end symbols stand behind the last byte.
    ///
    /// # Errors
    /// [`ImageError::NoNames`], [`ImageError::NoSuchName`], [`ImageError::NotLoaded`],
    /// [`ImageError::TwoPlaces`]; [`ImageError::NotStored`] for an object in `.bss` or the like.
    pub fn symbol(&self, name: &str) -> Result<(Address, u64), ImageError> {
        let kind = NameKind::Symbol;
        let mut found: Option<(Address, u64)> = None;
        let mut named = false;
        for symbol in self.names.symbols.iter().filter(|it| it.name == name) {
            named = true;
            // An object of `.bss` has an address only by the arithmetic of the linker, where
            // other bytes may be loaded. A mark without a size bounds a range and may stand there.
            if let Some(section) = self.names.section_of(symbol)
                && section.lma.is_some()
                && !section.stored
                && symbol.size > 0
            {
                return Err(not_stored(kind, name, section));
            }
            found = match (self.names.address(symbol), found) {
                (Some(second), Some((first, _))) if first != second => {
                    return Err(two(kind, name, first, second));
                }
                (Some(at), other) => Some((at, symbol.size.max(other.map_or(0, |it| it.1)))),
                (None, other) => other,
            };
        }
        found.ok_or_else(|| self.unknown(kind, name, named))
    }

    /// Returns this image with the names of `program`, whose bytes must equal this image's
    /// wherever both store some. What `program` says about the machine comes along.
    ///
    /// # Errors
    /// [`ImageError::NamesDiffer`] with the lowest address that differs;
    /// [`ImageError::NamesApart`] where they store no common address.
    pub fn with_names(self, program: &Image) -> Result<Self, ImageError> {
        self.with_names_but(program, |_| Vec::new())
    }

    /// Returns this image with the names of `program`, as [`with_names`](Self::with_names) does;
    /// the places that `fields` finds in the named image may differ. They are checksums that were
    /// made after linking.
    ///
    /// # Errors
    /// Those of [`with_names`](Self::with_names)
    pub fn with_names_but(
        mut self,
        program: &Image,
        fields: impl FnOnce(&Self) -> Vec<Span>,
    ) -> Result<Self, ImageError> {
        self.names.clone_from(&program.names);
        let machine = self.machine.take();
        self.machine = machine.or_else(|| program.machine.clone());
        let parts: Vec<Span> = program
            .runs()
            .into_iter()
            .flat_map(|run| self.stored_within(run).collect::<Vec<_>>())
            .collect();
        if parts.is_empty() {
            return Err(ImageError::NamesApart);
        }
        let mut differing = Vec::new();
        for part in parts {
            let (own, other) = (self.bytes(part)?, program.bytes(part)?);
            if own == other {
                continue;
            }
            let bytes = own.iter().copied().zip(other.iter().copied());
            let places = (part.start().get()..).map(Address::new);
            differing.extend(places.zip(bytes).filter(|(_, (own, other))| own != other));
        }
        if differing.is_empty() {
            return Ok(self);
        }
        let fields = fields(&self);
        let inside = |at: Address| {
            fields
                .iter()
                .any(|field| field.start() <= at && at < field.end())
        };
        match differing.into_iter().find(|(at, _)| !inside(*at)) {
            None => Ok(self),
            Some((address, (found, wanted))) => Err(ImageError::NamesDiffer {
                address,
                found,
                wanted,
            }),
        }
    }

    /// Says why `name` gives no place.
    fn unknown(&self, kind: NameKind, name: &str, named: bool) -> ImageError {
        let name = name.to_owned();
        let none = match kind {
            NameKind::Section => self.names.sections.is_empty(),
            NameKind::Symbol => self.names.symbols.is_empty(),
        };
        if named {
            ImageError::NotLoaded { kind, name }
        } else if none {
            let format = self.format;
            ImageError::NoNames { format, kind, name }
        } else {
            let near = self.names.near(kind, &name);
            ImageError::NoSuchName { kind, name, near }
        }
    }
}

/// One name for two places.
fn two(kind: NameKind, name: &str, first: Address, second: Address) -> ImageError {
    ImageError::TwoPlaces {
        kind,
        name: name.to_owned(),
        first,
        second,
    }
}

/// A name in a section that the image does not store.
fn not_stored(kind: NameKind, name: &str, section: &Section) -> ImageError {
    ImageError::NotStored {
        kind,
        name: name.to_owned(),
        section: section.name.clone(),
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
