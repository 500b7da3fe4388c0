//! Keys as they are pressed, put together to a line: what the system's own line editing would do,
//! but for the echo.

use eol_inject::scan::{Collected, Line, Misread, is_harmless};

/// Erases one character on the screen.
const BACK: &str = "\x08 \x08";

/// What a key came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// The line goes on.
    Key,
    /// The line is whole.
    Line(Result<Line, Misread>),
    /// No more lines come.
    End,
}

/// The line that is being typed.
#[derive(Debug, Default)]
pub(super) struct Keys {
    line: Collected,
    /// Characters of it.
    count: usize,
    /// Whether somebody asked for it: what is typed too early is not shown.
    asked: bool,
}

impl Keys {
    /// Begins to show what is typed; returns what is shown of what was typed already.
    pub(super) fn ask(&mut self) -> String {
        self.asked = true;
        stars(self.count)
    }

    /// Takes a key; returns what it came to, and what the screen shows of it.
    pub(super) fn press(&mut self, key: u8) -> (Press, String) {
        let (press, shown) = match key {
            b'\n' | b'\r' => self.enter(),
            // Ctrl-D ends the scans where no line was begun.
            0x04 if self.line.is_empty() => (Press::End, String::new()),
            0x04 => (Press::Key, String::new()),
            0x08 | 0x7f => (Press::Key, self.back(1)),
            // Ctrl-U and Ctrl-W: a scan is one word.
            0x15 | 0x17 => (Press::Key, self.back(usize::MAX)),
            key => (Press::Key, self.add(key)),
        };
        (press, shown)
    }

    fn add(&mut self, key: u8) -> String {
        self.line.add(&[key]);
        // The bytes of a character after its first one are 0b10xx_xxxx.
        if key & 0xc0 == 0x80 {
            return String::new();
        }
        self.count += 1;
        self.shown(stars(visible(self.count) - visible(self.count - 1)))
    }

    fn back(&mut self, most: usize) -> String {
        let mut taken = 0;
        while taken < most && self.line.take_back() {
            taken += 1;
        }
        let before = visible(self.count);
        self.count = self.count.saturating_sub(taken);
        self.shown(BACK.repeat(before - visible(self.count)))
    }

    fn enter(&mut self) -> (Press, String) {
        let typed = std::mem::take(self);
        let line = typed.line.end();
        let shown = match &line {
            // The stars give way to what was read.
            Ok(text) if is_harmless(text) => {
                format!("{}{}\n", BACK.repeat(visible(typed.count)), **text)
            }
            _ => "\n".to_owned(),
        };
        let shown = if typed.asked { shown } else { String::new() };
        (Press::Line(line), shown)
    }

    fn shown(&self, text: String) -> String {
        if self.asked { text } else { String::new() }
    }
}

/// Returns how many of so many characters show: what is longer is not for a screen.
fn visible(count: usize) -> usize {
    count.min(60)
}

fn stars(count: usize) -> String {
    // In ASCII: the terminal of a station may know no more.
    "*".repeat(visible(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types keys; returns the lines, and the screen.
    fn typed(keys: &str) -> (Vec<String>, String) {
        let mut typed = Keys::default();
        let mut screen = typed.ask();
        let mut lines = Vec::new();
        for key in keys.bytes() {
            let (press, shown) = typed.press(key);
            screen.push_str(&shown);
            if let Press::Line(line) = press {
                lines.push(line.unwrap().to_string());
                typed.ask();
            }
        }
        (lines, screen)
    }

    #[test]
    fn a_line_is_edited_as_ever() {
        let (lines, screen) = typed("GX\x7fW1\nabc\x15GW2\nabc\x17GW3\n");
        assert_eq!(lines, ["GW1", "GW2", "GW3"]);
        assert!(
            screen.contains("GW1\n") && !screen.contains("GX"),
            "{screen}"
        );
    }

    #[test]
    fn a_token_shows_as_stars_and_stays_so() {
        let token = "-fake-TOKEN_0123456789abcdefghij";
        let (lines, screen) = typed(&format!("{token}\n"));
        assert_eq!(lines, [token]);
        assert_eq!(screen, format!("{}\n", stars(32)));
    }

    #[test]
    fn what_is_typed_too_early_is_not_shown() {
        let mut keys = Keys::default();
        assert_eq!(keys.press(b'G'), (Press::Key, String::new()));
        assert_eq!(keys.ask(), stars(1));
    }

    #[test]
    fn ctrl_d_ends_an_empty_line_only() {
        let mut keys = Keys::default();
        assert_eq!(keys.press(b'G').0, Press::Key);
        assert_eq!(keys.press(4).0, Press::Key);
        assert_eq!(keys.press(0x7f).0, Press::Key);
        assert_eq!(keys.press(4).0, Press::End);
    }
}
