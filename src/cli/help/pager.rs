//! Long text for people: through `$PAGER` on a terminal, as it is anywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

/// What pages where `$PAGER` does not say.
const USUAL: &str = "less";

/// Shows a text; where there is no pager, it is printed.
pub(super) fn show(text: &str) {
    if !(io::stdout().is_terminal() && paged(text)) {
        // A reader that closes early is no failure.
        let _ = io::stdout().write_all(text.as_bytes());
    }
}

/// Returns whether a pager took the text.
fn paged(text: &str) -> bool {
    let chosen = std::env::var("PAGER").unwrap_or_else(|_| USUAL.to_owned());
    let mut words = chosen.split_whitespace();
    let Some(program) = words.next() else {
        return false;
    };
    let started = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut pager) = started else {
        return false;
    };
    if let Some(mut input) = pager.stdin.take() {
        // Whoever leaves the pager early has read enough.
        let _ = input.write_all(text.as_bytes());
    }
    let _ = pager.wait();
    true
}
