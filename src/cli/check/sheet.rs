//! What a check found out: words for people, an object for programs, and all that is in the way.

use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::output::{BAD, GOOD, Output, count};

/// Where on the line a finding would stop a unit: the first one is what the next command says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Stage {
    Recipe,
    Image,
    Fixture,
    Folders,
    Ledger,
    List,
    Serial,
    Hook,
    Board,
    Tokens,
    Label,
}

/// The sheet of one check.
pub(super) struct Sheet<'c> {
    pub(super) output: &'c Output,
    /// Bytes that a unit changes at most.
    pub(super) changes: u64,
    report: Map<String, Value>,
    findings: Vec<(Stage, CliError)>,
}

impl<'c> Sheet<'c> {
    pub(super) fn new(product: &str, output: &'c Output) -> Self {
        let mut report = Map::new();
        report.insert("v".to_owned(), json!(1));
        report.insert("product".to_owned(), json!(product));
        Self {
            output,
            changes: 0,
            report,
            findings: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.report.insert(key.to_owned(), value);
    }

    /// Notes what is in the way; what is known from another place is told once.
    pub(super) fn find(&mut self, stage: Stage, error: CliError) {
        let known = |(at, other): &(Stage, CliError)| {
            *at == stage && other.name == error.name && other.message == error.message
        };
        if !self.findings.iter().any(known) {
            self.findings.push((stage, error));
        }
    }

    /// Returns whether something was found at a stage.
    pub(super) fn has(&self, stage: Stage) -> bool {
        self.findings.iter().any(|(at, _)| *at == stage)
    }

    /// Takes what was found out, or notes why it could not be.
    pub(super) fn take<T>(&mut self, stage: Stage, found: Result<T, CliError>) -> Option<T> {
        found.map_err(|error| self.find(stage, error)).ok()
    }

    /// Tells all; returns the exit code of the first finding in the order of the line.
    pub(super) fn end(mut self) -> u8 {
        self.findings.sort_by_key(|(stage, _)| *stage);
        let findings: Vec<Value> = self.findings.iter().map(told).collect();
        let first = self.findings.first();
        let code = first.map_or(0, |(_, error)| error.code);
        let error = first.map(|(_, error)| error.json());
        self.put("ready", json!(findings.is_empty()));
        if let Some(error) = error {
            self.put("error", error);
            self.put("findings", Value::Array(findings));
        }
        self.output.object(&Value::Object(self.report));
        for (_, error) in &self.findings {
            self.output.refusal(error);
        }
        match self.findings.len() {
            0 => self.output.line(format_args!(
                "{GOOD}ready{GOOD:#}: each unit changes at most {} bytes",
                self.changes
            )),
            findings => self.output.line(format_args!(
                "{BAD}not ready{BAD:#}: {} to put right",
                count(findings, "thing")
            )),
        }
        code
    }
}

/// Returns a finding as programs read it.
fn told((stage, error): &(Stage, CliError)) -> Value {
    let mut told = error.json();
    if let Value::Object(map) = &mut told {
        map.insert("stage".to_owned(), json!(stage.to_string()));
    }
    told
}
