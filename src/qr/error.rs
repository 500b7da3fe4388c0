//! Why a picture is no label.

use thiserror::Error;

use crate::unit::QrTokenError;

/// Why a picture is no label of one device.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "picture-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum PictureError {
    /// Another format.
    #[error("it is no PNG")]
    NotPng,
    /// A PNG that ends early or contradicts itself.
    #[error("the PNG is damaged")]
    Damaged,
    /// More pixels than a label has.
    #[error("it has {width} x {height} pixels, at most {limit} x {limit} are read")]
    TooLarge { width: u32, height: u32, limit: u32 },
    /// An animation.
    #[error("it is an animation: only its first frame would be checked")]
    Animated,
    /// No QR symbol can be read.
    #[error("no QR symbol can be read in it")]
    Undecodable,
    /// More than one QR symbol.
    #[error("it holds {found} QR symbols, a label has one")]
    Several { found: usize },
    /// The symbol says something else.
    #[error("its QR symbol holds no QR Token")]
    NotAQrToken {
        /// What is wrong with the text.
        source: QrTokenError,
    },
    /// The symbol gives the device's secret away.
    #[error("its QR symbol holds an AuthToken: printed, it gives the device away")]
    SecretInSymbol,
    /// The file gives a device's secret away beside the symbol.
    #[error("an AuthToken stands in the file beside the symbol: handed on, it gives a device away")]
    SecretInFile,
}

crate::unit::stable_name!(PictureError);
