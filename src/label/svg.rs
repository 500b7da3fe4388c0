//! A label for browsers and printers that scale: the symbol, and the serial below it.

use std::fmt::Write as _;

use super::qr::{QUIET, Symbol};
use crate::unit::Serial;

/// Modules below the symbol's quiet zone for the serial.
const CAPTION: usize = 4;

/// Draws a symbol in modules, so that edges stay sharp at every size.
///
/// The QR Token stands in the symbol only, never as text.
pub(super) fn draw(symbol: &Symbol, serial: &Serial) -> String {
    let width = symbol.size + 2 * QUIET;
    let height = width + CAPTION;
    let serial = escaped(serial.as_str());
    let (middle, line) = (width / 2, width + 1);
    let path = path(symbol);
    let length = caption(&serial, width);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}mm" height="{height}mm" role="img">
<title>{serial}</title>
<rect width="{width}" height="{height}" fill="#fff"/>
<path shape-rendering="crispEdges" fill="#000" d="{path}"/>
<text x="{middle}.5" y="{line}" font-family="monospace" font-size="3" text-anchor="middle"{length}>{serial}</text>
</svg>
"##
    )
}

/// Writes the dark modules as one path, a rectangle for each run of a row.
fn path(symbol: &Symbol) -> String {
    let mut path = String::new();
    for (y, row) in symbol.rows.iter().enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&true) {
                let (left, top, wide) = (x + QUIET, y + QUIET, run.len());
                // Writing to a `String` cannot fail.
                let _ = write!(path, "M{left} {top}h{wide}v1h-{wide}z");
            }
            x += run.len();
        }
    }
    path
}

/// Squeezes a serial that is longer than the symbol is wide; a character has about 1.8 units.
fn caption(serial: &str, width: usize) -> String {
    let room = width.saturating_sub(2);
    if serial.len() * 9 / 5 > room {
        format!(r#" textLength="{room}" lengthAdjust="spacingAndGlyphs""#)
    } else {
        String::new()
    }
}

/// Escapes what XML takes for its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::CODE;
    use super::*;

    #[test]
    fn the_drawing_names_the_serial_and_no_token() {
        let serial: Serial = "R+D-001".parse().unwrap();
        let symbol = Symbol::of(&CODE.parse().unwrap(), &serial).unwrap();
        let text = draw(&symbol, &serial);
        assert!(text.contains("<title>R+D-001</title>"));
        assert!(text.contains(r#"viewBox="0 0 37 41""#));
        assert!(!text.contains("sqr_"));
    }

    #[test]
    fn the_path_covers_the_dark_modules_exactly() {
        let serial: Serial = "GW1".parse().unwrap();
        let symbol = Symbol::of(&CODE.parse().unwrap(), &serial).unwrap();
        let dark = symbol.rows.iter().flatten().filter(|dark| **dark).count();
        let runs = path(&symbol);
        let drawn: usize = (runs.split('h').skip(1).step_by(2))
            .filter_map(|run| run.split('v').next()?.parse::<usize>().ok())
            .sum();
        assert_eq!(drawn, dark);
    }
}
