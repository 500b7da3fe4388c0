//! Hand-off: what a stand-alone programmer patches into the shared image, one line a unit.
//!
//! Every line of a block writes the same ranges, so that nothing of one unit stays in the next
//! where a programmer patches its buffer in place. It does not know ledgers or files.

mod error;
mod flasher;
mod pg4uw;
mod ranges;
mod read;

pub use error::HandoffError;
pub use read::read_back;

use zeroize::Zeroizing;

use crate::image::Address;
use crate::master::Master;
use crate::seal::Sealed;

/// A programmer that takes a file with one line a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programmer {
    /// SEGGER Flasher, stand-alone: `Patches.txt`.
    Flasher,
    /// Elnec PG4UW: serialization "From file", classic.
    Pg4uw {
        /// The load address that stands at address 0 of its byte buffer.
        base: Address,
    },
}

impl Programmer {
    /// Returns the number of the first line, as the programmer counts.
    #[must_use]
    pub const fn first_line(self) -> usize {
        match self {
            Self::Flasher => 0,
            Self::Pg4uw { .. } => 1,
        }
    }
}

/// Writes a block of units as the programmer takes it. The text holds AuthTokens.
///
/// Every slot and checksum is among the patches; addresses are load addresses.
///
/// # Errors
/// [`HandoffError`] where a line has no room for all that differs; then nothing is given out.
pub fn write(
    master: &Master,
    units: &[Sealed<'_>],
    programmer: Programmer,
) -> Result<Zeroizing<Vec<u8>>, HandoffError> {
    match programmer {
        Programmer::Flasher => flasher::write(master, units),
        Programmer::Pg4uw { base } => pg4uw::write(master, units, base),
    }
}
