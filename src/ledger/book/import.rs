//! Import: a token list goes in whole or not at all, and holds nobody up.
//!
//! Rows are stored unseen, in short transactions; one cheap last one makes all of them seen.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::super::event::{self, Body, Kind};
use super::super::tables::{Frame, NewToken, Pending, Store, Tables, TokenState};
use super::super::{Actor, Import, LedgerError};
use super::ORIGIN;
use crate::pool::{Pool, Row};
use crate::unit::{Digest, Fingerprint, QrToken, Serial};

/// How long one transaction may hold others up.
const HOLD: Duration = Duration::from_millis(30);
/// How long others get in between.
const PAUSE: Duration = Duration::from_millis(4);
/// How many rows are stored between two looks at the clock.
const STEP: usize = 64;
/// How many tokens one `gone` event names.
const NAMED: usize = 256;

/// What an import has seen so far.
struct Tally {
    counts: Import,
    pictures: u64,
    rows: Sha256,
    /// Known free tokens that the list calls claimed.
    turned: Vec<Fingerprint>,
}

/// Takes a token list in.
pub fn import<S: Store>(store: &mut S, pool: &Pool, by: &Actor) -> Result<Import, LedgerError> {
    let frame = store.frame().clone();
    discard_dead(store, &frame)?;
    let pending = store.write(|tables| {
        check_origin(tables, pool)?;
        tables.begin_import(&by.station, &frame.run)
    })?;
    match stage(store, pool, &pending)
        .and_then(|tally| store.write(|tables| finish(tables, pool, (&pending, tally), by)))
    {
        Ok(import) => Ok(import),
        Err(error) => {
            // What cannot be cleared away now is cleared by the next import.
            let _ = discard(store, &pending);
            Err(error)
        }
    }
}

/// Clears away an import whose run died.
fn discard_dead<S: Store>(store: &mut S, frame: &Frame) -> Result<(), LedgerError> {
    let found = store.read(|tables| {
        let pending = tables.pending()?;
        Ok(pending.map(|pending| {
            let alive = pending.run != frame.run && tables.alive(&pending.run);
            (pending, alive)
        }))
    })?;
    match found {
        Some((pending, true)) => Err(LedgerError::ImportBusy {
            station: pending.station,
        }),
        Some((pending, false)) => discard(store, &pending),
        None => Ok(()),
    }
}

/// Drops an unfinished import, a few rows at a time.
fn discard<S: Store>(store: &mut S, pending: &Pending) -> Result<(), LedgerError> {
    while store.stage(|tables| tables.drop_tokens(pending, 1000))? {
        std::thread::sleep(PAUSE);
    }
    store.write(|tables| tables.drop_import(pending))
}

/// Refuses to mix exported and generated tokens; the first list decides.
fn check_origin(tables: &mut dyn Tables, pool: &Pool) -> Result<(), LedgerError> {
    let list = pool.origin.to_string();
    match tables.fact(ORIGIN)? {
        Some(has) if has != list => Err(LedgerError::OriginMixed { has, list }),
        _ => Ok(()),
    }
}

/// Stores all rows unseen.
fn stage<S: Store>(store: &mut S, pool: &Pool, pending: &Pending) -> Result<Tally, LedgerError> {
    let mut tally = Tally {
        counts: Import::default(),
        pictures: 0,
        rows: Sha256::new(),
        turned: Vec::new(),
    };
    let mut rows = (1..).zip(&pool.rows).peekable();
    while rows.peek().is_some() {
        store.stage(|tables| {
            let began = Instant::now();
            while rows.peek().is_some() && began.elapsed() < HOLD {
                for (number, row) in rows.by_ref().take(STEP) {
                    take(tables, pending, (number, row), &mut tally)?;
                }
            }
            Ok(())
        })?;
        if rows.peek().is_some() {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(tally)
}

/// Stores one row unseen, or finds that it is known.
fn take(
    tables: &mut dyn Tables,
    pending: &Pending,
    (number, row): (usize, &Row),
    tally: &mut Tally,
) -> Result<(), LedgerError> {
    let fingerprint = row.token.fingerprint();
    let conflict = |what: String| LedgerError::ListConflict {
        row: number,
        fingerprint,
        what,
    };
    if let Some(known) = tables.token(&fingerprint)? {
        if let Some(what) = contradicts(tables, row, &known)? {
            return Err(conflict(what));
        }
        tally.counts.known += 1;
        if row.claimed && known.state == TokenState::Free && known.id < pending.first {
            tally.turned.push(fingerprint);
        }
        return Ok(());
    }
    let qr = row.qr.as_ref().map(event::qr_print);
    if let Some(qr) = &qr
        && let Some(other) = tables.token_of_qr(qr)?
    {
        let other = other.fingerprint;
        return Err(conflict(format!("its QR Token belongs to token {other}")));
    }
    if let Some(serial) = &row.bound
        && !row.claimed
        && let Some(what) = fixed_already(tables, serial)?
    {
        return Err(conflict(what));
    }
    tables.add_token(&NewToken {
        import: pending.id,
        fingerprint,
        qr,
        row,
    })?;
    tally.counts.added += 1;
    tally.counts.gone += usize::from(row.claimed);
    tally.pictures += u64::from(row.picture.is_some());
    tally.rows.update(row_digest(
        (&fingerprint, qr.as_ref()),
        row.bound.as_ref(),
        row.claimed,
    ));
    Ok(())
}

/// Says how a row differs from what is known of its token.
fn contradicts(
    tables: &dyn Tables,
    row: &Row,
    known: &super::super::tables::TokenRow,
) -> Result<Option<String>, LedgerError> {
    if !known.ours {
        return Ok(Some(
            "it is known for another product or template".to_owned(),
        ));
    }
    let list = row.bound.as_ref().map(Serial::folded);
    let has = known.fixed.as_ref().map(Serial::folded);
    if list.is_some() && list != has {
        let has = known.fixed.as_ref().map_or("no serial", Serial::as_str);
        return Ok(Some(format!("it is known with {has} as its serial")));
    }
    let Some(qr) = &row.qr else {
        return Ok(None);
    };
    let same = match tables.secrets(known.id)?.qr {
        Some(known) => same_qr(qr, &known),
        None => true,
    };
    Ok((!same).then(|| "it is known with another QR Token".to_owned()))
}

/// Returns whether two QR Tokens are one; an organisation that one does not know is no difference.
fn same_qr(one: &QrToken, other: &QrToken) -> bool {
    let organisation = match (one.organisation(), other.organisation()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.token() == other.token() && organisation
}

/// Says which other token a serial has already.
fn fixed_already(tables: &dyn Tables, serial: &Serial) -> Result<Option<String>, LedgerError> {
    let folded = serial.folded();
    if let Some(other) = tables.fixed_any(&folded)? {
        let other = other.fingerprint;
        return Ok(Some(format!("{serial} is fixed to token {other} already")));
    }
    Ok(tables
        .unit_of(&folded)?
        .filter(|unit| unit.state != super::UnitState::Superseded)
        .map(|unit| format!("{serial} has token {} already", unit.fingerprint)))
}

/// Makes all rows seen, in one short transaction.
fn finish(
    tables: &mut dyn Tables,
    pool: &Pool,
    (pending, mut tally): (&Pending, Tally),
    by: &Actor,
) -> Result<Import, LedgerError> {
    if let Some((serial, fingerprint)) = tables.overtaken(pending)? {
        let row = pool
            .rows
            .iter()
            .position(|row| row.token.fingerprint() == fingerprint);
        return Err(LedgerError::ListConflict {
            row: row.map_or(0, |row| row + 1),
            fingerprint,
            what: format!("{serial} was claimed with another token in the meantime"),
        });
    }
    if tables.fact(ORIGIN)?.is_none() {
        tables.set_fact(ORIGIN, &pool.origin.to_string())?;
    }
    check_origin(tables, pool)?;
    let mut turned = Vec::new();
    for fingerprint in std::mem::take(&mut tally.turned) {
        if let Some(token) = tables.token(&fingerprint)?
            && token.state == TokenState::Free
        {
            tables.set_token(token.id, TokenState::Gone)?;
            turned.push(fingerprint.to_hex());
        }
    }
    tally.counts.turned = turned.len();
    if tally.counts.added == 0 && turned.is_empty() {
        tables.drop_import(pending)?;
        return Ok(tally.counts);
    }
    let body = Body {
        import: Some(pending.id),
        origin: Some(pool.origin.to_string()),
        added: Some(tally.counts.added),
        known: Some(tally.counts.known),
        gone: Some(tally.counts.gone),
        rows: Some(Digest::from_bytes(tally.rows.finalize().into()).to_string()),
        ..Body::default()
    };
    event::append(tables, &by.station, (Kind::Imported, None), body.by(by))?;
    for names in turned.chunks(NAMED) {
        let body = Body {
            import: Some(pending.id),
            fingerprints: Some(names.to_vec()),
            ..Body::default()
        };
        event::append(tables, &by.station, (Kind::Gone, None), body.by(by))?;
    }
    tables.end_import(pending, tally.pictures)?;
    Ok(tally.counts)
}

/// Returns what an import's digest counts of one row.
pub fn row_digest(
    (fingerprint, qr): (&Fingerprint, Option<&Digest>),
    fixed: Option<&Serial>,
    claimed: bool,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(fingerprint.as_bytes());
    hash.update(qr.map_or([0; 32], |qr| *qr.as_bytes()));
    hash.update([u8::from(claimed)]);
    hash.update(fixed.map(Serial::folded).unwrap_or_default());
    hash.finalize().into()
}
