//! Sections and symbols of an image, looked up by name.

use super::names::{NameKind, Section};
use super::{Address, Image, ImageError, Span};

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
