//! QR symbols drawn without a flaw: read module by module, which also proves that the picture
//! holds nothing else.
//!
//! Exports are drawn by programs, so nearly every picture is of this kind. Others (scaled by a
//! fraction, antialiased, photographed) go to the finder of [`quircs`].

use quircs::Code;

/// Modules along a side of the smallest and the largest symbol (ISO/IEC 18004, 5.3.1).
const SIDES: std::ops::RangeInclusive<usize> = 21..=177;

/// Modules along the side of a finder pattern (ISO/IEC 18004, 5.3.2).
const FINDER: usize = 7;

/// Reads a symbol whose modules are squares of whole pixels, alone in its picture.
///
/// `dark` is one byte a pixel, 0 or 1. Returns `None` for every other picture.
pub(super) fn read(dark: &[u8], width: usize) -> Option<Code> {
    let rows: Vec<&[u8]> = dark.chunks_exact(width).collect();
    let frame = Frame::of(&rows)?;
    let top = rows.get(frame.top)?.get(frame.left..)?;
    let run = top.iter().take_while(|pixel| **pixel == 1).count();
    if run == 0 || !run.is_multiple_of(FINDER) {
        return None;
    }
    let module = run / FINDER;
    if !frame.side.is_multiple_of(module) {
        return None;
    }
    let size = frame.side / module;
    if !SIDES.contains(&size) || !(size - 17).is_multiple_of(4) {
        return None;
    }
    let symbol = rows.get(frame.top..frame.top + frame.side)?;
    let mut code = Code {
        size: i32::try_from(size).ok()?,
        ..Code::default()
    };
    for (y, band) in symbol.chunks_exact(module).enumerate() {
        let (first, others) = band.split_first()?;
        if others.iter().any(|row| row != first) {
            return None;
        }
        let line = first.get(frame.left..frame.left + frame.side)?;
        for (x, pixels) in line.chunks_exact(module).enumerate() {
            let (pixel, others) = pixels.split_first()?;
            if others.iter().any(|other| other != pixel) {
                return None;
            }
            let bit = y * size + x;
            *code.cell_bitmap.get_mut(bit / 8)? |= pixel << (bit % 8);
        }
    }
    Some(code)
}

/// The square that holds every dark pixel.
struct Frame {
    left: usize,
    top: usize,
    side: usize,
}

impl Frame {
    fn of(rows: &[&[u8]]) -> Option<Self> {
        let dark = |row: &&[u8]| row.contains(&1);
        let top = rows.iter().position(dark)?;
        let bottom = rows.iter().rposition(dark)?;
        let marked = || rows.iter().filter(|row| dark(row));
        let left = marked()
            .filter_map(|row| row.iter().position(|p| *p == 1))
            .min()?;
        let right = marked()
            .filter_map(|row| row.iter().rposition(|p| *p == 1))
            .max()?;
        let side = bottom - top + 1;
        (side == right - left + 1).then_some(Self { left, top, side })
    }
}
