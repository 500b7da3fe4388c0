//! The QR symbol of a payload, and its PNG.

use png::{BitDepth, ColorType, Compression, Encoder};
use qrcode::{Color, EcLevel, QrCode};

use quircs::Code;

use crate::unit::QrToken;

/// Light modules around the symbol (ISO/IEC 18004, 6.3.8).
pub(super) const QUIET: usize = 4;
/// Pixels a module: a symbol of 29 modules then has 222, as in the console's exports.
const SCALE: usize = 6;

/// A symbol, module by module.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    /// Modules along a side, without quiet zone.
    pub size: usize,
    /// Rows of modules, true where dark.
    pub rows: Vec<Vec<bool>>,
}

impl Symbol {
    /// Takes a symbol as it was read from a picture.
    pub(super) fn of_code(code: &Code) -> Self {
        let size = usize::try_from(code.size).unwrap_or(0);
        let dark = |bit: usize| {
            let byte = code.cell_bitmap.get(bit / 8);
            byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        let row = |y: usize| (0..size).map(move |x| dark(y * size + x)).collect();
        let rows = (0..size).map(row).collect();
        Self { size, rows }
    }

    /// Encodes a QR Token with error correction level M; none where it is longer than a symbol
    /// holds.
    pub(crate) fn encode(token: &QrToken) -> Option<Self> {
        let code = QrCode::with_error_correction_level(token.payload(), EcLevel::M).ok()?;
        let size = code.width();
        let colors = code.into_colors();
        let dark = |color: &Color| *color == Color::Dark;
        let rows = colors.chunks(size);
        let rows = rows.map(|row| row.iter().map(dark).collect()).collect();
        Some(Self { size, rows })
    }

    /// Draws it as PNG: one bit a pixel, no text in it.
    pub(crate) fn png(&self) -> Option<Vec<u8>> {
        write(self, SCALE)
    }
}

fn write(symbol: &Symbol, scale: usize) -> Option<Vec<u8>> {
    let side = (symbol.size + 2 * QUIET) * scale;
    let pixels = u32::try_from(side).ok()?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixels, pixels);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.set_compression(Compression::High);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&bits(symbol, side, scale)).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

/// Packs pixels, eight a byte, the leftmost highest; light is 1.
fn bits(symbol: &Symbol, side: usize, scale: usize) -> Vec<u8> {
    let dark = |x: usize, y: usize| {
        let module = |at: usize| (at / scale).checked_sub(QUIET);
        let row = module(y).and_then(|y| symbol.rows.get(y));
        row.and_then(|row| module(x).and_then(|x| row.get(x)))
            .is_some_and(|dark| *dark)
    };
    let stride = side.div_ceil(8);
    let byte = |y: usize, first: usize| {
        (0..8).fold(0, |byte, bit| {
            let x = first * 8 + bit;
            byte << 1 | u8::from(x < side && !dark(x, y))
        })
    };
    (0..side)
        .flat_map(|y| (0..stride).map(move |first| (y, first)))
        .map(|(y, first)| byte(y, first))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::picture;
    use super::*;

    const CODE: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR+17";

    #[test]
    fn a_drawn_picture_reads_back() {
        let code = CODE.parse().unwrap();
        let symbol = Symbol::encode(&code).unwrap();
        assert_eq!(symbol.size, 29);
        for scale in [1, 2, 3, 6, 11] {
            let bytes = write(&symbol, scale).unwrap();
            assert_eq!(picture::read(&bytes), Ok(code.clone()), "scale {scale}");
        }
    }

    #[test]
    fn the_picture_is_as_large_as_the_console_s() {
        let bytes = Symbol::encode(&CODE.parse().unwrap())
            .unwrap()
            .png()
            .unwrap();
        assert_eq!(bytes.get(16..24), Some(&[0, 0, 0, 222, 0, 0, 0, 222][..]));
    }
}
