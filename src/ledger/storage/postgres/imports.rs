//! Lists on their way in.

use super::rows::{bytes, get, named, odd};
use super::tokens::hold_serials;
use super::view::{Mode, View};
use crate::ledger::LedgerError;
use crate::ledger::storage::notary;
use crate::ledger::storage::tables::Pending;
use crate::unit::{Fingerprint, Serial};

const PENDING: &str = "SELECT id, first, unit, run, station FROM imports WHERE pending";
const BEGIN: &str = "INSERT INTO imports (scope, first, unit, run, station, pending) \
     SELECT $1, (SELECT coalesce(max(id), 0) + 1 FROM tokens), \
            (SELECT coalesce(max(id), 0) FROM units), $2, $3, true";
const HOLD: &str = "SELECT 1 FROM imports WHERE pending AND run = $1 FOR SHARE";
const TAKE: &str = "UPDATE imports SET run = $2 WHERE id = $1 AND pending";
const DROP_PRINTS: &str = "DELETE FROM prints WHERE token >= $1 AND print IN \
     (SELECT fingerprint FROM (SELECT fingerprint FROM tokens WHERE id >= $1 ORDER BY id DESC LIMIT $2) a \
      UNION ALL \
      SELECT qr_print FROM (SELECT qr_print FROM tokens WHERE id >= $1 ORDER BY id DESC LIMIT $2) b)";
const DROP_PICTURES: &str = "DELETE FROM pictures WHERE token IN \
     (SELECT id FROM tokens WHERE id >= $1 ORDER BY id DESC LIMIT $2)";
const DROP: &str = "DELETE FROM tokens WHERE id IN \
     (SELECT id FROM tokens WHERE id >= $1 ORDER BY id DESC LIMIT $2)";
const DROP_IMPORT: &str = "DELETE FROM imports WHERE id = $1 AND pending";
const OVERTAKEN: &str = "SELECT u.serial, t.fingerprint FROM units u \
     JOIN tokens t ON t.scope = u.scope AND t.folded = u.folded AND t.folded IS NOT NULL \
     WHERE u.id > $1 AND u.state < 5 AND t.id >= $2 AND t.state < 2 LIMIT 1";
const END: &str = "UPDATE imports SET pending = false, pictures = $2, mark = $4 WHERE id = $1 AND pending AND run = $3";

pub fn pending(view: &View<'_>) -> Result<Option<Pending>, LedgerError> {
    let row = view.first(PENDING, &[])?;
    row.map(|row| {
        Ok(Pending {
            id: get(&row, 0)?,
            first: get(&row, 1)?,
            unit: get(&row, 2)?,
            run: get(&row, 3)?,
            station: get(&row, 4)?,
        })
    })
    .transpose()
}

pub fn begin(view: &View<'_>, station: &str, run: &str) -> Result<Pending, LedgerError> {
    if let Some(pending) = pending(view)? {
        let station = pending.station;
        return Err(LedgerError::ImportBusy { station });
    }
    // Units that are claimed without knowing of this import are all counted in `unit`.
    hold_serials(view)?;
    view.change(BEGIN, &[&view.shop.scope, &run, &station])?;
    pending(view)?.ok_or_else(odd)
}

/// Keeps the import this run's own while rows are added to it.
pub fn hold(view: &View<'_>) -> Result<(), LedgerError> {
    if view.mode != Mode::Stage || view.shared.replace(true) {
        return Ok(());
    }
    match view.first(HOLD, &[&view.shop.frame.run])? {
        Some(_) => Ok(()),
        None => Err(LedgerError::Overtaken),
    }
}

/// Drops some of an unfinished import's rows; from then on its run adds none.
pub fn drop_some(view: &View<'_>, pending: &Pending, count: usize) -> Result<bool, LedgerError> {
    if view.change(TAKE, &[&pending.id, &view.shop.frame.run])? == 0 {
        return Ok(false);
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    view.change(DROP_PRINTS, &[&pending.first, &count])?;
    view.change(DROP_PICTURES, &[&pending.first, &count])?;
    let dropped = view.change(DROP, &[&pending.first, &count])?;
    Ok(i64::try_from(dropped).is_ok_and(|dropped| dropped == count))
}

pub fn drop_import(view: &View<'_>, pending: &Pending) -> Result<(), LedgerError> {
    view.change(DROP_IMPORT, &[&pending.id]).map(drop)
}

/// Finds a unit that was claimed meanwhile; from here on none is, until the import is seen.
pub fn overtaken(
    view: &View<'_>,
    pending: &Pending,
) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
    hold_serials(view)?;
    let row = view.first(OVERTAKEN, &[&pending.unit, &pending.first])?;
    row.map(|row| Ok((named(&row, 0)?, Fingerprint::from_bytes(bytes(&row, 1)?))))
        .transpose()
}

pub fn end(view: &View<'_>, pending: &Pending, pictures: u64) -> Result<(), LedgerError> {
    let pictures = i64::try_from(pictures).unwrap_or(i64::MAX);
    let row = notary::Row::Import {
        id: pending.id,
        scope: view.shop.scope,
        begins: (pending.first, pending.unit),
        station: &pending.station,
        pictures,
    };
    let mark = view.notary()?.mark(&row);
    let run = &view.shop.frame.run;
    match view.change(END, &[&pending.id, &pictures, run, &&mark[..]])? {
        1 => Ok(()),
        _ => Err(LedgerError::Overtaken),
    }
}
