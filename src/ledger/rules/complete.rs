//! Complete: what a later list tells of known tokens, and an earlier one did not.
//!
//! What is known never changes: a QR Token, an organisation, a picture or a column is added where
//! there was none. That holds for tokens of units too, which get the label that they lack; columns
//! are for units that are still to be made.

use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::rules::facts::source_fact;
use crate::ledger::rules::steps::PAUSE;
use crate::ledger::storage::tables::{Completion, Pending, Secrets, Tables, TokenRow};
use crate::ledger::{Actor, Ledger, LedgerError, TokenState};
use crate::pool::{Pool, Row};
use crate::unit::{Digest, QrToken};

/// Tokens in one transaction and event.
const STEP: usize = 64;

/// What a row tells of a token that is known.
pub struct News {
    /// All that is known of it then, if that is more than before.
    pub more: Option<Completion>,
    /// Whether the row says something otherwise that changes nothing.
    pub otherwise: bool,
}

/// Compares a row with what is known of its token.
pub fn news(tables: &dyn Tables, row: &Row, known: &TokenRow) -> Result<News, LedgerError> {
    let open = known.state == TokenState::Free;
    if row.qr.is_none() && row.picture.is_none() && (row.columns.is_empty() || !open) {
        return Ok(News {
            more: None,
            otherwise: false,
        });
    }
    let mut secrets = tables.secrets(known.id)?;
    let (mut more, mut otherwise) = (false, false);
    let organisation = |qr: &QrToken| qr.organisation().is_some();
    let qr = match (&secrets.qr, &row.qr) {
        (None, Some(told)) => Some(told),
        (Some(has), Some(told)) if !organisation(has) && organisation(told) => Some(told),
        _ => None,
    };
    if let Some(qr) = qr {
        secrets.qr = Some(qr.clone());
        more = true;
    }
    for (header, value) in row.columns.iter().filter(|_| open) {
        match secrets.columns.get(header) {
            Some(has) => otherwise |= has != value,
            None => {
                secrets.columns.insert(header.clone(), value.clone());
                more = true;
            }
        }
    }
    let mut picture = None;
    if let Some(told) = &row.picture {
        match tables.picture(known.id)? {
            Some(has) => otherwise |= has != *told,
            None => picture = Some(told.clone()),
        }
    }
    let qr = secrets.qr.as_ref().map(event::qr_print);
    let more = (more || picture.is_some()).then_some(Completion {
        secrets,
        qr,
        picture,
    });
    Ok(News { more, otherwise })
}

/// Adds what the rows at `lacking` tell, a few at a time; then the list's source is known.
///
/// A cut in between loses nothing: the list is taken in again, and the rest of it is added.
pub fn complete(
    ledger: &mut Ledger,
    (pool, lacking): (&Pool, &[usize]),
    pending: &Pending,
    by: &Actor,
) -> Result<(), LedgerError> {
    for step in lacking.chunks(STEP) {
        ledger.write(|tables| {
            let (mut names, mut codes) = (Vec::new(), Vec::new());
            for row in step.iter().filter_map(|index| pool.rows.get(*index)) {
                let Some(known) = tables.token(&row.token.fingerprint())? else {
                    continue;
                };
                let Some(more) = news(tables, row, &known)?.more else {
                    continue;
                };
                names.push(known.fingerprint.to_hex());
                codes.push(add(tables, (&known, &more), pending.id)?);
            }
            if names.is_empty() {
                return Ok(());
            }
            let body = Body {
                import: Some(pending.id),
                fingerprints: Some(names),
                codes: Some(codes),
                ..Body::default()
            };
            event::append(tables, &by.station, (Kind::Completed, None), body.by(by)).map(drop)
        })?;
        std::thread::sleep(PAUSE);
    }
    match (&pool.source, lacking.is_empty()) {
        (Some(source), false) => ledger.write(|tables| know(tables, source, pending)),
        _ => Ok(()),
    }
}

/// Notes that a list went in whole.
pub fn know(
    tables: &mut dyn Tables,
    source: &Digest,
    pending: &Pending,
) -> Result<(), LedgerError> {
    let fact = source_fact(source);
    match tables.fact(&fact)? {
        None => tables.set_fact(&fact, &pending.id.to_string()),
        Some(_) => Ok(()),
    }
}

/// Stores what is known now; returns the digest of a QR Token that is new, else nothing.
fn add(
    tables: &mut dyn Tables,
    (known, more): (&TokenRow, &Completion),
    import: i64,
) -> Result<String, LedgerError> {
    tables.complete(known, more, import)?;
    let Secrets { qr: Some(qr), .. } = &more.secrets else {
        return Ok(String::new());
    };
    if known.qr.is_some() {
        return Ok(String::new());
    }
    let print = event::qr_print(qr);
    tables.add_print(print.as_bytes(), known.id)?;
    Ok(print.to_string())
}
