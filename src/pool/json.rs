//! Saved answers of the platform API, `GET /api/v1/organization/static-tokens`.
//!
//! One page, an array of pages, pages one after the other, or the rows alone. Rows are made as
//! they are met, so that memory grows with the rows and not with what else stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use zeroize::Zeroizing;

use super::csv;
use super::error::{Place, PoolError};
use super::list::{List, Note, Origin, Row, number, room};
use super::shown::Headers;
use crate::recipe::PoolSpec;
use crate::unit::{AuthToken, QrToken};

/// Keys under which answers keep their rows.
const CONTENT: &[&str] = &["content", "rows", "data", "items"];
/// The AuthToken.
const TOKEN: &str = "deviceToken";
/// The QR Token, without organisation.
const CODE: &str = "token";
const ORGANISATION: &str = "orgId";
const STATUS: &str = "status";
const TOTAL: &str = "totalElements";
/// Most fields of one object.
const FIELDS: usize = 1024;
/// From here on numbers lose digits when they are read as such (IEEE 754, 53 bits).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads the rows of all pages.
pub(super) fn read(bytes: &[u8], spec: &PoolSpec) -> Result<List, PoolError> {
    let text = bytes.strip_prefix(csv::BOM).unwrap_or(bytes);
    let mut pages = Pages::new(spec);
    let mut reader = Deserializer::from_slice(text);
    // An answer may follow the one before it, without anything between them.
    while reader.end().is_err() {
        if let Err(error) = Part(&mut pages, Spot::Answer).deserialize(&mut reader) {
            return Err(pages.wrong.unwrap_or_else(|| PoolError::Json {
                line: error.line(),
                column: error.column(),
                what: what(&error),
            }));
        }
    }
    let mut notes = Vec::new();
    let rows = pages.rows.len();
    if let Some(total) = pages.total {
        match u64::try_from(rows).unwrap_or(u64::MAX).cmp(&total) {
            std::cmp::Ordering::Less => notes.push(Note::Part { rows, total }),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Err(PoolError::TooManyRows { rows, total }),
        }
    }
    if !pages.left_out.is_empty() {
        let names = pages.left_out.iter().map(String::as_str);
        let fields = Headers::new((1..).zip(names));
        notes.push(Note::LeftOut { fields });
    }
    Ok(List {
        rows: pages.rows,
        lines: Vec::new(),
        origin: Origin::Export,
        notes,
    })
}

/// Names a fault without the parser's own words, which may repeat the text.
fn what(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is malformed, or nested too deeply",
    }
}

/// What was gathered from pages.
struct Pages<'s> {
    spec: &'s PoolSpec,
    rows: Vec<Row>,
    /// The largest number of rows that a page speaks of.
    total: Option<u64>,
    count: usize,
    /// Fields of rows that are no text.
    left_out: BTreeSet<String>,
    /// What is wrong with the list; the parser's own errors hold words only.
    wrong: Option<PoolError>,
}

impl<'s> Pages<'s> {
    const fn new(spec: &'s PoolSpec) -> Self {
        Self {
            spec,
            rows: Vec::new(),
            total: None,
            count: 0,
            left_out: BTreeSet::new(),
            wrong: None,
        }
    }

    /// Names the row that is being read.
    fn place(&self) -> Place {
        Place::row(number(self.rows.len().saturating_add(1)))
    }

    fn refuse<T, E: de::Error>(&mut self, wrong: PoolError) -> Result<T, E> {
        self.wrong = Some(wrong);
        Err(E::custom("the list is refused"))
    }

    fn no_content<T, E: de::Error>(&mut self) -> Result<T, E> {
        let page = self.count + 1;
        self.refuse(PoolError::NoContent { page })
    }

    fn push<E: de::Error>(&mut self, fields: Fields) -> Result<(), E> {
        let row = room(self.rows.len())
            .and_then(|()| row(fields, self.place(), self.spec, &mut self.left_out));
        match row {
            Ok(row) => {
                self.rows.push(row);
                Ok(())
            }
            Err(wrong) => self.refuse(wrong),
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Spot {
    /// An answer: a page, a row, or an array of either.
    Answer,
    /// An element of that array.
    Element,
    /// What a page has in the place of its rows.
    Rows,
    /// An element of that.
    Row,
    /// A field of a page or row.
    Field,
}

/// A value, taken where it stands.
struct Part<'p, 's>(&'p mut Pages<'s>, Spot);

/// The value of a field.
enum Field {
    Text(Zeroizing<String>),
    Whole(u64),
    /// Null, or what stands where no field is.
    Nothing,
    /// A number that may have lost digits.
    Inexact,
    /// An array or object.
    Nested,
}

type Fields = BTreeMap<String, Field>;

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = Field;

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Field, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Part<'_, '_> {
    /// Takes a value that is neither array nor object.
    fn scalar<E: de::Error>(self, field: Field) -> Result<Field, E> {
        match self.1 {
            Spot::Field => Ok(field),
            _ => self.0.no_content(),
        }
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Field, A::Error> {
        let inside = match self.1 {
            Spot::Answer => Spot::Element,
            Spot::Rows => Spot::Row,
            Spot::Element | Spot::Row => return self.0.no_content(),
            Spot::Field => {
                while values.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Field::Nested);
            }
        };
        while values.next_element_seed(Part(self.0, inside))?.is_some() {}
        Ok(Field::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        match self.1 {
            Spot::Rows => self.0.no_content(),
            Spot::Field => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Field::Nested)
            }
            spot => object(self.0, spot, map).map(|()| Field::Nothing),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Field, E> {
        self.scalar(Field::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Field, E> {
        self.scalar(Field::Text(Zeroizing::new(truth.to_string())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Field, E> {
        self.scalar(Field::Whole(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Field, E> {
        self.scalar(Field::Text(Zeroizing::new(number.to_string())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Field, E> {
        let exact = number.abs() < EXACT;
        self.scalar(match exact {
            true => Field::Text(Zeroizing::new(number.to_string())),
            false => Field::Inexact,
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Field, E> {
        self.scalar(Field::Nothing)
    }
}

/// Takes a page or a row.
fn object<'de, A: MapAccess<'de>>(
    pages: &mut Pages<'_>,
    spot: Spot,
    mut map: A,
) -> Result<(), A::Error> {
    let (mut fields, mut is_page, before) = (Fields::new(), false, pages.rows.len());
    while let Some(key) = map.next_key::<String>()? {
        if fields.len() == FIELDS {
            let what = "an object of the token list has more fields";
            return pages.refuse(PoolError::TooLarge { what, limit: 1024 });
        }
        let holds_rows = spot != Spot::Row && CONTENT.contains(&key.as_str());
        let inside = if holds_rows { Spot::Rows } else { Spot::Field };
        let value = map.next_value_seed(Part(pages, inside))?;
        if fields.insert(key, value).is_some() || (holds_rows && is_page) {
            let place = pages.place();
            return pages.refuse(PoolError::FieldTwice { place });
        }
        is_page |= holds_rows;
    }
    let names_token = fields.contains_key(TOKEN) || fields.contains_key(CODE);
    if spot == Spot::Row || (!is_page && names_token) {
        return pages.push(fields);
    }
    // A row with rows in it is none.
    if !is_page || (fields.contains_key(TOKEN) && pages.rows.len() > before) {
        return pages.no_content();
    }
    pages.count += 1;
    if let Some(Field::Whole(total)) = fields.get(TOTAL) {
        pages.total = pages.total.max(Some(*total));
    }
    Ok(())
}

fn row(
    mut fields: Fields,
    place: Place,
    spec: &PoolSpec,
    left_out: &mut BTreeSet<String>,
) -> Result<Row, PoolError> {
    let secret = text(fields.remove(TOKEN)).ok_or(PoolError::NoField {
        place,
        field: TOKEN,
    })?;
    let token = AuthToken::parse(secret.trim().as_bytes())
        .map_err(|source| PoolError::BadToken { place, source })?;
    let place = Place {
        fingerprint: Some(token.fingerprint()),
        ..place
    };
    if fields.values().any(|field| matches!(field, Field::Inexact)) {
        return Err(PoolError::Inexact { place });
    }
    let qr = code(&mut fields, place)?;
    let claimed = claimed(fields.remove(STATUS), place)?;
    let bound = match &spec.bind {
        Some(header) => {
            let serial = text(fields.remove(header)).unwrap_or_default();
            csv::serial(serial.trim(), place)?
        }
        None => None,
    };
    let mut columns = BTreeMap::new();
    for (key, value) in fields {
        if matches!(value, Field::Nested) {
            left_out.insert(key);
        } else if let Some(text) = text(Some(value)) {
            columns.insert(key, text);
        }
    }
    Ok(Row {
        token,
        qr,
        picture: None,
        bound,
        columns,
        claimed,
    })
}

/// Takes the QR Token with the organisation that stands beside it.
fn code(fields: &mut Fields, place: Place) -> Result<Option<QrToken>, PoolError> {
    let code = text(fields.remove(CODE)).unwrap_or_default();
    let Some(code) = csv::code(code.trim(), place)? else {
        return Ok(None);
    };
    let organisation = text(fields.remove(ORGANISATION));
    match (code.organisation(), organisation) {
        (Some(one), Some(other)) if one != other.as_str() => Err(PoolError::TwoOrganisations {
            first: place,
            second: place,
            one: one.into(),
            other: other.as_str().into(),
        }),
        (None, Some(number)) => code
            .with_organisation(&number)
            .map(Some)
            .map_err(|source| PoolError::BadQr { place, source }),
        _ => Ok(Some(code)),
    }
}

/// Reads the status; a row without one is nobody's yet.
fn claimed(status: Option<Field>, place: Place) -> Result<bool, PoolError> {
    match status {
        None | Some(Field::Nothing) => Ok(false),
        Some(Field::Text(text)) if text.eq_ignore_ascii_case("CLAIMED") => Ok(true),
        Some(Field::Text(text)) if text.eq_ignore_ascii_case("UNCLAIMED") => Ok(false),
        Some(_) => Err(PoolError::UnknownStatus { place }),
    }
}

/// Takes the text of a value that is one: a string, a number, true or false.
fn text(field: Option<Field>) -> Option<Zeroizing<String>> {
    match field? {
        Field::Text(text) => Some(text),
        Field::Whole(number) => Some(Zeroizing::new(number.to_string())),
        Field::Nothing | Field::Inexact | Field::Nested => None,
    }
}
