//! `[serial]`: where serials come from, and what a scan must look like.

use serde::Deserialize;
use thiserror::Error;

use super::shape;
use crate::scan::trimmed;
use crate::unit::{Serial, SerialError};

/// Where serials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SerialSource {
    /// Scanned or given.
    #[default]
    Scan,
    /// Counted up by the ledger.
    Next,
    /// The chip's own number.
    ChipUid,
    /// The bound column of the token list, in its order.
    Pool,
}

/// What happens to the case of a scanned serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// It stays.
    #[default]
    Keep,
    /// To capitals.
    Upper,
    /// To small letters.
    Lower,
}

/// `[serial]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialSpec {
    /// Where serials come from.
    #[serde(default)]
    pub source: SerialSource,
    /// How a number becomes a serial, for `next`.
    pub format: Option<SerialFormat>,
    /// What every serial must match, anchored as written.
    pub pattern: Option<Pattern>,
    /// What happens to its case.
    #[serde(default)]
    pub case: Case,
    /// Prefixes that a scanner adds.
    #[serde(default)]
    pub strip: Vec<String>,
    /// How the serials of a panel follow from one scan and the nests' names.
    pub panel: Option<String>,
}

impl SerialSpec {
    /// Takes the scan of a unit that is to be made: removes CR, LF, Tab, GS, spaces and the
    /// scanner's prefix, sets the case, and checks the pattern; the format too, where serials are
    /// counted up: any other barcode would cost a token.
    ///
    /// # Errors
    /// [`ScanError`], which never repeats the text.
    pub fn read(&self, scan: &str) -> Result<Serial, ScanError> {
        let serial = self.matching(scan)?;
        match (self.source, &self.format) {
            (SerialSource::Next, Some(format)) if !format.makes(&serial) => {
                Err(ScanError::Format {
                    format: format.to_string(),
                })
            }
            _ => Ok(serial),
        }
    }

    /// Takes a serial that a list fixes to a token: as the recipe writes it, where it is the same one.
    ///
    /// # Errors
    /// [`ScanError`]: a unit with it would be refused everywhere else.
    pub fn listed(&self, serial: &Serial) -> Result<Serial, ScanError> {
        let shaped = self.read(serial.as_str())?;
        match shaped.folded() == serial.folded() {
            true => Ok(shaped),
            // Its token is fixed to it as it stands.
            false => Ok(serial.clone()),
        }
    }

    /// Lets a rehearsal make the serials that are scanned otherwise; returns whether the list has
    /// some, for `listed` says that it fixes them. Else they are counted, whatever the pattern says.
    #[must_use]
    pub fn stand_in(&mut self, listed: bool) -> bool {
        if listed {
            self.source = SerialSource::Pool;
        } else {
            *self = Self {
                source: SerialSource::Next,
                format: SerialFormat::try_from("T{}".to_owned()).ok(),
                ..Self::default()
            };
        }
        listed
    }

    /// Takes the serial of a unit that was made elsewhere: the pattern is checked, and no format.
    ///
    /// # Errors
    /// [`ScanError`], which never repeats the text.
    pub fn matching(&self, scan: &str) -> Result<Serial, ScanError> {
        let serial = self.shaped(scan)?;
        match &self.pattern {
            Some(pattern) if !pattern.0.is_match(serial.as_str()) => Err(ScanError::Pattern {
                pattern: pattern.0.as_str().to_owned(),
            }),
            _ => Ok(serial),
        }
    }

    /// Returns what `scan` may name among units on record, whatever pattern and format say today:
    /// the text as it stands first, for the scanner's prefix may have become part of a serial since.
    ///
    /// # Errors
    /// [`ScanError`], which never repeats the text.
    pub fn known(&self, scan: &str) -> Result<[Serial; 2], ScanError> {
        let plain = trimmed(scan).parse::<Serial>();
        let shaped = self.shaped(scan);
        match (plain, shaped) {
            (Ok(plain), Ok(shaped)) => Ok([plain, shaped]),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok([one.clone(), one]),
            (Err(error), Err(_)) => Err(error.into()),
        }
    }

    /// Returns what a serial looks like, in words with an example; `None` where the recipe says
    /// nothing that has plain words.
    #[must_use]
    pub fn looks(&self) -> Option<String> {
        let format = self.format.as_ref();
        match format.filter(|_| self.source == SerialSource::Next) {
            Some(format) => Some(format.text(1)),
            None => shape::looks(self.pattern.as_ref()?.0.as_str()),
        }
    }

    /// Tells which serial of the format could not be scanned again.
    pub(super) fn contradiction(&self) -> Option<(String, ScanError)> {
        let format = self.format.as_ref();
        let format = format.filter(|_| self.source == SerialSource::Next)?;
        format.boundaries().find_map(|number| {
            let text = format.text(number);
            match self.read(&text) {
                Ok(read) if read.folded() == text.to_ascii_lowercase() => None,
                Ok(_) => Some((
                    text,
                    ScanError::Format {
                        format: format.to_string(),
                    },
                )),
                Err(error) => Some((text, error)),
            }
        })
    }

    /// Takes a scan as the scanner and the recipe shape it.
    fn shaped(&self, scan: &str) -> Result<Serial, SerialError> {
        let mut text = trimmed(scan);
        for prefix in &self.strip {
            text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
        }
        match self.case {
            Case::Keep => text.parse(),
            Case::Upper => text.to_ascii_uppercase().parse(),
            Case::Lower => text.to_ascii_lowercase().parse(),
        }
    }
}

/// Why a scan is no serial of this product.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "serial-")]
#[non_exhaustive]
pub enum ScanError {
    /// No serial at all.
    #[error(transparent)]
    Text(#[from] SerialError),
    /// A serial of something else.
    #[error("the serial does not match the recipe's pattern {pattern}")]
    Pattern {
        /// The recipe's pattern.
        pattern: String,
    },
    /// No number of the recipe's format.
    #[error("the serial is none of the recipe's format {format}, which counts them up")]
    Format {
        /// The recipe's format.
        format: String,
    },
}

crate::unit::stable_name!(ScanError);

/// A pattern for serials.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(regex_lite::Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        regex_lite::Regex::new(&text)
            .map(Self)
            .map_err(|error| format!("`{text}` is no pattern: {error}"))
    }
}

/// `GW{:06}`: text around one number with a fixed width.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SerialFormat {
    before: String,
    after: String,
    width: usize,
}

impl SerialFormat {
    /// Digits up to which a count without a fixed width is held against the recipe: more units
    /// than any line makes.
    const DIGITS: usize = 12;

    /// Returns whether it makes exactly this serial, whatever its case.
    #[must_use]
    pub fn makes(&self, serial: &Serial) -> bool {
        let made = self.number(serial).map(|number| self.text(number));
        made.is_some_and(|made| made.eq_ignore_ascii_case(serial.as_str()))
    }

    /// Returns the numbers at which a count gets another digit: the first and the last of each
    /// length.
    fn boundaries(&self) -> impl Iterator<Item = u64> {
        let digits = match self.width {
            0 => Self::DIGITS,
            width => width,
        };
        let powers = std::iter::successors(Some(1u64), |power| Some(power.saturating_mul(10)));
        powers
            .take(digits)
            .flat_map(|power| [power, power.saturating_mul(10).saturating_sub(1)])
    }

    fn text(&self, number: u64) -> String {
        let digits = format!("{number:0width$}", width = self.width);
        format!("{}{digits}{}", self.before, self.after)
    }

    /// Returns the serial of `number`; `None` when it needs more digits than the format has.
    ///
    /// # Errors
    /// [`SerialError`] if the text is no serial.
    pub fn serial(&self, number: u64) -> Result<Option<Serial>, SerialError> {
        let text = self.text(number);
        let longest = self.before.len() + self.width + self.after.len();
        if self.width > 0 && text.len() > longest {
            return Ok(None);
        }
        text.parse().map(Some)
    }

    /// Returns the number of a serial in this format, whatever its case.
    #[must_use]
    pub fn number(&self, serial: &Serial) -> Option<u64> {
        let text = serial.as_str();
        let (before, rest) = text.split_at_checked(self.before.len())?;
        let end = rest.len().checked_sub(self.after.len())?;
        let (digits, after) = rest.split_at_checked(end)?;
        if !before.eq_ignore_ascii_case(&self.before) || !after.eq_ignore_ascii_case(&self.after) {
            return None;
        }
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let wide = self.width == 0 || digits.len() == self.width;
        (plain && wide).then(|| digits.parse().ok()).flatten()
    }
}

impl std::fmt::Display for SerialFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.width {
            0 => write!(f, "{}{{}}{}", self.before, self.after),
            width => write!(f, "{}{{:0{width}}}{}", self.before, self.after),
        }
    }
}

impl TryFrom<String> for SerialFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong =
            || format!("`{text}` is no serial format: write the number once, as {{}} or {{:06}}");
        let (before, rest) = text.split_once('{').ok_or_else(wrong)?;
        let (inside, after) = rest.split_once('}').ok_or_else(wrong)?;
        if after.contains(['{', '}']) {
            return Err(wrong());
        }
        let width = match inside.strip_prefix(":0") {
            Some(width) => width.parse().map_err(|_| wrong())?,
            None if inside.is_empty() => 0,
            None => return Err(wrong()),
        };
        // A number of u64 has at most 20 digits.
        if width > 20 {
            return Err(wrong());
        }
        let format = Self {
            before: before.to_owned(),
            after: after.to_owned(),
            width,
        };
        // The text is not repeated: what is no serial could be a secret.
        format
            .serial(1)
            .map_err(|error| format!("no serial can be made by this format: {error}"))?;
        Ok(format)
    }
}
