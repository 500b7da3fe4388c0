//! The CSV to upload to the console, which answers with one token a row.

use std::collections::BTreeSet;

use super::error::{Place, PoolError};
use super::list::number;
use crate::unit::Serial;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Header of the serials: the name of a metadata field, exactly as the template has it.
    pub serial: String,
    /// Further columns that are the same for every unit: header and value.
    pub fixed: Vec<(String, String)>,
    /// Most rows in a file.
    pub rows: usize,
}

impl Request {
    /// Rows that the console takes in one file, as far as it has said so.
    pub const ROWS: usize = 1000;
}

/// Writes the files to upload, one row for each unit, in the order of `serials`.
///
/// Headers and values reach the console exactly as they are given. What a spreadsheet would run
/// is therefore refused and not escaped: an apostrophe in front would become part of the value.
///
/// # Errors
/// [`PoolError::Formula`], [`PoolError::DuplicateSerial`] and [`PoolError::Request`].
pub fn request(request: &Request, serials: &[Serial]) -> Result<Vec<String>, PoolError> {
    checked(request, serials)?;
    let headers = || headers(request);
    let values = || request.fixed.iter().map(|(_, value)| value.as_str());
    (serials.chunks(request.rows))
        .map(|serials| {
            let mut text = String::new();
            line(&mut text, headers());
            for serial in serials {
                line(&mut text, [serial.as_str()].into_iter().chain(values()));
            }
            Ok(text)
        })
        .collect()
}

fn headers(request: &Request) -> impl Iterator<Item = &str> {
    let fixed = request.fixed.iter().map(|(header, _)| header.as_str());
    [request.serial.as_str()].into_iter().chain(fixed)
}

fn checked(request: &Request, serials: &[Serial]) -> Result<(), PoolError> {
    let wrong = |what| Err(PoolError::Request { what });
    if serials.is_empty() {
        return wrong("no serial is given");
    }
    if request.rows == 0 {
        return wrong("a file has at least one row");
    }
    let mut seen = BTreeSet::new();
    for header in headers(request) {
        if header.trim().is_empty() || header.chars().any(char::is_control) {
            return wrong("a header is empty or not printable");
        }
        if !seen.insert(header) {
            return wrong("two columns have the same header");
        }
        harmless(header, header, 0)?;
    }
    for (header, value) in &request.fixed {
        if value.chars().any(char::is_control) {
            return wrong("a fixed value is not printable");
        }
        harmless(header, value, 1)?;
    }
    for (row, serial) in serials.iter().enumerate() {
        harmless(&request.serial, serial.as_str(), row + 1)?;
    }
    distinct(serials)
}

/// Refuses what a spreadsheet takes for a formula; numbers with a sign are none.
fn harmless(header: &str, text: &str, row: usize) -> Result<(), PoolError> {
    let Some(start) = text.chars().next().filter(|c| "=+-@".contains(*c)) else {
        return Ok(());
    };
    if is_number(text) {
        return Ok(());
    }
    Err(PoolError::Formula {
        header: header.to_owned(),
        row,
        start,
    })
}

/// Returns whether text is a signed decimal number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number(whole) && number(part)
}

fn distinct(serials: &[Serial]) -> Result<(), PoolError> {
    let mut seen = std::collections::BTreeMap::new();
    for (row, serial) in serials.iter().enumerate() {
        if let Some(first) = seen.insert(serial.folded(), row) {
            let place = |row: usize| Place::row(number(row + 1));
            return Err(PoolError::DuplicateSerial {
                serial: serial.clone(),
                first: place(first),
                second: place(row),
            });
        }
    }
    Ok(())
}

/// Writes one line of CSV (RFC 4180), quoted where it must be.
pub(super) fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        let plain = !cell.contains([',', '"', '\r', '\n', ';', '\t'])
            && !cell.starts_with(' ')
            && !cell.ends_with(' ');
        if plain {
            text.push_str(cell);
        } else {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        }
    }
    text.push_str("\r\n");
}
