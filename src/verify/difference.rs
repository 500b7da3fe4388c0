//! What is wrong with a unit's image, and why nothing can be judged.

use thiserror::Error;

use super::reader::ReadError;
use crate::image::Address;
use crate::master::MasterError;
use crate::unit::{AuthTokenError, Fingerprint};

/// One thing that is wrong with a unit's image.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "differs-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum Difference {
    /// It is no image.
    #[error("it cannot be read: {0}")]
    Unreadable(ReadError),
    /// A byte of the shared image is not in it.
    #[error("nothing is stored at {at}, where the shared image stores a byte")]
    NotStored { at: Address },
    /// A loaded byte outside slots and checksums differs.
    #[error(
        "differs from the shared image at {at} outside slots and checksums: {found:02x}, wanted {wanted:02x}"
    )]
    Outside { at: Address, found: u8, wanted: u8 },
    /// A converted image holds a byte that the shared one does not load.
    #[error("holds {found:02x} at {at}, where the shared image stores nothing")]
    More { at: Address, found: u8 },
    /// The file is longer or shorter.
    #[error("the file has {found} bytes, the shared one has {wanted}")]
    Length { found: usize, wanted: usize },
    /// A byte of the file that is loaded nowhere differs.
    #[error("the file differs at offset {offset:#x}: {found:02x}, wanted {wanted:02x}")]
    File {
        offset: usize,
        found: u8,
        /// The byte that follows from the shared file.
        wanted: u8,
    },
    /// A digest of the container that was right is not any more.
    #[error("the MD5 in block {block} of the UF2 is not that of its bytes")]
    Md5 {
        /// Which block, counted from 0.
        block: usize,
    },
    /// A slot is not filled as it should be.
    #[error("the slot for {value} at {at}: {reason}")]
    Slot {
        value: String,
        at: Address,
        reason: String,
    },
    /// The slot's text is no token.
    #[error("the slot for auth-token holds no AuthToken: {0}")]
    Token(AuthTokenError),
    /// A checksum is not right.
    #[error("{name} at {at} stores {stored}, its bytes give {computed}")]
    Checksum {
        name: String,
        at: Address,
        /// What is stored, in hex digits of the field.
        stored: String,
        computed: String,
    },
    /// A signature does not hold.
    #[error("{name} at {at} is no signature of its bytes by the recipe's key")]
    Signature { name: String, at: Address },
    /// What a checksum covers is not all there.
    #[error("{name} at {at} cannot be computed: its bytes are not all there")]
    NotComputable { name: String, at: Address },
    /// The image holds another serial.
    #[error("holds the serial {found}, wanted {wanted}")]
    Serial { found: String, wanted: String },
    /// The image holds another token than the record says.
    #[error("holds the token {found}, the record says {wanted}")]
    Fingerprint {
        found: Fingerprint,
        wanted: Fingerprint,
    },
}

crate::unit::stable_name!(Difference);

/// Why nothing can be judged.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "verify-")]
#[non_exhaustive]
pub enum VerifyError {
    /// The shared image cannot be read.
    #[error("the shared image cannot be read")]
    Read(#[from] ReadError),
    /// The recipe does not fit the shared image.
    #[error("the recipe does not fit the shared image")]
    Master(#[from] MasterError),
}

crate::unit::stable_name!(VerifyError);
