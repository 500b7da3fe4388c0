//! Where words go: one JSON object per line for programs, lines and bars for people.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use eol_inject::unit::AuthToken;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::{CliError, exit};
use super::wrap;

/// Passed.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Worth a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Less important.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Prints a line for people on standard error, where no [`Output`] is at hand.
pub(crate) fn aside(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{}", fitted(text, wrap::err()));
}

/// Breaks lines where people would have them broken in the middle of a word.
fn fitted(text: impl Display, columns: Option<usize>) -> String {
    let text = plain(text);
    match columns {
        Some(columns) => wrap::wrapped(&text, columns),
        None => text,
    }
}

/// Returns words without what may be a token in them, wherever they come from: this is the only
/// way out for them.
pub(crate) fn plain(text: impl Display) -> String {
    AuthToken::hidden_in(&text.to_string()).into_owned()
}

/// Hides in each text of a value what may be a token.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(&*text),
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns one line of JSON without what may be a token in it.
fn plain_json(line: &str) -> Cow<'_, str> {
    if !AuthToken::stands_in(line) {
        return Cow::Borrowed(line);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(line) else {
        return AuthToken::hidden_in(line);
    };
    hide(&mut value);
    Cow::Owned(value.to_string())
}

/// Returns `1 unit`, `2 units`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let s = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{s}")
}

/// The program's voice. A reader that went away never stops a line: write errors are ignored, unless
/// the command only looks.
pub(crate) struct Output {
    json: bool,
    /// Whether only what needs attention is told.
    quiet: bool,
    /// Whether the program ends when nobody reads standard output any more.
    ends: Cell<bool>,
    bar: RefCell<Option<ProgressBar>>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            quiet: false,
            ends: Cell::new(false),
            bar: RefCell::new(None),
        }
    }

    /// Leaves out what needs nobody's attention.
    pub(crate) const fn hush(&mut self) {
        self.quiet = true;
    }

    /// Ends the program quietly when whoever reads standard output goes away, as `head` does.
    pub(crate) fn only_looks(&self) {
        self.ends.set(true);
    }

    /// Ends the program if it wrote to nobody.
    fn heard(&self, written: std::io::Result<()>) {
        let gone = written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        if gone && self.ends.get() {
            std::process::exit(exit::CLOSED_PIPE.into());
        }
    }

    /// Returns whether programs read standard output.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Prints one object and flushes it; nothing where people read.
    pub(crate) fn object(&self, value: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(value) {
            self.told(&line);
        }
    }

    /// Prints an object that is text already, as [`object`](Self::object) does.
    pub(crate) fn told(&self, line: &str) {
        if !self.json {
            return;
        }
        self.above_bar(|| {
            let mut out = std::io::stdout().lock();
            let written = writeln!(out, "{}", plain_json(line)).and_then(|()| out.flush());
            self.heard(written);
        });
    }

    /// Prints a line for people that needs nobody's attention: a unit that passed, a count.
    pub(crate) fn good(&self, text: impl Display) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Prints a line for people: on standard output, unless programs read there.
    pub(crate) fn line(&self, text: impl Display) {
        if self.json {
            self.say(text);
        } else {
            self.above_bar(|| {
                let text = fitted(text, wrap::out());
                self.heard(writeln!(anstream::stdout().lock(), "{text}"));
            });
        }
    }

    /// Prints by the way, on standard error.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Prints a line for people on standard error, whatever was asked for.
    pub(crate) fn say(&self, text: impl Display) {
        self.above_bar(|| {
            let _ = writeln!(anstream::stderr().lock(), "{}", fitted(text, wrap::err()));
        });
    }

    /// Prints a warning on standard error.
    pub(crate) fn warning(&self, text: impl Display) {
        self.say(format_args!("{WARN}warning{WARN:#}: {text}"));
    }

    /// Prints what ended the program.
    pub(crate) fn error(&self, error: &CliError) {
        self.refusal(error);
        self.object(&json!({ "v": 1, "error": error.json() }));
    }

    /// Prints what ended the line before a unit, or between two: its last line is what is done next.
    pub(crate) fn stopped(&self, error: &CliError) {
        self.refusal(error);
        let next = error.sentence();
        self.say(format_args!("  {next}"));
        self.object(&json!({
            "v": 1, "action": error.next().action(), "next": next, "error": error.json(),
        }));
    }

    /// Tells people what is wrong, why, and what to do.
    pub(crate) fn refusal(&self, error: &CliError) {
        self.done();
        self.say(format_args!("{BAD}error{BAD:#}: {error} ({})", error.code));
        for cause in &error.causes {
            self.say(format_args!("  because {cause}"));
        }
        if let Some(hint) = &error.hint {
            self.say(format_args!("  {}", hint.replace('\n', "\n  ")));
        }
    }

    /// Starts a bar of `length` steps; it shows on a terminal only.
    pub(crate) fn bar(&self, length: u64, what: &'static str) {
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0} a second", state.per_sec());
        };
        let template = "{msg:>9} {bar:30} {human_pos}/{human_len}  {rate}  {eta} left";
        self.start(length, what, template, |style| style.with_key("rate", rate));
    }

    /// Starts the bar of a phase of `total` bytes; it shows on a terminal only.
    pub(crate) fn phase(&self, what: &'static str, total: u64) {
        let template = match total {
            0 => "  {msg:<10} {spinner} {elapsed}",
            _ => "  {msg:<10} {bar:40} {bytes}/{total_bytes}",
        };
        self.start(total, what, template, |style| style);
        if let (0, Some(bar)) = (total, &*self.bar.borrow()) {
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
        }
    }

    fn start(
        &self,
        length: u64,
        what: &'static str,
        template: &str,
        keyed: impl FnOnce(ProgressStyle) -> ProgressStyle,
    ) {
        if self.quiet {
            return;
        }
        let bar = ProgressBar::new(length).with_message(what);
        // The templates are constants; a wrong one would fall back to the default look.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(keyed(style));
        }
        *self.bar.borrow_mut() = Some(bar);
    }

    /// Moves the bar on by so many bytes.
    pub(crate) fn advance(&self, bytes: u64) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.inc(bytes);
        }
    }

    /// Moves the bar one step on.
    pub(crate) fn step(&self) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.inc(1);
        }
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn above_bar(&self, print: impl FnOnce()) {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}
