//! What the operator sees: a few lines per unit, and a verdict that cannot be mistaken.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use eol_inject::target::{Holds, Phase, Seen};
use eol_inject::unit::Serial;

use crate::cli::error::CliError;
use crate::cli::output::{DIM, Output};
use crate::cli::report::grouped;
use crate::cli::scan::bell;
use crate::cli::unit::{Ended, done_already};

/// Passed, and labelled.
const PASS: Style = on(AnsiColor::Black, AnsiColor::Green);
/// Passed, but something is left to do.
const HALF: Style = on(AnsiColor::Black, AnsiColor::Yellow);
/// Not passed.
const FAIL: Style = on(AnsiColor::BrightWhite, AnsiColor::Red);

const fn on(text: AnsiColor, ground: AnsiColor) -> Style {
    Style::new()
        .fg_color(Some(anstyle::Color::Ansi(text)))
        .bg_color(Some(anstyle::Color::Ansi(ground)))
        .bold()
}

/// Where seconds stand on a line of 80 columns.
const COLUMN: usize = 72;

/// One nest's part of the screen.
pub(super) struct Screen<'o> {
    pub(super) output: &'o Output,
    /// Whether the steps of each unit are shown, or only how it ended.
    steps: bool,
    terminal: bool,
    phase: Option<Phase>,
    /// When the board was begun to be written.
    injecting: Option<Instant>,
    reading: Option<Instant>,
    read: u64,
}

impl<'o> Screen<'o> {
    pub(super) fn new(output: &'o Output, steps: bool) -> Self {
        Self {
            output,
            steps,
            terminal: std::io::stderr().is_terminal(),
            phase: None,
            injecting: None,
            reading: None,
            read: 0,
        }
    }

    /// Asks for a hand: which unit is there, and which one is wanted.
    pub(super) fn waiting(&self, there: Option<&Serial>, wanted: Option<&Serial>) {
        let seat = match wanted {
            Some(serial) => format!("seat the board of {serial}"),
            None => "seat the next unit".to_owned(),
        };
        match there {
            Some(unit) => self
                .output
                .say(format_args!("  take {unit} off the fixture and {seat}")),
            None => self.output.say(format_args!("  {seat}")),
        }
    }

    /// Shows what was seen of a board.
    pub(super) fn seen(&mut self, seen: &Seen) {
        if !self.steps {
            return;
        }
        let uid = seen.uid.as_deref().map_or_else(|| "-".to_owned(), short);
        let simulated = if seen.simulated { "SIMULATED, " } else { "" };
        self.output.good(format_args!(
            "  identify   {uid:<12}  {simulated}{}",
            holds(&seen.holds)
        ));
    }

    /// A phase begins: a bar on a terminal.
    pub(super) fn begin(&mut self, phase: Phase, total: u64) {
        self.output.done();
        let name = match phase {
            Phase::Identify => "identify",
            Phase::Erase => "erase",
            Phase::Program => "program",
            Phase::ReadBack => "read back",
        };
        match phase {
            Phase::Identify => {}
            Phase::Erase | Phase::Program => {
                self.injecting.get_or_insert_with(Instant::now);
            }
            Phase::ReadBack => {
                self.injected();
                self.reading = Some(Instant::now());
                self.read = total;
            }
        }
        self.phase = Some(phase);
        if self.terminal && self.steps {
            self.output.phase(name, total);
        }
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.output.advance(bytes);
    }

    /// Shows that the board was written.
    fn injected(&mut self) {
        if let Some(since) = self.injecting.take().filter(|_| self.steps) {
            self.output.good(timed("  inject", since.elapsed()));
        }
    }

    /// Shows how a unit ended.
    pub(super) fn end(&mut self, ended: &Ended<'_>, nest: Option<&str>) {
        self.output.done();
        let reading = self.reading.take().filter(|_| self.steps);
        self.injecting = None;
        self.phase = None;
        if let (Some(since), Ok(_)) = (reading, ended.result) {
            let told = format!("  read back  {} bytes equal", grouped(self.read));
            self.output.good(timed(&told, since.elapsed()));
        }
        let nest = nest.map_or_else(String::new, |nest| format!("{nest}  "));
        // A unit that failed counts for nothing: only one that passed could be taken for real.
        let word = ended.result.map_or("", |_| ended.word());
        let name = format!("{}  {word}", ended.name());
        let name = name.trim_end();
        match (ended.result, ended.unlabelled()) {
            (Ok(passed), None) => {
                let told = if passed.already {
                    // Without colour: its bytes would count as columns.
                    format!("  {}", done_already(&passed.entry))
                } else {
                    let print = passed.entry.record().fingerprint;
                    let label = label(ended, nest.len() + name.len());
                    format!("  token {print}  {label}")
                };
                let told = format!("{nest}{name}{told}");
                // The word before it has 4 letters and 2 spaces.
                let width = COLUMN - 6;
                self.output.good(format_args!(
                    "{PASS}PASS{PASS:#}  {told:<width$} {:>6}",
                    seconds(ended.elapsed)
                ));
            }
            (Ok(passed), Some(error)) => {
                self.output.line(format_args!(
                    "{HALF}PASS{HALF:#}  {nest}{name}  token {}  NOT LABELLED ({})  {}",
                    passed.entry.record().fingerprint,
                    error.code,
                    seconds(ended.elapsed)
                ));
                self.reasons(&error);
                bell();
            }
            (Err(error), _) => {
                let told = format!("{nest}{name}  {error} ({})", error.code);
                self.output
                    .line(format_args!("{FAIL}FAIL{FAIL:#}  {}", wrapped(&told, 6)));
                self.reasons(error);
                bell();
            }
        }
    }

    fn reasons(&self, error: &CliError) {
        // What lies between is for whoever reads the objects of `--json`.
        if let Some(cause) = error.causes.last() {
            let told = format!("because {cause}");
            self.output
                .line(format_args!("      {}", wrapped(&told, 6)));
        }
        if let Some(hint) = &error.hint {
            self.output.line(format_args!("      {}", wrapped(hint, 6)));
        }
        let next = error.sentence();
        self.output
            .line(format_args!("      {}", wrapped(&next, 6)));
    }

    /// Tells something by the way.
    pub(super) fn aside(&self, text: impl Display) {
        self.output.say(format_args!("{DIM}  {text}{DIM:#}"));
    }
}

/// Returns where a label is: its file's name alone where the line gets too long.
fn label(ended: &Ended<'_>, before: usize) -> String {
    let Some(label) = &ended.label else {
        return "no label wanted".to_owned();
    };
    let whole = label.display().to_string();
    // Behind the word, the unit and the token, and before the seconds.
    if before + whole.len() + 28 <= COLUMN {
        return whole;
    }
    let name = label.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn holds(holds: &Holds) -> String {
    match holds {
        Holds::Blank => "blank".to_owned(),
        Holds::Token(print) => format!("holds token {print}"),
        Holds::Torn { token, at } => format!("holds token {token}, torn from {at} on"),
        Holds::Foreign { at } => format!("holds something else from {at} on"),
        Holds::Unreadable { at } => format!("cannot be read at {at}"),
    }
}

/// Returns the two ends of a long number.
fn short(uid: &str) -> String {
    let start: String = uid.chars().take(4).collect();
    let end: String = uid
        .chars()
        .skip(uid.chars().count().saturating_sub(4))
        .collect();
    if uid.len() > 12 {
        format!("{start}...{end}")
    } else {
        uid.to_owned()
    }
}

/// Returns a line with seconds at its end.
fn timed(text: &str, elapsed: Duration) -> String {
    format!("{text:<COLUMN$} {:>6}", seconds(elapsed))
}

fn seconds(elapsed: Duration) -> String {
    let millis = elapsed.as_millis();
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// Returns text in lines of at most 80 columns; all but the first are indented.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let room = 80usize.saturating_sub(indent);
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_inclusive(' ') {
        let long = word.trim_end().chars().count();
        if width > 0 && width + long > room {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            width = 0;
        }
        lines.push_str(word);
        width += word.chars().count();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_for_people_stay_within_80_columns() {
        let text =
            "no answer from the target: is the unit seated and powered, and its cable whole? (40)";
        let told = format!("FAIL  {}", wrapped(text, 6));
        assert_eq!(told.lines().count(), 2);
        assert!(told.lines().all(|line| line.len() <= 80), "{told}");
    }
}
