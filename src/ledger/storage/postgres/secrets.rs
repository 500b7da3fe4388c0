//! Sealed values: opened for a unit, sealed for a list.

use std::collections::BTreeMap;

use postgres::Row;
use postgres::types::ToSql;
use zeroize::Zeroizing;

use super::rows::{bytes, get};
use super::tokens::code;
use super::view::{Mode, View};
use crate::ledger::LedgerError;
use crate::ledger::TokenState;
use crate::ledger::history::event::qr_print;
use crate::ledger::storage::notary;
use crate::ledger::storage::tables::{Completion, NewToken, Secrets, TokenRow};
use crate::unit::{AuthToken, Digest, Fingerprint, QrToken, Serial};
use crate::vault::crypto::Column;
use crate::vault::keyring::Ring;

const SECRETS: &str = "SELECT fingerprint, key, token, qr, columns FROM tokens WHERE id = $1";
const PICTURE: &str = "SELECT t.fingerprint, p.key, p.picture FROM pictures p \
     JOIN tokens t ON t.id = p.token WHERE p.token = $1";
/// Columns of `tokens` that a list fills, in [`add`]'s order.
const COPY_TOKENS: &str = "COPY tokens (id, scope, import, fingerprint, state, claimed, fixed, \
     folded, qr_print, key, token, qr, columns, mark) FROM STDIN BINARY";
const COPY_PICTURES: &str = "COPY pictures (token, key, picture) FROM STDIN BINARY";
const COPY_PRINTS: &str = "COPY prints (print, token) FROM STDIN BINARY";

const COMPLETE: &str = "UPDATE tokens SET key = $2, token = $3, qr_print = $4, qr = $5, columns = $6 \
     WHERE id = $1";
const ADD_PICTURE: &str = "INSERT INTO pictures (token, key, picture) VALUES ($1, $2, $3)";
const PICTURES: &str = "SELECT pictures, first, unit, station FROM imports WHERE id = $1";
const ONE_PICTURE: &str = "UPDATE imports SET pictures = $2, mark = $3 WHERE id = $1";

/// A picture, sealed still, and the key that it is sealed with.
pub type SealedPicture = (i64, Vec<u8>);

/// What is sealed of a token, sealed still.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub print: Fingerprint,
    /// The key that it is sealed with.
    pub key: i64,
    pub token: Vec<u8>,
    pub qr: Option<Vec<u8>>,
    pub columns: Option<Vec<u8>>,
    /// Absent when it was not asked for.
    pub picture: Option<Option<SealedPicture>>,
}

impl Sealed {
    /// Reads fingerprint, and key and sealed columns, the latter from `index` on.
    pub fn read(row: &Row, (print, index): (usize, usize)) -> Result<Self, LedgerError> {
        Ok(Self {
            print: Fingerprint::from_bytes(bytes(row, print)?),
            key: get(row, index)?,
            token: get(row, index + 1)?,
            qr: get(row, index + 2)?,
            columns: get(row, index + 3)?,
            picture: None,
        })
    }
}

/// Returns what seals and opens, or says why it is not there.
fn ring<'a>(view: &View<'a>) -> Result<&'a Ring, LedgerError> {
    view.shop
        .key
        .as_ref()
        .map_err(|what| LedgerError::KeyUnread {
            from: view.shop.source.clone(),
            what: what.clone(),
        })
}

fn missing(id: i64) -> LedgerError {
    LedgerError::damaged(format!("token {id} is missing"))
}

/// Opens a token's secrets.
pub fn secrets(view: &View<'_>, id: i64) -> Result<Secrets, LedgerError> {
    if let Some(sealed) = view.ahead.borrow().sealed.get(&id) {
        return open(view, sealed);
    }
    let row = view.first(SECRETS, &[&id])?.ok_or_else(|| missing(id))?;
    open(view, &Sealed::read(&row, (0, 1))?)
}

fn open(view: &View<'_>, sealed: &Sealed) -> Result<Secrets, LedgerError> {
    let (cipher, print) = (ring(view)?.opener(sealed.key)?, sealed.print);
    let odd = |column: Column| LedgerError::Unsealed {
        fingerprint: print,
        column: column.name(),
    };
    let token = cipher.open(&print, Column::Token, &sealed.token)?;
    let token = AuthToken::parse(&token).map_err(|_| odd(Column::Token))?;
    let qr: Option<QrToken> = match &sealed.qr {
        Some(blob) => {
            let plain = cipher.open(&print, Column::Qr, blob)?;
            let text = str::from_utf8(&plain).map_err(|_| odd(Column::Qr))?;
            Some(text.parse().map_err(|_| odd(Column::Qr))?)
        }
        None => None,
    };
    let columns = match &sealed.columns {
        Some(blob) => {
            let plain = cipher.open(&print, Column::Columns, blob)?;
            let columns: BTreeMap<String, String> =
                serde_json::from_slice(&plain).map_err(|_| odd(Column::Columns))?;
            let hidden = columns.into_iter();
            hidden
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect()
        }
        None => BTreeMap::new(),
    };
    Ok(Secrets { token, qr, columns })
}

/// Opens a token's picture.
pub fn picture(view: &View<'_>, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
    let ahead = view.ahead.borrow();
    let known = ahead
        .sealed
        .get(&id)
        .and_then(|sealed| Some((sealed.print, sealed.picture.as_ref()?)));
    let plain = |print: &Fingerprint, key: i64, blob: &[u8]| {
        let cipher = ring(view)?.opener(key)?;
        let plain = cipher.open(print, Column::Picture, blob)?;
        Ok(Some(plain.to_vec()))
    };
    match known {
        Some((print, Some((key, blob)))) => plain(&print, *key, blob),
        Some((_, None)) => Ok(None),
        None => match view.first(PICTURE, &[&id])? {
            Some(row) => {
                let print = Fingerprint::from_bytes(bytes(&row, 0)?);
                plain(&print, get(&row, 1)?, get(&row, 2)?)
            }
            None => Ok(None),
        },
    }
}

/// Adds an unseen token.
pub fn add(view: &View<'_>, new: &NewToken<'_>) -> Result<(), LedgerError> {
    super::imports::hold(view)?;
    let key = ring(view)?.current()?;
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
    let columns = columns.transpose()?;
    let token = seal(Column::Token, row.token.expose())?;
    let folded = row.bound.as_ref().map(Serial::folded);
    let mark = view.notary()?.mark(&notary::Row::Token {
        id: new.id,
        fingerprint: &new.fingerprint,
        state,
        folded: folded.as_deref(),
    });
    let mut load = view.load.borrow_mut();
    load.tokens
        .row(14)
        .big(new.id)
        .big(view.shop.scope)
        .big(new.import)
        .bytes(Some(new.fingerprint.as_bytes()))
        .small(code(state))
        .flag(row.claimed)
        .text(row.bound.as_ref().map(Serial::as_str))
        .text(folded.as_deref())
        .bytes(new.qr.as_ref().map(|qr| &Digest::as_bytes(qr)[..]))
        .big(key.id)
        .bytes(Some(&token))
        .bytes(qr.as_deref())
        .bytes(columns.as_deref())
        .bytes(Some(&mark));
    if let Some(picture) = &row.picture {
        let sealed = seal(Column::Picture, picture)?;
        let pictures = load.pictures.row(3);
        pictures.big(new.id).big(key.id).bytes(Some(&sealed));
    }
    drop(load);
    if let (Some(folded), false) = (folded, row.claimed) {
        let known = TokenRow {
            id: new.id,
            import: new.import,
            fingerprint: new.fingerprint,
            state,
            fixed: row.bound.clone(),
            qr: new.qr,
            claimed: false,
            ours: true,
            mark: Some(mark),
        };
        view.ahead.borrow_mut().fixed.insert(folded, Some(known));
    }
    settle(view)
}

/// Stores more of a known token, all of it sealed with the current key.
pub fn complete(
    view: &View<'_>,
    token: &TokenRow,
    more: &Completion,
    import: i64,
) -> Result<(), LedgerError> {
    let key = ring(view)?.current()?;
    let seal = |column, plain: &[u8]| key.cipher.seal(&token.fingerprint, column, plain);
    let qr = more.secrets.qr.as_ref();
    let payload = qr.map(|qr| Zeroizing::new(qr.payload()));
    let sealed = payload.map(|payload| seal(Column::Qr, payload.as_bytes()));
    let columns = Secrets::plain_columns(&more.secrets.columns)?;
    let columns = columns.map(|plain| seal(Column::Columns, &plain));
    let (sealed, columns) = (sealed.transpose()?, columns.transpose()?);
    let secret = seal(Column::Token, more.secrets.token.expose())?;
    let print = qr.map(qr_print);
    let print = print.as_ref().map(|print| &print.as_bytes()[..]);
    view.ahead.borrow_mut().sealed.remove(&token.id);
    let values: [&(dyn ToSql + Sync); 6] = [&token.id, &key.id, &secret, &print, &sealed, &columns];
    let changed = view.change(COMPLETE, &values)?;
    if let Some(picture) = &more.picture {
        let sealed = seal(Column::Picture, picture)?;
        view.change(ADD_PICTURE, &[&token.id, &key.id, &sealed])?;
        let missing = || LedgerError::damaged(format!("import {import} is missing"));
        let known = view.first(PICTURES, &[&import])?.ok_or_else(missing)?;
        let pictures = get::<i64>(&known, 0)?.saturating_add(1);
        let row = notary::Row::Import {
            id: import,
            scope: view.shop.scope,
            begins: (get(&known, 1)?, get(&known, 2)?),
            station: get(&known, 3)?,
            pictures,
        };
        let mark = view.notary()?.mark(&row);
        view.change(ONE_PICTURE, &[&import, &pictures, &&mark[..]])?;
    }
    match changed {
        1 => Ok(()),
        _ => Err(missing(token.id)),
    }
}

pub fn add_print(view: &View<'_>, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
    super::imports::hold(view)?;
    let mut load = view.load.borrow_mut();
    load.prints.row(2).bytes(Some(print)).big(token);
    drop(load);
    settle(view)
}

/// Sends what was added, unless more of it is to come.
fn settle(view: &View<'_>) -> Result<(), LedgerError> {
    match view.mode {
        Mode::Stage => Ok(()),
        Mode::Write | Mode::Read => flush(view),
    }
}

/// Sends what was added.
pub fn flush(view: &View<'_>) -> Result<(), LedgerError> {
    let mut load = view.load.borrow_mut();
    for (sql, rows) in [
        (COPY_TOKENS, load.tokens.take()),
        (COPY_PICTURES, load.pictures.take()),
        (COPY_PRINTS, load.prints.take()),
    ] {
        if let Some(rows) = rows {
            view.copy(sql, &rows)?;
        }
    }
    Ok(())
}
