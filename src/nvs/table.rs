//! What ESP-IDF's store is to hold: a table as Espressif's generator takes it, and rows of a recipe.
//!
//! Source: ESP-IDF Programming Guide, "NVS Partition Generator Utility", "CSV File Format". Files
//! that a table names are sought beside the table.

use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding as _};

use super::NvsError;
use crate::recipe::{EspRow, is_name};
use crate::unit::from_hex;

/// Reads a file that a recipe or its table names; says why not, without the file's name.
pub type Reader<'r> = dyn FnMut(&Path) -> Result<Vec<u8>, String> + 'r;

/// Names to which Espressif's generator adds values that nobody wrote.
const WIFI: [&str; 5] = [
    "sta.ssid",
    "sta.pswd",
    "ap.ssid",
    "ap.passwd",
    "ap.authmode",
];
const HEADERS: [&str; 4] = ["key", "type", "encoding", "value"];

/// A value of the store.
pub(super) struct Value {
    pub(super) namespace: String,
    pub(super) key: String,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// A namespace, which may have no value.
    Namespace,
    /// Its type, and its bytes, little-endian.
    Number(u8, Vec<u8>),
    /// With its NUL.
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Value {
    /// Makes a text of its characters.
    pub(super) fn text(namespace: &str, key: &str, mut text: Vec<u8>) -> Self {
        text.push(0);
        Self {
            namespace: namespace.to_owned(),
            key: key.to_owned(),
            data: Data::Text(text),
        }
    }

    /// Returns whether it has this namespace and key.
    pub(super) fn is(&self, namespace: &str, key: &str) -> bool {
        self.namespace == namespace && self.key == key
    }

    /// Returns its name for people.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.key)
    }
}

/// Takes a row of a recipe.
pub(super) fn value(row: &EspRow) -> Result<Value, NvsError> {
    let (namespace, key) = (row.namespace.clone(), row.key.clone());
    let name = format!("{namespace}/{key}");
    let named = is_name(&namespace) && is_name(&key);
    let data = if named {
        data(&row.encoding, row.value.as_bytes())
    } else {
        Err("has a namespace or key that is not 1 to 15 bytes long".to_owned())
    };
    match data {
        Ok(data) => Ok(Value {
            namespace,
            key,
            data,
        }),
        Err(reason) => Err(NvsError::Value { name, reason }),
    }
}

/// Reads a table.
pub(super) fn read(file: &Path, read: &mut Reader<'_>) -> Result<Vec<Value>, NvsError> {
    let bytes = read(file).map_err(|reason| NvsError::File {
        file: file.to_owned(),
        reason,
    })?;
    let wrong = |line, reason: String| NvsError::Table {
        file: file.to_owned(),
        line,
        reason,
    };
    // A line of a quoted value that starts with # is none of its lines, as for the generator.
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(bytes.as_slice());
    let mut failed = None;
    let columns = match reader.headers() {
        Ok(headers) => HEADERS.map(|name| headers.iter().position(|header| header.trim() == name)),
        Err(error) => {
            failed = Some(error.to_string());
            [None; 4]
        }
    };
    let [Some(key), Some(kind), Some(encoding), Some(text)] = columns else {
        let reason = "the first line is not key,type,encoding,value".to_owned();
        return Err(wrong(1, failed.unwrap_or(reason)));
    };
    let mut namespace = String::new();
    let mut values: Vec<Value> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(line, error.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column| record.get(column).unwrap_or_default();
        let key = cell(key);
        if !is_name(key) {
            return Err(wrong(line, "a key has 1 to 15 bytes".to_owned()));
        }
        let content = match cell(kind) {
            "namespace" => {
                key.clone_into(&mut namespace);
                values.push(Value {
                    namespace: namespace.clone(),
                    key: String::new(),
                    data: Data::Namespace,
                });
                continue;
            }
            "data" => cell(text).as_bytes().to_vec(),
            "file" => {
                let path = beside(file, cell(text));
                read_value(&path, read)?
            }
            other => {
                let reason = format!("type {other:?} is none of namespace, data and file");
                return Err(wrong(line, reason));
            }
        };
        if namespace.is_empty() {
            let reason = format!("{key} stands before the first namespace");
            return Err(wrong(line, reason));
        }
        if WIFI.contains(&key) {
            let reason = format!(
                "{key} is a name to which Espressif's generator adds values of its own: let the firmware write it"
            );
            return Err(wrong(line, reason));
        }
        let data = data(cell(encoding), &content)
            .map_err(|reason| wrong(line, format!("the value of {key} {reason}")))?;
        values.push(Value {
            namespace: namespace.clone(),
            key: key.to_owned(),
            data,
        });
    }
    Ok(values)
}

fn read_value(file: &Path, read: &mut Reader<'_>) -> Result<Vec<u8>, NvsError> {
    read(file).map_err(|reason| NvsError::File {
        file: file.to_owned(),
        reason,
    })
}

/// Returns a file that the table names.
fn beside(table: &Path, name: &str) -> PathBuf {
    table.parent().unwrap_or(Path::new("")).join(name)
}

/// Reads a value as its encoding says; the reason shows nothing of it.
fn data(encoding: &str, content: &[u8]) -> Result<Data, String> {
    let text = || std::str::from_utf8(content).map_err(|_| "is no UTF-8 text".to_owned());
    match encoding {
        "string" => {
            let text = text()?;
            if text.contains('\0') {
                return Err("holds a NUL".to_owned());
            }
            Ok(Data::Text([text.as_bytes(), &[0]].concat()))
        }
        "binary" => Ok(Data::Blob(content.to_vec())),
        "hex2bin" => from_hex(text()?)
            .map(Data::Blob)
            .ok_or_else(|| "is no even number of hex digits".to_owned()),
        "base64" => {
            let text: String = text()?.split_whitespace().collect();
            let bytes = Base64::decode_vec(&text);
            bytes
                .map(Data::Blob)
                .map_err(|_| "is no padded Base64".to_owned())
        }
        _ => number(encoding, text()?.trim()),
    }
}

/// Reads a number. Its type is its width in bytes, and 0x10 for a signed one.
fn number(encoding: &str, text: &str) -> Result<Data, String> {
    let (signed, width) = match encoding {
        "u8" => (false, 1),
        "i8" => (true, 1),
        "u16" => (false, 2),
        "i16" => (true, 2),
        "u32" => (false, 4),
        "i32" => (true, 4),
        "u64" => (false, 8),
        "i64" => (true, 8),
        _ => {
            return Err(format!(
                "has the encoding {encoding:?}: it is none of u8 to i64, string, binary, hex2bin and base64"
            ));
        }
    };
    let wrong = || format!("is no decimal number of {encoding}");
    let number: i128 = text.parse().map_err(|_| wrong())?;
    let bits = 8 * u32::from(width);
    let (least, most) = if signed {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    if !(least..=most).contains(&number) {
        return Err(wrong());
    }
    let bytes = number.to_le_bytes();
    let bytes = bytes.get(..usize::from(width)).unwrap_or_default();
    let kind = if signed { 0x10 | width } else { width };
    Ok(Data::Number(kind, bytes.to_vec()))
}
