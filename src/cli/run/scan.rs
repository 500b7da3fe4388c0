//! Serials from standard input: typed by a scanner that presses Enter, or piped.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often a wait looks up.
const TICK: Duration = Duration::from_millis(100);

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// A line.
    Line(String),
    /// Nothing within a moment.
    Nothing,
    /// Nothing any more.
    End,
}

/// The lines of standard input, read beside the line's work.
pub(super) struct Scans {
    lines: Receiver<String>,
    terminal: bool,
}

impl Scans {
    /// Starts to read.
    pub(super) fn start() -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            lines,
            terminal: io::stdin().is_terminal(),
        }
    }

    /// Returns whether a person or a scanner types.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Waits a moment for the next line.
    pub(super) fn next(&self) -> Scan {
        match self.lines.recv_timeout(TICK) {
            Ok(line) => Scan::Line(line),
            Err(RecvTimeoutError::Timeout) => Scan::Nothing,
            Err(RecvTimeoutError::Disconnected) => Scan::End,
        }
    }

    /// Drops what was typed while a unit was in hand, half a line too; returns how many lines.
    /// What comes through a pipe is never dropped.
    pub(super) fn drop_typed(&self) -> usize {
        if !self.terminal {
            return 0;
        }
        #[cfg(unix)]
        {
            // What cannot be dropped there is dropped below, once its line is whole.
            let _ = rustix::termios::tcflush(
                rustix::stdio::stdin(),
                rustix::termios::QueueSelector::IFlush,
            );
        }
        // The reader may be about to hand a line over.
        thread::sleep(TICK / 5);
        self.lines.try_iter().count()
    }
}
