//! BIN: one extent from a base address on.

use super::{Address, Extent, ImageError, Span};

/// Reads `container` as raw bytes that are loaded from `base` on.
pub(super) fn read(container: &[u8], base: Option<Address>) -> Result<Vec<Extent>, ImageError> {
    let base = base.ok_or(ImageError::NoBase)?;
    let span = u64::try_from(container.len())
        .ok()
        .and_then(|len| Span::new(base, len))
        .ok_or(ImageError::Empty)?;
    Ok(vec![Extent {
        span,
        at: 0..container.len(),
    }])
}
