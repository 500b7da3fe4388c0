//! CSV lists: BOM, line ends, delimiter and header as they come.
//!
//! It does not know archives or pictures.

use std::collections::BTreeMap;

use ::csv::{ReaderBuilder, StringRecord};
use zeroize::Zeroizing;

use super::columns::{Columns, Content, is_data};
use super::{Counts, List, Origin, Place, PoolError, Row};
use crate::recipe::PoolSpec;
use crate::unit::{AuthToken, QrToken, Serial};

/// UTF-8's byte order mark.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A header longer than this, without a space, is the mangled token of a list without header.
const LONG: usize = 20;

/// Reads a CSV list.
pub(super) fn read(bytes: &[u8], spec: &PoolSpec) -> Result<List, PoolError> {
    let text = text(bytes)?;
    let table = Table {
        text,
        delimiter: delimiter(text),
    };
    let mut records = table.records();
    let mut record = StringRecord::new();
    if !next(&mut records, &mut record)? {
        return Err(PoolError::Empty);
    }
    let top = cells(&record);
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
    } else if next(&mut records, &mut record)? {
        cells(&record)
    } else {
        return Err(PoolError::Empty);
    };
    let skip = usize::from(!headless);
    let content = table.content(skip, headers.len())?;
    let columns = Columns::find(headers.clone(), &start, &content, spec)?;
    // A list without header whose first token is damaged would lose its first row.
    if let Some(header) = headers.get(columns.token)
        && columns.guessed
        && header.len() > LONG
        && !header.contains(' ')
        && let Err(source) = AuthToken::parse(header.as_bytes())
    {
        return Err(PoolError::BadToken {
            place: line(1),
            source,
        });
    }
    table.rows(skip, &columns)
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
        let table = Table {
            text,
            delimiter: *delimiter,
        };
        let records: Vec<StringRecord> = table.records().records().take(2).flatten().collect();
        let token = records.iter().any(|record| is_data(&cells(record)));
        (token, records.first().map_or(0, StringRecord::len))
    };
    // The last of equal maxima wins, so the likeliest is asked last.
    let best = DELIMITERS
        .iter()
        .rev()
        .max_by_key(|delimiter| score(delimiter));
    best.copied().unwrap_or(b',')
}

fn cells(record: &StringRecord) -> Vec<String> {
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

type Records<'a> = ::csv::Reader<&'a [u8]>;

fn next(records: &mut Records<'_>, record: &mut StringRecord) -> Result<bool, PoolError> {
    // The text is UTF-8, any number of cells is taken, and memory does not fail to be read.
    records
        .read_record(record)
        .map_err(|_| PoolError::NotUtf8 { line: 1 })
}

/// Counts lines up to the start of each record, in one pass.
struct Lines<'a> {
    rest: &'a [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// Returns the line at which a record starts. The CSV reader's own count is one short where
    /// lines end in CRLF: it has not read the LF yet.
    fn of(&mut self, record: &StringRecord) -> u32 {
        let start = record.position().map_or(0, ::csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let (before, rest) = split(self.rest, start.saturating_sub(self.at));
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let (blank, rest) = split(rest, ends.count());
        let count = before
            .iter()
            .chain(blank)
            .filter(|byte| **byte == b'\n')
            .count();
        self.at = self.at.saturating_add(before.len() + blank.len());
        self.line = self.line.saturating_add(super::number(count));
        self.rest = rest;
        self.line
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

fn line(number: u32) -> Place {
    Place {
        counts: Counts::Line,
        number,
        fingerprint: None,
    }
}

/// A list's text and its delimiter.
struct Table<'a> {
    text: &'a str,
    delimiter: u8,
}

impl<'a> Table<'a> {
    fn records(&self) -> Records<'a> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(self.text.as_bytes())
    }

    /// Calls `each` with every record behind the header and its line.
    fn each(
        &self,
        skip: usize,
        mut each: impl FnMut(&StringRecord, u32) -> Result<(), PoolError>,
    ) -> Result<(), PoolError> {
        let mut records = self.records();
        let mut record = StringRecord::new();
        let mut index = 0_usize;
        let mut lines = Lines {
            rest: self.text.as_bytes(),
            at: 0,
            line: 1,
        };
        while next(&mut records, &mut record)? {
            let line = lines.of(&record);
            if index >= skip {
                each(&record, line)?;
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
        self.each(skip, |record, _| {
            for (seen, cell) in seen.iter_mut().zip(record) {
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
        let lines = self.text.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let most = lines.min(self.text.len() / AuthToken::LEN + 1);
        let mut rows = Vec::with_capacity(most);
        let mut numbers = Vec::with_capacity(most);
        let (mut marked, mut unmarked) = (false, None);
        self.each(skip, |record, number| {
            let place = line(number);
            rows.push(row(record, columns, place)?);
            numbers.push(number);
            let mark = columns.origin.and_then(|index| record.get(index));
            if mark.is_some_and(|mark| mark.trim() == Origin::MARK) {
                marked = true;
            } else {
                unmarked.get_or_insert(place);
            }
            Ok(())
        })?;
        let origin = match (marked, unmarked) {
            (true, Some(place)) => return Err(PoolError::MixedOrigin { place }),
            (true, None) => Origin::Generated,
            (false, _) => Origin::Export,
        };
        Ok(List {
            rows,
            counts: Counts::Line,
            numbers,
            origin,
            notes: Vec::new(),
        })
    }
}

/// Returns whether a cell is a QR Token, without making one.
fn is_code(cell: &str) -> bool {
    cell.starts_with("sqr_") && cell.parse::<QrToken>().is_ok()
}

fn row(record: &StringRecord, columns: &Columns, place: Place) -> Result<Row, PoolError> {
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
