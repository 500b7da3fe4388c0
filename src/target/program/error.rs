//! Why a programmer's command did not do its work.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::image::Address;

/// Why the line's own programmer failed. Of what it said a line without secrets is kept.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "program-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum ProgramError {
    /// It could not be started.
    #[error("{program} cannot be started")]
    Start { program: String, source: io::Error },
    /// It ended with an error.
    #[error("{program} {ended}{}", behind(output))]
    Failed {
        program: String,
        ended: String,
        output: String,
    },
    /// It was not done in time, and was ended.
    #[error(
        "{program} was not done after {seconds} s and was ended{}",
        behind(output)
    )]
    TimedOut {
        program: String,
        seconds: u64,
        output: String,
    },
    /// A command that was started before has not ended.
    #[error("a command that was started before is still at work there: {program} is not run")]
    Busy { program: String, lock: PathBuf },
    /// `identify` did not tell the chip's own number.
    #[error("{program} told no chip number: it must print one line `uid: <hex digits>`")]
    NoNumber { program: String },
    /// What `identify` told stands in the board's slots.
    #[error(
        "what {program} told as the chip's number stands in the token's slot: it is not repeated here"
    )]
    NumberHeld { program: String },
    /// The dump is too short.
    #[error("the dump that {program} made has {found} bytes, wanted {wanted}")]
    ShortDump {
        program: String,
        found: usize,
        wanted: usize,
    },
    /// No dump is there.
    #[error("{program} made no dump")]
    NoDump { program: String, source: io::Error },
    /// What was read back differs.
    #[error("the unit differs from what was programmed at {at}")]
    Differs { at: Address },
    /// Another board is there than was identified.
    #[error("the board was changed meanwhile: it was {before}, and is {now}")]
    Swapped { before: String, now: String },
    /// No temporary file can be made.
    #[error("the temporary file for the programmer cannot be written")]
    Temporary { source: io::Error },
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

/// Puts what a program said behind a colon.
fn behind(said: &str) -> String {
    match said {
        "" => String::new(),
        said => format!(": {said}"),
    }
}
