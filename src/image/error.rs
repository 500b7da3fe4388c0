//! Why bytes are no image that can be patched.

use thiserror::Error;

use super::{Address, Format, Span};

/// Why an image was rejected, or a place in it was not found.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "image-")]
#[non_exhaustive]
pub enum ImageError {
    /// A BIN does not say where it is loaded.
    #[error("a BIN image does not say where it is loaded")]
    NoBase,
    /// No byte at all.
    #[error("the image is empty")]
    Empty,
    /// The content is of another format than asked for.
    #[error("the image is {found}, the recipe says {wanted}")]
    OtherFormat {
        /// What the content is.
        found: Format,
        /// What was asked for.
        wanted: Format,
    },
    /// Bytes of `span` are not stored in the image.
    #[error("{span} is not stored in the image: nothing is at {first}")]
    Outside {
        /// What was asked for.
        span: Span,
        /// The first address without a byte.
        first: Address,
    },
}

impl ImageError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
