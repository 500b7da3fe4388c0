//! Scans from standard input: typed by a scanner that presses Enter, or piped.

mod echo;
mod keys;
mod serial;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use eol_inject::scan::{self, Line, Misread};

use self::echo::Quiet;
use super::error::CliError;

pub(crate) use self::echo::restore;
use self::keys::{Keys, Press};
pub(crate) use self::serial::{no_serial, serial};

/// How often a wait looks up.
const TICK: Duration = Duration::from_millis(100);

/// Lines that a pipe may be ahead by.
const AHEAD: usize = 1024;

/// What the reader hands over: a line, or one that is no scan, or why it reads no more.
type Read = io::Result<Result<Line, Misread>>;

/// What came.
#[derive(Debug)]
pub(crate) enum Scan {
    /// A line, or one that is no scan.
    Line(Result<Line, Misread>),
    /// Nothing can be read any more.
    Broken(CliError),
    /// Nothing within a moment.
    Nothing,
    /// Nothing any more.
    End,
}

/// Returns whether a person or a scanner types, and no program.
pub(crate) fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// The lines of standard input, read beside the line's work.
///
/// On a terminal nothing is echoed by the system, for a secret would stay on the screen: here each
/// key shows as a star, and a line that is harmless as what it is.
pub(crate) struct Scans {
    lines: Receiver<Read>,
    terminal: bool,
    keys: Arc<Mutex<Keys>>,
    /// It gives the terminal its echo back.
    _quiet: Option<Quiet>,
}

impl Scans {
    /// Starts to read.
    pub(crate) fn start() -> Self {
        let (sender, lines) = mpsc::sync_channel(AHEAD);
        let terminal = is_typed();
        let quiet = terminal.then(Quiet::begin).flatten();
        let keys: Arc<Mutex<Keys>> = Arc::default();
        let pressed = Arc::clone(&keys);
        let by_key = quiet.is_some();
        thread::spawn(move || match by_key {
            true => read_keys(&pressed, &sender),
            false => read_lines(&sender),
        });
        Self {
            lines,
            terminal,
            keys,
            _quiet: quiet,
        }
    }

    /// Returns whether a person or a scanner types.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Asks for the next scan, on a terminal.
    pub(crate) fn ask(&self, what: &str) {
        if self.terminal {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            // What was typed before anybody asked is shown behind the prompt.
            show(&format!("{what}> {}", keys.ask()));
        }
    }

    /// Waits a moment for the next line.
    pub(crate) fn next(&self) -> Scan {
        match self.lines.recv_timeout(TICK) {
            Ok(Ok(line)) => Scan::Line(line),
            Ok(Err(error)) => Scan::Broken(CliError::file("cannot read", "-".as_ref(), &error)),
            Err(RecvTimeoutError::Timeout) => Scan::Nothing,
            Err(RecvTimeoutError::Disconnected) => Scan::End,
        }
    }

    /// Drops what was typed while a unit was in hand, half a line too; returns how many lines.
    /// What comes through a pipe is never dropped.
    pub(crate) fn drop_typed(&self) -> usize {
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
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        *keys = Keys::default();
        self.lines.try_iter().count()
    }
}

/// Rings where somebody can hear it.
pub(crate) fn bell() {
    if io::stderr().is_terminal() {
        show("\x07");
    }
}

/// Reads lines until none come any more.
fn read_lines(sender: &SyncSender<Read>) {
    let mut input = io::stdin().lock();
    while let Some(line) = scan::read_line(&mut input).transpose() {
        let broken = line.is_err();
        if sender.send(line).is_err() || broken {
            return;
        }
    }
}

/// Reads keys until the end is pressed.
fn read_keys(keys: &Mutex<Keys>, sender: &SyncSender<Read>) {
    let mut input = io::stdin().lock();
    loop {
        let pressed = match input.fill_buf() {
            Ok([]) => return,
            Ok(pressed) => zeroize::Zeroizing::new(pressed.to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = sender.send(Err(error));
                return;
            }
        };
        input.consume(pressed.len());
        for key in pressed.iter() {
            let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
            let (press, shown) = keys.press(*key);
            show(&shown);
            match press {
                Press::Key => {}
                Press::End => return,
                Press::Line(line) => {
                    drop(keys);
                    if sender.send(Ok(line)).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Shows something where the prompt stands.
fn show(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
