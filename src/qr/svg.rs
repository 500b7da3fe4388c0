//! A symbol for browsers and printers that scale, with a line of text below it.

use std::fmt::Write as _;

use super::symbol::{QUIET, Symbol};

/// Modules below the symbol's quiet zone for the caption.
const CAPTION: usize = 4;

impl Symbol {
    /// Draws it in modules, so that edges stay sharp at every size, with `caption` below it.
    ///
    /// The QR Token stands in the symbol only, never as text.
    pub(crate) fn svg(&self, caption: &str) -> String {
        let width = self.size + 2 * QUIET;
        let height = width + CAPTION;
        let text = escaped(caption);
        let (middle, line) = (width / 2, width + 1);
        let path = path(self);
        let length = squeezed(&text, width);
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}mm" height="{height}mm" role="img">
<title>{text}</title>
<rect width="{width}" height="{height}" fill="#fff"/>
<path shape-rendering="crispEdges" fill="#000" d="{path}"/>
<text x="{middle}.5" y="{line}" font-family="monospace" font-size="3" text-anchor="middle"{length}>{text}</text>
</svg>
"##
        )
    }
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

/// Squeezes a text that is longer than the symbol is wide; a character has about 1.8 units.
fn squeezed(text: &str, width: usize) -> String {
    let room = width.saturating_sub(2);
    if text.len() * 9 / 5 > room {
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
    use super::*;

    const CODE: &str = "sqr_gCCsLSydh3d0ArmZj50l9zr79JXVooBR+17";

    #[test]
    fn the_drawing_names_the_serial_and_no_token() {
        let symbol = Symbol::encode(&CODE.parse().unwrap()).unwrap();
        let text = symbol.svg("R+D-001");
        assert!(text.contains("<title>R+D-001</title>"));
        assert!(text.contains(r#"viewBox="0 0 37 41""#));
        assert!(!text.contains("sqr_"));
    }

    #[test]
    fn the_path_covers_the_dark_modules_exactly() {
        let symbol = Symbol::encode(&CODE.parse().unwrap()).unwrap();
        let dark = symbol.rows.iter().flatten().filter(|dark| **dark).count();
        let runs = path(&symbol);
        let drawn: usize = (runs.split('h').skip(1).step_by(2))
            .filter_map(|run| run.split('v').next()?.parse::<usize>().ok())
            .sum();
        assert_eq!(drawn, dark);
    }
}
