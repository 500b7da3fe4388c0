//! Ctrl-C and its kin: acknowledged at once, honoured between units.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::exit;
use super::output::aside;
use super::scan;

/// What a command has in hand while it may be interrupted.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    /// What would be left open.
    hand: Mutex<Vec<String>>,
    /// Whether anything was in hand at the first one.
    busy: AtomicBool,
}

impl Interrupt {
    /// Begins to listen: the first one is waited for until what is in hand is finished, the second
    /// ends the program at once.
    pub(crate) fn listen() -> Arc<Self> {
        let this: Arc<Self> = Arc::default();
        let heard = Arc::clone(&this);
        // Without the handler Ctrl-C ends the program at once, and the units in hand are resumed.
        let _ = ctrlc::set_handler(move || heard.hear());
        this
    }

    /// Returns the flag that the first one sets.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Says what is in hand now; nothing between units.
    pub(crate) fn holds(&self, hand: Vec<String>) {
        *self.hand.lock().unwrap_or_else(PoisonError::into_inner) = hand;
    }

    /// Returns what is said of a command that was interrupted.
    pub(crate) fn told(&self) -> &'static str {
        match self.busy.load(Ordering::SeqCst) {
            true => "interrupted: what was in hand is finished",
            false => "interrupted: nothing was in hand",
        }
    }

    fn hear(&self) {
        let hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let names = hand.join(", ");
        if self.flag.swap(true, Ordering::SeqCst) {
            scan::restore();
            if !hand.is_empty() {
                aside(format_args!(
                    "\n{names}: left open. The same serial goes on with the same token; a board \
                     is in doubt until it is read"
                ));
            }
            std::process::exit(exit::INTERRUPTED.into());
        }
        self.busy.store(!hand.is_empty(), Ordering::SeqCst);
        if !hand.is_empty() {
            aside(format_args!(
                "\nfinishing what is in hand ({names}); Ctrl-C again leaves at once"
            ));
        }
    }
}
