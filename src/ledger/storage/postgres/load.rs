//! Many rows at once: buffers in COPY's binary form (PostgreSQL, "COPY", "Binary Format").

/// Signature, flags, length of the header's extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Stands in place of a field count after the last row.
const END: i16 = -1;
/// Stands in place of a length for NULL.
const NULL: i32 = -1;

/// Rows for one table, on their way.
#[derive(Default)]
pub struct Rows(Vec<u8>);

impl Rows {
    /// Begins a row of so many fields.
    pub fn row(&mut self, fields: i16) -> &mut Self {
        if self.0.is_empty() {
            self.0.extend_from_slice(HEADER);
        }
        self.0.extend_from_slice(&fields.to_be_bytes());
        self
    }

    pub fn bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value.map(|value| (i32::try_from(value.len()), value)) {
            Some((Ok(length), value)) => {
                self.0.extend_from_slice(&length.to_be_bytes());
                self.0.extend_from_slice(value);
            }
            // Longer than any value may be: the column refuses NULL, or the value is left out
            // where the list's own limit was passed over.
            Some((Err(_), _)) | None => self.0.extend_from_slice(&NULL.to_be_bytes()),
        }
        self
    }

    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        self.bytes(value.map(str::as_bytes))
    }

    pub fn big(&mut self, value: i64) -> &mut Self {
        self.bytes(Some(&value.to_be_bytes()))
    }

    pub fn small(&mut self, value: i16) -> &mut Self {
        self.bytes(Some(&value.to_be_bytes()))
    }

    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.bytes(Some(&[u8::from(value)]))
    }

    /// Takes all rows out, ended as COPY wants it; `None` when there are none.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.extend_from_slice(&END.to_be_bytes());
        Some(std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_between_header_and_end() {
        let mut rows = Rows::default();
        assert!(rows.take().is_none());
        rows.row(2).big(1).text(None);
        let bytes = rows.take().unwrap();
        assert_eq!(&bytes[..HEADER.len()], HEADER);
        let row = b"\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff";
        assert_eq!(&bytes[HEADER.len()..], row);
        assert!(rows.take().is_none());
    }
}
