//! Saved answers of the platform API, `GET /api/v1/organization/static-tokens`.
//!
//! One page, an array of pages, pages one after the other, or the rows alone.

use std::collections::BTreeMap;

use serde_json::{Deserializer, Map, Value};
use zeroize::Zeroizing;

use super::{Counts, List, Note, Origin, Place, PoolError, Row, csv, number};
use crate::recipe::PoolSpec;
use crate::unit::{AuthToken, QrToken};

/// Keys under which answers keep their rows.
const CONTENT: &[&str] = &["content", "rows", "data", "items"];
/// The AuthToken.
const TOKEN: &str = "deviceToken";
/// The QR Token, without organisation.
const CODE: &str = "token";
const ORGANISATION: &str = "orgId";
const STATUS: &str = "status";
const TOTAL: &str = "totalElements";

/// Reads the rows of all pages.
pub(super) fn read(bytes: &[u8], spec: &PoolSpec) -> Result<List, PoolError> {
    let text = bytes.strip_prefix(csv::BOM).unwrap_or(bytes);
    let mut pages = Pages::default();
    for value in Deserializer::from_slice(text).into_iter::<Value>() {
        let value = value.map_err(|error| PoolError::Json {
            line: error.line(),
            column: error.column(),
            what: what(&error),
        })?;
        pages.take(value, Depth::Top)?;
    }
    let rows = pages.rows.len();
    let mut notes = Vec::new();
    if let Some(total) = pages.total {
        match u64::try_from(rows).unwrap_or(u64::MAX).cmp(&total) {
            std::cmp::Ordering::Less => notes.push(Note::Part { rows, total }),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Err(PoolError::TooManyRows { rows, total }),
        }
    }
    let mut list = List {
        rows: Vec::with_capacity(rows),
        counts: Counts::Row,
        numbers: (1..=number(rows)).collect(),
        origin: Origin::Export,
        notes,
    };
    for (index, fields) in pages.rows.into_iter().enumerate() {
        list.rows.push(row(fields, number(index + 1), spec)?);
    }
    Ok(list)
}

/// Names a fault without the parser's own words, which may repeat the text.
fn what(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is malformed, or nested too deeply",
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Top,
    Inside,
}

/// Rows gathered from pages.
#[derive(Default)]
struct Pages {
    rows: Vec<Map<String, Value>>,
    /// The largest number of rows that a page speaks of.
    total: Option<u64>,
    count: usize,
}

impl Pages {
    /// Takes a page, a row, or an array of either.
    fn take(&mut self, value: Value, depth: Depth) -> Result<(), PoolError> {
        match value {
            Value::Array(values) if depth == Depth::Top => values
                .into_iter()
                .try_for_each(|value| self.take(value, Depth::Inside)),
            Value::Object(fields) if fields.contains_key(TOKEN) => {
                self.rows.push(fields);
                Ok(())
            }
            Value::Object(fields) => self.page(fields),
            _ => Err(PoolError::NoContent {
                page: self.count + 1,
            }),
        }
    }

    fn page(&mut self, mut page: Map<String, Value>) -> Result<(), PoolError> {
        self.count += 1;
        let content = CONTENT.iter().find_map(|key| page.remove(*key));
        let total = page.get(TOTAL).and_then(Value::as_u64);
        self.total = self.total.max(total);
        match content {
            Some(Value::Array(rows)) => rows.into_iter().try_for_each(|row| match row {
                Value::Object(fields) => {
                    self.rows.push(fields);
                    Ok(())
                }
                _ => Err(PoolError::NoContent { page: self.count }),
            }),
            // A row of a bare array or of JSON lines, without the field that tells it.
            None if page.contains_key(CODE) => {
                self.rows.push(page);
                Ok(())
            }
            _ => Err(PoolError::NoContent { page: self.count }),
        }
    }
}

fn row(mut fields: Map<String, Value>, number: u32, spec: &PoolSpec) -> Result<Row, PoolError> {
    let place = Place {
        counts: Counts::Row,
        number,
        fingerprint: None,
    };
    let secret = text(fields.remove(TOKEN)).ok_or(PoolError::NoField {
        place,
        field: TOKEN,
    })?;
    let token = AuthToken::parse(secret.trim().as_bytes())
        .map_err(|source| PoolError::BadToken { place, source })?;
    let place = Place {
        fingerprint: Some(token.fingerprint()),
        ..place
    };
    let qr = code(&mut fields, place)?;
    let claimed = claimed(fields.remove(STATUS).as_ref(), place)?;
    let bound = match &spec.bind {
        Some(header) => {
            let serial = text(fields.remove(header)).unwrap_or_default();
            csv::serial(serial.trim(), place)?
        }
        None => None,
    };
    let columns: BTreeMap<_, _> = (fields.into_iter())
        .filter_map(|(key, value)| text(Some(value)).map(|text| (key, text)))
        .collect();
    Ok(Row {
        token,
        qr,
        picture: None,
        bound,
        columns,
        claimed,
    })
}

/// Takes the QR Token with the organisation that stands beside it.
fn code(fields: &mut Map<String, Value>, place: Place) -> Result<Option<QrToken>, PoolError> {
    let code = text(fields.remove(CODE)).unwrap_or_default();
    let Some(code) = csv::code(code.trim(), place)? else {
        return Ok(None);
    };
    let organisation = text(fields.remove(ORGANISATION));
    match (code.organisation(), organisation) {
        (None, Some(number)) => code
            .with_organisation(&number)
            .map(Some)
            .map_err(|source| PoolError::BadQr { place, source }),
        _ => Ok(Some(code)),
    }
}

/// Reads the status; a row without one is nobody's yet.
fn claimed(status: Option<&Value>, place: Place) -> Result<bool, PoolError> {
    match status {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("CLAIMED") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("UNCLAIMED") => Ok(false),
        Some(_) => Err(PoolError::UnknownStatus { place }),
    }
}

/// Takes the text of a value that is one: a string, a number, true or false.
fn text(value: Option<Value>) -> Option<Zeroizing<String>> {
    match value? {
        Value::String(text) => Some(Zeroizing::new(text)),
        Value::Number(number) => Some(Zeroizing::new(number.to_string())),
        Value::Bool(truth) => Some(Zeroizing::new(truth.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
