//! Lines that keep to a terminal: broken between words, and what follows indented.

use std::io;

use terminal_size::{Height, Width};

/// What a terminal has at least, and manual pages and help keep to.
pub(crate) const COLUMNS: usize = 80;

/// Returns the columns of the standard output's terminal.
pub(crate) fn out() -> Option<usize> {
    known(terminal_size::terminal_size_of(io::stdout()))
}

/// Returns the columns of the standard error's terminal.
pub(crate) fn err() -> Option<usize> {
    known(terminal_size::terminal_size_of(io::stderr()))
}

/// Where there is no terminal, `COLUMNS` says it; unsaid, lines stay whole, for programs that
/// search them.
fn known(terminal: Option<(Width, Height)>) -> Option<usize> {
    match terminal {
        Some((width, _)) => Some(usize::from(width.0)),
        None => std::env::var("COLUMNS").ok()?.parse().ok(),
    }
}

/// Breaks each line of `text` between words, so that none is wider than `columns` where its words
/// allow it; what is broken off is indented by two more than its line.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        hung(line, columns, &" ".repeat(indent.saturating_add(2)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Breaks one line between words; what is broken off begins with `hang`.
pub(crate) fn hung(line: &str, columns: usize, hang: &str) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let start = line.len() - line.trim_start_matches(' ').len();
    let (indent, words) = line.split_at_checked(start).unwrap_or(("", line));
    let mut done = indent.to_owned();
    // What the line under work begins with counts, but is no word to break behind.
    let (mut used, mut empty) = (width(indent), true);
    let mut gap = 0usize;
    for word in words.split(' ') {
        if word.is_empty() {
            gap = gap.saturating_add(1);
            continue;
        }
        let space = if empty { 0 } else { gap.saturating_add(1) };
        if !empty && used.saturating_add(space).saturating_add(width(word)) > columns {
            done.push('\n');
            done.push_str(hang);
            done.push_str(word);
            used = width(hang).saturating_add(width(word));
        } else {
            done.push_str(&" ".repeat(space));
            done.push_str(word);
            used = used.saturating_add(space).saturating_add(width(word));
        }
        (gap, empty) = (0, false);
    }
    done
}

/// Breaks text between words into lines of at most `columns`, as far as words let it.
pub(crate) fn parts(text: &str, columns: usize) -> Vec<String> {
    hung(text, columns, "").lines().map(str::to_owned).collect()
}

/// Counts what is seen: an escape sequence for colour is not.
pub(crate) fn width(text: &str) -> usize {
    let mut seen = 0usize;
    let mut hidden = false;
    for letter in text.chars() {
        match (hidden, letter) {
            (false, '\u{1b}') => hidden = true,
            (true, 'm') => hidden = false,
            (false, _) => seen = seen.saturating_add(1),
            (true, _) => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_stays_as_it_is() {
        assert_eq!(wrapped("a  b   c", 8), "a  b   c");
    }

    #[test]
    fn what_is_broken_off_hangs_under_its_line() {
        assert_eq!(wrapped("  one two three", 10), "  one two\n    three");
    }

    #[test]
    fn a_long_path_stands_alone() {
        let path = "/a/path/that/is/long";
        assert_eq!(
            wrapped(&format!("cannot read {path} at all"), 12),
            format!("cannot read\n  {path}\n  at all")
        );
    }

    #[test]
    fn colour_takes_no_room() {
        let text = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: no";
        assert_eq!(width(text), 9);
        assert_eq!(wrapped(text, 9), text);
    }

    #[test]
    fn columns_of_a_table_that_fits_are_kept() {
        let row = "serial    state     image";
        assert_eq!(wrapped(row, 25), row);
    }
}
