//! `[pool]`, `[serial]`, `[ledger]`, `[flash]`, `[label]`: where a unit's values come from and go to.

use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use super::command::{CommandLine, Identify};
use crate::image::{Address, Span};
use crate::unit::{Serial, SerialError};

/// `[pool]`: the token list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// The export: zip, folder, CSV or JSON. Imported once.
    pub file: Option<PathBuf>,
    /// Header of the AuthTokens.
    pub token: Option<String>,
    /// Header of the QR Tokens.
    pub qr: Option<String>,
    /// Header of the column that fixes which serial gets which token.
    pub bind: Option<String>,
}

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
    /// Takes a scan: removes CR, LF, Tab, GS, spaces and the scanner's prefix, sets the case,
    /// and checks the pattern.
    ///
    /// # Errors
    /// [`ScanError`], which never repeats the text.
    pub fn read(&self, scan: &str) -> Result<Serial, ScanError> {
        // GS (0x1D) separates the fields of a GS1 symbol and may end one.
        let ends = |c: char| matches!(c, '\r' | '\n' | '\t' | '\u{1d}' | ' ');
        let mut text = scan.trim_matches(ends);
        for prefix in &self.strip {
            text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
        }
        let text = match self.case {
            Case::Keep => text.to_owned(),
            Case::Upper => text.to_ascii_uppercase(),
            Case::Lower => text.to_ascii_lowercase(),
        };
        let serial: Serial = text.parse()?;
        match &self.pattern {
            Some(pattern) if !pattern.0.is_match(serial.as_str()) => Err(ScanError::Pattern {
                pattern: pattern.0.as_str().to_owned(),
            }),
            _ => Ok(serial),
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
}

impl ScanError {
    /// Returns the error's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

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
    /// Returns the serial of `number`; `None` when it needs more digits than the format has.
    ///
    /// # Errors
    /// [`SerialError`] if the text is no serial.
    pub fn serial(&self, number: u64) -> Result<Option<Serial>, SerialError> {
        let digits = format!("{number:0width$}", width = self.width);
        if self.width > 0 && digits.len() > self.width {
            return Ok(None);
        }
        format!("{}{digits}{}", self.before, self.after)
            .parse()
            .map(Some)
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
        Ok(Self {
            before: before.to_owned(),
            after: after.to_owned(),
            width,
        })
    }
}

/// `[flash]`: the chip and the probe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// The chip's name, as probe-rs knows it.
    pub chip: String,
    /// `sim`, `sim:CHIP` or `VID:PID[:SERIAL]`.
    pub probe: Option<String>,
    /// `full` or `slot`.
    pub mode: Option<Mode>,
    /// The speed of the probe in kHz; unsaid, its own.
    pub speed: Option<u32>,
    /// How a probe gets hold of the target.
    #[serde(default)]
    pub connect: Connect,
    /// What is compared before slot mode writes.
    #[serde(default)]
    pub precheck: Precheck,
    /// Places beside the flash that a probe may write: UICR, option bytes.
    #[serde(default)]
    pub also: Vec<Area>,
    /// Places of the image that stay off the board, and are not looked at there.
    #[serde(default)]
    pub skip: Vec<Area>,
    /// The line's own programmer, in place of a probe.
    pub program: Option<CommandLine>,
    /// How it reads flash into a file.
    pub readback: Option<CommandLine>,
    /// How it tells the chip's own number, or that it cannot.
    pub identify: Option<Identify>,
    /// Variables of the environment that the programmer's commands get beside the usual ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// Seconds that one command of the programmer, or one unit on its nest, may take.
    #[serde(default = "Chip::seconds")]
    pub timeout: u64,
}

impl Chip {
    const fn seconds() -> u64 {
        120
    }

    /// Takes the programmer away: a rehearsal has nothing for it.
    pub(super) fn rehearse(&mut self) {
        (self.program, self.readback, self.identify) = (None, None, None);
        self.env.clear();
    }

    /// Tells what is wrong with the programmer's commands.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(program) = &self.program else {
            return match (&self.readback, &self.identify) {
                (None, None) if self.env.is_empty() => Ok(()),
                (None, None) => Err("`env` belongs to `program`, which is missing".into()),
                _ => Err("`readback` and `identify` belong to `program`, which is missing".into()),
            };
        };
        let Some(readback) = &self.readback else {
            return Err(
                "`program` needs `readback`: what was not read back is not delivered".into(),
            );
        };
        if self.identify.is_none() {
            return Err(
                "`program` needs `identify`, which prints the chip's own number; identify = false \
                 says that boards cannot be told apart: then a unit whose writing was cut short \
                 goes on only on a board that holds its token, or by a person's decision"
                    .into(),
            );
        }
        let misplaced = |command: &CommandLine, name: &str| command.names(name);
        if !program.names("image") || misplaced(program, "dump") {
            return Err("`program` must name {image}, and no {dump}".into());
        }
        if !readback.names("dump") || misplaced(readback, "image") {
            return Err("`readback` must name {dump}, and no {image}".into());
        }
        if readback.names("address") != (readback.names("size") || readback.names("length")) {
            return Err("`readback` names {address} and {size} together, or neither".into());
        }
        let identify = self.identify.as_ref().and_then(Identify::command);
        let told = |name: &&&str| identify.is_some_and(|line| line.names(name));
        if let Some(name) = ["image", "dump", "address", "size", "length", "serial"]
            .iter()
            .find(told)
        {
            return Err(format!("`identify` must not name {{{name}}}"));
        }
        match self.mode {
            Some(Mode::Slot) => {
                Err("mode = \"slot\" needs a probe; a programmer writes the whole image".into())
            }
            _ => Ok(()),
        }
    }
}

/// How much of the flash a unit gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// The whole image.
    Full,
    /// Only the sectors of slots and checksums.
    Slot,
}

/// How a probe gets hold of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connect {
    /// While it runs.
    #[default]
    Normal,
    /// While the reset line is held: for firmware that takes the debug pins.
    UnderReset,
}

/// What is compared before slot mode writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precheck {
    /// The sectors of slots and checksums.
    #[default]
    Sectors,
    /// Everything that the image stores.
    Full,
}

/// A run of addresses, written `0x10001000..0x10002000`, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Area(Span);

impl Area {
    /// Returns the addresses.
    #[must_use]
    pub const fn span(self) -> Span {
        self.0
    }
}

impl TryFrom<String> for Area {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("`{text}` is no run of addresses: write 0x10001000..0x10002000");
        let (start, end) = text.split_once("..").ok_or_else(wrong)?;
        let address = |text: &str| text.trim().parse::<Address>().map_err(|_| wrong());
        Span::between(address(start)?, address(end)?)
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// When labels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// After the unit is confirmed.
    #[default]
    After,
    /// Before: the scanned label decides which token a unit gets.
    Preprinted,
}

/// `[label]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSpec {
    /// Folder of the pictures, relative to the recipe.
    #[serde(default = "LabelSpec::folder")]
    pub dir: PathBuf,
    /// When labels are made.
    #[serde(default)]
    pub when: When,
}

impl LabelSpec {
    fn folder() -> PathBuf {
        PathBuf::from("labels")
    }
}

impl Default for LabelSpec {
    fn default() -> Self {
        Self {
            dir: Self::folder(),
            when: When::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> SerialSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_scan_loses_what_the_scanner_added() {
        let spec = spec("pattern = '^GW[0-9]{3}$'\ncase = 'upper'\nstrip = [']C1']");
        let serial = spec.read("]C1gw007\u{1d}\r\n").unwrap();
        assert_eq!(serial.as_str(), "GW007");
    }

    #[test]
    fn a_foreign_serial_is_refused() {
        let error = spec("pattern = '^GW[0-9]{3}$'").read("XY001").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the serial does not match the recipe's pattern ^GW[0-9]{3}$"
        );
    }

    #[test]
    fn a_format_counts_both_ways() {
        let format = SerialFormat::try_from("GW{:06}-A".to_owned()).unwrap();
        let serial = format.serial(17).unwrap().unwrap();
        assert_eq!(serial.as_str(), "GW000017-A");
        assert_eq!(format.number(&serial), Some(17));
        assert_eq!(format.serial(1_000_000), Ok(None));
        assert_eq!(format.to_string(), "GW{:06}-A");
    }
}
