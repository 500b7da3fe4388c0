//! Sealing: from a patched image to one whose checksums are all true.

use zeroize::Zeroizing;

use crate::checksum::ChecksumError;
use crate::image::{Edits, Image, ImageError, Span};
use crate::master::{Master, Patched};
use crate::unit::{Fingerprint, Serial};

/// A unit's image: patched, and every checksum true. Only [`seal`] makes one.
#[derive(Debug)]
pub struct Sealed<'m> {
    master: &'m Master,
    edits: Edits,
    serial: Serial,
    fingerprint: Fingerprint,
    stored: Vec<Stored>,
}

/// What one checksum stores in a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The algorithm's name.
    pub name: String,
    /// Where it is stored.
    pub at: Span,
    /// Its new bytes.
    pub bytes: Vec<u8>,
}

/// Makes every checksum of a patched image true, inner before outer.
///
/// Each one follows from its value over the untouched image and from what the unit changes; the
/// first unit of a Master pays for reading the image.
///
/// # Errors
/// [`ChecksumError::Image`], which a proved Master does not give.
pub fn seal(patched: Patched<'_>) -> Result<Sealed<'_>, ChecksumError> {
    let (master, mut edits, serial, fingerprint) = patched.into_parts();
    let stamps = master.stamps()?;
    let mut stored = Vec::with_capacity(master.plan().checksums().len());
    for (index, checksum) in master.plan().checksums().iter().enumerate() {
        let bytes = stamps.field(index, checksum, master.image(), &edits)?;
        edits.put(checksum.at().start(), &bytes);
        stored.push(Stored {
            name: checksum.name().to_owned(),
            at: checksum.at(),
            bytes,
        });
    }
    Ok(Sealed {
        master,
        edits,
        serial,
        fingerprint,
        stored,
    })
}

impl<'m> Sealed<'m> {
    /// Returns what the unit's image was made from.
    #[must_use]
    pub const fn master(&self) -> &'m Master {
        self.master
    }

    /// Returns what the unit's image has in other places than the Master: slots and checksums.
    #[must_use]
    pub const fn edits(&self) -> &Edits {
        &self.edits
    }

    /// Returns the unit.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// Returns the token's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns what each checksum stores, inner before outer.
    #[must_use]
    pub fn checksums(&self) -> &[Stored] {
        &self.stored
    }

    /// Returns how many bytes really differ from the Master.
    #[must_use]
    pub fn changed_bytes(&self) -> u64 {
        let image = self.master.image();
        let changed = self.edits.parts();
        changed.map(|(span, new)| differing(image, span, new)).sum()
    }

    /// Returns what the unit's image stores at `span`.
    ///
    /// # Errors
    /// [`ImageError::Outside`] if any byte of `span` is not stored.
    pub fn bytes(&self, span: Span) -> Result<Zeroizing<Vec<u8>>, ImageError> {
        let mut bytes = Zeroizing::new(self.master.image().bytes(span)?.into_owned());
        self.edits.apply(span, &mut bytes);
        Ok(bytes)
    }

    /// Returns the unit's container: the Master's, with the edits in it.
    ///
    /// # Errors
    /// [`ImageError::Outside`], which a proved Master does not give.
    pub fn container(&self) -> Result<Vec<u8>, ImageError> {
        self.master.image().render(&self.edits)
    }
}

/// Counts the bytes of `new` that are not what `image` stores at `span`.
fn differing(image: &Image, span: Span, new: &[u8]) -> u64 {
    let Ok(old) = image.bytes(span) else {
        return 0;
    };
    let pairs = old.iter().zip(new);
    u64::try_from(pairs.filter(|(old, new)| old != new).count()).unwrap_or(0)
}
