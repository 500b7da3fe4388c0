//! Receipts: proof that what a unit got was read back and is right.
//!
//! Only a comparison of what was read with what the unit's image stores makes one. Nothing here
//! knows where the bytes come from.

use std::io::{self, Read};

use zeroize::Zeroizing;

use crate::image::{Address, ImageError, Rendered, Span};
use crate::seal::Sealed;
use crate::unit::{Digest, Fingerprint, Serial};

/// Bytes of a file that are compared at a time.
pub(crate) const BLOCK: usize = 64 * 1024;

/// Proof that what was delivered was read back and is right.
///
/// [`of_file`](Self::of_file) makes it of a whole file, a [`ReadBack`] of a board, place by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    serial: Serial,
    fingerprint: Fingerprint,
    digest: Option<Digest>,
    durable: bool,
}

impl Receipt {
    /// Compares a file as it was read back with the unit's; `None` where it is another one.
    ///
    /// # Errors
    /// [`ImageError`] when the unit's file cannot be made.
    pub fn of_file(sealed: &Sealed<'_>, found: &[u8]) -> Result<Option<Self>, ImageError> {
        let wanted = Zeroizing::new(sealed.container()?);
        let same = wanted.as_slice() == found;
        Ok(same.then(|| Self::read(sealed).with_digest(Digest::of(found))))
    }

    /// Compares a file, piece by piece, with `content`, which the unit's file is to hold; the inner
    /// error is the first offset that differs.
    pub(crate) fn of_content(
        sealed: &Sealed<'_>,
        content: &Rendered<'_>,
        found: impl Read,
    ) -> io::Result<Result<Self, usize>> {
        let differs = difference(found, content)?;
        Ok(differs.map_or_else(|| Ok(Self::read(sealed)), Err))
    }

    /// Says that a file was written and not synced: it vouches for nothing more.
    pub(crate) fn written(sealed: &Sealed<'_>) -> Self {
        Self {
            durable: false,
            ..Self::read(sealed)
        }
    }

    /// Vouches for a unit; private, so that whoever wants one compares.
    fn read(sealed: &Sealed<'_>) -> Self {
        Self {
            serial: sealed.serial().clone(),
            fingerprint: sealed.fingerprint(),
            digest: None,
            durable: true,
        }
    }

    /// Adds the SHA-256 of the unit's own file.
    pub(crate) const fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
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

    /// Returns the SHA-256 of the unit's own file, where it was taken.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns whether it was synced and read back, or only written.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        self.durable
    }
}

/// A read-back under way: what was read of a unit, compared with its image place by place.
#[derive(Debug)]
pub struct ReadBack<'s> {
    sealed: &'s Sealed<'s>,
    /// Slots and checksums that nobody compared yet.
    left: Vec<Span>,
    /// The first address that differs.
    differs: Option<Address>,
}

impl<'s> ReadBack<'s> {
    /// Begins to compare a unit.
    #[must_use]
    pub fn of(sealed: &'s Sealed<'_>) -> Self {
        Self {
            sealed,
            left: sealed.master().changes(),
            differs: None,
        }
    }

    /// Compares `found`, which was read at `span`, with what the unit's image stores there; returns
    /// the first address that differs.
    ///
    /// # Errors
    /// [`ImageError`], which a proved Master does not give.
    pub fn compare(&mut self, span: Span, found: &[u8]) -> Result<Option<Address>, ImageError> {
        let image = self.sealed.master().image();
        for stored in image.stored_within(span) {
            let wanted = self.sealed.bytes(stored)?;
            let from = stored.start().get().saturating_sub(span.start().get());
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let found = found.get(from..).unwrap_or_default();
            let cut_short = (found.len() < wanted.len()).then_some(stored.start());
            if let Some(at) = stored.difference(found, &wanted).or(cut_short) {
                self.differs.get_or_insert(at);
                return Ok(Some(at));
            }
            self.left = Span::outside(std::mem::take(&mut self.left), [stored]);
        }
        Ok(None)
    }

    /// Returns the receipt.
    ///
    /// # Errors
    /// The first address that differed, or else the first slot or checksum that was not compared.
    pub fn receipt(self) -> Result<Receipt, Address> {
        let left = self.left.first().map(|span| span.start());
        match self.differs.or(left) {
            None => Ok(Receipt::read(self.sealed)),
            Some(at) => Err(at),
        }
    }
}

/// Returns the first offset at which `file` differs from `content`.
pub(crate) fn difference(mut file: impl Read, content: &Rendered<'_>) -> io::Result<Option<usize>> {
    let mut room = vec![0; BLOCK];
    let mut offset = 0;
    for wanted in content.parts().flat_map(|part| part.chunks(BLOCK)) {
        let found = room.get_mut(..wanted.len()).unwrap_or_default();
        let len = fill(&mut file, found)?;
        let found = found.get(..len).unwrap_or_default();
        if found != wanted {
            let same = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
            return Ok(Some(offset + same));
        }
        offset += len;
    }
    let more = fill(&mut file, room.get_mut(..1).unwrap_or_default())?;
    Ok((more > 0).then_some(offset))
}

/// Reads until `room` is full or the file ends; returns how many bytes came.
pub(crate) fn fill(file: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = room.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
