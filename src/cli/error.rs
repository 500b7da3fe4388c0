//! From an error to words, a next step and an exit code: the only home of hints.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use eol_inject::checksum::ChecksumError;
use eol_inject::handoff::HandoffError;
use eol_inject::image::ImageError;
use eol_inject::label::LabelError;
use eol_inject::ledger::{LedgerError, Refusal};
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
use eol_inject::unit::Serial;
use eol_inject::verify::VerifyError;
use eol_inject::witness::WitnessError;
use serde_json::{Value, json};

use super::cure;
use super::next::{self, Next};

/// Exit codes; the README lists them.
pub(crate) mod exit {
    /// Usage.
    pub(crate) const USAGE: u8 = 2;
    /// Recipe, serial or pool file rejected.
    pub(crate) const RECIPE: u8 = 10;
    /// Image rejected.
    pub(crate) const IMAGE: u8 = 20;
    /// Slot or checksum refused.
    pub(crate) const SLOT: u8 = 30;
    /// Delivery failed.
    pub(crate) const DELIVERY: u8 = 40;
    /// Read-back or verification differs.
    pub(crate) const DIFFERS: u8 = 41;
    /// This unit refused.
    pub(crate) const REFUSED: u8 = 50;
    /// Ledger unreachable.
    pub(crate) const LEDGER: u8 = 51;
    /// Unit in doubt, or its claim belongs to another board.
    pub(crate) const IN_DOUBT: u8 = 52;
    /// Pool empty.
    pub(crate) const POOL_EMPTY: u8 = 53;
    /// The factory's system refused the unit.
    pub(crate) const MES: u8 = 54;
    /// Recorded, but not labelled.
    pub(crate) const UNLABELLED: u8 = 60;
    /// Label does not match.
    pub(crate) const LABEL: u8 = 61;
    /// Interrupted.
    pub(crate) const INTERRUPTED: u8 = 130;
    /// Whoever read standard output went away; as a shell tells SIGPIPE of other programs.
    pub(crate) const CLOSED_PIPE: u8 = 141;
}

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
}

impl CliError {
    /// Makes an error that no stage knows.
    pub(crate) fn new(code: u8, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            name,
            message: message.into(),
            causes: Vec::new(),
            hint: hint(name).or_else(|| cure::of(name)).map(str::to_owned),
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
    fn of(code: u8, name: &'static str, error: &dyn Error) -> Self {
        let mut this = Self::new(code, name, error.to_string());
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

    /// Returns the one next action that helps.
    pub(crate) fn next(&self) -> Next {
        match self.doubt {
            true => Next::Doubt,
            false => next::after(self.name, self.code),
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
    ($($error:ty => $code:expr;)*) => {$(
        impl From<&$error> for CliError {
            fn from(error: &$error) -> Self {
                let code: fn(&$error) -> u8 = $code;
                Self::of(code(error), error.name(), error)
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

owned!(Refusal);
owned!(LineError);
owned!(StationError);

from! {
    RecipeError => |_| exit::RECIPE;
    ScanError => |error| code_of(error.name());
    PoolError => |_| exit::RECIPE;
    ImageError => |_| exit::IMAGE;
    NvsError => |error| match error {
        NvsError::Occupied { .. } | NvsError::Outside { .. } | NvsError::Image(_) => exit::IMAGE,
        _ => exit::RECIPE,
    };
    SlotError => |_| exit::SLOT;
    ChecksumError => |_| exit::SLOT;
    PatchError => |_| exit::SLOT;
    MasterError => |error| match error {
        MasterError::Tag(_) | MasterError::Container(_) => exit::IMAGE,
        _ => exit::SLOT,
    };
    TargetError => |error| code_of(error.name());
    LedgerError => |error| code_of(error.name());
    HandoffError => |error| match error {
        HandoffError::Differs { .. } => exit::DIFFERS,
        _ => exit::SLOT,
    };
    LabelError => |error| code_of(error.name());
    VerifyError => |_| exit::DIFFERS;
    HookError => |error| code_of(error.name());
    OutboxError => |_| exit::LEDGER;
    Misread => |error| code_of(error.name());
    WitnessError => |_| exit::RECIPE;
}

impl From<&Refusal> for CliError {
    fn from(error: &Refusal) -> Self {
        let mut this = Self::of(code_of(error.name()), error.name(), error);
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
            other => Self::of(exit::LEDGER, other.name(), other),
        }
    }
}

impl From<&StationError> for CliError {
    fn from(error: &StationError) -> Self {
        match error {
            StationError::Line(error) => error.into(),
            StationError::Scanned(error) | StationError::Number(error) => error.into(),
            StationError::Listed { serial, error } => Self::from(error).about(serial),
            StationError::Misread(error) => error.into(),
            StationError::Hook(error) => error.into(),
            StationError::Outbox(error) => error.into(),
            StationError::Untold {
                waiting,
                file,
                error,
            } => {
                let (s, file) = (if *waiting == 1 { "" } else { "s" }, file.display());
                Self::from(error).about(format_args!(
                    "{waiting} result{s} not taken, kept in {file}"
                ))
            }
            StationError::NoSource { .. } => Self::usage(error.to_string()),
            StationError::Interrupted => {
                Self::new(exit::INTERRUPTED, error.name(), error.to_string())
            }
            StationError::NoSign { .. } => Self {
                doubt: true,
                ..Self::new(exit::DELIVERY, error.name(), error.to_string())
            },
            other => Self::new(code_of(other.name()), other.name(), other.to_string()),
        }
    }
}

/// Returns the exit code of an error of the ledger, a unit, a board or a scan, by its stable name.
pub(crate) fn code_of(name: &str) -> u8 {
    let family = name.split('-').next().unwrap_or_default();
    match (family, name) {
        (_, "probe-differs" | "probe-firmware" | "probe-values") => exit::DIFFERS,
        (_, "deliver-differs" | "program-differs" | "program-swapped" | "ledger-part-conflict") => {
            exit::DIFFERS
        }
        (_, "probe-chip" | "probe-selector" | "probe-skipped" | "probe-skipped-in-part") => {
            exit::RECIPE
        }
        (_, "probe-busy") => exit::REFUSED,
        (_, "unit-pool-empty" | "ledger-part-short") => exit::POOL_EMPTY,
        (_, "unit-erased") => exit::DIFFERS,
        (_, "unit-other-board" | "unit-board-taken" | "unit-board-made") => exit::IN_DOUBT,
        (_, "unit-other-token" | "unit-made-elsewhere" | "unit-in-doubt") => exit::IN_DOUBT,
        ("ledger", _) => ledger_code(name),
        ("serial" | "scan", _) => exit::RECIPE,
        ("unit", _) => exit::REFUSED,
        ("mes", _) => exit::MES,
        ("label", _) => exit::UNLABELLED,
        _ => exit::DELIVERY,
    }
}

fn ledger_code(name: &str) -> u8 {
    match name {
        "ledger-serials-used-up"
        | "ledger-list-conflict"
        | "ledger-unbound"
        | "ledger-row"
        | "ledger-origin-mixed"
        | "ledger-organisation-mixed"
        | "ledger-next-number"
        | "ledger-tokens-missing"
        | "ledger-mirror-product"
        | "ledger-lists-since" => exit::RECIPE,
        "ledger-no-unit"
        | "ledger-not-releasable"
        | "ledger-not-voidable"
        | "ledger-not-labelled"
        | "ledger-not-reworkable"
        | "ledger-part-serial"
        | "ledger-part-begun"
        | "ledger-no-part"
        | "ledger-part-state"
        | "ledger-is-part"
        | "ledger-not-a-part"
        | "ledger-part-other"
        | "ledger-no-token" => exit::REFUSED,
        _ => exit::LEDGER,
    }
}

/// What a recipe begins with.
const BEGIN: &str = "\
--recipe FILE names one elsewhere; three lines begin a new one:
    product = \"NAME\"
    image   = { file = \"FIRMWARE\" }
    slot    = [{ value = \"auth-token\", symbol = \"SYMBOL\" }]
eol-inject inspect FIRMWARE shows what there is; eol-inject help recipe lists every key";

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

/// What decides about a unit whose board nothing tells from others.
const IN_DOUBT: &str = "\
if this is its board: eol-inject run --serial SERIAL --same-board --by NAME --reason TEXT; if its \
board is lost: eol-inject ledger rework --serial SERIAL --mode board-swapped --by NAME --reason \
TEXT, which burns its token";

/// Says what decides about one.
pub(crate) fn doubt(serial: &Serial) -> String {
    IN_DOUBT.replace("SERIAL", serial.as_str())
}

/// Returns the next step for an error, by its stable name.
fn hint(name: &str) -> Option<&'static str> {
    Some(match name {
        "file-exists" => "write to another name, or replace it by --force",
        "deliver-foreign" => {
            "look at it first: eol-inject verify FILE tells what it is. Another name or folder leaves it \
             alone, and the unit keeps its token; --force replaces it"
        }
        "label-no-organisation" => {
            "import the console's export with its pictures: eol-inject pool import FILE, then label print; \
             or, where bare labels are wanted, organisation = \"optional\" under [label]"
        }
        "image-no-base" => "say where it is loaded: base = 0x08000000 under [image], or --base",
        "image-uf2-families" => "say which one: family = 0x... under [image]",
        "probe-denied" => "eol-inject help flashing has the udev rule",
        "probe-no-usb" => "a container sees no USB unless it is given: eol-inject help flashing",
        "program-busy" => {
            "it may still write: wait for it or end it, and look at the board that is there now"
        }
        "probe-missing" => "eol-inject probes lists what is plugged in",
        "probe-locked" => "unlock it outside of the line: that erases it",
        "probe-reserved" => {
            "under [flash], also = [\"START..END\"] writes it and skip = [\"START..END\"] leaves it out"
        }
        "probe-no-flash" => {
            "is it this chip's image, at its base? What belongs into no flash at all is left out by \
             skip = [\"START..END\"] under [flash]"
        }
        "probe-firmware" => "mode = \"full\" writes the whole image",
        "probe-unplugged" => "plug it in again; the unit resumes with the same token",
        "label-no-qr" => {
            "import a list with its QR Tokens or pictures: eol-inject pool import FILE; where units get \
             no label, when = \"none\" under [label] in the recipe"
        }
        "recipe-preprinted" => "when = \"after\" makes each label from its unit's record",
        "recipe-format-refused" => "put pattern, case or strip right, or the format",
        "recipe-unused" => "take it out, or write what it goes with: eol-inject help recipe",
        "serial-pattern" => {
            "scan the unit's own serial, or put pattern, case or strip under [serial] right"
        }
        "serial-text" => "scan the unit's own serial",
        "serial-format" => {
            "scan the unit's own serial; for serials that others give, source = \"scan\""
        }
        "deliver-folder" => "make it a folder that this user may write, or name another",
        "ledger-full" => {
            "make room on its disk and call again: what was begun goes on with the same token"
        }
        "recipe-syntax" => "eol-inject help recipe lists every key",
        "recipe-absent" => BEGIN,
        "recipe-foreign" => {
            "a recipe names programs that are run: --recipe takes this one all the same"
        }
        "ledger-key-missing" => {
            "without its key nobody reads a token of it, its makers neither: \
             eol-inject help ledger, \"A lost key\""
        }
        "ledger-home-unknown" => {
            "ask home for its identity (eol-inject ledger key show-id there); if it is this one, home = \"ID\" under [ledger]"
        }
        "ledger-home-other" | "ledger-part-unsigned" | "ledger-part-forged" => {
            "set the file aside and ask home: eol-inject ledger split makes a part, ledger key show-id tells who signs"
        }
        "ledger-part-for-station" => "take the part to its station, or bring this one's own key",
        "ledger-schema-older" => {
            "begin another ledger: take the lists in, and what was made by eol-inject ledger adopt"
        }
        "ledger-forged" => {
            "stop the line: eol-inject ledger audit names what was changed; a backup or the mirror has what was"
        }
        "ledger-next-number" => "--next N, the first number that was never handed out",
        "ledger-mirror" => "the line stops: a unit that no mirror knows is lost with the disk",
        "ledger-mirror-ahead" => {
            "eol-inject ledger restore, from a file or of a server, brings it up to date by the mirror; or rebuild"
        }
        "unit-quarantined" => "eol-inject ledger clear --serial SERIAL --by NAME --reason TEXT",
        "unit-part-open" => {
            "if that station did not make it: eol-inject ledger clear --serial SERIAL --by NAME --reason TEXT"
        }
        "unit-other-board" => {
            "where its board is lost, the line engineer: eol-inject ledger rework --serial SERIAL \
             --mode board-swapped --by NAME --reason TEXT"
        }
        "unit-made-elsewhere" => {
            "where its board is lost, the line engineer: eol-inject ledger rework --serial SERIAL \
             --mode board-swapped --by NAME --reason TEXT, which burns its token; where this is its \
             board and was erased since, --mode same-board"
        }
        "unit-erased" => {
            "the line engineer: eol-inject ledger rework --serial SERIAL --mode same-board --by NAME \
             --reason TEXT; then scan it again"
        }
        "unit-other-token" => {
            "whoever erases it outside of the line gives a token up: it may be a device's"
        }
        "unit-in-doubt" => IN_DOUBT,
        "unit-finished" => {
            "where it shall have this image, the line engineer: eol-inject ledger rework \
             --serial SERIAL --mode same-board --by NAME --reason TEXT"
        }
        "unit-board-taken" => {
            "where SERIAL has another board now, the line engineer: eol-inject ledger rework \
             --serial SERIAL --mode board-swapped --by NAME --reason TEXT"
        }
        "unit-bound-elsewhere" => {
            "a list that binds another token to it helps: eol-inject pool request, then pool import"
        }
        "ledger-key-unread" => "put the ledger's own key there: a new one opens nothing of it",
        "ledger-key-wrong" => {
            "put that key back; if the ledger's key was changed, bring the new one from where that was done"
        }
        "ledger-no-rights" => {
            "eol-inject help ledger, \"PostgreSQL\", has the grants that it needs"
        }
        "run-simulated" => "eol-inject run --rehearse tries the line with nothing at stake",
        "ledger-simulated-mixed" => {
            "eol-inject run --rehearse tries a line with nothing at stake; another ledger is another \
             url under [ledger], or on a server another schema"
        }
        "ledger-origin-mixed" | "ledger-organisation-mixed" => {
            "another ledger is another url under [ledger], or on a server another schema"
        }
        "ledger-lost" => {
            "eol-inject ledger restore FILE brings a backup back, ledger rebuild makes it from its mirror. Where \
             nothing brings it back: ledger new --by NAME --reason TEXT"
        }
        "ledger-list-undecided" => {
            "where none of them is on a unit: eol-inject pool import --unused FILE --by NAME --reason TEXT; where \
             they may be: pool import --used FILE, and a list that the lost ledger never had as file under [pool]"
        }
        "ledger-no-schema" => "the first import or unit makes it",
        "ledger-unreachable" => "what was in hand resumes with the same token",
        "ledger-overtaken" => "start again: what was in hand resumes where the record says",
        "unit-not-listed" => {
            "if the list is short of it: eol-inject pool import FILE, with a row for this serial"
        }
        "unit-pool-empty" => "import more tokens: eol-inject pool import FILE",
        "ledger-list-conflict" => {
            "put that row of the list right, or export the list again: nothing of it was taken in"
        }
        "pool-read" => "put the list there, or name where it is: file = \"...\" under [pool]",
        "pool-no-column" => "name the list's own header under [pool], or export that column too",
        "pool-bad-serial" => {
            "put the serials of these rows right, or name another column as bind under [pool]"
        }
        "pool-mixed-origin" | "pool-two-organisations" => {
            "take each list in by itself, into its own ledger"
        }
        "pool-empty" => "export the tokens again: the file has a header at most",
        name if name.starts_with("pool-") || name.starts_with("picture-") => {
            "put the list right, or export it again: nothing of it was taken in"
        }
        _ => return None,
    })
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
