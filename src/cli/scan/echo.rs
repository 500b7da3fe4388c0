//! The terminal without its echo, and with it again, whatever happens.
//!
//! A panic and a second Ctrl-C end the program without dropping anything: they call [`restore`].

#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// How the terminal was before.
#[cfg(unix)]
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// `_POSIX_VDISABLE`: no key does it.
#[cfg(unix)]
const DISABLED: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// While it lives, the terminal hands over key by key and shows none of them.
pub(super) struct Quiet(());

impl Quiet {
    /// Turns the echo off; `None` where that cannot be done.
    #[cfg(unix)]
    pub(super) fn begin() -> Option<Self> {
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Ctrl-\ and Ctrl-Z would leave the shell without echo.
        quiet.special_codes[SpecialCodeIndex::VQUIT] = DISABLED;
        quiet.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
        let mut saved = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &quiet).ok()?;
        *saved = Some(before);
        Some(Self(()))
    }

    /// Elsewhere the system edits and echoes lines.
    #[cfg(not(unix))]
    pub(super) const fn begin() -> Option<Self> {
        None
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was.
pub(crate) fn restore() {
    #[cfg(unix)]
    if let Ok(mut saved) = BEFORE.try_lock()
        && let Some(before) = saved.take()
    {
        // What cannot be given back is gone.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &before);
    }
}
