//! Why there is no label. No text here repeats a token.

use std::path::PathBuf;

use thiserror::Error;

use crate::ledger::UnitState;
use crate::qr::PictureError;
use crate::unit::Serial;

/// Why a unit gets no label.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "label-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum LabelError {
    /// The unit is not finished, or its token was burnt.
    #[error("{serial} is {state}: it gets no label")]
    NotFinished { serial: Serial, state: UnitState },
    /// The token list had neither QR Token nor picture.
    #[error("the token of {serial} came without QR Token and picture")]
    NoQr { serial: Serial },
    /// Neither list nor picture named the organisation.
    #[error(
        "the QR Token of {serial} names no organisation, and the mobile apps read no such label"
    )]
    NoOrganisation { serial: Serial },
    /// The picture in the ledger is none.
    #[error("the picture of {serial} cannot be used")]
    Picture {
        serial: Serial,
        source: PictureError,
    },
    /// The picture says another QR Token than the record.
    #[error("the picture of {serial} does not say what the record says")]
    Differs { serial: Serial },
    /// More text than a symbol holds.
    #[error("the QR Token of {serial} does not fit a QR symbol")]
    TooLong { serial: Serial },
    /// The PNG could not be written.
    #[error("the label of {serial} cannot be drawn")]
    Draw { serial: Serial },
    /// The file of a label that counts no more could not be removed.
    #[error("{} cannot be removed: {reason}; remove it, nobody may print it", file.display())]
    Remove { file: PathBuf, reason: String },
    /// The file of a label could not be written.
    #[error("{} cannot be written: {reason}", file.display())]
    Write { file: PathBuf, reason: String },
}

crate::unit::stable_name!(LabelError);
