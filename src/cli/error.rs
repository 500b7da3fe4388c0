//! From an error to words, a next step and an exit code: the only home of hints.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use eol_inject::checksum::ChecksumError;
use eol_inject::handoff::HandoffError;
use eol_inject::image::ImageError;
use eol_inject::label::LabelError;
use eol_inject::ledger::{KeyError, LedgerError, Refusal, StorageError};
use eol_inject::line::LineError;
use eol_inject::master::{MasterError, PatchError};
use eol_inject::mes::{HookError, OutboxError};
use eol_inject::nvs::NvsError;
use eol_inject::pool::PoolError;
use eol_inject::recipe::{RecipeError, ScanError};
use eol_inject::scan::Misread;
use eol_inject::slot::SlotError;
use eol_inject::station::StationError;
use eol_inject::target::TargetError;
use eol_inject::unit::{AuthToken, Serial};
use eol_inject::verify::VerifyError;
use eol_inject::witness::WitnessError;
use serde_json::{Value, json};

use super::cure;
pub(crate) use super::exit;
use super::next::Next;

/// What ends a command, ready to be told.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) code: u8,
    pub(crate) name: &'static str,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
    /// Whether it is not known what the unit carries now.
    pub(crate) doubt: bool,
    /// Boxed, for an error is a result's other half everywhere.
    parts: Box<Parts>,
}

/// What few errors have.
#[derive(Debug, Default)]
struct Parts {
    /// The same in the words of a recipe, for programs.
    detail: Option<String>,
    /// The unit that it is about.
    unit: Option<Serial>,
    /// The unit that the board is.
    holder: Option<Serial>,
    loss: Option<Loss>,
}

/// What became of the ledger as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its server was waited for in vain.
    Unreachable,
    /// This run was away for so long that its units were given to others.
    Overtaken,
    /// It cannot be written.
    Unwritable,
}

impl CliError {
    /// Makes an error that no stage knows.
    pub(crate) fn new(code: u8, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            name,
            message: message.into(),
            causes: Vec::new(),
            hint: cure::hint(name).map(str::to_owned),
            doubt: false,
            parts: Box::default(),
        }
    }

    /// A wrong combination of arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, "usage", message)
    }

    /// A file that could not be read or written.
    pub(crate) fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("{what} {}: {error}", path.display());
        let mut this = Self::new(exit::DELIVERY, "file", message);
        if is_full(error) {
            this.hint = Some(FULL.to_owned());
        }
        this
    }

    /// Whoever read standard output went away: that is told to nobody.
    pub(crate) fn closed_pipe() -> Self {
        Self::new(
            exit::CLOSED_PIPE,
            "closed-pipe",
            "nobody reads standard output any more",
        )
    }

    /// Takes an error of the library with its causes.
    fn of(name: &'static str, error: &dyn Error) -> Self {
        let mut this = Self::new(cure::code(name), name, error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            this.causes.push(error.to_string());
            if error.downcast_ref().is_some_and(is_full) {
                this.hint = Some(full(name));
            }
            cause = error.source();
        }
        this
    }

    /// Puts words in front: which file, which unit.
    pub(crate) fn about(mut self, subject: impl fmt::Display) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Names the file, unless the message does.
    pub(crate) fn about_file(self, file: &Path) -> Self {
        if self.message.contains(&file.display().to_string()) {
            return self;
        }
        self.about(file.display())
    }

    /// Gives it another exit code.
    pub(crate) const fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Says it in other words; what it said stays for programs.
    pub(crate) fn in_words(mut self, words: String) -> Self {
        self.parts.detail = Some(std::mem::replace(&mut self.message, words));
        self
    }

    /// Gives it another next step.
    pub(crate) fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self
    }

    /// Marks that what the unit carries is not known, and says what decides.
    pub(crate) fn in_doubt(mut self, serial: Serial) -> Self {
        self.doubt = true;
        self.hint = Some(doubt(&serial));
        self.parts.unit = Some(serial);
        self
    }

    /// Returns whether the ledger is lost to this command, and how.
    pub(crate) const fn loss(&self) -> Option<Loss> {
        self.parts.loss
    }

    /// Returns whether the ledger's server was waited for in vain: it is not waited for once more.
    pub(crate) fn is_gone(&self) -> bool {
        self.loss() == Some(Loss::Unreachable)
    }

    /// Returns the one next action that helps.
    pub(crate) fn next(&self) -> Next {
        match self.doubt {
            true => Next::Doubt,
            false => cure::next(self.name, self.code),
        }
    }

    /// Returns that action in the words of who stands at the line.
    pub(crate) fn sentence(&self) -> String {
        let name = |serial: &Option<Serial>| match serial {
            Some(serial) => serial.to_string(),
            None => "the unit".to_owned(),
        };
        let sentence = self.next().sentence();
        sentence
            .replace("SERIAL", &name(&self.parts.unit))
            .replace("HOLDER", &name(&self.parts.holder))
    }

    /// Returns the error as the JSON of a unit shows it.
    pub(crate) fn json(&self) -> Value {
        let mut message = self.message.clone();
        for cause in &self.causes {
            message.push_str(": ");
            message.push_str(cause);
        }
        let mut told =
            json!({ "code": self.code, "name": self.name, "message": message, "hint": self.hint });
        if let (Some(detail), Value::Object(told)) = (&self.parts.detail, &mut told) {
            told.insert("detail".to_owned(), detail.clone().into());
        }
        told
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! from {
    ($($error:ty)*) => {$(
        impl From<&$error> for CliError {
            fn from(error: &$error) -> Self {
                Self::of(error.name(), error)
            }
        }

        owned!($error);
    )*};
}

macro_rules! owned {
    ($error:ty) => {
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::from(&error)
            }
        }
    };
}

owned!(LedgerError);
owned!(Refusal);
owned!(LineError);
owned!(StationError);

from! {
    RecipeError ScanError PoolError ImageError NvsError SlotError ChecksumError PatchError MasterError
    TargetError HandoffError LabelError VerifyError HookError OutboxError Misread
    WitnessError
}

impl From<&LedgerError> for CliError {
    fn from(error: &LedgerError) -> Self {
        let mut this = Self::of(error.name(), error);
        this.parts.loss = match error {
            LedgerError::Storage(error) => match error {
                StorageError::Unreachable { .. } => Some(Loss::Unreachable),
                StorageError::Overtaken => Some(Loss::Overtaken),
                StorageError::Storage { .. } | StorageError::Full { .. } => Some(Loss::Unwritable),
                _ => None,
            },
            _ => None,
        };
        this
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        LedgerError::from(error).into()
    }
}

impl From<&Refusal> for CliError {
    fn from(error: &Refusal) -> Self {
        let mut this = Self::of(error.name(), error);
        let serial = error.serial();
        if let Refusal::BoardTaken { holder, .. } | Refusal::BoardMade { holder, .. } = error {
            this.parts.holder = Some(holder.clone());
        }
        // The unit that the board is has to give it up, not the one that was scanned.
        let subject = this.parts.holder.as_ref().unwrap_or(serial);
        this.hint = this
            .hint
            .map(|hint| hint.replace("SERIAL", subject.as_str()));
        this.parts.unit = Some(serial.clone());
        this
    }
}

impl From<&LineError> for CliError {
    fn from(error: &LineError) -> Self {
        match error {
            LineError::Ledger(error) => error.into(),
            LineError::Refused(error) => error.into(),
            LineError::Patch(error) => error.into(),
            LineError::Checksum(error) => error.into(),
            LineError::Deliver(error) => error.into(),
            LineError::Doubt { serial, error } => Self::from(error).in_doubt(serial.clone()),
            other => Self::of(other.name(), other),
        }
    }
}

impl From<&StationError> for CliError {
    fn from(error: &StationError) -> Self {
        match error {
            StationError::Line(error) => error.into(),
            StationError::Listed { serial, error } => Self::from(error).about(serial),
            StationError::Untold {
                waiting,
                file,
                error,
            } => {
                let (s, file) = (if *waiting == 1 { "" } else { "s" }, file.display());
                let kept = format!("{waiting} result{s} not taken, kept in {file}");
                Self::from(error).about(kept)
            }
            StationError::NoSource { .. } => Self::usage(error.to_string()),
            StationError::Interrupted => Self::of(error.name(), error).with_code(exit::INTERRUPTED),
            StationError::NoSign { .. } => Self {
                doubt: true,
                ..Self::of(error.name(), error)
            },
            other => Self::of(other.name(), other),
        }
    }
}

/// Refuses a name that is recorded or handed on and looks like a token.
pub(crate) fn no_token(text: &str, what: &str) -> Result<(), CliError> {
    if AuthToken::stands_in(text) {
        return Err(CliError::usage(format!(
            "{what} looks like a token; it is not recorded nor repeated here"
        )));
    }
    Ok(())
}

/// What is done where no space is left.
const FULL: &str = "the disk that it is on is full: make room there";

/// Returns what is done where no space is left; which disk that is.
fn full(name: &str) -> String {
    match name {
        "program-temporary" => {
            let folder = std::env::temp_dir();
            let folder = folder.display();
            format!("the disk that {folder} is on is full: make room there, or set TMPDIR")
        }
        _ => FULL.to_owned(),
    }
}

/// Returns whether no space is left, or none that this user may have.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Says what decides about one.
pub(crate) fn doubt(serial: &Serial) -> String {
    cure::IN_DOUBT.replace("SERIAL", serial.as_str())
}

#[cfg(test)]
mod tests {
    use eol_inject::target::ProgramError;

    use super::*;

    fn hinted(refusal: Refusal) -> String {
        CliError::from(refusal).hint.unwrap()
    }

    #[test]
    fn a_refusal_that_rework_settles_says_the_command_for_its_unit() {
        let serial = || "GW000012".parse().unwrap();
        let other = Refusal::OtherBoard {
            serial: serial(),
            claimed: "9f02".to_owned(),
            seen: "9f03".to_owned(),
        };
        let swapped = "ledger rework --serial GW000012 --mode board-swapped --by NAME";
        assert!(hinted(other).contains(swapped));
        let finished = Refusal::Finished {
            serial: serial(),
            image: String::new(),
            wanted: String::new(),
        };
        let again = "ledger rework --serial GW000012 --mode same-board --by NAME";
        assert!(hinted(finished).contains(again));
        // The unit that the board is has to give it up, not the one that was scanned.
        let taken = Refusal::BoardTaken {
            serial: serial(),
            holder: "GW000011".parse().unwrap(),
            sign: "number",
        };
        assert!(hinted(taken).contains("--serial GW000011 --mode board-swapped"));
    }

    #[test]
    fn a_full_disk_is_called_full_and_not_a_wrong_folder() {
        let full = |kind: io::ErrorKind| {
            CliError::from(TargetError::Folder {
                folder: "out".into(),
                source: kind.into(),
            })
        };
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let error = full(kind);
            assert!(error.message.contains("out"), "{error}");
            assert!(error.hint.unwrap().contains("is full"));
        }
        let other = full(io::ErrorKind::PermissionDenied).hint.unwrap();
        assert!(!other.contains("full"), "{other}");
        let temporary = ProgramError::Temporary {
            source: io::ErrorKind::StorageFull.into(),
        };
        let hint = CliError::from(TargetError::from(temporary)).hint.unwrap();
        let folder = std::env::temp_dir().display().to_string();
        assert!(hint.contains(&folder), "{hint}");
    }
}
