//! The token list: what the cloud exported, checked and paired.
//!
//! Readers take bytes and give a [`Pool`]; only [`folder`] opens files. Nothing here draws a
//! token for a unit: that is the ledger's.

mod check;
mod columns;
mod csv;
mod error;
pub mod folder;
mod item;
mod list;
mod request;
mod sheet;
mod shown;
mod table;

#[cfg(feature = "label")]
mod archive;
#[cfg(feature = "label")]
mod generate;
#[cfg(feature = "label")]
mod json;
#[cfg(feature = "label")]
mod pairs;

pub use error::{Counts, Place, PoolError};
#[cfg(feature = "label")]
pub use generate::{Trial, generate};
pub use item::Item;
pub use list::{Elsewhere, Note, Origin, Pool, Row};
pub use request::{Request, request};
pub use sheet::{Sheet, SheetError, neutral};
pub use shown::{Contents, Headers};
pub use table::{Cells, Table, TableError};

use item::is_zip;
use list::List;

use crate::recipe::PoolSpec;

/// Reads a token list from one file: zip, platform-API JSON or CSV, as its content says.
///
/// # Errors
/// [`PoolError`]; nothing of the list is given out then.
pub fn read(bytes: &[u8], spec: &PoolSpec) -> Result<Pool, PoolError> {
    if is_zip(bytes) {
        #[cfg(feature = "label")]
        return read_items(archive::items(bytes)?, spec);
        #[cfg(not(feature = "label"))]
        return Err(PoolError::NotBuilt { what: "zip" });
    }
    check::finish(list(bytes, spec)?)
}

/// Reads an unpacked export: one list, and pictures named by their AuthTokens.
///
/// # Errors
/// [`PoolError`]; nothing of the export is given out then.
#[cfg(feature = "label")]
pub fn read_items(items: Vec<Item>, spec: &PoolSpec) -> Result<Pool, PoolError> {
    let export = pairs::Export::sort(items)?;
    let mut list = list(&export.list.bytes, spec)?;
    pairs::pair(&mut list, export.pictures)?;
    if export.generated {
        list.origin = Origin::Generated;
    }
    check::finish(list)
}

/// Reads the rows of a CSV or JSON list.
fn list(bytes: &[u8], spec: &PoolSpec) -> Result<List, PoolError> {
    if is_json(bytes) {
        #[cfg(feature = "label")]
        return json::read(bytes, spec);
        #[cfg(not(feature = "label"))]
        return Err(PoolError::NotBuilt { what: "JSON" });
    }
    csv::read(bytes, spec)
}

fn is_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(csv::BOM).unwrap_or(bytes);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}
