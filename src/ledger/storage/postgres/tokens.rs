//! Tokens: found, drawn, counted.

use postgres::Row;
use postgres::types::ToSql;

use super::rows::{bytes, get, odd, some_bytes, some_named};
use super::view::{Mode, View};
use crate::ledger::TokenState;
use crate::ledger::storage::tables::TokenRow;
use crate::ledger::{LedgerError, Stock};
use crate::unit::{Digest, Fingerprint, Serial};

/// The first token that nobody sees yet, as every statement finds it for itself.
macro_rules! unseen {
    () => {
        "(SELECT coalesce(min(first), 9223372036854775807) FROM imports WHERE pending)"
    };
}
pub(super) use unseen;

/// The columns of a [`TokenRow`], as [`read`] takes them.
macro_rules! columns {
    () => {
        "t.id, t.import, t.fingerprint, t.state, t.fixed, t.qr_print, t.claimed, t.scope, t.mark"
    };
}
pub(super) use columns;

macro_rules! select {
    ($($rest:expr),*) => {
        concat!("SELECT ", columns!(), " FROM tokens t ", $($rest),*)
    };
}

const BY_FINGERPRINT: (&str, &str) = (
    select!("WHERE id = (SELECT token FROM prints WHERE print = $1) AND fingerprint = $1"),
    select!(
        "WHERE id = (SELECT token FROM prints WHERE print = $1) AND fingerprint = $1 FOR UPDATE"
    ),
);
const BY_QR: (&str, &str) = (
    select!("WHERE id = (SELECT token FROM prints WHERE print = $1) AND qr_print = $1"),
    select!("WHERE id = (SELECT token FROM prints WHERE print = $1) AND qr_print = $1 FOR UPDATE"),
);
const BY_PRINTS: &str = concat!(
    "SELECT ",
    columns!(),
    ", p.print FROM prints p JOIN tokens t ON t.id = p.token WHERE p.print = ANY($1)"
);
/// Free tokens that no list fixes to a serial, in the order of `tokens_draw`.
macro_rules! loose {
    ($($rest:expr),*) => {
        select!(
            "WHERE scope = $1 AND state = 0 AND folded IS NULL AND id + 0 < ",
            unseen!(),
            " ORDER BY id + 0 ",
            $($rest),*
        )
    };
}

const LOOSE: &str = loose!("LIMIT 1");
// What another transaction holds is left to it.
const DRAW: &str = loose!("LIMIT 1 FOR UPDATE SKIP LOCKED");
/// For a transaction that draws again and again. Each question passes over all that was drawn in
/// the last seconds, for the server clears index entries away only when no open transaction is
/// older.
const DRAW_MORE: &str = loose!("LIMIT 64 FOR UPDATE SKIP LOCKED");
// What another transaction holds may be given back: it is waited for.
const RECOUNT: &str = loose!("LIMIT 1 FOR UPDATE");
const FIXED: (&str, &str) = (
    select!(
        "WHERE scope = $1 AND folded = $2 AND folded IS NOT NULL AND id < ",
        unseen!(),
        " ORDER BY state, id DESC LIMIT 1"
    ),
    select!(
        "WHERE scope = $1 AND folded = $2 AND folded IS NOT NULL AND id < ",
        unseen!(),
        " ORDER BY state, id DESC LIMIT 1 FOR UPDATE"
    ),
);
const FIXED_ANY: &str = select!(
    "WHERE scope = $1 AND folded = $2 AND folded IS NOT NULL AND state NOT IN (2, 3) LIMIT 1"
);
const FIXED_ANY_OF: &str =
    select!("WHERE scope = $1 AND folded = ANY($2) AND folded IS NOT NULL AND state NOT IN (2, 3)");
const FIXED_FREE: &str = concat!(
    "SELECT fixed FROM tokens \
     WHERE scope = $1 AND state = 0 AND folded IS NOT NULL AND id + 0 < ",
    unseen!(),
    " ORDER BY id + 0 LIMIT $2"
);
const FREE: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM tokens \
     WHERE scope = $1 AND state = 0 AND folded IS NULL AND id + 0 < ",
    unseen!(),
    " LIMIT $2) AS loose"
);
const CLAIMED: &str = "SELECT 1 FROM units WHERE product = $1 AND folded = $2 AND past = 0";
const SET_STATE: &str = "UPDATE tokens SET state = $2, mark = $3 WHERE id = $1";
const COUNT: &str = concat!(
    "SELECT state, count(*) FROM tokens WHERE scope = $1 AND id < ",
    unseen!(),
    " GROUP BY state"
);
const COUNT_PICTURES: &str = "SELECT coalesce(sum(pictures), 0)::bigint FROM imports \
     WHERE scope = $1 AND NOT pending";
const SHARE_SERIALS: &str = "SELECT 1 FROM products WHERE id = $1 FOR KEY SHARE";
const HOLD_SERIALS: &str = "SELECT 1 FROM products WHERE id = $1 FOR UPDATE";

/// Returns the number that a state is stored as.
pub const fn code(state: TokenState) -> i16 {
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
fn state(code: i16) -> Result<TokenState, LedgerError> {
    match code {
        0 => Ok(TokenState::Free),
        1 => Ok(TokenState::Bound),
        2 => Ok(TokenState::Void),
        3 => Ok(TokenState::Gone),
        4 => Ok(TokenState::Away),
        5 => Ok(TokenState::Quarantined),
        _ => Err(odd()),
    }
}

/// Reads a token without its secrets.
pub fn read(row: &Row, scope: i64) -> Result<TokenRow, LedgerError> {
    Ok(TokenRow {
        id: get(row, 0)?,
        import: get(row, 1)?,
        fingerprint: Fingerprint::from_bytes(bytes(row, 2)?),
        state: state(get(row, 3)?)?,
        fixed: some_named(row, 4)?,
        qr: some_bytes(row, 5)?.map(Digest::from_bytes),
        claimed: get(row, 6)?,
        ours: get::<i64>(row, 7)? == scope,
        mark: Some(bytes(row, 8)?),
    })
}

fn one(
    view: &View<'_>,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Option<TokenRow>, LedgerError> {
    let row = view.first(sql, params)?;
    row.map(|row| read(&row, view.shop.scope)).transpose()
}

/// Chooses the statement that keeps its row as it is, where the transaction may change it.
const fn locking(view: &View<'_>, (look, lock): (&'static str, &'static str)) -> &'static str {
    match view.mode {
        Mode::Write => lock,
        Mode::Stage | Mode::Read => look,
    }
}

pub fn by_fingerprint(
    view: &View<'_>,
    fingerprint: &Fingerprint,
) -> Result<Option<TokenRow>, LedgerError> {
    let print = fingerprint.as_bytes();
    if let Some(known) = view.ahead.borrow().prints.get(print) {
        let known = known.clone();
        return Ok(known.filter(|row| row.fingerprint == *fingerprint));
    }
    one(view, locking(view, BY_FINGERPRINT), &[&&print[..]])
}

pub fn by_qr(view: &View<'_>, qr: &Digest) -> Result<Option<TokenRow>, LedgerError> {
    let print = qr.as_bytes();
    if let Some(known) = view.ahead.borrow().prints.get(print) {
        let known = known.clone();
        return Ok(known.filter(|row| row.qr.as_ref() == Some(qr)));
    }
    one(view, locking(view, BY_QR), &[&&print[..]])
}

/// Looks many prints up, to be asked for next.
pub fn expect(view: &View<'_>, prints: &[[u8; 32]]) -> Result<(), LedgerError> {
    let wanted: Vec<&[u8]> = prints.iter().map(|print| &print[..]).collect();
    let rows = view.rows(BY_PRINTS, &[&wanted])?;
    let mut ahead = view.ahead.borrow_mut();
    ahead.prints.clear();
    ahead
        .prints
        .extend(prints.iter().map(|print| (*print, None)));
    for row in rows {
        let token = read(&row, view.shop.scope)?;
        ahead.prints.insert(bytes(&row, 9)?, Some(token));
    }
    Ok(())
}

/// Keeps lists from beginning and ending in the product, and parts from leaving, while a serial
/// gets its token.
///
/// Without it a list that gives the serial its own token might be seen, or the serial be away,
/// just after this transaction drew another token for it.
pub fn share_serials(view: &View<'_>) -> Result<(), LedgerError> {
    if view.mode == Mode::Write && !view.shared.replace(true) {
        view.first(SHARE_SERIALS, &[&view.shop.product])?;
    }
    Ok(())
}

/// Waits for all who share the serials; nobody does from here to the transaction's end.
pub fn hold_serials(view: &View<'_>) -> Result<(), LedgerError> {
    view.shared.set(true);
    view.first(HOLD_SERIALS, &[&view.shop.product]).map(drop)
}

pub fn draw(view: &View<'_>) -> Result<Option<TokenRow>, LedgerError> {
    share_serials(view)?;
    let scope = view.shop.scope;
    if view.mode != Mode::Write {
        return one(view, LOOSE, &[&scope]);
    }
    let mut ahead = view.ahead.borrow_mut();
    // It is held since it was found: nobody else changed it.
    if let Some(token) = ahead.drawn.pop_front() {
        return Ok(Some(token));
    }
    let sql = if ahead.draws { DRAW_MORE } else { DRAW };
    for row in view.rows(sql, &[&scope])? {
        ahead.drawn.push_back(read(&row, scope)?);
    }
    ahead.draws = true;
    match ahead.drawn.pop_front() {
        Some(token) => Ok(Some(token)),
        None => one(view, RECOUNT, &[&scope]),
    }
}

pub fn fixed(view: &View<'_>, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
    share_serials(view)?;
    let shop = view.shop;
    let token = one(view, locking(view, FIXED), &[&shop.scope, &folded])?;
    let bound = token
        .as_ref()
        .is_some_and(|token| token.state == TokenState::Bound);
    if bound
        && view.mode == Mode::Write
        && view.first(CLAIMED, &[&shop.product, &folded])?.is_some()
    {
        // The serial was claimed while its token was waited for: the claim is met next time.
        return Err(view.raced());
    }
    Ok(token)
}

pub fn fixed_any(view: &View<'_>, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
    if let Some(known) = view.ahead.borrow().fixed.get(folded) {
        return Ok(known.clone());
    }
    one(view, FIXED_ANY, &[&view.shop.scope, &folded])
}

/// Looks many serials up, to be asked for next.
pub fn expect_fixed(view: &View<'_>, folded: &[String]) -> Result<(), LedgerError> {
    let scope = view.shop.scope;
    let rows = view.rows(FIXED_ANY_OF, &[&scope, &folded])?;
    let mut ahead = view.ahead.borrow_mut();
    ahead.fixed = folded.iter().map(|name| (name.clone(), None)).collect();
    for row in rows {
        let token = read(&row, scope)?;
        if let Some(name) = token.fixed.as_ref().map(Serial::folded) {
            ahead.fixed.insert(name, Some(token));
        }
    }
    Ok(())
}

pub fn fixed_free(view: &View<'_>, count: usize) -> Result<Vec<Serial>, LedgerError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = view.rows(FIXED_FREE, &[&view.shop.scope, &count])?;
    rows.iter()
        .map(|row| some_named(row, 0)?.ok_or_else(odd))
        .collect()
}

/// Counts free tokens, at most so many.
pub fn free(view: &View<'_>, most: usize) -> Result<usize, LedgerError> {
    let wanted = i64::try_from(most).unwrap_or(i64::MAX);
    let row = view.first(FREE, &[&view.shop.scope, &wanted])?;
    let loose: i64 = row.map_or(Ok(0), |row| get(&row, 0))?;
    let loose = usize::try_from(loose).unwrap_or(0);
    Ok(loose + fixed_free(view, most.saturating_sub(loose))?.len())
}

pub fn set_state(view: &View<'_>, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
    let (id, mark) = (token.id, view.notary()?.mark_token(token, state));
    match view.change(SET_STATE, &[&id, &code(state), &&mark[..]])? {
        1 => Ok(()),
        _ => Err(LedgerError::damaged(format!("token {id} is missing"))),
    }
}

/// Counts tokens and pictures.
pub fn count(view: &View<'_>, stock: &mut Stock) -> Result<(), LedgerError> {
    let whole = |count: i64| u64::try_from(count).unwrap_or(0);
    for row in view.rows(COUNT, &[&view.shop.scope])? {
        *stock.tokens(state(get(&row, 0)?)?) = whole(get(&row, 1)?);
    }
    if let Some(row) = view.first(COUNT_PICTURES, &[&view.shop.scope])? {
        stock.pictures = whole(get(&row, 0)?);
    }
    Ok(())
}
