//! Back into the container: what changes in it for changed load addresses.

use zeroize::Zeroizing;

use super::{Edits, Format, Image, ImageError, Span};

/// New bytes at an offset of the container.
pub type Patch = (usize, Zeroizing<Vec<u8>>);

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

    /// Returns the container with `edits` in it: of the same length, and equal elsewhere.
    ///
    /// # Errors
    /// As [`Self::patches`].
    pub fn render(&self, edits: &Edits) -> Result<Vec<u8>, ImageError> {
        let patches = self.patches(edits)?;
        let mut bytes = self.container.to_vec();
        for (at, new) in patches {
            let place = at
                .checked_add(new.len())
                .and_then(|end| bytes.get_mut(at..end));
            if let Some(place) = place {
                place.copy_from_slice(&new);
            }
        }
        Ok(bytes)
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
