//! Tokens: found, drawn, counted.

use super::audit;
use super::imports::unseen;
use super::known::Sealed;
use super::sql::{Query, Row, Value, stored_by_place, values};
use super::tables::{Each, TokenRow, Tokens};
use super::units;
use super::view::{Drawing, Mode, View};
use crate::ledger::TokenState;
use crate::ledger::{LedgerError, Stock, UnitState};
use crate::unit::{Digest, Fingerprint, Serial};

/// The columns of a [`TokenRow`], as [`read`] takes them.
macro_rules! columns {
    () => {
        "t.id, t.import, t.fingerprint, t.state, t.fixed, t.qr_print, t.claimed, t.scope, t.mark"
    };
}

macro_rules! select {
    ($($rest:expr),*) => {
        concat!("SELECT ", columns!(), " FROM tokens t ", $($rest),*)
    };
}

const BY_FINGERPRINT: &str =
    select!("WHERE t.id = (SELECT token FROM prints WHERE print = ?1) AND t.fingerprint = ?1");
const BY_QR: &str =
    select!("WHERE t.id = (SELECT token FROM prints WHERE print = ?1) AND t.qr_print = ?1");
const BY_PRINTS: &str = concat!(
    "SELECT ",
    columns!(),
    ", p.print FROM prints p JOIN tokens t ON t.id = p.token WHERE p.print = ANY(?1)"
);
const FIXED: &str = select!(
    "WHERE scope = ?1 AND folded = ?2 AND folded IS NOT NULL AND id < ",
    unseen!(),
    " ORDER BY state, id DESC LIMIT 1"
);
const FIXED_ANY: &str = select!(
    "WHERE scope = ?1 AND folded = ?2 AND folded IS NOT NULL AND state NOT IN (2, 3) LIMIT 1"
);
const FIXED_ANY_OF: &str =
    select!("WHERE scope = ?1 AND folded = ANY(?2) AND folded IS NOT NULL AND state NOT IN (2, 3)");
const CLAIMED: &str = "SELECT 1 FROM units WHERE product = ?1 AND folded = ?2 AND past = 0";
const SET_STATE: &str = "UPDATE tokens SET state = ?2, mark = ?3 WHERE id = ?1";
const COUNT: &str = concat!(
    "SELECT state, count(*) FROM tokens WHERE scope = ?1 AND id < ",
    unseen!(),
    " GROUP BY state"
);
const COUNT_PICTURES: &str = "SELECT CAST(coalesce(sum(pictures), 0) AS bigint) FROM imports \
     WHERE scope = ?1 AND NOT pending";
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    ", u.state FROM tokens t LEFT JOIN units u ON u.token = t.id AND u.past = 0 WHERE t.id < ",
    unseen!(),
    " ORDER BY t.id"
);
/// The same with what is sealed of each, for those to whom a question costs a round trip.
const ALL_SEALED: &str = concat!(
    "SELECT ",
    columns!(),
    ", u.state, t.key, t.token, t.qr, t.columns, p.key, p.picture FROM tokens t \
     LEFT JOIN units u ON u.token = t.id AND u.past = 0 \
     LEFT JOIN pictures p ON p.token = t.id WHERE t.id < ",
    unseen!(),
    " ORDER BY t.id"
);

/// Makes the questions: what a free token is that no list fixes, one that a list does, and what puts
/// either in its order.
macro_rules! drawing {
    ($loose:literal, $fixed:literal, $order:literal) => {
        Drawing {
            one: drawing!(@loose $loose, $order, " LIMIT 1"),
            more: drawing!(@loose $loose, $order, " LIMIT 64"),
            fixed: concat!(
                "SELECT fixed FROM tokens WHERE scope = ?1 AND state = 0 AND ", $fixed,
                " AND ", $order, " < ", unseen!(), " ORDER BY ", $order, " LIMIT ?2"
            ),
            count: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM tokens WHERE scope = ?1 AND state = 0 AND ",
                $loose, " AND ", $order, " < ", unseen!(), " LIMIT ?2) AS loose"
            ),
        }
    };
    (@loose $loose:literal, $order:literal, $limit:literal) => {
        select!(
            "WHERE scope = ?1 AND state = 0 AND ", $loose, " AND ", $order, " < ", unseen!(),
            " ORDER BY ", $order, $limit
        )
    };
}

/// By an index over scope, state and `loose`, which counts states too.
#[cfg(feature = "sqlite")]
pub const BY_COLUMN: Drawing = drawing!("loose = 1", "loose = 0", "id");
/// By indexes that have free tokens only, in the order of `id + 0`.
#[cfg(feature = "postgres")]
pub const BY_RULE: Drawing = drawing!("folded IS NULL", "folded IS NOT NULL", "id + 0");

/// States, as they are stored.
const STATES: [TokenState; 6] = [
    TokenState::Free,
    TokenState::Bound,
    TokenState::Void,
    TokenState::ClaimedElsewhere,
    TokenState::CheckedOut,
    TokenState::Quarantined,
];
stored_by_place!(TokenState, STATES);

fn read(row: &dyn Row, scope: i64) -> Result<TokenRow, LedgerError> {
    Ok(TokenRow {
        id: row.get(0)?,
        import: row.get(1)?,
        fingerprint: row.get(2)?,
        state: row.get(3)?,
        fixed: row.get(4)?,
        qr: row.get(5)?,
        claimed: row.get(6)?,
        ours: row.get::<i64>(7)? == scope,
        mark: Some(row.get(8)?),
    })
}

/// Returns a token, as it is marked: with its state, and the folded serial that a list fixes it to.
pub fn marked<'a>(
    id: i64,
    fingerprint: &'a Fingerprint,
    state: TokenState,
    folded: Option<&'a String>,
) -> [Value<'a>; 4] {
    *values![id, fingerprint, <&str>::from(state), folded]
}

/// Looks many prints up, to be asked for next.
fn expect(view: &View<'_>, prints: &[[u8; 32]]) -> Result<(), LedgerError> {
    let scope = view.opened.scope;
    let wanted: Vec<Value<'_>> = prints.iter().map(Value::from).collect();
    let found = view.sql.all(BY_PRINTS, values![&wanted], |row| {
        Ok((row.get(9)?, read(row, scope)?))
    })?;
    let mut known = view.known.borrow_mut();
    known.prints = prints.iter().map(|print| (*print, None)).collect();
    let found = found.into_iter().map(|(print, token)| (print, Some(token)));
    known.prints.extend(found);
    Ok(())
}

/// Looks many serials up, to be asked for next.
fn expect_fixed(view: &View<'_>, folded: &[String]) -> Result<(), LedgerError> {
    let scope = view.opened.scope;
    let names: Vec<Value<'_>> = folded.iter().map(Value::from).collect();
    let found = view
        .sql
        .all(FIXED_ANY_OF, values![scope, &names], |row| read(row, scope))?;
    let mut known = view.known.borrow_mut();
    known.fixed = folded.iter().map(|name| (name.clone(), None)).collect();
    for token in found {
        if let Some(name) = token.fixed.as_ref().map(Serial::folded) {
            known.fixed.insert(name, Some(token));
        }
    }
    Ok(())
}

impl View<'_> {
    fn one_token(
        &self,
        query: impl Into<Query>,
        values: &[Value<'_>],
    ) -> Result<Option<TokenRow>, LedgerError> {
        let scope = self.opened.scope;
        self.sql.first(query, values, |row| read(row, scope))
    }

    /// Returns a token by one of its prints; it stays as it is until a writing transaction ends.
    fn printed(
        &self,
        print: &[u8; 32],
        text: &'static str,
    ) -> Result<Option<TokenRow>, LedgerError> {
        if let Some(known) = self.known.borrow().prints.get(print) {
            return Ok(known.clone());
        }
        self.one_token(self.deciding(text, " FOR UPDATE"), values![print])
    }
}

impl Tokens for View<'_> {
    fn token(&self, fingerprint: &Fingerprint) -> Result<Option<TokenRow>, LedgerError> {
        let found = self.printed(fingerprint.as_bytes(), BY_FINGERPRINT)?;
        Ok(found.filter(|row| row.fingerprint == *fingerprint))
    }

    fn token_of_qr(&self, qr: &Digest) -> Result<Option<TokenRow>, LedgerError> {
        let found = self.printed(qr.as_bytes(), BY_QR)?;
        Ok(found.filter(|row| row.qr.as_ref() == Some(qr)))
    }

    fn draw(&self) -> Result<Option<TokenRow>, LedgerError> {
        self.share_product()?;
        let (scope, drawing) = (self.opened.scope, &self.opened.backend.drawing);
        if self.mode != Mode::Write {
            return self.one_token(drawing.one, values![scope]);
        }
        let mut known = self.known.borrow_mut();
        // It is held since it was found: nobody else changed it.
        if let Some(token) = known.drawn.pop_front() {
            return Ok(Some(token));
        }
        // What another transaction holds is left to it.
        let text = if known.draws {
            drawing.more
        } else {
            drawing.one
        };
        let query = Query::holding(text, " FOR UPDATE SKIP LOCKED");
        let drawn = self
            .sql
            .all(query, values![scope], |row| read(row, scope))?;
        known.drawn.extend(drawn);
        known.draws = true;
        match known.drawn.pop_front() {
            Some(token) => Ok(Some(token)),
            // What another transaction holds may be given back: it is waited for.
            None => self.one_token(Query::holding(drawing.one, " FOR UPDATE"), values![scope]),
        }
    }

    fn fixed(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        self.share_product()?;
        let query = self.deciding(FIXED, " FOR UPDATE");
        let token = self.one_token(query, values![self.opened.scope, folded])?;
        let is_bound = |token: &TokenRow| token.state == TokenState::Bound;
        if self.is_raced() && token.as_ref().is_some_and(is_bound) {
            let serial = values![self.opened.product, folded];
            let claimed: Option<i64> = self.sql.value(CLAIMED, serial)?;
            if claimed.is_some() {
                // The serial was claimed while its token was waited for: the claim is met next time.
                return Err(self.sql.raced());
            }
        }
        Ok(token)
    }

    fn fixed_any(&self, folded: &str) -> Result<Option<TokenRow>, LedgerError> {
        if let Some(known) = self.known.borrow().fixed.get(folded) {
            return Ok(known.clone());
        }
        self.one_token(FIXED_ANY, values![self.opened.scope, folded])
    }

    fn fixed_free(&self, count: usize) -> Result<Vec<Serial>, LedgerError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let values = values![self.opened.scope, count];
        let text = self.opened.backend.drawing.fixed;
        self.sql.all(text, values, |row| row.get(0))
    }

    fn free(&self, most: usize) -> Result<usize, LedgerError> {
        let wanted = i64::try_from(most).unwrap_or(i64::MAX);
        let values = values![self.opened.scope, wanted];
        let loose: Option<i64> = self.sql.value(self.opened.backend.drawing.count, values)?;
        let loose = usize::try_from(loose.unwrap_or(0)).unwrap_or(0);
        Ok(loose + self.fixed_free(most.saturating_sub(loose))?.len())
    }

    fn share_serials(&self) -> Result<(), LedgerError> {
        self.share_product()
    }

    fn hold_serials(&self) -> Result<(), LedgerError> {
        self.held.set(true);
        match self.opened.backend.shared {
            true => self.hold_product(" FOR UPDATE"),
            false => Ok(()),
        }
    }

    fn set_token(&mut self, token: &TokenRow, state: TokenState) -> Result<(), LedgerError> {
        let (id, folded) = (token.id, token.fixed.as_ref().map(Serial::folded));
        let marked = marked(id, &token.fingerprint, state, folded.as_ref());
        let mark = self.notary()?.mark("token", &marked);
        match self.sql.change(SET_STATE, values![id, state, &mark])? {
            1 => Ok(()),
            _ => Err(LedgerError::damaged(format!("token {id} is missing"))),
        }
    }

    fn step(&self) -> usize {
        self.opened.backend.step
    }

    fn expect_prints(&self, prints: &[[u8; 32]]) -> Result<(), LedgerError> {
        match self.opened.backend.shared {
            true => expect(self, prints),
            false => Ok(()),
        }
    }

    fn expect_serials(&self, folded: &[String]) -> Result<(), LedgerError> {
        if !self.opened.backend.shared {
            return Ok(());
        }
        expect_fixed(self, folded)?;
        units::expect_serials(self, folded)
    }

    fn vouches_token(&self, token: &TokenRow) -> Option<bool> {
        let (judge, mark) = (self.opened.judge()?, token.mark.unwrap_or_default());
        let folded = token.fixed.as_ref().map(Serial::folded);
        let row = marked(token.id, &token.fingerprint, token.state, folded.as_ref());
        Some(judge.knows("token", &row, &mark))
    }

    fn stock(&self) -> Result<Stock, LedgerError> {
        let mut stock = Stock::default();
        let scope = values![self.opened.scope];
        let whole = |count: i64| u64::try_from(count).unwrap_or(0);
        self.sql.rows(COUNT.into(), scope, &mut |row| {
            *stock.tokens(row.get(0)?) = whole(row.get(1)?);
            Ok(())
        })?;
        stock.pictures = whole(self.sql.value(COUNT_PICTURES, scope)?.unwrap_or(0));
        units::count(self, &mut stock)?;
        Ok(stock)
    }

    fn scan_tokens(
        &self,
        each: Each<'_, (TokenRow, Option<UnitState>)>,
    ) -> Result<(), LedgerError> {
        let scope = self.opened.scope;
        let mut ahead = |rows: &[&dyn Row]| {
            let mut prints = Vec::with_capacity(2 * rows.len());
            let mut sealed = std::collections::HashMap::with_capacity(rows.len());
            for row in rows {
                let token = read(*row, scope)?;
                prints.push(*token.fingerprint.as_bytes());
                prints.extend(token.qr.map(|qr| *qr.as_bytes()));
                sealed.insert(token.id, Sealed::with_picture(*row, 10)?);
            }
            expect(self, &prints)?;
            self.known.borrow_mut().sealed = sealed;
            Ok(())
        };
        let mut pass = |row: &dyn Row| each((read(row, scope)?, row.get(9)?));
        let text = match self.opened.backend.shared {
            true => ALL_SEALED,
            false => ALL,
        };
        self.sql.stream(text, &[], &mut ahead, &mut pass)
    }

    fn integrity(&self) -> Result<Vec<crate::ledger::Finding>, LedgerError> {
        audit::integrity(self)
    }
}
