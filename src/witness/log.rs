//! The log of a programmer: the lines that say of a unit that it passed.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use thiserror::Error;

use super::WitnessError;
use crate::ledger::{Evidence, Witness};
use crate::pool::Sheet;
use crate::recipe::SerialSpec;
use crate::unit::{Fingerprint, Serial};

/// Why a pattern finds no unit in a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// No regular expression.
    #[error("is no regular expression: {0}")]
    Regex(String),
    /// It does not say which part of a line names the unit.
    #[error("has no group (?<{0}>...)")]
    NoGroup(&'static str),
}

/// The units of a block by the number of their line in it, as the handoff lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block(BTreeMap<u64, (Serial, Fingerprint)>);

impl Block {
    /// Reads which unit each line of a block is.
    ///
    /// # Errors
    /// [`WitnessError`]
    pub fn read(bytes: &[u8]) -> Result<Self, WitnessError> {
        let mut sheet = Sheet::new(bytes)?;
        let (Some(line), Some(serial), Some(print)) = (
            sheet.column(&["line"])?,
            sheet.column(&["serial"])?,
            sheet.column(&["fingerprint"])?,
        ) else {
            let wanted = "line, serial and fingerprint";
            return Err(WitnessError::Columns { wanted });
        };
        let mut block = BTreeMap::new();
        while let Some(number) = sheet.next_row()? {
            let cell = |column: usize| sheet.cell(column);
            let unit = cell(line).parse().ok().zip(cell(serial).parse().ok());
            let unit = unit.zip(cell(print).parse().ok());
            let ((unit, serial), print) = unit.ok_or(WitnessError::NoUnit { line: number })?;
            if block.insert(unit, (serial, print)).is_some() {
                return Err(WitnessError::UnitTwice { line: number, unit });
            }
        }
        Ok(Self(block))
    }
}

/// How a log is read.
#[derive(Debug, Clone)]
pub struct Log {
    regex: Regex,
    /// Where the log counts units instead of naming them.
    block: Option<Block>,
}

impl Log {
    /// Takes what a line looks like that says a unit passed: with the group `serial`, or with
    /// `line` where there is a block.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn new(pattern: &str, block: Option<Block>) -> Result<Self, PatternError> {
        let regex = Regex::new(pattern).map_err(|error| PatternError::Regex(error.to_string()))?;
        let log = Self { regex, block };
        let (group, mut names) = (log.group(), log.regex.capture_names().flatten());
        if !names.any(|name| name == group) {
            return Err(PatternError::NoGroup(group));
        }
        drop(names);
        Ok(log)
    }

    const fn group(&self) -> &'static str {
        match self.block {
            Some(_) => "line",
            None => "serial",
        }
    }

    /// Reads the units that passed; at least one line must say so.
    ///
    /// # Errors
    /// [`WitnessError`]
    pub fn read(&self, bytes: &[u8], serials: &SerialSpec) -> Result<Vec<Evidence>, WitnessError> {
        // Programmers write in whatever encoding; what names a unit is ASCII in all of them.
        let text = String::from_utf8_lossy(bytes);
        let mut seen = BTreeSet::new();
        let mut passed = Vec::new();
        for (line, said) in (1u32..).zip(text.lines()) {
            let Some(found) = self.regex.captures(said) else {
                continue;
            };
            let name = found.name(self.group()).map_or("", |found| found.as_str());
            let (serial, fingerprint) = self.unit(name, line, serials)?;
            let uid = found.name("uid").map(|uid| uid.as_str().to_owned());
            // A unit that was programmed twice passed twice.
            if seen.insert((serial.folded(), uid.clone())) {
                passed.push(Evidence {
                    line,
                    serial,
                    fingerprint,
                    uid,
                    image: None,
                    witness: Witness::Log,
                    passed: true,
                });
            }
        }
        if passed.is_empty() {
            return Err(WitnessError::NoLine);
        }
        Ok(passed)
    }

    /// Returns which unit `name` is.
    fn unit(
        &self,
        name: &str,
        line: u32,
        serials: &SerialSpec,
    ) -> Result<(Serial, Option<Fingerprint>), WitnessError> {
        let Some(Block(block)) = &self.block else {
            let known = serials.known(name);
            let [_, serial] = known.map_err(|source| WitnessError::Serial { line, source })?;
            return Ok((serial, None));
        };
        let unit = name.parse().ok().and_then(|unit: u64| block.get(&unit));
        let (serial, print) = unit.ok_or(WitnessError::NotInBlock { line })?;
        Ok((serial.clone(), Some(*print)))
    }
}
