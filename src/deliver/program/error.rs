//! Why a programmer's command did not do its work.

use std::io;

use thiserror::Error;

use crate::image::Address;

/// Why the line's own programmer failed. What it said is kept without the unit's secret.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "program-")]
#[non_exhaustive]
pub enum ProgramError {
    /// It could not be started.
    #[error("{program} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{program} {ended}{}", tail(output))]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        ended: String,
        /// The end of what it said.
        output: String,
    },
    /// It was not done in time, and was ended.
    #[error(
        "{program} was not done after {seconds} s and was ended{}",
        tail(output)
    )]
    TimedOut {
        /// The program.
        program: String,
        /// How long it was given.
        seconds: u64,
        /// The end of what it said.
        output: String,
    },
    /// `identify` did not tell the chip's own number.
    #[error("{program} told no chip number: it must print one line `uid: <hex digits>`")]
    NoNumber {
        /// The program.
        program: String,
    },
    /// The dump is too short.
    #[error("the dump that {program} made has {found} bytes, wanted {wanted}")]
    ShortDump {
        /// The program.
        program: String,
        /// Bytes in the file.
        found: usize,
        /// Bytes that the image stores there.
        wanted: usize,
    },
    /// No dump is there.
    #[error("{program} made no dump")]
    NoDump {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// What was read back differs.
    #[error("the unit differs from what was programmed at {at}")]
    Differs {
        /// The first such address.
        at: Address,
    },
    /// No temporary file can be made.
    #[error("the temporary file for the programmer cannot be written")]
    Temporary {
        /// What the system says.
        source: io::Error,
    },
}

impl ProgramError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Returns whether anything may carry the token now.
    #[must_use]
    pub const fn touched(&self) -> bool {
        !matches!(self, Self::Start { .. } | Self::Temporary { .. })
    }
}

/// Returns the line that says most of what went wrong, behind a colon: the first that calls itself
/// an error, else the last one.
fn tail(output: &str) -> String {
    let mut lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let told = lines.clone().find(|line| {
        let start: String = line.chars().take(5).collect();
        ["error", "fatal"].contains(&start.to_ascii_lowercase().as_str())
    });
    told.or_else(|| lines.next_back())
        .map_or_else(String::new, |line| {
            let plain: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
            format!(": {plain}")
        })
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_line_that_calls_itself_an_error_is_told() {
        let said =
            "connecting\nerror: invalid value '0x40'\n\nFor more information, try '--help'.\n";
        assert_eq!(tail(said), ": error: invalid value '0x40'");
    }

    #[test]
    fn else_the_last_line_is_told() {
        assert_eq!(tail("connecting\nno answer\n\n"), ": no answer");
        assert_eq!(tail(" \n"), "");
    }
}
