//! How one unit ended: a line for people, an object for programs.

use std::path::PathBuf;
use std::time::Duration;

use eol_inject::ledger::Entry;
use eol_inject::line::{LineError, Passed, Written};
use eol_inject::patch::Master;
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
    serial: &'u str,
    outcome: &'static str,
    already: bool,
    action: &'static str,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    elapsed_ms: u128,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// Reports units, and counts them.
pub(crate) struct Tally<'t> {
    pub(crate) output: &'t Output,
    pub(crate) station: &'t str,
    pub(crate) master: &'t Master,
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
    pub(crate) serial: Serial,
    pub(crate) attempt: Option<i64>,
    pub(crate) result: Result<Passed, LineError>,
    pub(crate) elapsed: Duration,
    pub(crate) file: PathBuf,
    pub(crate) label: PathBuf,
}

/// Returns the serial as the record writes it, where there is one: files are named by that.
pub(crate) fn known<'s>(result: &'s Result<Passed, LineError>, scanned: &'s Serial) -> &'s Serial {
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
            master,
            every_line: true,
            seq: 0,
            passed: 0,
            already: 0,
            failed: 0,
            in_a_row: 0,
            code: 0,
        }
    }

    /// Reports one unit.
    pub(crate) fn unit(&mut self, ended: Ended) {
        self.seq += 1;
        let Ended {
            serial,
            attempt,
            result,
            elapsed,
            file,
            label,
        } = ended;
        match result {
            Ok(passed) => self.pass(&passed, attempt, elapsed, (file, label)),
            Err(error) => self.fail(&serial, attempt, elapsed, error.into()),
        }
    }

    fn pass(
        &mut self,
        passed: &Passed,
        attempt: Option<i64>,
        elapsed: Duration,
        (file, label): (PathBuf, PathBuf),
    ) {
        let record = passed.entry.record();
        self.passed += 1;
        self.already += u64::from(passed.already);
        self.in_a_row = 0;
        let error = passed
            .unlabelled
            .as_ref()
            .map(|error| CliError::new(exit::UNLABELLED, error.name(), error.to_string()));
        if self.code == 0 && error.is_some() {
            self.code = exit::UNLABELLED;
        }
        let object = UnitObject {
            outcome: "pass",
            already: passed.already,
            action: "next",
            fingerprint: Some(record.fingerprint.to_string()),
            changed_bytes: Some(passed.written.changed),
            checksums: checksums(&passed.written),
            file: Some(file.display().to_string()),
            sha256: record.digest.map(|digest| digest.to_string()),
            label: error.is_none().then(|| label.display().to_string()),
            event: Some(record.event.to_string()),
            error: error.as_ref().map(CliError::json),
            ..self.object(&record.serial, attempt, elapsed)
        };
        self.output.object(&object);
        match error {
            Some(error) => self.output.line(format_args!(
                "{WARN}PASS{WARN:#}  {:<14} token {}  not labelled: {error} ({})",
                record.serial, record.fingerprint, error.code
            )),
            None if self.every_line => self.output.line(format_args!(
                "{GOOD}PASS{GOOD:#}  {:<14} token {}  {}{}",
                record.serial,
                record.fingerprint,
                file.display(),
                done_already(&passed.entry, passed.already),
            )),
            None => {}
        }
    }

    /// Reports a unit that did not pass.
    pub(crate) fn fail(
        &mut self,
        serial: &Serial,
        attempt: Option<i64>,
        elapsed: Duration,
        error: CliError,
    ) {
        self.failed += 1;
        self.in_a_row += 1;
        if self.code == 0 || self.code == exit::UNLABELLED {
            self.code = error.code;
        }
        let refused = matches!(error.code, exit::REFUSED | exit::POOL_EMPTY);
        let object = UnitObject {
            outcome: if refused { "refused" } else { "fail" },
            action: action(error.code),
            error: Some(error.json()),
            ..self.object(serial, attempt, elapsed)
        };
        self.output.object(&object);
        self.output.line(format_args!(
            "{BAD}FAIL{BAD:#}  {serial:<14} {error} ({})",
            error.code
        ));
        for cause in &error.causes {
            self.output.line(format_args!("      because {cause}"));
        }
        if let Some(hint) = &error.hint {
            self.output.line(format_args!("      {hint}"));
        }
    }

    fn object<'u>(
        &'u self,
        serial: &'u Serial,
        attempt: Option<i64>,
        elapsed: Duration,
    ) -> UnitObject<'u> {
        UnitObject {
            v: 1,
            seq: self.seq,
            at: now(),
            station: self.station,
            serial: serial.as_str(),
            outcome: "fail",
            already: false,
            action: "next",
            attempt,
            fingerprint: None,
            image_sha256: self.master.digest().to_string(),
            changed_bytes: None,
            checksums: Vec::new(),
            target: "file",
            file: None,
            sha256: None,
            label: None,
            elapsed_ms: elapsed.as_millis(),
            simulated: false,
            event: None,
            error: None,
        }
    }
}

/// Returns the time to the millisecond, RFC 3339, UTC.
fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Returns what the line should do after a failure.
const fn action(code: u8) -> &'static str {
    match code {
        exit::REFUSED => "quarantine",
        exit::LEDGER | exit::POOL_EMPTY | exit::RECIPE | exit::IMAGE | exit::SLOT => "stop",
        _ => "retry",
    }
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

fn done_already(entry: &Entry, already: bool) -> String {
    if !already {
        return String::new();
    }
    let day: String = entry.record().at.chars().take(10).collect();
    format!("  {DIM}done already on {day}, verified again{DIM:#}")
}
