//! Receipts: what was read back, compared with the unit's image.

use zeroize::Zeroizing;

use super::DeliverError;
use crate::image::Edits;
use crate::ledger::Receipt;
use crate::seal::Sealed;
use crate::unit::Digest;

impl Receipt {
    /// Compares a file as it was read back with the unit's; `None` where it is another one.
    ///
    /// # Errors
    /// [`DeliverError`] when the unit's file cannot be made.
    pub fn of_file(sealed: &Sealed<'_>, found: &[u8]) -> Result<Option<Self>, DeliverError> {
        let wanted = Zeroizing::new(sealed.container()?);
        let same = wanted.as_slice() == found;
        Ok(same.then(|| Self::new(sealed, (Some(Digest::of(found)), true))))
    }

    /// Compares what was read of a board with all that the unit's image stores; `None` where the
    /// board holds something else.
    ///
    /// # Errors
    /// [`DeliverError`] when the unit's bytes cannot be made.
    pub fn of_board(sealed: &Sealed<'_>, found: &Edits) -> Result<Option<Self>, DeliverError> {
        let image = sealed.master().image();
        for span in image.runs() {
            let mut wanted = Zeroizing::new(image.bytes(span)?.into_owned());
            sealed.edits().apply(span, &mut wanted);
            // What was not read differs from what is stored, whatever that is.
            for odd in [0x00, 0xFF] {
                let mut read = Zeroizing::new(vec![odd; wanted.len()]);
                found.apply(span, &mut read);
                if read.as_slice() != wanted.as_slice() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Self::new(sealed, (None, true))))
    }

    /// Vouches for a unit that was compared; `false` where its file was only written.
    pub(crate) fn new(sealed: &Sealed<'_>, (digest, durable): (Option<Digest>, bool)) -> Self {
        Self {
            serial: sealed.serial().clone(),
            fingerprint: sealed.fingerprint(),
            digest,
            durable,
        }
    }
}
