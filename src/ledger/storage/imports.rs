//! Lists on their way in.

use super::sql::{Query, Value, values};
use super::tables::{Imports, Pending, Tokens as _};
use super::view::{Mode, View};
use crate::ledger::{LedgerError, OpenError, StorageError};
use crate::unit::{Fingerprint, Serial};

/// The first token that nobody sees yet, as every statement finds it for itself.
macro_rules! unseen {
    () => {
        "(SELECT coalesce(min(first), 9223372036854775807) FROM imports WHERE pending)"
    };
}
pub(super) use unseen;

const PENDING: &str = "SELECT id, first, unit, run, station FROM imports WHERE pending";
const BEGIN: &str = "INSERT INTO imports (scope, first, unit, run, station, pending) \
     SELECT ?1, (SELECT coalesce(max(id), 0) + 1 FROM tokens), \
            (SELECT coalesce(max(id), 0) FROM units), ?2, ?3, true";
const HOLD: Query = Query::holding(
    "SELECT 1 FROM imports WHERE pending AND run = ?1",
    " FOR SHARE",
);
const TAKE: &str = "UPDATE imports SET run = ?2 WHERE id = ?1 AND pending";
const DROP_PRINTS: &str = "DELETE FROM prints WHERE token >= ?1 AND print IN \
     (SELECT fingerprint FROM (SELECT fingerprint FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2) a \
      UNION ALL \
      SELECT qr_print FROM (SELECT qr_print FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2) b)";
const DROP_PICTURES: &str = "DELETE FROM pictures WHERE token IN \
     (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2)";
const DROP: &str = "DELETE FROM tokens WHERE id IN \
     (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2)";
const DROP_IMPORT: &str = "DELETE FROM imports WHERE id = ?1 AND pending";
const OVERTAKEN: &str = "SELECT u.serial, t.fingerprint FROM units u \
     JOIN tokens t ON t.scope = u.scope AND t.folded = u.folded AND t.folded IS NOT NULL \
     WHERE u.id > ?1 AND u.state < 5 AND t.id >= ?2 AND t.state < 2 LIMIT 1";
const END: &str = "UPDATE imports SET pending = false, pictures = ?2, mark = ?4 \
     WHERE id = ?1 AND pending AND run = ?3";
const COUNTED: &str = "SELECT pictures, first, unit, station FROM imports WHERE id = ?1";
const COUNT: &str = "UPDATE imports SET pictures = ?2, mark = ?3 WHERE id = ?1";

/// Keeps the import this run's own while rows are added to it.
pub fn hold(view: &View<'_>) -> Result<(), LedgerError> {
    let is_needed = view.opened.backend.shared && view.mode == Mode::Stage;
    if !is_needed || view.held.replace(true) {
        return Ok(());
    }
    let own: Option<i64> = view.sql.value(HOLD, values![&view.opened.frame.run])?;
    own.map(drop)
        .ok_or(LedgerError::Storage(StorageError::Overtaken))
}

/// Counts a picture that a known token got from an import, under its mark.
pub fn count_picture(view: &View<'_>, import: i64) -> Result<(), LedgerError> {
    let counted = view.sql.first(COUNTED, values![import], |row| {
        let begun = Pending {
            id: import,
            first: row.get(1)?,
            unit: row.get(2)?,
            run: String::new(),
            station: row.get(3)?,
        };
        Ok((row.get::<i64>(0)?.saturating_add(1), begun))
    })?;
    let missing = || LedgerError::damaged(format!("import {import} is missing"));
    let (pictures, begun) = counted.ok_or_else(missing)?;
    let marked = marked(view, &begun, pictures);
    let mark = view.notary()?.mark("import", &marked);
    view.sql
        .change(COUNT, values![import, pictures, &mark])
        .map(drop)
}

/// Returns an import, as it is marked.
fn marked<'a>(view: &View<'_>, begun: &'a Pending, pictures: i64) -> [Value<'a>; 6] {
    let scope = view.opened.scope;
    *values![
        begun.id,
        scope,
        begun.first,
        begun.unit,
        &begun.station,
        pictures
    ]
}

impl Imports for View<'_> {
    fn pending(&self) -> Result<Option<Pending>, LedgerError> {
        self.sql.first(PENDING, &[], |row| {
            Ok(Pending {
                id: row.get(0)?,
                first: row.get(1)?,
                unit: row.get(2)?,
                run: row.get(3)?,
                station: row.get(4)?,
            })
        })
    }

    fn begin_import(&mut self, station: &str, run: &str) -> Result<Pending, LedgerError> {
        if let Some(pending) = self.pending()? {
            let station = pending.station;
            return Err(LedgerError::Open(OpenError::ImportBusy { station }));
        }
        // Units that are claimed without knowing of this import are all counted in `unit`.
        self.hold_serials()?;
        self.sql
            .change(BEGIN, values![self.opened.scope, run, station])?;
        let missing = || LedgerError::damaged("the import that began is missing");
        self.pending()?.ok_or_else(missing)
    }

    /// From then on the run that began it adds none.
    fn drop_tokens(&mut self, pending: &Pending, count: usize) -> Result<bool, LedgerError> {
        let taken = values![pending.id, &self.opened.frame.run];
        if self.sql.change(TAKE, taken)? == 0 {
            return Ok(false);
        }
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        let values = values![pending.first, most];
        self.sql.change(DROP_PRINTS, values)?;
        self.sql.change(DROP_PICTURES, values)?;
        let dropped = self.sql.change(DROP, values)?;
        Ok(i64::try_from(dropped).is_ok_and(|dropped| dropped == most))
    }

    fn drop_import(&mut self, pending: &Pending) -> Result<(), LedgerError> {
        self.sql.change(DROP_IMPORT, values![pending.id]).map(drop)
    }

    /// From here on no serial is claimed, until the import is seen.
    fn overtaken(&self, pending: &Pending) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
        self.hold_serials()?;
        let values = values![pending.unit, pending.first];
        self.sql
            .first(OVERTAKEN, values, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn end_import(&mut self, pending: &Pending, pictures: u64) -> Result<(), LedgerError> {
        let pictures = i64::try_from(pictures).unwrap_or(i64::MAX);
        let marked = marked(self, pending, pictures);
        let mark = self.notary()?.mark("import", &marked);
        let run = &self.opened.frame.run;
        match self
            .sql
            .change(END, values![pending.id, pictures, run, &mark])?
        {
            1 => Ok(()),
            _ => Err(LedgerError::Storage(StorageError::Overtaken)),
        }
    }
}
