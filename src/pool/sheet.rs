//! CSV files with a header that this program or a person filled in: each row is taken, or refused
//! with its line.

use thiserror::Error;

use super::table::{Cells, Table, TableError, line_ends};

/// What may part the cells; a spreadsheet takes what its country does.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// What a cell gets in front that a spreadsheet must not run (OWASP, CSV injection).
const GUARD: char = '\'';

/// Why a file is no sheet. No text here repeats a cell.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "sheet-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum SheetError {
    /// Bytes that are no text.
    #[error("line {line} is not UTF-8 text: save the file as CSV UTF-8")]
    NotText {
        /// The line with the first of them.
        line: u32,
    },
    /// A quote, or a size.
    #[error(transparent)]
    Table(#[from] TableError),
    /// One of two columns would be lost.
    #[error("two columns are called {name}")]
    Twice { name: String },
    /// A row of another width than the header.
    #[error("line {line} is {found} cells wide, the header {wanted}")]
    Width {
        line: u32,
        found: usize,
        wanted: usize,
    },
}

crate::unit::stable_name!(SheetError);

/// A file with a header, row by row.
#[derive(Debug)]
pub struct Sheet<'t> {
    table: Table<'t>,
    headers: Vec<String>,
    row: Cells<'t>,
}

impl<'t> Sheet<'t> {
    /// Takes a file, and its first row for the header.
    ///
    /// # Errors
    /// [`SheetError`]
    pub fn new(bytes: &'t [u8]) -> Result<Self, SheetError> {
        let text = text(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
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
        table.read(&mut row)?;
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
    /// [`SheetError::Twice`]
    pub fn column(&self, names: &[&str]) -> Result<Option<usize>, SheetError> {
        for name in names {
            let mut found = (0..)
                .zip(&self.headers)
                .filter_map(|(index, header): (usize, _)| (header == name).then_some(index));
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => {
                    let name = (*name).to_owned();
                    return Err(SheetError::Twice { name });
                }
                (Some(index), None) => return Ok(Some(index)),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    /// Reads the next row; returns its line, and `None` behind the last one.
    ///
    /// # Errors
    /// [`SheetError::Table`], [`SheetError::Width`]
    pub fn next_row(&mut self) -> Result<Option<u32>, SheetError> {
        if !self.table.read(&mut self.row)? {
            return Ok(None);
        }
        let (line, found, wanted) = (self.row.line(), self.row.len(), self.headers.len());
        if found != wanted {
            return Err(SheetError::Width {
                line,
                found,
                wanted,
            });
        }
        Ok(Some(line))
    }

    /// Returns a cell of the row that was read last, without what keeps a spreadsheet from running
    /// it.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        let cell = self.row.get(column).unwrap_or_default().trim();
        match cell.strip_prefix(GUARD) {
            Some(rest) if runs(rest) => rest,
            _ => cell,
        }
    }

    /// Returns a cell that says something.
    #[must_use]
    pub fn given(&self, column: Option<usize>) -> Option<&str> {
        column
            .map(|column| self.cell(column))
            .filter(|cell| !cell.is_empty())
    }
}

/// Keeps a spreadsheet from running a cell: an apostrophe in front says "this is text".
#[must_use]
pub fn neutral(cell: String) -> String {
    if runs(&cell) {
        format!("{GUARD}{cell}")
    } else {
        cell
    }
}

/// Returns whether a spreadsheet would run a cell.
fn runs(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Takes bytes for text.
fn text(bytes: &[u8]) -> Result<&str, SheetError> {
    let (valid, all) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (std::str::from_utf8(valid).unwrap_or_default(), false)
        }
    };
    let wrong = match valid.split_once('\0') {
        Some((before, _)) => before,
        None if all => return Ok(valid),
        None => valid,
    };
    let line = line_ends(wrong).saturating_add(1);
    Err(SheetError::NotText { line })
}
