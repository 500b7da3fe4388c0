//! How one unit ended: a line for people, an object for programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eol_inject::ledger::{Entry, Target};
use eol_inject::line::{Passed, Written};
use eol_inject::master::Master;
use eol_inject::station::{Counters, Outcome};
use eol_inject::target::{Effort, Seen};
use eol_inject::unit::{Digest, Serial};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::{CliError, exit};
use super::output::{BAD, DIM, GOOD, Output, WARN};

/// What programs read of one unit.
#[derive(Serialize)]
struct UnitObject<'u> {
    v: u8,
    seq: u64,
    at: String,
    station: &'u str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<&'u str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'u str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'u str>,
    outcome: &'static str,
    already: bool,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    image_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Value>,
    target: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(flatten)]
    board: BoardObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    elapsed_ms: u128,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// What programs read of a board.
#[derive(Default, Serialize)]
struct BoardObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    nest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chip_uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_sectors: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    programmed_bytes: Option<u64>,
}

/// Where a unit's image went.
pub(crate) enum Place<'u> {
    /// To a file.
    File(PathBuf),
    /// Onto a board.
    Board(Board<'u>),
}

/// What is known of a board.
pub(crate) struct Board<'u> {
    pub(crate) target: Target,
    pub(crate) nest: Option<&'u str>,
    pub(crate) seen: Option<&'u Seen>,
}

/// What the results of one call have in common.
#[derive(Clone)]
pub(crate) struct Report<'t> {
    pub(crate) station: &'t str,
    pub(crate) operator: Option<&'t str>,
    pub(crate) order: Option<&'t str>,
    pub(crate) simulated: bool,
    pub(crate) image: Digest,
}

/// Reports units that go to files, and counts them.
pub(crate) struct Tally<'t> {
    pub(crate) output: &'t Output,
    pub(crate) report: Report<'t>,
    /// Whether people get a line for every unit, or only for those that need attention.
    pub(crate) every_line: bool,
    pub(crate) counters: Counters,
    /// The first failure in input order.
    pub(crate) code: u8,
}

/// One unit's end with what surrounds it.
pub(crate) struct Ended<'u> {
    /// The unit, where it is known which.
    pub(crate) serial: Option<&'u Serial>,
    pub(crate) attempt: Option<i64>,
    pub(crate) result: Result<&'u Passed, &'u CliError>,
    pub(crate) elapsed: Duration,
    pub(crate) place: Place<'u>,
    /// Its label's file, where it gets one.
    pub(crate) label: Option<PathBuf>,
}

impl Ended<'_> {
    /// Returns the unit's serial, or what stands for one that is not known.
    pub(crate) fn name(&self) -> &str {
        self.serial.map_or("?", Serial::as_str)
    }

    /// Returns what people must see beside a unit whose board is not real.
    pub(crate) fn word(&self) -> &'static str {
        match &self.place {
            Place::Board(board) if board.seen.is_some_and(|seen| seen.simulated) => "SIMULATED  ",
            _ => "",
        }
    }

    /// Returns the exit code with this unit, `code` being that of those before: the first failure
    /// counts, and one that passed without its label where none failed.
    pub(crate) fn code_after(&self, code: u8) -> u8 {
        match self.result {
            Ok(passed) if code == 0 && passed.unlabelled.is_some() => exit::UNLABELLED,
            Err(error) if code == 0 || code == exit::UNLABELLED => error.code,
            _ => code,
        }
    }

    /// Returns why a unit that passed has no label.
    pub(crate) fn unlabelled(&self) -> Option<CliError> {
        let error = self.result.ok()?.unlabelled.as_ref()?;
        Some(CliError::new(
            exit::UNLABELLED,
            error.name(),
            error.to_string(),
        ))
    }
}

/// Returns the serial as the record writes it, where there is one: files are named by that.
pub(crate) fn known<'s, E>(result: &'s Result<Passed, E>, scanned: &'s Serial) -> &'s Serial {
    match result {
        Ok(passed) => &passed.entry.record().serial,
        Err(_) => scanned,
    }
}

impl<'t> Tally<'t> {
    pub(crate) fn new(output: &'t Output, station: &'t str, master: &'t Master) -> Self {
        Self {
            output,
            report: Report {
                station,
                operator: None,
                order: None,
                simulated: false,
                image: master.digest(),
            },
            every_line: true,
            counters: Counters::default(),
            code: 0,
        }
    }

    /// Counts one unit, and reports it.
    pub(crate) fn unit(&mut self, ended: &Ended<'_>) {
        self.counters.count(match ended.result {
            Ok(passed) if passed.already => Outcome::Already,
            Ok(_) => Outcome::Passed,
            Err(error) if error.next().is_scan() => Outcome::Misread,
            Err(_) => Outcome::Failed,
        });
        self.code = ended.code_after(self.code);
        let object = self.report.object(ended, self.counters.seq);
        self.output.told(&object);
        let name = ended.name();
        match (ended.result, ended.unlabelled()) {
            (Ok(passed), Some(error)) => {
                self.output.line(format_args!(
                    "{WARN}PASS{WARN:#}  {name:<14} token {}  not labelled: {error} ({})",
                    passed.entry.record().fingerprint,
                    error.code
                ));
                self.reasons(&error);
            }
            (Ok(passed), None) if self.every_line => {
                let already = match ended.attempt {
                    _ if passed.already => format!("  {DIM}{}{DIM:#}", done_already(&passed.entry)),
                    // What was made before, at this station or another one, has the same token.
                    Some(attempt) if attempt > 1 => {
                        format!(
                            "  {WARN}attempt {attempt}, with the token of the one before{WARN:#}"
                        )
                    }
                    _ => String::new(),
                };
                self.output.good(format_args!(
                    "{GOOD}PASS{GOOD:#}  {name:<14} token {}  {}{already}",
                    passed.entry.record().fingerprint,
                    ended.place.file().unwrap_or(Path::new("")).display(),
                ));
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.output.line(format_args!(
                    "{BAD}FAIL{BAD:#}  {name:<14} {error} ({})",
                    error.code
                ));
                self.reasons(error);
            }
        }
    }

    /// Tells people what is behind an error, and what to do.
    fn reasons(&self, error: &CliError) {
        for cause in &error.causes {
            self.output.line(format_args!("      because {cause}"));
        }
        if let Some(hint) = &error.hint {
            self.output.line(format_args!("      {hint}"));
        }
        self.output.line(format_args!("      {}", error.sentence()));
    }
}

impl Report<'_> {
    /// Returns what programs are told of a unit, `seq` counting those of this call.
    pub(crate) fn object(&self, ended: &Ended<'_>, seq: u64) -> String {
        serde_json::to_string(&self.fields(ended, seq)).unwrap_or_default()
    }

    fn fields<'u>(&'u self, ended: &'u Ended<'_>, seq: u64) -> UnitObject<'u> {
        let passed = ended.result.ok();
        let record = passed.map(|passed| passed.entry.record());
        let unlabelled = ended.unlabelled();
        let error = ended.result.err().or(unlabelled.as_ref());
        let (target, board) = ended
            .place
            .object(passed.map(|passed| passed.written.effort));
        let label = ended.label.as_ref().filter(|_| error.is_none());
        UnitObject {
            v: 1,
            seq,
            at: now(),
            station: self.station,
            operator: self.operator,
            order: self.order,
            serial: ended.serial.map(Serial::as_str),
            outcome: ended.result.map_or_else(outcome, |_| "pass"),
            already: passed.is_some_and(|passed| passed.already),
            action: ended
                .result
                .map_or_else(|error| error.next().action(), |_| "next"),
            next: error.map(CliError::sentence),
            attempt: ended.attempt,
            fingerprint: record.map(|record| record.fingerprint.to_string()),
            image_sha256: self.image.to_string(),
            changed_bytes: passed.map(|passed| passed.written.changed),
            checksums: passed.map_or_else(Vec::new, |passed| checksums(&passed.written)),
            target: target.into(),
            file: passed.and(ended.place.file()).map(shown),
            sha256: record.and_then(|record| Some(record.digest?.to_string())),
            board,
            label: label.map(|file| shown(file)),
            elapsed_ms: ended.elapsed.as_millis(),
            simulated: self.simulated,
            event: record.map(|record| record.event.to_string()),
            error: error.map(CliError::json),
        }
    }
}

impl Place<'_> {
    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Board(_) => None,
        }
    }

    fn object(&self, effort: Option<Effort>) -> (Target, BoardObject) {
        match self {
            Self::File(_) => (Target::File, BoardObject::default()),
            Self::Board(board) => {
                let object = BoardObject {
                    nest: board.nest.map(str::to_owned),
                    chip: board.seen.map(|seen| seen.chip.clone()),
                    chip_uid: board.seen.and_then(|seen| seen.uid.clone()),
                    erased_sectors: effort.and_then(|effort| effort.erased_sectors),
                    programmed_bytes: effort.and_then(|effort| effort.programmed_bytes),
                };
                (board.target, object)
            }
        }
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

/// Returns what became of a unit that did not pass.
fn outcome(error: &CliError) -> &'static str {
    match error.code {
        exit::REFUSED | exit::IN_DOUBT | exit::POOL_EMPTY | exit::MES => "refused",
        _ if error.doubt => "in-doubt",
        _ => "fail",
    }
}

/// Returns the time to the millisecond, RFC 3339, UTC.
fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn checksums(written: &Written) -> Vec<Value> {
    written
        .checksums
        .iter()
        .map(|field| {
            let value: String = field
                .bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            json!({ "name": field.name, "at": field.at.start().to_string(), "value": value })
        })
        .collect()
}

/// Says since when a finished unit is.
pub(crate) fn done_already(entry: &Entry) -> String {
    let day: String = entry.record().at.chars().take(10).collect();
    format!("done already on {day}, verified again")
}
