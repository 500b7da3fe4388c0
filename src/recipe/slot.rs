//! `[[slot]]`: which value goes where.

use serde::Deserialize;
use thiserror::Error;

use super::nvs::{self, EspNvs, ZephyrNvs};
use super::range;
use crate::image::Address;

/// Which value a slot takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum SlotValue {
    /// The device's secret.
    AuthToken,
    /// The unit's serial.
    Serial,
    /// A column of the token list, by its header.
    Column(String),
}

impl std::fmt::Display for SlotValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AuthToken => f.pad("auth-token"),
            Self::Serial => f.pad("serial"),
            Self::Column(header) => f.pad(&format!("column:{header}")),
        }
    }
}

impl TryFrom<String> for SlotValue {
    type Error = SlotTextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "auth-token" => Ok(Self::AuthToken),
            "serial" => Ok(Self::Serial),
            _ => match text.strip_prefix("column:") {
                Some(header) if !header.is_empty() => Ok(Self::Column(header.to_owned())),
                _ => Err(SlotTextError::Value(text)),
            },
        }
    }
}

/// How a slot is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locator {
    /// A whole section.
    Section(String),
    /// A symbol; its size is the slot's, where the recipe gives none.
    Symbol(String),
    /// Text that the shared image holds exactly once, at the slot's first byte.
    Marker(String),
    /// A load address.
    Address(Address),
    /// `EOLSLOT1` with the field number of the value (`src/slot/slot.h`).
    EolSlot {
        /// 1 token, 2 serial, 16 and above: columns.
        field: u16,
    },
    /// A key of Blynk's option block; `auth` for the token.
    BlnkOpt {
        /// The key that takes the value.
        key: String,
        /// Further keys to set, for firmware that demands them beside `auth`.
        set: Vec<(String, String)>,
    },
    /// A string in ESP-IDF's non-volatile storage.
    EspNvs(EspNvs),
    /// A value in Zephyr's non-volatile storage.
    ZephyrNvs(ZephyrNvs),
}

/// What an unfilled slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blank {
    /// Starts with this text.
    Text(String),
    /// All bytes 0xFF: erased NOR flash.
    Erased,
    /// Anything; a filled slot cannot be told from a blank one.
    Any,
    /// Not said: all 0x00 or all 0xFF; or a text that runs to the slot's end or to NULs and is
    /// no AuthToken.
    Unsaid,
}

/// One `[[slot]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SlotText")]
pub struct SlotSpec {
    /// Which value it takes.
    pub value: SlotValue,
    /// How it is found.
    pub locator: Locator,
    /// Length in bytes, where the locator gives none or too much.
    pub size: Option<u64>,
    /// What fills the rest behind the value and its NUL.
    pub pad: u8,
    /// Whether a NUL follows the value.
    pub nul: bool,
    /// What an unfilled slot holds.
    pub blank: Blank,
    /// Whether it may lie in a protected range.
    pub allow_protected: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotText {
    value: SlotValue,
    section: Option<String>,
    symbol: Option<String>,
    marker: Option<String>,
    #[serde(default, deserialize_with = "range::optional_address")]
    address: Option<Address>,
    eolslot: Option<toml::Value>,
    blnkopt: Option<toml::Value>,
    nvs: Option<NvsText>,
    set: Option<toml::Table>,
    size: Option<u64>,
    pad: Option<u8>,
    nul: Option<bool>,
    blank: Option<BlankText>,
    #[serde(default, rename = "allow-protected")]
    allow_protected: bool,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "blank is { text = \"...\" }, \"erased\" or \"any\""
)]
enum BlankText {
    Word(String),
    Text(BlankTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlankTable {
    text: String,
}

impl TryFrom<SlotText> for SlotSpec {
    type Error = SlotTextError;

    fn try_from(text: SlotText) -> Result<Self, Self::Error> {
        let blank = match text.blank {
            None => Blank::Unsaid,
            Some(BlankText::Word(word)) if word == "erased" => Blank::Erased,
            Some(BlankText::Word(word)) if word == "any" => Blank::Any,
            Some(BlankText::Word(word)) => return Err(SlotTextError::Blank(word)),
            Some(BlankText::Text(table)) => Blank::Text(table.text),
        };
        let mut found = Vec::new();
        found.extend(text.section.map(Locator::Section));
        found.extend(text.symbol.map(Locator::Symbol));
        found.extend(text.marker.map(Locator::Marker));
        found.extend(text.address.map(Locator::Address));
        if let Some(value) = &text.eolslot {
            found.push(eolslot(value, &text.value)?);
        }
        if let Some(value) = &text.blnkopt {
            found.push(blnkopt(value, &text.value, text.set.as_ref())?);
        } else if text.set.is_some() {
            return Err(SlotTextError::Set);
        }
        found.extend(text.nvs.map(NvsText::locator).transpose()?);
        let [locator] = <[Locator; 1]>::try_from(found).map_err(|_| SlotTextError::Locator)?;
        Ok(Self {
            value: text.value,
            locator,
            size: text.size,
            pad: text.pad.unwrap_or(0),
            nul: text.nul.unwrap_or(true),
            blank,
            allow_protected: text.allow_protected,
        })
    }
}

/// `eolslot = true` takes the field from the value; a number names a column's field.
fn eolslot(value: &toml::Value, slot: &SlotValue) -> Result<Locator, SlotTextError> {
    let field = match (value, slot) {
        (toml::Value::Boolean(true), SlotValue::AuthToken) => 1,
        (toml::Value::Boolean(true), SlotValue::Serial) => 2,
        (toml::Value::Integer(field), _) => {
            u16::try_from(*field).map_err(|_| SlotTextError::Field)?
        }
        _ => return Err(SlotTextError::Field),
    };
    Ok(Locator::EolSlot { field })
}

/// `blnkopt = true` takes the key `auth`; text names another key.
fn blnkopt(
    value: &toml::Value,
    slot: &SlotValue,
    set: Option<&toml::Table>,
) -> Result<Locator, SlotTextError> {
    let key = match (value, slot) {
        (toml::Value::Boolean(true), SlotValue::AuthToken) => "auth".to_owned(),
        (toml::Value::String(key), _) if !key.is_empty() => key.clone(),
        _ => return Err(SlotTextError::Key),
    };
    let mut pairs = Vec::new();
    for (name, value) in set.into_iter().flatten() {
        let value = value.as_str().ok_or(SlotTextError::Set)?;
        pairs.push((name.clone(), value.to_owned()));
    }
    Ok(Locator::BlnkOpt { key, set: pairs })
}

/// Longest value of a settings store, in characters.
const LONGEST: usize = 1024;

/// `nvs = { ... }` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NvsText {
    namespace: Option<String>,
    key: Option<String>,
    id: Option<u16>,
    sector: Option<u64>,
    align: Option<u64>,
    at: Option<String>,
    length: Option<usize>,
}

impl NvsText {
    /// Returns the locator that is meant.
    fn locator(self) -> Result<Locator, SlotTextError> {
        let at = match self.at {
            Some(at) => Some(nvs::range(&at).ok_or(SlotTextError::NvsAt(at))?),
            None => None,
        };
        let length = self.length;
        if length.is_some_and(|length| !(1..=LONGEST).contains(&length)) {
            return Err(SlotTextError::Nvs);
        }
        match (self.namespace, self.key, self.id, self.sector, self.align) {
            (Some(namespace), Some(key), None, None, None)
                if nvs::is_name(&namespace) && nvs::is_name(&key) =>
            {
                Ok(Locator::EspNvs(EspNvs {
                    namespace,
                    key,
                    at,
                    length,
                }))
            }
            (None, None, Some(id), sector, align) => {
                let sector = sector.unwrap_or(nvs::SECTOR);
                let align = align.unwrap_or(nvs::ALIGN);
                if !nvs::plausible(sector, align) || id == u16::MAX {
                    return Err(SlotTextError::Nvs);
                }
                Ok(Locator::ZephyrNvs(ZephyrNvs {
                    id,
                    sector,
                    align,
                    at,
                    length,
                }))
            }
            _ => Err(SlotTextError::Nvs),
        }
    }
}

/// Why a `[[slot]]` cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SlotTextError {
    /// An unknown value.
    #[error("`{0}` is no value of a slot: write auth-token, serial or column:<header>")]
    Value(String),
    /// None or several locators.
    #[error("a slot has exactly one of section, symbol, marker, address, eolslot, blnkopt and nvs")]
    Locator,
    /// An unknown word behind `blank`.
    #[error("`{0}` is no blank state: write {{ text = \"...\" }}, \"erased\" or \"any\"")]
    Blank(String),
    /// No field number for a column.
    #[error("eolslot is true for auth-token and serial; a column names its field from 16 on")]
    Field,
    /// No key for a value that is not the token.
    #[error("blnkopt is true for auth-token; another value names its key")]
    Key,
    /// Neither of the two stores.
    #[error(
        "nvs is {{ namespace = \"...\", key = \"...\" }} for ESP-IDF, {{ id = 2, sector = 4096 }} for Zephyr"
    )]
    Nvs,
    /// A place that is no range.
    #[error("`{0}` is no range of addresses: write at = \"0x9000..0xf000\" in nvs")]
    NvsAt(String),
    /// `set` without blnkopt, or with values that are no text.
    #[error("set = {{ key = \"text\" }} goes with blnkopt only")]
    Set,
}
