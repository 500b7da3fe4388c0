//! CSV files with a header that this program or a person filled in: each row is taken, or refused
//! with its line.

use eol_inject::pool::{Cells, Table};

use super::export::plain;

/// What may part the cells; a spreadsheet takes what its country does.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A file with a header, row by row.
pub(crate) struct Sheet<'t> {
    table: Table<'t>,
    headers: Vec<String>,
    row: Cells<'t>,
}

impl<'t> Sheet<'t> {
    /// Takes a file, and its first row for the header.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn new(bytes: &'t [u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'));
        let text = text.ok_or("it is not UTF-8 text: save it as CSV UTF-8")?;
        let width = |delimiter: &u8| {
            let mut row = Cells::default();
            // What is wrong with the first row is told below.
            let _ = Table::new(text, *delimiter).read(&mut row);
            row.len()
        };
        // The last of equal maxima wins, so the likeliest is asked last.
        let delimiter = DELIMITERS
            .iter()
            .rev()
            .max_by_key(|delimiter| width(delimiter));
        let mut table = Table::new(text, delimiter.copied().unwrap_or(b','));
        let mut row = Cells::default();
        table.read(&mut row).map_err(|error| error.to_string())?;
        let headers: Vec<_> = row
            .iter()
            .map(|cell| cell.trim().to_ascii_lowercase())
            .collect();
        Ok(Self {
            table,
            headers,
            row,
        })
    }

    /// Returns the column with the first of these names that a header has, whatever its case.
    ///
    /// # Errors
    /// Two columns have it: one of them would be lost.
    pub(crate) fn column(&self, names: &[&str]) -> Result<Option<usize>, String> {
        for name in names {
            let mut found = (0..)
                .zip(&self.headers)
                .filter_map(|(index, header): (usize, _)| (header == name).then_some(index));
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => return Err(format!("two columns are called {name}")),
                (Some(index), None) => return Ok(Some(index)),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    /// Reads the next row; returns its line, and `None` behind the last one.
    ///
    /// # Errors
    /// What is wrong with it, in words, with its line.
    pub(crate) fn next(&mut self) -> Result<Option<u32>, String> {
        if !self
            .table
            .read(&mut self.row)
            .map_err(|error| error.to_string())?
        {
            return Ok(None);
        }
        let (line, found, wanted) = (self.row.line(), self.row.len(), self.headers.len());
        if found != wanted {
            return Err(format!(
                "line {line} is {found} cells wide, the header {wanted}"
            ));
        }
        Ok(Some(line))
    }

    /// Returns a cell of the row that was read last.
    pub(crate) fn cell(&self, column: usize) -> &str {
        plain(self.row.get(column).unwrap_or_default().trim())
    }

    /// Returns a cell that says something.
    pub(crate) fn given(&self, column: Option<usize>) -> Option<&str> {
        column
            .map(|column| self.cell(column))
            .filter(|cell| !cell.is_empty())
    }
}
