//! How one unit ended: a line for people, an object for programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eol_inject::ledger::{Entry, Target};
use eol_inject::line::{Passed, Written};
use eol_inject::master::Master;
use eol_inject::target::{Effort, Seen};
use eol_inject::unit::Serial;
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
pub(crate) enum Place {
    /// To a file.
    File(PathBuf),
    /// Onto a board.
    Board(Board),
}

/// What is known of a board.
pub(crate) struct Board {
    pub(crate) target: Target,
    pub(crate) nest: Option<String>,
    pub(crate) seen: Option<Seen>,
}

/// Reports units, and counts them.
pub(crate) struct Tally<'t> {
    pub(crate) output: &'t Output,
    pub(crate) station: &'t str,
    pub(crate) operator: Option<&'t str>,
    pub(crate) order: Option<&'t str>,
    pub(crate) simulated: bool,
    pub(crate) master: &'t Master,
    /// Whether the line chooses its units itself: no hand scans wrong, so each failure is in a row.
    pub(crate) counts: bool,
    /// Whether people get a line for every unit, or only for those that need attention.
    pub(crate) every_line: bool,
    pub(crate) seq: u64,
    pub(crate) passed: u64,
    pub(crate) already: u64,
    pub(crate) failed: u64,
    pub(crate) in_a_row: u64,
    /// The first failure in input order.
    pub(crate) code: u8,
}

/// One unit's end with what surrounds it.
pub(crate) struct Ended {
    /// The unit, where it is known which.
    pub(crate) serial: Option<Serial>,
    pub(crate) attempt: Option<i64>,
    pub(crate) result: Result<Passed, CliError>,
    pub(crate) elapsed: Duration,
    pub(crate) place: Place,
    /// Its label's file, where it gets one.
    pub(crate) label: Option<PathBuf>,
}

impl Ended {
    /// Returns the unit's serial, or what stands for one that is not known.
    pub(crate) fn name(&self) -> &str {
        self.serial.as_ref().map_or("?", Serial::as_str)
    }

    /// Returns what people must see beside a unit whose board is not real.
    pub(crate) fn word(&self) -> &'static str {
        match &self.place {
            Place::Board(board) if board.seen.as_ref().is_some_and(|seen| seen.simulated) => {
                "SIMULATED  "
            }
            _ => "",
        }
    }

    /// Returns whether only the scan was at fault.
    fn misread(&self) -> bool {
        matches!(&self.result, Err(error) if error.next().is_scan())
    }

    /// Returns why a unit that passed has no label.
    pub(crate) fn unlabelled(&self) -> Option<CliError> {
        let error = self.result.as_ref().ok()?.unlabelled.as_ref()?;
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
    pub(crate) const fn new(output: &'t Output, station: &'t str, master: &'t Master) -> Self {
        Self {
            output,
            station,
            operator: None,
            order: None,
            simulated: false,
            master,
            counts: false,
            every_line: true,
            seq: 0,
            passed: 0,
            already: 0,
            failed: 0,
            in_a_row: 0,
            code: 0,
        }
    }

    /// Reports one unit that went to a file.
    pub(crate) fn unit(&mut self, ended: &Ended) {
        self.count(ended);
        let name = ended.name();
        match (&ended.result, ended.unlabelled()) {
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
                    ended.place.file().display(),
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

    /// Counts one unit and tells programs; returns what they are told.
    pub(crate) fn count(&mut self, ended: &Ended) -> String {
        self.seq += 1;
        match &ended.result {
            Ok(passed) => {
                self.passed += 1;
                self.already += u64::from(passed.already);
                self.in_a_row = 0;
                if self.code == 0 && passed.unlabelled.is_some() {
                    self.code = exit::UNLABELLED;
                }
            }
            Err(error) => {
                self.failed += 1;
                self.in_a_row += u64::from(self.counts || !ended.misread());
                if self.code == 0 || self.code == exit::UNLABELLED {
                    self.code = error.code;
                }
            }
        }
        let object = serde_json::to_string(&self.object(ended)).unwrap_or_default();
        self.output.told(&object);
        object
    }

    fn object<'u>(&'u self, ended: &'u Ended) -> UnitObject<'u> {
        let (target, board) = ended.place.object(effort(ended));
        let object = UnitObject {
            v: 1,
            seq: self.seq,
            at: now(),
            station: self.station,
            operator: self.operator,
            order: self.order,
            serial: ended.serial.as_ref().map(Serial::as_str),
            outcome: "pass",
            already: false,
            action: "next",
            next: None,
            attempt: ended.attempt,
            fingerprint: None,
            image_sha256: self.master.digest().to_string(),
            changed_bytes: None,
            checksums: Vec::new(),
            target: target.into(),
            file: None,
            sha256: None,
            board,
            label: None,
            elapsed_ms: ended.elapsed.as_millis(),
            simulated: self.simulated,
            event: None,
            error: None,
        };
        match &ended.result {
            Ok(passed) => {
                let record = passed.entry.record();
                let error = ended.unlabelled();
                let file = match &ended.place {
                    Place::File(file) => Some(file.display().to_string()),
                    Place::Board(_) => None,
                };
                UnitObject {
                    already: passed.already,
                    fingerprint: Some(record.fingerprint.to_string()),
                    changed_bytes: Some(passed.written.changed),
                    checksums: checksums(&passed.written),
                    file,
                    sha256: record.digest.map(|digest| digest.to_string()),
                    label: ended
                        .label
                        .as_ref()
                        .filter(|_| error.is_none())
                        .map(|file| file.display().to_string()),
                    event: Some(record.event.to_string()),
                    next: error.as_ref().map(CliError::sentence),
                    error: error.as_ref().map(CliError::json),
                    ..object
                }
            }
            Err(error) => UnitObject {
                outcome: outcome(error),
                action: error.next().action(),
                next: Some(error.sentence()),
                error: Some(error.json()),
                ..object
            },
        }
    }
}

impl Place {
    fn file(&self) -> &Path {
        match self {
            Self::File(file) => file,
            Self::Board(_) => Path::new(""),
        }
    }

    fn object(&self, effort: Effort) -> (Target, BoardObject) {
        match self {
            Self::File(_) => (Target::File, BoardObject::default()),
            Self::Board(board) => {
                let seen = board.seen.as_ref();
                let object = BoardObject {
                    nest: board.nest.clone(),
                    chip: seen.map(|seen| seen.chip.clone()),
                    chip_uid: seen.and_then(|seen| seen.uid.clone()),
                    erased_sectors: effort.erased_sectors,
                    programmed_bytes: effort.programmed_bytes,
                };
                (board.target, object)
            }
        }
    }
}

/// Returns what a unit took on its board.
fn effort(ended: &Ended) -> Effort {
    let passed = ended.result.as_ref().ok();
    passed.map_or_else(Effort::default, |passed| passed.written.effort)
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
