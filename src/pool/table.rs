//! CSV, read strictly: a row is taken whole, or refused with its line (RFC 4180).
//!
//! A reader that forgives an open quote takes the rows behind it for one cell. It does not know
//! what the cells mean.

use std::borrow::Cow;

use memchr::{memchr, memchr3};
use thiserror::Error;

use crate::unit::AuthToken;

/// Most cells in a row.
const CELLS: usize = 1024;
/// Most bytes in a cell.
const CELL: usize = 64 * 1024;

/// Why a text is no table. No text here repeats a cell.
#[derive(Debug, Clone, PartialEq, Eq, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "pool-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum TableError {
    /// The rows behind it would be part of its cell.
    #[error("line {line} opens a quote that is never closed")]
    OpenQuote {
        /// The line in which it opens.
        line: u32,
    },
    /// Characters stand between the quote that ends a cell and the end of the cell.
    #[error("line {line} opens a quote, and text follows the quote that closes it")]
    TextAfterQuote {
        /// The line in which it opens.
        line: u32,
    },
    /// A quote in a cell that does not begin with one.
    #[error("line {line} has a quote inside a cell that does not begin with one")]
    StrayQuote { line: u32 },
    /// Rows were taken for a cell.
    #[error(
        "line {line} opens a quote, and what looks like an AuthToken follows in a line below: one quote too many, or too few"
    )]
    QuotedRows {
        /// The line in which it opens.
        line: u32,
    },
    /// More cells than a list has.
    #[error("line {line} has more than {most} cells")]
    TooManyCells { line: u32, most: usize },
    /// A longer cell than a list has.
    #[error("line {line} has a cell of more than {most} bytes")]
    LongCell {
        /// The line in which the cell begins.
        line: u32,
        most: usize,
    },
}

crate::unit::stable_name!(TableError);

/// The rows of a text, one after the other; blank lines are none.
///
/// A line ends with LF, CR or both, and is counted as an editor shows it.
#[derive(Debug, Clone)]
pub struct Table<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    delimiter: u8,
}

/// One row.
#[derive(Default)]
pub struct Cells<'t> {
    line: u32,
    cells: Vec<Cow<'t, str>>,
}

/// Shows no cell: one may be a secret.
impl std::fmt::Debug for Cells<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cells({} in line {})", self.cells.len(), self.line)
    }
}

impl<'t> Cells<'t> {
    /// Returns the line in which the row begins.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Returns how many cells it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns a cell.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        self.cells.get(index).map(AsRef::as_ref)
    }

    /// Returns all cells.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(AsRef::as_ref)
    }
}

impl<'t> Table<'t> {
    /// Takes a text, and what parts its cells.
    #[must_use]
    pub const fn new(text: &'t str, delimiter: u8) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            delimiter,
        }
    }

    /// Reads the next row; returns whether there was one.
    ///
    /// # Errors
    /// [`TableError`]; the cells before the wrong one are in `row`.
    pub fn read(&mut self, row: &mut Cells<'t>) -> Result<bool, TableError> {
        row.cells.clear();
        while self.end_line() {}
        row.line = self.line;
        if self.rest().is_empty() {
            return Ok(false);
        }
        loop {
            if row.cells.len() == CELLS {
                let (line, most) = (self.line, CELLS);
                return Err(TableError::TooManyCells { line, most });
            }
            let cell = match self.rest().starts_with('"') {
                true => self.quoted()?,
                false => self.plain()?,
            };
            row.cells.push(cell);
            if self.rest().as_bytes().first() == Some(&self.delimiter) {
                self.at += 1;
            } else {
                self.end_line();
                return Ok(true);
            }
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over the end of a line, if one is next.
    fn end_line(&mut self) -> bool {
        let length = match self.rest().as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return false,
        };
        self.at += length;
        self.line = self.line.saturating_add(1);
        true
    }

    /// Reads a cell up to the delimiter or the end of the line.
    fn plain(&mut self) -> Result<Cow<'t, str>, TableError> {
        let (rest, line) = (self.rest(), self.line);
        let end = memchr3(self.delimiter, b'\r', b'\n', rest.as_bytes());
        let (cell, _) = rest.split_at(end.unwrap_or(rest.len()));
        if cell.len() > CELL {
            return Err(TableError::LongCell { line, most: CELL });
        }
        if cell.contains('"') {
            return Err(TableError::StrayQuote { line });
        }
        self.at += cell.len();
        Ok(Cow::Borrowed(cell))
    }

    /// Reads a cell between quotes; two quotes in it stand for one.
    fn quoted(&mut self) -> Result<Cow<'t, str>, TableError> {
        let line = self.line;
        self.at += 1;
        let rest = self.rest();
        let (mut end, mut doubled) = (0, false);
        loop {
            let tail = rest.get(end..).unwrap_or_default().as_bytes();
            let quote = memchr(b'"', tail).ok_or(TableError::OpenQuote { line })?;
            end += quote;
            if tail.get(quote + 1) != Some(&b'"') {
                break;
            }
            (end, doubled) = (end + 2, true);
        }
        let (cell, after) = rest.split_at(end);
        let next = after.as_bytes().get(1);
        if next.is_some_and(|next| ![self.delimiter, b'\r', b'\n'].contains(next)) {
            return Err(TableError::TextAfterQuote { line });
        }
        let ends = line_ends(cell);
        if ends > 0 && AuthToken::stands_in(cell) {
            return Err(TableError::QuotedRows { line });
        }
        if cell.len() > CELL {
            return Err(TableError::LongCell { line, most: CELL });
        }
        self.line = self.line.saturating_add(ends);
        self.at += end + 1;
        Ok(match doubled {
            true => Cow::Owned(cell.replace("\"\"", "\"")),
            false => Cow::Borrowed(cell),
        })
    }
}

/// Counts the ends of lines.
pub(super) fn line_ends(text: &str) -> u32 {
    let pairs = text.as_bytes().windows(2).filter(|pair| pair == b"\r\n");
    let ends = text.bytes().filter(|byte| matches!(byte, b'\r' | b'\n'));
    u32::try_from(ends.count().saturating_sub(pairs.count())).unwrap_or(u32::MAX)
}
