//! BIN: one extent at a base address.

use super::extent::Extent;
use super::{Address, ImageError, Span};

/// Reads `container` as raw bytes that are loaded from `base` on.
///
/// # Errors
/// [`ImageError::NoBase`], [`ImageError::Empty`], [`ImageError::Wraps`].
pub(super) fn read(container: &[u8], base: Option<Address>) -> Result<Vec<Extent>, ImageError> {
    if container.is_empty() {
        return Err(ImageError::Empty);
    }
    let start = base.ok_or(ImageError::NoBase)?;
    let len = u64::try_from(container.len()).unwrap_or(u64::MAX);
    let span = Span::new(start, len).ok_or(ImageError::Wraps { start, len })?;
    Ok(vec![Extent {
        span,
        at: 0..container.len(),
    }])
}
