//! Which column of a list is which: by the recipe, by name, by content, else refused.

use std::collections::HashMap;

use super::error::PoolError;
use super::list::Origin;
use super::shown::Headers;
use crate::recipe::PoolSpec;
use crate::unit::{AuthToken, QrToken};

/// Names that a column of AuthTokens has, the likeliest first.
const TOKEN: &[&str] = &["Device Token", "AuthToken", "Auth Token", "Token"];
/// Names that a column of QR Tokens has.
const QR: &[&str] = &["QR Token", "QRToken", "QR"];

/// What the cells of each column have in common, for a column that no name tells.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Columns in which every cell is an AuthToken.
    pub tokens: Vec<usize>,
    /// Columns in which every cell that is not empty is a QR Token, and one at least is.
    pub codes: Vec<usize>,
}

/// The columns of a list, by index.
#[derive(Debug)]
pub(super) struct Columns {
    pub token: usize,
    pub qr: Option<usize>,
    pub bind: Option<usize>,
    /// The column that marks a generated list.
    pub origin: Option<usize>,
    /// Whether the token column was found by its content.
    pub guessed: bool,
    headers: Vec<String>,
}

impl Columns {
    /// Decides which column is which. `first` is the first row behind the header.
    pub(super) fn find(
        headers: Vec<String>,
        first: &[String],
        content: &Content,
        spec: &PoolSpec,
    ) -> Result<Self, PoolError> {
        let names = Names(&headers);
        names.distinct()?;
        let secret = |index: usize| {
            let cell = first.get(index).map_or("", |cell| cell.trim());
            // The platform API calls the QR Token `token`.
            cell.parse::<QrToken>().is_err()
        };
        let named = match &spec.token {
            Some(header) => Some(names.required(header)?),
            None => names.first_of(TOKEN, secret),
        };
        let (token, guessed) = match named {
            Some(token) => (token, false),
            None => (names.by_content(&content.tokens)?, true),
        };
        let qr = match &spec.qr {
            Some(header) => Some(names.required(header)?),
            None => match names.first_of(QR, |index| index != token) {
                Some(index) => Some(index),
                None => names.at_most_one(&content.codes, token)?,
            },
        };
        let bind = spec.bind.as_deref().map(|header| names.required(header));
        let origin = names.exact(Origin::HEADER);
        Ok(Self {
            token,
            qr,
            bind: bind.transpose()?,
            origin,
            guessed,
            headers,
        })
    }

    /// Returns how many columns the header has.
    pub(super) fn count(&self) -> usize {
        self.headers.len()
    }

    /// Returns the other columns: index and header.
    pub(super) fn others(&self) -> impl Iterator<Item = (usize, &str)> {
        let special = [Some(self.token), self.qr, self.bind];
        (self.headers.iter().enumerate())
            .filter(move |(index, _)| !special.contains(&Some(*index)))
            .map(|(index, header)| (index, header.as_str()))
    }
}

struct Names<'a>(&'a [String]);

impl Names<'_> {
    fn distinct(&self) -> Result<(), PoolError> {
        let mut seen = HashMap::with_capacity(self.0.len());
        for (second, header) in self.0.iter().enumerate() {
            if let Some(first) = seen.insert(header, second) {
                return Err(PoolError::HeaderTwice {
                    first: first + 1,
                    second: second + 1,
                });
            }
        }
        Ok(())
    }

    fn exact(&self, header: &str) -> Option<usize> {
        self.0.iter().position(|other| other == header)
    }

    /// Finds a header, exactly or else without regard to case.
    fn named(&self, header: &str) -> Option<usize> {
        let alike = |other: &String| other.eq_ignore_ascii_case(header);
        self.exact(header).or_else(|| self.0.iter().position(alike))
    }

    fn required(&self, header: &str) -> Result<usize, PoolError> {
        self.named(header).ok_or_else(|| PoolError::NoColumn {
            header: header.to_owned(),
            found: self.shown(0..self.0.len()),
        })
    }

    fn first_of(&self, names: &[&str], fits: impl Fn(usize) -> bool) -> Option<usize> {
        names
            .iter()
            .filter_map(|name| self.named(name))
            .find(|index| fits(*index))
    }

    fn by_content(&self, found: &[usize]) -> Result<usize, PoolError> {
        match found {
            [only] => Ok(*only),
            [] => Err(PoolError::NoTokenColumn {
                found: self.shown(0..self.0.len()),
            }),
            _ => Err(PoolError::AmbiguousColumn {
                what: "AuthTokens",
                key: "token",
                found: self.shown(found.iter().copied()),
            }),
        }
    }

    fn at_most_one(&self, found: &[usize], token: usize) -> Result<Option<usize>, PoolError> {
        let found: Vec<usize> = found.iter().copied().filter(|i| *i != token).collect();
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            _ => Err(PoolError::AmbiguousColumn {
                what: "QR Tokens",
                key: "qr",
                found: self.shown(found.iter().copied()),
            }),
        }
    }

    fn shown(&self, indexes: impl Iterator<Item = usize>) -> Headers {
        let header = |index: usize| self.0.get(index).map_or("", |header| header.as_str());
        Headers::new(indexes.map(|index| (index + 1, header(index))))
    }
}

/// Returns whether a first row is no header: it holds a token already.
pub(super) fn is_data(cells: &[String]) -> bool {
    cells.iter().any(|cell| {
        let cell = cell.trim();
        AuthToken::looks_like(cell) || cell.parse::<QrToken>().is_ok()
    })
}
