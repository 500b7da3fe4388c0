//! Tokens and the lists that brought them.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::connect::fault;
use super::view::{View, named, odd};
use crate::ledger::TokenState;
use crate::ledger::history::event::qr_print;
use crate::ledger::storage::notary;
use crate::ledger::storage::tables::{Completion, NewToken, Pending, Secrets, TokenRow};
use crate::ledger::{LedgerError, Stock};
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};
use crate::vault::crypto::Column;
use crate::vault::keyring::Ring;

/// The columns of a [`TokenRow`], as [`read`] takes them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, import, fingerprint, state, fixed, qr_print, claimed, scope, mark FROM tokens ",
            $rest
        )
    };
}

const BY_FINGERPRINT: &str =
    select!("WHERE id = (SELECT token FROM prints WHERE print = ?1) AND fingerprint = ?1");
const BY_QR: &str =
    select!("WHERE id = (SELECT token FROM prints WHERE print = ?1) AND qr_print = ?1");
const DRAW: &str =
    select!("WHERE scope = ?1 AND state = 0 AND loose = 1 AND id < ?2 ORDER BY id LIMIT 1");
const FIXED: &str = select!(
    "WHERE scope = ?1 AND folded = ?2 AND folded IS NOT NULL AND id < ?3 \
     ORDER BY state, id DESC LIMIT 1"
);
const FIXED_ANY: &str = select!(
    "WHERE scope = ?1 AND folded = ?2 AND folded IS NOT NULL AND state NOT IN (2, 3) LIMIT 1"
);
const FIXED_FREE: &str = "SELECT fixed FROM tokens \
     WHERE scope = ?1 AND state = 0 AND loose = 0 AND id < ?2 ORDER BY id LIMIT ?3";
const FREE: &str = "SELECT count(*) FROM (SELECT 1 FROM tokens \
     WHERE scope = ?1 AND state = 0 AND loose = 1 AND id < ?2 LIMIT ?3)";
const SET_STATE: &str = "UPDATE tokens SET state = ?2, mark = ?3 WHERE id = ?1";
const SECRETS: &str = "SELECT fingerprint, token, qr, columns, key FROM tokens WHERE id = ?1";
const PICTURE: &str = "SELECT t.fingerprint, p.picture, p.key FROM pictures p \
     JOIN tokens t ON t.id = p.token WHERE p.token = ?1";
const PENDING: &str = "SELECT id, first, unit, run, station FROM imports WHERE pending = 1";
const BEGIN: &str = "INSERT INTO imports (scope, first, unit, run, station, pending) \
     SELECT ?1, (SELECT coalesce(max(id), 0) + 1 FROM tokens), \
            (SELECT coalesce(max(id), 0) FROM units), ?2, ?3, 1";
const ADD: &str = "INSERT INTO tokens (id, scope, import, fingerprint, state, loose, claimed, fixed, \
     folded, qr_print, key, token, qr, columns, mark) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
const COMPLETE: &str = "UPDATE tokens SET key = ?2, token = ?3, qr_print = ?4, qr = ?5, columns = ?6 \
     WHERE id = ?1";
const PICTURES: &str = "SELECT pictures, first, unit, station FROM imports WHERE id = ?1";
const ONE_PICTURE: &str = "UPDATE imports SET pictures = ?2, mark = ?3 WHERE id = ?1";
const ADD_PICTURE: &str = "INSERT INTO pictures (token, key, picture) VALUES (?1, ?2, ?3)";
const ADD_PRINT: &str = "INSERT INTO prints (print, token) VALUES (?1, ?2)";
const DROP_PRINTS: &str = "DELETE FROM prints WHERE print IN \
     (SELECT fingerprint FROM tokens WHERE id IN (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2) \
      UNION ALL \
      SELECT qr_print FROM tokens WHERE id IN (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2))";
const DROP_PICTURES: &str = "DELETE FROM pictures WHERE token IN \
     (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2)";
const DROP: &str = "DELETE FROM tokens WHERE id IN \
     (SELECT id FROM tokens WHERE id >= ?1 ORDER BY id DESC LIMIT ?2)";
const DROP_IMPORT: &str = "DELETE FROM imports WHERE id = ?1 AND pending = 1";
const OVERTAKEN: &str = "SELECT u.serial, t.fingerprint FROM units u \
     JOIN tokens t ON t.scope = u.scope AND t.folded = u.folded AND t.folded IS NOT NULL \
     WHERE u.id > ?1 AND u.state < 5 AND t.id >= ?2 AND t.state < 2 LIMIT 1";
const END: &str = "UPDATE imports SET pending = 0, pictures = ?2, mark = ?3 WHERE id = ?1";
const COUNT: &str = "SELECT state, count(*) FROM tokens \
     WHERE scope = ?1 AND id < ?2 GROUP BY state";
const COUNT_PICTURES: &str =
    "SELECT coalesce(sum(pictures), 0) FROM imports WHERE scope = ?1 AND pending = 0";

/// Returns the number that a state is stored as.
const fn code(state: TokenState) -> i64 {
    match state {
        TokenState::Free => 0,
        TokenState::Bound => 1,
        TokenState::Void => 2,
        TokenState::Gone => 3,
        TokenState::Away => 4,
        TokenState::Quarantined => 5,
    }
}

/// Reads a state.
fn state(row: &Row<'_>, index: usize) -> rusqlite::Result<TokenState> {
    match row.get(index)? {
        0 => Ok(TokenState::Free),
        1 => Ok(TokenState::Bound),
        2 => Ok(TokenState::Void),
        3 => Ok(TokenState::Gone),
        4 => Ok(TokenState::Away),
        5 => Ok(TokenState::Quarantined),
        _ => Err(odd(index)),
    }
}

/// Reads a token without its secrets.
pub fn read(row: &Row<'_>, scope: i64) -> rusqlite::Result<TokenRow> {
    let fixed = match row.get_ref(4)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(named(row, 4)?),
    };
    Ok(TokenRow {
        id: row.get(0)?,
        import: row.get(1)?,
        fingerprint: Fingerprint::from_bytes(row.get(2)?),
        state: state(row, 3)?,
        fixed,
        qr: row.get::<_, Option<[u8; 32]>>(5)?.map(Digest::from_bytes),
        claimed: row.get(6)?,
        ours: row.get::<_, i64>(7)? == scope,
        mark: row.get(8)?,
    })
}

fn one(
    view: &View<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Option<TokenRow>, LedgerError> {
    view.first(sql, params, |row| read(row, view.shop.scope))
}

pub fn by_fingerprint(
    view: &View<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<TokenRow>, LedgerError> {
    one(view, BY_FINGERPRINT, [fingerprint.as_bytes()])
}

pub fn by_qr(view: &View<'_>, qr: &Digest) -> Result<Option<TokenRow>, LedgerError> {
    one(view, BY_QR, [qr.as_bytes()])
}

pub fn draw(view: &View<'_>) -> Result<Option<TokenRow>, LedgerError> {
    one(view, DRAW, (view.shop.scope, view.horizon.get()))
}

pub fn fixed(view: &View<'_>, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
    one(view, FIXED, (view.shop.scope, folded, view.horizon.get()))
}

pub fn fixed_any(view: &View<'_>, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
    one(view, FIXED_ANY, (view.shop.scope, folded))
}

pub fn fixed_free(view: &View<'_>, count: usize) -> Result<Vec<Serial>, LedgerError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let params = (view.shop.scope, view.horizon.get(), count);
    view.all(FIXED_FREE, params, |row| named(row, 0))
}

/// Counts free tokens, at most so many.
pub fn free(view: &View<'_>, most: usize) -> Result<usize, LedgerError> {
    let wanted = i64::try_from(most).unwrap_or(i64::MAX);
    let params = (view.shop.scope, view.horizon.get(), wanted);
    let loose: i64 = view.first(FREE, params, |row| row.get(0))?.unwrap_or(0);
    let loose = usize::try_from(loose).unwrap_or(0);
    Ok(loose + fixed_free(view, most.saturating_sub(loose))?.len())
}

pub fn set_state(view: &View<'_>, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
    let (id, mark) = (token.id, view.notary()?.mark_token(token, state));
    match view.change(SET_STATE, (id, code(state), mark))? {
        1 => Ok(()),
        _ => Err(LedgerError::damaged(format!("token {id} is missing"))),
    }
}

/// Returns what seals and opens, or says that the key is not there.
fn key<'a>(view: &View<'a>) -> Result<&'a Ring, LedgerError> {
    view.shop.key.as_ref().ok_or_else(|| {
        let path = view.conn.path().unwrap_or_default();
        LedgerError::KeyMissing {
            path: super::keys::named(&view.shop.place, std::path::Path::new(path)),
        }
    })
}

/// Opens a token's secrets.
pub fn secrets(view: &View<'_>, id: i64) -> Result<Secrets, LedgerError> {
    let ring = key(view)?;
    let missing = || LedgerError::damaged(format!("token {id} is missing"));
    let mut statement = view.statement(SECRETS)?;
    let mut rows = statement.query([id]).map_err(fault)?;
    let row = rows.next().map_err(fault)?.ok_or_else(missing)?;
    let print = Fingerprint::from_bytes(row.get(0).map_err(fault)?);
    let cipher = ring.opener(row.get(4).map_err(fault)?)?;
    let open = |index: usize, column: Column| -> Result<Option<Zeroizing<Vec<u8>>>, LedgerError> {
        let blob = row
            .get_ref(index)
            .and_then(|blob| Ok(blob.as_blob_or_null()?));
        match blob.map_err(fault)? {
            Some(blob) => cipher.open(&print, column, blob).map(Some),
            None => Ok(None),
        }
    };
    let odd = |column: Column| LedgerError::Unsealed {
        fingerprint: print,
        column: column.name(),
    };
    let token = open(1, Column::Token)?.ok_or_else(|| odd(Column::Token))?;
    let token = AuthToken::parse(&token).map_err(|_| odd(Column::Token))?;
    let qr: Option<QrToken> = match open(2, Column::Qr)? {
        Some(plain) => {
            let text = std::str::from_utf8(&plain).map_err(|_| odd(Column::Qr))?;
            Some(text.parse().map_err(|_| odd(Column::Qr))?)
        }
        None => None,
    };
    let columns = match open(3, Column::Columns)? {
        Some(plain) => {
            let columns: BTreeMap<String, String> =
                serde_json::from_slice(&plain).map_err(|_| odd(Column::Columns))?;
            columns
                .into_iter()
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect()
        }
        None => BTreeMap::new(),
    };
    Ok(Secrets { token, qr, columns })
}

/// Opens a token's picture.
pub fn picture(view: &View<'_>, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
    let mut statement = view.statement(PICTURE)?;
    let found: Option<([u8; 32], Vec<u8>, i64)> = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .map_err(fault)?;
    let Some((print, blob, id)) = found else {
        return Ok(None);
    };
    let print = Fingerprint::from_bytes(print);
    let plain = key(view)?
        .opener(id)?
        .open(&print, Column::Picture, &blob)?;
    Ok(Some(plain.to_vec()))
}

pub fn pending(view: &View<'_>) -> Result<Option<Pending>, LedgerError> {
    view.first(PENDING, [], |row| {
        Ok(Pending {
            id: row.get(0)?,
            first: row.get(1)?,
            unit: row.get(2)?,
            run: row.get(3)?,
            station: row.get(4)?,
        })
    })
}

pub fn begin_import(view: &View<'_>, station: &str, run: &str) -> Result<Pending, LedgerError> {
    if let Some(pending) = pending(view)? {
        let station = pending.station;
        return Err(LedgerError::ImportBusy { station });
    }
    view.change(BEGIN, (view.shop.scope, run, station))?;
    view.look()?;
    pending(view)?.ok_or_else(|| LedgerError::damaged("the import that began is missing"))
}

/// Adds an unseen token.
pub fn add(view: &View<'_>, new: &NewToken<'_>) -> Result<(), LedgerError> {
    let key = key(view)?.current()?;
    let seal = |column, plain: &[u8]| key.cipher.seal(&new.fingerprint, column, plain);
    let row = new.row;
    let state = if row.claimed {
        TokenState::Gone
    } else {
        TokenState::Free
    };
    let qr = match &row.qr {
        Some(qr) => {
            let payload = Zeroizing::new(qr.payload());
            Some(seal(Column::Qr, payload.as_bytes())?)
        }
        None => None,
    };
    let columns = Secrets::plain_columns(&row.columns)?;
    let columns = columns.map(|plain| seal(Column::Columns, &plain));
    let folded = row.bound.as_ref().map(Serial::folded);
    let mark = view.notary()?.mark(&notary::Row::Token {
        id: new.id,
        fingerprint: &new.fingerprint,
        state,
        folded: folded.as_deref(),
    });
    view.change(
        ADD,
        params![
            new.id,
            view.shop.scope,
            new.import,
            new.fingerprint.as_bytes(),
            code(state),
            row.bound.is_none(),
            row.claimed,
            row.bound.as_ref().map(Serial::as_str),
            folded,
            new.qr.as_ref().map(Digest::as_bytes),
            key.id,
            seal(Column::Token, row.token.expose())?,
            qr,
            columns.transpose()?,
            mark,
        ],
    )?;
    if let Some(picture) = &row.picture {
        let sealed = seal(Column::Picture, picture)?;
        view.change(ADD_PICTURE, (new.id, key.id, sealed))?;
    }
    Ok(())
}

/// Stores more of a known token, all of it sealed with the current key.
pub fn complete(
    view: &View<'_>,
    token: &TokenRow,
    more: &Completion,
    import: i64,
) -> Result<(), LedgerError> {
    let key = key(view)?.current()?;
    let seal = |column, plain: &[u8]| key.cipher.seal(&token.fingerprint, column, plain);
    let qr = more.secrets.qr.as_ref();
    let payload = qr.map(|qr| Zeroizing::new(qr.payload()));
    let sealed = payload.map(|payload| seal(Column::Qr, payload.as_bytes()));
    let columns = Secrets::plain_columns(&more.secrets.columns)?;
    let columns = columns.map(|plain| seal(Column::Columns, &plain));
    let secret = seal(Column::Token, more.secrets.token.expose())?;
    let print = qr.map(qr_print);
    let changed = view.change(
        COMPLETE,
        params![
            token.id,
            key.id,
            secret,
            print.as_ref().map(Digest::as_bytes),
            sealed.transpose()?,
            columns.transpose()?,
        ],
    )?;
    if let Some(picture) = &more.picture {
        let sealed = seal(Column::Picture, picture)?;
        view.change(ADD_PICTURE, (token.id, key.id, sealed))?;
        one_picture(view, import)?;
    }
    match changed {
        1 => Ok(()),
        _ => Err(LedgerError::damaged(format!(
            "token {} is missing",
            token.id
        ))),
    }
}

/// Counts a picture that a known token got from an import, under its mark.
fn one_picture(view: &View<'_>, import: i64) -> Result<(), LedgerError> {
    let known: Option<(i64, i64, i64, String)> = view.first(PICTURES, [import], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let Some((pictures, first, unit, station)) = known else {
        return Err(LedgerError::damaged(format!("import {import} is missing")));
    };
    let pictures = pictures.saturating_add(1);
    let row = notary::Row::Import {
        id: import,
        scope: view.shop.scope,
        begins: (first, unit),
        station: &station,
        pictures,
    };
    let mark = view.notary()?.mark(&row);
    view.change(ONE_PICTURE, (import, pictures, mark)).map(drop)
}

pub fn add_print(view: &View<'_>, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
    view.change(ADD_PRINT, (print, token)).map(drop)
}

pub fn drop_some(view: &View<'_>, pending: &Pending, count: usize) -> Result<bool, LedgerError> {
    let params = (pending.first, i64::try_from(count).unwrap_or(i64::MAX));
    view.change(DROP_PRINTS, params)?;
    view.change(DROP_PICTURES, params)?;
    let dropped = view.change(DROP, params)?;
    Ok(dropped == count)
}

pub fn drop_import(view: &View<'_>, pending: &Pending) -> Result<(), LedgerError> {
    view.change(DROP_IMPORT, [pending.id])?;
    view.look()
}

pub fn overtaken(
    view: &View<'_>,
    pending: &Pending,
) -> Result<Option<(Serial, Fingerprint)>, LedgerError> {
    view.first(OVERTAKEN, (pending.unit, pending.first), |row| {
        Ok((named(row, 0)?, Fingerprint::from_bytes(row.get(1)?)))
    })
}

pub fn end_import(view: &View<'_>, pending: &Pending, pictures: u64) -> Result<(), LedgerError> {
    let pictures = i64::try_from(pictures).unwrap_or(i64::MAX);
    let row = notary::Row::Import {
        id: pending.id,
        scope: view.shop.scope,
        begins: (pending.first, pending.unit),
        station: &pending.station,
        pictures,
    };
    let mark = view.notary()?.mark(&row);
    view.change(END, (pending.id, pictures, mark))?;
    view.look()
}

/// Counts tokens and pictures.
pub fn count(view: &View<'_>, stock: &mut Stock) -> Result<(), LedgerError> {
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    let params = (view.shop.scope, view.horizon.get());
    for (state, count) in view.all(COUNT, params, |row| Ok((state(row, 0)?, row.get(1)?)))? {
        *stock.tokens(state) = whole(count);
    }
    let pictures = view.first(COUNT_PICTURES, [view.shop.scope], |row| row.get(0))?;
    stock.pictures = whole(pictures.unwrap_or(0));
    Ok(())
}
