//! Many rows at once: buffers in COPY's binary form (PostgreSQL, "COPY", "Binary Format").

use std::collections::BTreeMap;

use crate::ledger::storage::sql::Value;

/// Signature, flags, length of the header's extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Stands in place of a field count after the last row.
const END: i16 = -1;
/// Stands in place of a length for NULL.
const NULL: i32 = -1;

/// Rows that were added and not sent yet, by the statement that takes them.
#[derive(Default)]
pub struct Load(BTreeMap<&'static str, Vec<u8>>);

impl Load {
    /// Adds a row.
    pub fn add(&mut self, copy: &'static str, values: &[Value<'_>]) {
        let rows = self.0.entry(copy).or_insert_with(|| HEADER.to_vec());
        // No table has 2^15 columns.
        let fields = i16::try_from(values.len()).unwrap_or(END);
        rows.extend_from_slice(&fields.to_be_bytes());
        for value in values {
            field(rows, value);
        }
    }

    /// Takes all rows out, ended as COPY wants it.
    pub fn take(&mut self) -> BTreeMap<&'static str, Vec<u8>> {
        let mut all = std::mem::take(&mut self.0);
        for rows in all.values_mut() {
            rows.extend_from_slice(&END.to_be_bytes());
        }
        all
    }
}

fn field(rows: &mut Vec<u8>, value: &Value<'_>) {
    let mut bytes = |value: &[u8]| match i32::try_from(value.len()) {
        Ok(length) => {
            rows.extend_from_slice(&length.to_be_bytes());
            rows.extend_from_slice(value);
        }
        // Longer than any value may be: the column refuses NULL, or the value is left out where
        // the list's own limit was passed over.
        Err(_) => rows.extend_from_slice(&NULL.to_be_bytes()),
    };
    match value {
        Value::Int(value) => bytes(&value.to_be_bytes()),
        Value::Small(value) => bytes(&value.to_be_bytes()),
        Value::Flag(value) => bytes(&[u8::from(*value)]),
        Value::Text(value) => bytes(value.as_bytes()),
        Value::Bytes(value) => bytes(value),
        Value::Null | Value::Many(_) => rows.extend_from_slice(&NULL.to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_between_header_and_end() {
        let mut load = Load::default();
        assert!(load.take().is_empty());
        load.add("COPY", &[Value::Int(1), Value::Null]);
        load.add("COPY", &[Value::Small(2)]);
        let bytes = load.take().remove("COPY").unwrap();
        assert_eq!(&bytes[..HEADER.len()], HEADER);
        let rows =
            b"\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\0\x01\0\0\0\x02\0\x02\xff\xff";
        assert_eq!(&bytes[HEADER.len()..], rows);
        assert!(load.take().is_empty());
    }
}
