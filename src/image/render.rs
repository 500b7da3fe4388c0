//! Back into the container: what changes in it for changed load addresses.

use std::fmt;

use zeroize::Zeroizing;

use super::{Edits, Format, Image, ImageError, Patch, Span};

/// A container with a few bytes changed, not put together: what is shared is not copied.
pub struct Rendered<'i> {
    shared: &'i [u8],
    patches: Vec<Patch>,
}

impl<'i> Rendered<'i> {
    /// Returns its length in bytes: that of the shared container.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.shared.len()
    }

    /// Returns whether it has no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shared.is_empty()
    }

    /// Returns what changes: sorted, and none overlaps another.
    #[must_use]
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// Returns all bytes, piece by piece from the start.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self
            .patches
            .iter()
            .map(|(at, new)| at.saturating_add(new.len()));
        let starts = self.patches.iter().map(|(at, _)| *at);
        let shared = std::iter::once(0)
            .chain(ends)
            .zip(starts.chain([self.shared.len()]))
            .map(|(from, to)| self.shared.get(from..to).unwrap_or_default());
        let changed = self.patches.iter().map(|(_, new)| new.as_slice());
        let parts = shared.zip(changed.chain([&[][..]]));
        parts
            .flat_map(|(shared, changed)| [shared, changed])
            .filter(|part| !part.is_empty())
    }

    /// Puts it together.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.parts().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }

    /// Returns the byte at an offset.
    #[must_use]
    pub fn byte(&self, offset: usize) -> Option<u8> {
        let patched = self.patches.iter().find_map(|(at, new)| {
            let inside = offset.checked_sub(*at)?;
            new.get(inside)
        });
        patched.or_else(|| self.shared.get(offset)).copied()
    }

    /// Returns where `bytes` differs first: at a byte, or where the shorter one ends.
    #[must_use]
    pub fn difference(&self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        for part in self.parts() {
            let (found, behind) = rest.split_at(part.len().min(rest.len()));
            if found != part {
                let same = found.iter().zip(part).take_while(|(a, b)| a == b).count();
                return Some(bytes.len() - rest.len() + same);
            }
            rest = behind;
        }
        (!rest.is_empty()).then(|| bytes.len() - rest.len())
    }
}

/// Shows places only: a patch may be a secret.
impl fmt::Debug for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patches = self.patches.iter();
        f.debug_struct("Rendered")
            .field("len", &self.len())
            .field(
                "patches",
                &patches.map(|(at, new)| (at, new.len())).collect::<Vec<_>>(),
            )
            .finish()
    }
}

impl Image {
    /// Returns what changes in the container for `edits`: offsets and new bytes.
    ///
    /// They are sorted and do not overlap. In a HEX or S-record image these are the digits of each
    /// changed byte, at every place that gives its address, and the sum of each record they
    /// stand in; letters keep the case of what they replace. In a UF2 the MD5s over changed bytes
    /// that were right follow.
    ///
    /// # Errors
    /// [`ImageError::Outside`] for an edit of a byte that is not stored,
    /// [`ImageError::ReadOnly`] for an image that was read to be checked,
    /// [`ImageError::Uf2`] for a UF2 that may not be changed.
    pub fn patches(&self, edits: &Edits) -> Result<Vec<Patch>, ImageError> {
        let mut patches = match (&self.records, &self.blocks) {
            (Some(records), _) => {
                for span in edits.spans() {
                    self.require(span)?;
                }
                records.patches(&self.container, edits)
            }
            (_, Some(blocks)) => {
                let mut patches = self.raw_patches(edits)?;
                patches.extend(blocks.patches(self, edits)?);
                patches
            }
            _ if matches!(self.format, Format::Elf | Format::Bin) => self.raw_patches(edits)?,
            _ => return Err(ImageError::ReadOnly),
        };
        patches.sort_by_key(|(at, _)| *at);
        Ok(patches)
    }

    /// Returns the container with `edits` in it, not put together: of the same length, and equal
    /// elsewhere.
    ///
    /// # Errors
    /// As [`Self::patches`].
    pub fn rendered(&self, edits: &Edits) -> Result<Rendered<'_>, ImageError> {
        Ok(Rendered {
            shared: &self.container,
            patches: self.patches(edits)?,
        })
    }

    /// Returns the container with `edits` in it: of the same length, and equal elsewhere.
    ///
    /// # Errors
    /// As [`Self::patches`].
    pub fn render(&self, edits: &Edits) -> Result<Vec<u8>, ImageError> {
        self.rendered(edits).map(|rendered| rendered.to_vec())
    }

    /// Maps edits to the container of a format that stores bytes as they are loaded.
    fn raw_patches(&self, edits: &Edits) -> Result<Vec<Patch>, ImageError> {
        let mut patches = Vec::new();
        for (start, new) in edits.iter() {
            let Some(span) = Span::new(start, u64::try_from(new.len()).unwrap_or(u64::MAX)) else {
                continue;
            };
            self.require(span)?;
            for (part, at) in self.places(span) {
                let piece = usize::try_from(part.start().get() - start.get())
                    .ok()
                    .and_then(|from| new.get(from..from.checked_add(at.len())?))
                    .ok_or(ImageError::Outside {
                        span,
                        first: part.start(),
                    })?;
                patches.push((at.start, Zeroizing::new(piece.to_vec())));
            }
        }
        Ok(patches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered<'s>(shared: &'s [u8], patches: &[(usize, &[u8])]) -> Rendered<'s> {
        let patches = patches.iter();
        Rendered {
            shared,
            patches: patches
                .map(|(at, new)| (*at, Zeroizing::new(new.to_vec())))
                .collect(),
        }
    }

    #[test]
    fn parts_put_together_are_the_container_with_its_changes() {
        let one = rendered(b"0123456789", &[(0, b"ab"), (2, b"c"), (8, b"yz")]);
        assert_eq!(one.to_vec(), b"abc34567yz");
        assert_eq!(one.parts().count(), 4);
        assert_eq!(rendered(b"0123", &[]).to_vec(), b"0123");
    }

    #[test]
    fn the_first_difference_is_found() {
        let one = rendered(b"0123456789", &[(4, b"ab")]);
        assert_eq!(one.difference(b"0123ab6789"), None);
        assert_eq!(one.difference(b"0123aX6789"), Some(5));
        assert_eq!(one.difference(b"0123ab"), Some(6));
        assert_eq!(one.difference(b"0123ab6789+"), Some(10));
        assert_eq!(one.difference(b""), Some(0));
        assert_eq!(
            [3, 4, 5, 6, 10].map(|at| one.byte(at)),
            [Some(b'3'), Some(b'a'), Some(b'b'), Some(b'6'), None]
        );
    }
}
