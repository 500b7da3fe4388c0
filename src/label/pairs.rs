//! Serials and labels as they are scanned, one after the other, put together to pairs.
//!
//! The two are told apart by their shape, so either may come first. Nothing here knows a record.

use crate::recipe::{ScanError, SerialSpec};
use crate::scan::{Line, Misread};
use crate::scan::{bare, scanned};
use crate::unit::{AuthToken, QrToken, Serial};

/// One half of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Half {
    /// The unit's serial.
    Serial(Serial),
    /// What its label says.
    Label(QrToken),
}

/// What is scanned next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Serial or label of the next unit.
    Either,
    /// The label of this unit.
    Label(Serial),
    /// The serial of the unit whose label was scanned.
    Serial,
}

/// What a scan came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// It is one half; the other one is due.
    Half,
    /// It is what was scanned just before: nothing changes.
    Again(Half),
    /// Both halves of a pair are there.
    Pair(Serial, QrToken),
    /// It does not fit here.
    Wrong(Wrong),
}

/// Why a scan makes no pair. No text here repeats what was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A serial came where the label of this unit was due: that one was not compared.
    LabelLeftOut(Serial),
    /// A label came where the serial for another one was due: that one was not compared.
    SerialLeftOut,
    /// No serial of this product, and no label.
    Neither(ScanError),
    /// No label, where the label of this unit was due.
    NoLabel(Serial),
    /// An AuthToken, where the label of this unit was due, if any was.
    Secret(Option<Serial>),
    /// No text.
    Misread(Misread),
}

/// What one scan is by its shape.
enum Shape {
    Half(Half),
    Secret,
    Neither(ScanError),
}

/// Puts scans together to pairs.
#[derive(Debug)]
pub struct Pairs<'s> {
    serials: &'s SerialSpec,
    held: Option<Half>,
    /// The scan just before: a scanner that reads twice gives it again.
    last: Option<Half>,
}

impl<'s> Pairs<'s> {
    /// Begins with nothing scanned.
    #[must_use]
    pub const fn new(serials: &'s SerialSpec) -> Self {
        Self {
            serials,
            held: None,
            last: None,
        }
    }

    /// Returns what is scanned next.
    #[must_use]
    pub fn due(&self) -> Due {
        match &self.held {
            None => Due::Either,
            Some(Half::Serial(serial)) => Due::Label(serial.clone()),
            Some(Half::Label(_)) => Due::Serial,
        }
    }

    /// Takes one line: a scan, or both halves with a Tab, comma or semicolon between them.
    ///
    /// `is_unit` tells whether a serial is known: where a label is due, what reads like a serial and
    /// is nobody's is a torn label or another code.
    pub fn take(
        &mut self,
        line: &Result<Line, Misread>,
        is_unit: &dyn Fn(&Serial) -> bool,
    ) -> Vec<Step> {
        let text = match line {
            Ok(text) => text.as_str(),
            Err(misread) => return vec![Step::Wrong(Wrong::Misread(*misread))],
        };
        // A scanner may end a code with a Tab: that is no second half.
        match bare(text).split_once(['\t', ',', ';']) {
            Some((first, second)) => {
                let mut steps: Vec<Step> = self.end().into_iter().collect();
                steps.push(self.both(first, second, is_unit));
                steps
            }
            None if text.trim().is_empty() => Vec::new(),
            None => vec![self.one(text, is_unit)],
        }
    }

    /// Ends the scans: a half that waits is told.
    pub fn end(&mut self) -> Option<Step> {
        self.last = None;
        self.left_out()
    }

    /// Drops the half that waits, and tells that it was not compared.
    fn left_out(&mut self) -> Option<Step> {
        let wrong = match self.held.take()? {
            Half::Serial(serial) => Wrong::LabelLeftOut(serial),
            Half::Label(_) => Wrong::SerialLeftOut,
        };
        Some(Step::Wrong(wrong))
    }

    fn one(&mut self, text: &str, is_unit: &dyn Fn(&Serial) -> bool) -> Step {
        let half = match (self.shape(text, is_unit), &self.held) {
            (Shape::Half(Half::Serial(serial)), Some(Half::Serial(held)))
                if serial != *held && !is_unit(&serial) =>
            {
                self.last = None;
                return Step::Wrong(Wrong::NoLabel(held.clone()));
            }
            (Shape::Half(half), _) => half,
            (Shape::Secret, _) => {
                self.last = None;
                // What the unit carries is no label: it is done with. A label waits on.
                let unit = self.held.take_if(|held| matches!(held, Half::Serial(_)));
                return Step::Wrong(Wrong::Secret(match unit {
                    Some(Half::Serial(serial)) => Some(serial),
                    _ => None,
                }));
            }
            // What waits goes on waiting: a torn label is scanned once more.
            (Shape::Neither(error), _) => {
                self.last = None;
                return Step::Wrong(match &self.held {
                    Some(Half::Serial(serial)) => Wrong::NoLabel(serial.clone()),
                    _ => Wrong::Neither(error),
                });
            }
        };
        if self.last.as_ref() == Some(&half) || self.held.as_ref() == Some(&half) {
            return Step::Again(half);
        }
        self.last = Some(half.clone());
        match (self.held.take(), half) {
            (None, half) => {
                self.held = Some(half);
                Step::Half
            }
            (Some(Half::Serial(serial)), Half::Label(label))
            | (Some(Half::Label(label)), Half::Serial(serial)) => Step::Pair(serial, label),
            (waiting, half) => {
                self.held = waiting;
                let step = self.left_out();
                self.held = Some(half);
                step.unwrap_or(Step::Half)
            }
        }
    }

    /// Judges two halves that stand in one line.
    fn both(&self, first: &str, second: &str, is_unit: &dyn Fn(&Serial) -> bool) -> Step {
        match (self.shape(first, is_unit), self.shape(second, is_unit)) {
            (Shape::Half(Half::Serial(serial)), Shape::Half(Half::Label(label)))
            | (Shape::Half(Half::Label(label)), Shape::Half(Half::Serial(serial))) => {
                Step::Pair(serial, label)
            }
            (Shape::Half(Half::Serial(serial)), Shape::Secret)
            | (Shape::Secret, Shape::Half(Half::Serial(serial))) => {
                Step::Wrong(Wrong::Secret(Some(serial)))
            }
            (Shape::Secret, _) | (_, Shape::Secret) => Step::Wrong(Wrong::Secret(None)),
            (Shape::Half(Half::Serial(serial)), _) | (_, Shape::Half(Half::Serial(serial))) => {
                Step::Wrong(Wrong::NoLabel(serial))
            }
            (Shape::Neither(error), _) | (_, Shape::Neither(error)) => {
                Step::Wrong(Wrong::Neither(error))
            }
            (Shape::Half(_), Shape::Half(_)) => Step::Wrong(Wrong::SerialLeftOut),
        }
    }

    fn shape(&self, text: &str, is_unit: &dyn Fn(&Serial) -> bool) -> Shape {
        if let Some(label) = scanned(text) {
            return Shape::Half(Half::Label(label));
        }
        match self.serials.read(text) {
            Ok(serial) => Shape::Half(Half::Serial(serial)),
            Err(_) if AuthToken::stands_in(text) => Shape::Secret,
            Err(error) => {
                // A unit on record keeps its serial, whatever the pattern says today.
                let known = self.serials.known(text).into_iter().flatten();
                match known.into_iter().find(|serial| is_unit(serial)) {
                    Some(serial) => Shape::Half(Half::Serial(serial)),
                    None => Shape::Neither(error),
                }
            }
        }
    }
}
