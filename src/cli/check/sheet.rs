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
    limits: Vec<Limit>,
}

/// What stops some commands that make units, and leaves others.
struct Limit {
    stage: Stage,
    commands: &'static [&'static str],
    error: CliError,
}

/// The commands that make units.
const MAKERS: [&str; 3] = ["run", "inject", "batch"];

impl<'c> Sheet<'c> {
    /// Begins a sheet; a recipe that cannot be read names no product.
    pub(super) fn new(product: Option<&str>, output: &'c Output) -> Self {
        let mut report = Map::new();
        report.insert("v".to_owned(), json!(1));
        report.insert("product".to_owned(), json!(product));
        Self {
            output,
            changes: 0,
            report,
            findings: Vec::new(),
            limits: Vec::new(),
        }
    }

    /// Tells of a recipe that cannot be read: nothing else is known then.
    pub(super) fn unread(error: CliError, output: &'c Output) -> u8 {
        let mut sheet = Self::new(None, output);
        output.refusal(&error);
        let code = error.code;
        sheet.find(Stage::Recipe, error);
        sheet.tell();
        code
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

    /// Notes what is in the way of these commands only.
    pub(super) fn limit(
        &mut self,
        stage: Stage,
        commands: &'static [&'static str],
        error: CliError,
    ) {
        self.limits.push(Limit {
            stage,
            commands,
            error,
        });
    }

    /// Returns whether something of this name is in the way.
    pub(super) fn has(&self, name: &str) -> bool {
        self.findings.iter().any(|(_, error)| error.name == name)
    }

    /// Returns whether something was found at a stage.
    pub(super) fn has_any(&self, stage: Stage) -> bool {
        self.findings.iter().any(|(at, _)| *at == stage)
    }

    /// Takes what was found out, or notes why it could not be.
    pub(super) fn take<T>(&mut self, stage: Stage, found: Result<T, CliError>) -> Option<T> {
        found.map_err(|error| self.find(stage, error)).ok()
    }

    /// Tells all; returns the exit code of the first finding in the order of the line.
    pub(super) fn end(mut self) -> u8 {
        self.findings.sort_by_key(|(stage, _)| *stage);
        self.tell();
        for (_, error) in &self.findings {
            self.output.refusal(error);
        }
        match self.findings.len() {
            0 => self.output.line(format_args!(
                "{GOOD}ready{GOOD:#}{}: each unit changes at most {} bytes",
                self.most(),
                self.changes
            )),
            findings => self.output.line(format_args!(
                "{BAD}not ready{BAD:#}: {} to put right",
                count(findings, "thing")
            )),
        }
        self.findings.first().map_or(0, |(_, error)| error.code)
    }

    /// Tells programs; the object has the same keys whatever was found.
    fn tell(&mut self) {
        let findings = self.findings.iter();
        let findings: Vec<Value> = findings
            .map(|(stage, error)| finding_object(*stage, error))
            .collect();
        let error = self.findings.first().map(|(_, error)| error.json());
        let limit = |limit: &Limit| {
            let mut told = finding_object(limit.stage, &limit.error);
            if let Value::Object(map) = &mut told {
                map.insert("commands".to_owned(), json!(limit.commands));
            }
            told
        };
        let limits: Vec<Value> = self.limits.iter().map(limit).collect();
        self.put("ready", json!(findings.is_empty()));
        self.put("error", json!(error));
        self.put("findings", Value::Array(findings));
        self.put("limits", Value::Array(limits));
        self.output.object(&self.report);
    }

    /// Says which commands can work, where some cannot.
    fn most(&self) -> String {
        if self.limits.is_empty() {
            return String::new();
        }
        let stopped = |maker: &&str| {
            self.limits
                .iter()
                .any(|limit| limit.commands.contains(maker))
        };
        let left: Vec<&str> = MAKERS.into_iter().filter(|maker| !stopped(maker)).collect();
        format!(" for {}", left.join(" and "))
    }
}

/// Returns a finding as programs read it.
fn finding_object(stage: Stage, error: &CliError) -> Value {
    let mut told = error.json();
    if let Value::Object(map) = &mut told {
        map.insert("stage".to_owned(), json!(stage.to_string()));
    }
    told
}
