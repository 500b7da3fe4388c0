//! A serial as it was scanned or typed, and in plain words what is wrong with it: a pattern explains
//! nothing to who stands at the line.

use eol_inject::recipe::{ScanError, SerialSpec};
use eol_inject::unit::Serial;

use crate::cli::error::CliError;

/// Reads the serial of a unit that is to be made.
pub(crate) fn serial(spec: &SerialSpec, scan: &str) -> Result<Serial, CliError> {
    spec.read(scan).map_err(|error| {
        tracing::info!("{error}");
        no_serial(spec, &error)
    })
}

/// Says what a serial looks like; the pattern itself is for programs and `-v`.
pub(crate) fn no_serial(spec: &SerialSpec, error: &ScanError) -> CliError {
    let shaped = matches!(error, ScanError::Pattern { .. } | ScanError::Format { .. });
    let error = CliError::from(error);
    match spec.looks().filter(|_| shaped) {
        Some(looks) => {
            let words = format!("this is no serial of the product; they look like this: {looks}");
            // What to do is the next action; the rest is in the words.
            error.in_words(words).with_hint(None)
        }
        None => error,
    }
}
