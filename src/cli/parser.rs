//! What the parser of the command line says: help, usage and errors.

use std::io::Write as _;

use super::wrap;

/// Prints what the parser says, help and version too, and returns its exit code.
pub(crate) fn tell(error: &clap::Error) -> u8 {
    let text = worded(error);
    // A reader that closes early is no failure.
    let _ = if error.use_stderr() {
        write!(anstream::stderr(), "{text}")
    } else {
        write!(anstream::stdout(), "{text}")
    };
    u8::try_from(error.exit_code()).unwrap_or(2)
}

/// Returns what the parser says; it keeps no width for usage and errors.
pub(crate) fn worded(error: &clap::Error) -> String {
    wrap::wrapped(&error.render().ansi().to_string(), wrap::COLUMNS)
}
