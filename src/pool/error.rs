//! Why a token list was rejected. No text here repeats a token, nor a name that holds one.

use std::error::Error as _;
use std::fmt;

use thiserror::Error;

use super::shown::{Contents, Headers};
use super::table::TableError;
use crate::qr::PictureError;
use crate::unit::{AuthTokenError, Fingerprint, QrTokenError, Serial, SerialError};

/// A row of a list, named without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Whether `number` counts lines of a file or rows of a list.
    pub counts: Counts,
    /// The line or the row, from 1.
    pub number: u32,
    /// The token's fingerprint, where the row has a token.
    pub fingerprint: Option<Fingerprint>,
}

/// What the number of a [`Place`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Counts {
    /// Lines of a text file, the header included.
    Line,
    /// Rows of a list without lines, such as JSON.
    Row,
}

impl Place {
    /// Names a line of a file, as an editor counts it.
    #[must_use]
    pub const fn line(number: u32) -> Self {
        Self {
            counts: Counts::Line,
            number,
            fingerprint: None,
        }
    }

    /// Names a row of a list without lines.
    #[must_use]
    pub const fn row(number: u32) -> Self {
        Self {
            counts: Counts::Row,
            number,
            fingerprint: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.counts, self.number)?;
        match self.fingerprint {
            Some(print) => write!(f, " (token {print})"),
            None => Ok(()),
        }
    }
}

/// Why a token list was rejected.
#[derive(Debug, Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", prefix = "pool-")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each text names its fields")]
pub enum PoolError {
    /// No token at all.
    #[error("the token list has no row")]
    Empty,
    /// Not UTF-8.
    #[error("line {line} of the token list is not UTF-8: save it as CSV UTF-8")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
    },
    /// UTF-16.
    #[error("the token list is UTF-16: save it as CSV UTF-8")]
    Utf16,
    /// A NUL inside a text file: cut off, or no text at all.
    #[error("line {line} of the token list holds a NUL byte")]
    Nul {
        /// The line, from 1.
        line: usize,
    },
    /// A CSV whose rows cannot be told apart.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No column is called what the recipe says.
    #[error("the token list has no column `{header}`; it has {found}")]
    NoColumn { header: String, found: Headers },
    /// No column has the name or the content of AuthTokens.
    #[error(
        "no column holds AuthTokens by name or content; the list has {found}: add `token = \"...\"` to [pool]"
    )]
    NoTokenColumn { found: Headers },
    /// Several columns could be meant.
    #[error("{found} could all be the {what}: add `{key} = \"...\"` to [pool]")]
    AmbiguousColumn {
        what: &'static str,
        key: &'static str,
        found: Headers,
    },
    /// Two columns with one name.
    #[error("columns {first} and {second} of the token list have the same header")]
    HeaderTwice {
        /// Number of the first column, from 1.
        first: usize,
        /// Number of the second column, from 1.
        second: usize,
    },
    /// A row with more or fewer cells than the header.
    #[error("{place} is {found} cells wide, the header {wanted}")]
    Ragged {
        place: Place,
        found: usize,
        wanted: usize,
    },
    /// Several rows are wrong, each in its own way; the name is the first one's.
    #[error("{}", told(faults, *more))]
    Rows { faults: Vec<PoolError>, more: usize },
    /// The text of a token is none.
    #[error("{place} holds no AuthToken")]
    BadToken {
        place: Place,
        source: AuthTokenError,
    },
    /// The text of a QR Token is none.
    #[error("{place} holds no QR Token")]
    BadQr { place: Place, source: QrTokenError },
    /// The column of QR Tokens holds secrets.
    #[error("{place} holds an AuthToken where the QR Token belongs: it would be printed")]
    SecretAsQr { place: Place },
    /// Another column repeats the secret of a row.
    #[error("{place} holds an AuthToken of the list outside its column: leave that column out")]
    SecretInColumn { place: Place },
    /// Some rows have a QR Token and this one has none.
    #[error("{place} has no QR Token, other rows have one")]
    NoQr { place: Place },
    /// The bound serial is none.
    #[error("{place} is bound to no serial")]
    BadSerial { place: Place, source: SerialError },
    /// One token twice.
    #[error("{second} repeats the AuthToken of {first}")]
    DuplicateToken { first: Place, second: Place },
    /// One QR Token twice.
    #[error("{second} has the QR Token of {first}")]
    DuplicateQr { first: Place, second: Place },
    /// One serial twice, after case folding.
    #[error("{second} is bound to {serial}, as is {first}")]
    DuplicateSerial {
        serial: Serial,
        first: Place,
        second: Place,
    },
    /// Rows of two organisations.
    #[error("{second} belongs to organisation {other}, {first} to {one}")]
    TwoOrganisations {
        first: Place,
        second: Place,
        /// The organisation of `first`.
        one: Box<str>,
        /// The organisation of `second`.
        other: Box<str>,
    },
    /// Some rows were made by `pool generate`, others were not.
    #[error("{place} does not say where it is from, other rows are made by `pool generate`")]
    MixedOrigin {
        /// A row that does not say so.
        place: Place,
    },
    /// Not JSON.
    #[error("the token list is no JSON at line {line}, column {column}: {what}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What kind of fault it is.
        what: &'static str,
    },
    /// JSON, but neither a page of the platform API nor its rows.
    #[error("page {page} of the token list has no `content` array of rows")]
    NoContent {
        /// The page, from 1.
        page: usize,
    },
    /// A row of the platform API without the field.
    #[error("{place} has no text in `{field}`")]
    NoField { place: Place, field: &'static str },
    /// Two values for one field.
    #[error("{place} has one field twice: one of both values would be lost")]
    FieldTwice { place: Place },
    /// A number with more digits than are read.
    #[error("{place} has a number with too many digits: put it between quotes")]
    Inexact { place: Place },
    /// A status that decides nothing.
    #[error("the status of {place} is neither CLAIMED nor UNCLAIMED")]
    UnknownStatus { place: Place },
    /// More rows than the pages say there are.
    #[error("the pages hold {rows} rows, of {total} in all: two answers are mixed")]
    TooManyRows { rows: usize, total: u64 },
    /// The archive cannot be read.
    #[error("the archive is unreadable: {what}")]
    Archive { what: &'static str },
    /// One entry of the archive cannot be read.
    #[error("entry {entry} of the archive is unreadable: {what}")]
    ArchiveEntry {
        /// The entry, from 1.
        entry: usize,
        what: &'static str,
    },
    /// Larger than a token list is.
    #[error("{what} than {limit}")]
    TooLarge { what: &'static str, limit: u64 },
    /// The archive has no list, or several.
    #[error(
        "{found} files could be the token list, and exactly one must be: a CSV or JSON file, beside its pictures (PNG); there is {there}"
    )]
    NotOneList { found: usize, there: Contents },
    /// A row without picture, in an export with pictures.
    #[error("{place} has no picture, other rows have one")]
    PictureMissing { place: Place },
    /// A picture of no row.
    #[error("picture {entry} belongs to no row of the list: its name is none of the tokens")]
    PictureExtra {
        /// Which picture, in the order of the archive, from 1.
        entry: usize,
    },
    /// Two pictures for one row.
    #[error("{place} has two pictures")]
    PictureTwice { place: Place },
    /// The picture of a row is no label.
    #[error("the picture of {place} cannot be used")]
    Picture { place: Place, source: PictureError },
    /// The picture says another QR Token than the list.
    #[error("the picture of {place} holds another QR Token than the row")]
    PictureDiffers { place: Place },
    /// A cell that a spreadsheet would run; Blynk must get it as it is, so it cannot be escaped.
    #[error(
        "`{header}` in row {row} starts with `{start}`: a spreadsheet would run it, and an escape would reach the cloud as part of the value"
    )]
    Formula {
        header: String,
        /// The row, from 1; 0 is the header itself.
        row: usize,
        start: char,
    },
    /// What was asked for makes no list.
    #[error("no list can be made: {what}")]
    Request { what: &'static str },
    /// The random source of the system gave nothing.
    #[error("the system gives no random bytes")]
    Random,
    /// A list that is made cannot be written.
    #[error("the list cannot be written")]
    Write {
        /// The system's answer; it names no file.
        source: std::io::Error,
    },
    /// A file or folder cannot be read.
    #[error("the token list cannot be read")]
    Read {
        /// The system's answer; it names no file.
        source: std::io::Error,
    },
    /// The program was built without reading this format.
    #[error("this build reads no {what}: it needs the feature `label`")]
    NotBuilt { what: &'static str },
}

impl PoolError {
    /// Returns the error's stable name; that of the picture's fault where one is the cause.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Picture { source, .. } => source.name(),
            Self::Table(source) => source.name(),
            Self::Rows { faults, .. } => faults.first().map_or("pool-rows", Self::name),
            other => other.into(),
        }
    }
}

/// Names faulty rows, each with what is wrong.
fn told(faults: &[PoolError], more: usize) -> String {
    let told = faults.iter().map(|fault| match fault.source() {
        Some(source) => format!("{fault}: {source}"),
        None => fault.to_string(),
    });
    let told = told.collect::<Vec<_>>().join("; ");
    match more {
        0 => told,
        more => format!("{told}; and {more} more rows are wrong"),
    }
}

/// Rows that are wrong, while the others are read.
#[derive(Default)]
pub(super) struct Faults {
    first: Vec<PoolError>,
    more: usize,
}

impl Faults {
    /// How many are named.
    const NAMED: usize = 10;

    pub(super) fn note(&mut self, fault: PoolError) {
        match self.first.len() < Self::NAMED {
            true => self.first.push(fault),
            false => self.more += 1,
        }
    }

    /// Refuses the list where a row was wrong.
    pub(super) fn end(mut self) -> Result<(), PoolError> {
        match self.first.len() {
            0 => Ok(()),
            1 => self.first.pop().map_or(Ok(()), Err),
            _ => Err(PoolError::Rows {
                faults: self.first,
                more: self.more,
            }),
        }
    }
}
