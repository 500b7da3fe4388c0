//! CSV lists: BOM, line ends, delimiter and header as they come.
//!
//! It does not know archives or pictures.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::columns::{Columns, Content, is_data};
use super::error::Faults;
use super::error::{Place, PoolError};
use super::list::{List, Origin, ROWS, Row, room};
use super::table::{Cells, Table};
use crate::recipe::PoolSpec;
use crate::unit::{AuthToken, QrToken, Serial};

/// UTF-8's byte order mark.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A header longer than this, without a space, is the mangled token of a list without header.
const LONG: usize = 20;

/// Reads a CSV list.
pub(super) fn read(bytes: &[u8], spec: &PoolSpec) -> Result<List, PoolError> {
    let text = text(bytes)?;
    let sheet = Sheet {
        text,
        delimiter: delimiter(text),
    };
    let (mut table, mut record) = (sheet.table(), Cells::default());
    if !table.read(&mut record)? {
        return Err(PoolError::Empty);
    }
    let (top, top_line) = (cells(&record), record.line());
    let named = |header: &Option<String>| {
        header.as_ref().is_some_and(|header| {
            top.iter()
                .any(|cell| cell.trim().eq_ignore_ascii_case(header))
        })
    };
    let headless = is_data(&top) && !named(&spec.token);
    let headers = if headless {
        (1..=top.len()).map(|number| number.to_string()).collect()
    } else {
        headers(&top)
    };
    let start = if headless {
        top
    } else if table.read(&mut record)? {
        cells(&record)
    } else {
        return Err(PoolError::Empty);
    };
    let skip = usize::from(!headless);
    let content = sheet.content(skip, headers.len())?;
    let columns = Columns::find(headers.clone(), &start, &content, spec)?;
    // A list without header whose first token is damaged would lose its first row.
    if let Some(header) = headers.get(columns.token)
        && columns.guessed
        && header.len() > LONG
        && !header.contains(' ')
        && let Err(source) = AuthToken::parse(header.as_bytes())
    {
        return Err(PoolError::BadToken {
            place: Place::line(top_line),
            source,
        });
    }
    sheet.rows(skip, &columns)
}

/// Checks the encoding.
fn text(bytes: &[u8]) -> Result<&str, PoolError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(PoolError::Utf16);
    }
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let line_of = |end: usize| {
        let before = bytes.get(..end).unwrap_or(bytes);
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(PoolError::Nul { line: line_of(at) });
    }
    std::str::from_utf8(bytes).map_err(|error| PoolError::NotUtf8 {
        line: line_of(error.valid_up_to()),
    })
}

/// Delimiters, the likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Returns the delimiter that parts a token from the other cells of the first two records, and
/// else the one that makes most columns.
fn delimiter(text: &str) -> u8 {
    let score = |delimiter: &u8| {
        let (mut table, mut record) = (Table::new(text, *delimiter), Cells::default());
        let mut score = (false, 0);
        for number in 0..2 {
            // What is wrong with a row is told when the list is read.
            let read = table.read(&mut record);
            score.0 |= is_data(&cells(&record));
            score.1 = if number == 0 { record.len() } else { score.1 };
            if read.is_err() {
                break;
            }
        }
        score
    };
    // The last of equal maxima wins, so the likeliest is asked last.
    let best = DELIMITERS
        .iter()
        .rev()
        .max_by_key(|delimiter| score(delimiter));
    best.copied().unwrap_or(b',')
}

fn cells(record: &Cells<'_>) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

/// Names columns without header by their number.
fn headers(top: &[String]) -> Vec<String> {
    (top.iter().enumerate())
        .map(|(index, header)| match header.trim() {
            "" => (index + 1).to_string(),
            header => header.to_owned(),
        })
        .collect()
}

/// A list's text and its delimiter.
struct Sheet<'t> {
    text: &'t str,
    delimiter: u8,
}

impl<'t> Sheet<'t> {
    const fn table(&self) -> Table<'t> {
        Table::new(self.text, self.delimiter)
    }

    /// Calls `each` with every record behind the header.
    fn each(
        &self,
        skip: usize,
        mut each: impl FnMut(&Cells<'t>) -> Result<(), PoolError>,
    ) -> Result<(), PoolError> {
        let (mut table, mut record) = (self.table(), Cells::default());
        let mut index = 0_usize;
        while table.read(&mut record)? {
            if index >= skip {
                each(&record)?;
            }
            index = index.saturating_add(1);
        }
        Ok(())
    }

    /// Looks at what all cells of each column are.
    fn content(&self, skip: usize, count: usize) -> Result<Content, PoolError> {
        #[derive(Clone, Copy)]
        struct Seen {
            tokens: bool,
            codes: bool,
            one: bool,
        }
        let mut seen = vec![
            Seen {
                tokens: true,
                codes: true,
                one: false,
            };
            count
        ];
        self.each(skip, |record| {
            for (seen, cell) in seen.iter_mut().zip(record.iter()) {
                let cell = cell.trim();
                seen.tokens = seen.tokens && AuthToken::looks_like(cell);
                let code = seen.codes && is_code(cell);
                seen.codes = code || (seen.codes && cell.is_empty());
                seen.one = seen.one || code;
            }
            Ok(())
        })?;
        let all = || seen.iter().enumerate();
        Ok(Content {
            tokens: all().filter(|(_, s)| s.tokens).map(|(i, _)| i).collect(),
            codes: all()
                .filter(|(_, s)| s.codes && s.one)
                .map(|(i, _)| i)
                .collect(),
        })
    }

    fn rows(&self, skip: usize, columns: &Columns) -> Result<List, PoolError> {
        // Reserved at once, so that growing leaves no copies of secrets behind; a row has at
        // least a token and a line end.
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let lines = self.text.bytes().filter(ends).count() + 1;
        let most = lines.min(self.text.len() / AuthToken::LEN + 1).min(ROWS);
        let mut rows = Vec::with_capacity(most);
        let mut lines = Vec::with_capacity(most);
        let (mut marked, mut unmarked) = (false, None);
        let mut faults = Faults::default();
        self.each(skip, |record| {
            let place = Place::line(record.line());
            room(rows.len())?;
            match row(record, columns, place) {
                Ok(row) => rows.push(row),
                Err(fault) => {
                    faults.note(fault);
                    return Ok(());
                }
            }
            lines.push(place.number);
            let mark = columns.origin.and_then(|index| record.get(index));
            if mark.is_some_and(|mark| mark.trim() == Origin::MARK) {
                marked = true;
            } else {
                unmarked.get_or_insert(place);
            }
            Ok(())
        })?;
        faults.end()?;
        let origin = match (marked, unmarked) {
            (true, Some(place)) => return Err(PoolError::MixedOrigin { place }),
            (true, None) => Origin::Generated,
            (false, _) => Origin::Export,
        };
        Ok(List {
            rows,
            lines,
            origin,
            notes: Vec::new(),
        })
    }
}

/// Returns whether a cell is a QR Token, without making one.
fn is_code(cell: &str) -> bool {
    cell.starts_with("sqr_") && cell.parse::<QrToken>().is_ok()
}

fn row(record: &Cells<'_>, columns: &Columns, place: Place) -> Result<Row, PoolError> {
    if record.len() != columns.count() {
        return Err(PoolError::Ragged {
            place,
            found: record.len(),
            wanted: columns.count(),
        });
    }
    let cell = |index: usize| record.get(index).unwrap_or_default();
    let token = AuthToken::parse(cell(columns.token).trim().as_bytes())
        .map_err(|source| PoolError::BadToken { place, source })?;
    let place = Place {
        fingerprint: Some(token.fingerprint()),
        ..place
    };
    let qr = columns.qr.map(|index| code(cell(index).trim(), place));
    let bound = columns.bind.map(|index| serial(cell(index).trim(), place));
    let mut others = BTreeMap::new();
    for (index, header) in columns.others() {
        let text = cell(index);
        if columns.origin == Some(index) && text.trim() == Origin::MARK {
            continue;
        }
        others.insert(header.to_owned(), Zeroizing::new(text.to_owned()));
    }
    Ok(Row {
        token,
        qr: qr.transpose()?.flatten(),
        picture: None,
        bound: bound.transpose()?.flatten(),
        columns: others,
        claimed: false,
    })
}

/// Takes a QR Token; an empty cell has none.
pub(super) fn code(text: &str, place: Place) -> Result<Option<QrToken>, PoolError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(code) => Ok(Some(code)),
        Err(_) if AuthToken::looks_like(text) => Err(PoolError::SecretAsQr { place }),
        Err(source) => Err(PoolError::BadQr { place, source }),
    }
}

/// Takes a bound serial; an empty cell binds nothing.
pub(super) fn serial(text: &str, place: Place) -> Result<Option<Serial>, PoolError> {
    if text.is_empty() {
        return Ok(None);
    }
    let serial = text.parse();
    serial
        .map(Some)
        .map_err(|source| PoolError::BadSerial { place, source })
}
