//! QR symbols: read from pictures, and drawn.
//!
//! It knows neither lists nor units: who a symbol belongs to is for its callers to say.

mod error;
#[cfg(feature = "label")]
mod exact;
#[cfg(feature = "label")]
pub(crate) mod picture;
#[cfg(feature = "label")]
mod svg;
#[cfg(feature = "label")]
mod symbol;

pub use error::PictureError;
#[cfg(feature = "label")]
pub(crate) use symbol::Symbol;
