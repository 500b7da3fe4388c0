//! Rotation on a server: everything sealed again with another key, by one station while no other
//! one works, in short steps that a cut may end anywhere.
//!
//! Order: the next key is durable beside the ledger's own files here; the ledger has both; rows are
//! sealed anew; the old key goes from the ledger, and the tables are written anew without what it
//! sealed. Who opens the ledger in between needs both keys. Rows are changed only while they are
//! sealed as they were read, so a step that is done twice is done once.

use postgres::types::ToSql;
use postgres::{Row, Transaction};

use super::link::Link;
use super::rows::{bytes, get};
use super::view::View;
use super::{Postgres, UNSYNCED, fault::meaning, liveness};
use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::journal;
use crate::ledger::rules::facts;
use crate::ledger::storage::tables::{self, Tables as _};
use crate::ledger::{Actor, LedgerError};
use crate::unit::Fingerprint;
use crate::vault::crypto::{Cipher, Column, Key};
use crate::vault::key_source;
use crate::vault::keyring::{self, Ring, Rotation};

/// Held by whoever begins or ends a rotation, and looked at by whoever begins a run.
const HOLD_KEYS: &str = "SELECT id, name FROM keys ORDER BY id DESC FOR UPDATE";
/// Only the owner takes keys out, and has tables written anew.
const OWNER: &str = "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class \
     WHERE oid IN ('keys'::regclass, 'tokens'::regclass, 'pictures'::regclass)";
const OTHERS: &str = "SELECT id, station FROM runs WHERE NOT ended AND id <> $1";
/// Boards whose attempt has no outcome, or failed: their bytes are kept for the next one.
const BOARDS: &str = "SELECT 1 FROM units u WHERE state = 0 AND target = 'probe' AND (pending OR touched \
     AND EXISTS (SELECT 1 FROM events e WHERE e.unit = u.id AND e.hash = u.event AND e.kind = 'failed')) LIMIT 1";
const ADD: &str = "INSERT INTO keys (name, seed) VALUES ($1, $2)";
const LEFT: &str = "SELECT (SELECT count(*) FROM tokens WHERE key <> $1) \
     + (SELECT count(*) FROM pictures WHERE key <> $1)";
const TOKENS: &str = "SELECT id, key, fingerprint, token, qr, columns FROM tokens \
     WHERE id > $1 AND key <> $2 ORDER BY id LIMIT 1000";
const SET_TOKENS: &str = "UPDATE tokens t SET key = $1, token = n.token, qr = n.qr, columns = n.columns \
     FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[]) \
     AS n (id, was, token, qr, columns) WHERE t.id = n.id AND t.key = n.was";
const PICTURES: &str = "SELECT p.token, p.key, t.fingerprint, p.picture FROM pictures p \
     JOIN tokens t ON t.id = p.token WHERE p.token > $1 AND p.key <> $2 ORDER BY p.token LIMIT 200";
const SET_PICTURES: &str = "UPDATE pictures p SET key = $1, picture = n.picture \
     FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS n (token, was, picture) \
     WHERE p.token = n.token AND p.key = n.was";
const FORGET: &str = "DELETE FROM keys WHERE id <> $1";
const REWRITE: [&str; 2] = ["VACUUM FULL tokens", "VACUUM FULL pictures"];

/// A key that values are sealed with from now on, and its row.
type New<'a> = (i64, &'a Cipher);
/// Seals some rows behind the one given anew; returns the last of them and how many, or that
/// there are none.
type Step =
    fn(&Postgres, ring: &Ring, new: New<'_>, after: i64) -> Result<Option<(i64, u64)>, LedgerError>;

/// Seals everything in the ledger with another key; goes on with what was begun.
///
/// The next key is `<base>.key.next`, made now unless it waits there; it stays there for whoever puts
/// it where the stations take theirs from. In another role than the owner's it is refused.
pub fn rotate(
    ledger: &mut Postgres,
    by: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<Rotation, LedgerError> {
    let server = ledger.server.clone();
    journal::no_board_in_hand(&server.base)?;
    let names = ledger.numbered(alone)?;
    let source = key_source::read(&server.key, &server.folder)?;
    let key = keyring::next_or_new(&server.base, &names, Some(&source))?;
    tables::read(ledger, |tables| {
        facts::not_retired(tables, &server.base, &key)
    })?;
    let was = names.iter().find(|name| **name != key.id()).cloned();
    let mut rows = 0;
    if let Some(old) = &was {
        let ring = ledger.shop.key.as_ref().map_err(|_| LedgerError::Rotated)?;
        let seed = keyring::sealed(ring.seed(), &key)?;
        if *old == source.id() {
            // Boards of this station may have their bytes sealed with it.
            keyring::keep(&server.base, &source)?;
        }
        let current = ledger.numbered(|view| begin(view, &names, (&key, &seed)))?;
        loop {
            let before = rows;
            ledger.reseal((current, &key.cipher()), &mut rows, step)?;
            match ledger.numbered(|view| forget(view, (current, &key.id(), old), by))? {
                0 => break,
                left if rows == before => return Err(keyring::orphaned(left)),
                // Others added some meanwhile.
                _ => {}
            }
        }
    }
    // Also after a rotation that was cut here.
    ledger.written_anew()?;
    Ok(Rotation {
        id: key.id(),
        was,
        rows,
        placed: key.id() == source.id(),
    })
}

impl Postgres {
    /// Seals all rows with the current key.
    fn reseal(
        &self,
        new: New<'_>,
        rows: &mut u64,
        step: &mut dyn FnMut(u64),
    ) -> Result<(), LedgerError> {
        let ring = self.shop.key.as_ref().map_err(|_| LedgerError::Rotated)?;
        let mut left: i64 =
            self.patiently(|transaction| transaction.query_one(LEFT, &[&new.0])?.try_get(0))?;
        let mut told = |less: u64| {
            left = left.saturating_sub_unsigned(less);
            step(u64::try_from(left).unwrap_or(0));
        };
        told(0);
        let steps: [Step; 2] = [some_tokens, some_pictures];
        for some in steps {
            let mut after = 0;
            while let Some((last, count)) = some(self, ring, new, after)? {
                after = last;
                *rows += count;
                told(count);
            }
        }
        Ok(())
    }

    /// Changes rows without waiting for the disk: the commit that takes the old key out waits for
    /// all before it.
    fn set(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, LedgerError> {
        self.patiently(|transaction: &mut Transaction<'_>| {
            transaction.batch_execute(UNSYNCED)?;
            transaction.execute(sql, params)
        })
    }

    /// Has the server write the tables anew: what rows were before is gone from their files.
    fn written_anew(&self) -> Result<(), LedgerError> {
        let mut link = self.link.borrow_mut();
        let all = |link: &mut Link| {
            let (client, _) = link.connected()?;
            REWRITE.iter().try_for_each(|sql| client.batch_execute(sql))
        };
        all(&mut link).map_err(meaning)
    }
}

/// Refuses while others work, or a board's bytes are sealed with the key; no run begins from here
/// to the transaction's end. Returns the names of the ledger's keys, the current one first.
fn alone(view: &mut View<'_>) -> Result<Vec<String>, LedgerError> {
    let keys = no_other_run(view)?;
    let names = keys.iter().map(|row| get(row, 1));
    let names = names.collect::<Result<Vec<String>, _>>()?;
    let owner = view.first(OWNER, &[])?;
    if owner.map(|row| get(&row, 0)).transpose()? != Some(true) {
        return Err(LedgerError::KeyInUse {
            what: "only the role that owns the ledger's tables can do it",
        });
    }
    match view.first(BOARDS, &[])? {
        None => Ok(names),
        Some(_) => Err(LedgerError::KeyInUse {
            what: "a board was in hand at some station, and its bytes are sealed with it: finish that first",
        }),
    }
}

/// Refuses while another run lives; none begins from here to the transaction's end. Returns the
/// ledger's keys.
pub fn no_other_run(view: &mut View<'_>) -> Result<Vec<Row>, LedgerError> {
    let keys = view.rows(HOLD_KEYS, &[])?;
    for row in view.rows(OTHERS, &[&view.shop.frame.run])? {
        if liveness::alive(view, get(&row, 0)?)? {
            return Err(LedgerError::RunsLive {
                station: get::<&str>(&row, 1)?.to_owned(),
            });
        }
    }
    Ok(keys)
}

/// Gives the ledger the next key beside the one that it has, unless it has it; returns its row.
fn begin(
    view: &mut View<'_>,
    names: &[String],
    (key, seed): (&Key, &[u8]),
) -> Result<i64, LedgerError> {
    const FIND: &str = "SELECT id FROM keys WHERE name = $1";
    if alone(view)? != names {
        return Err(LedgerError::Rotated);
    }
    if view.first(FIND, &[&key.id()])?.is_none() {
        view.change(ADD, &[&key.id(), &seed])?;
    }
    let row = view.first(FIND, &[&key.id()])?;
    get(&row.ok_or(LedgerError::Rotated)?, 0)
}

/// Takes the old key out of the ledger, unless values are left that it sealed; returns how many.
fn forget(
    view: &mut View<'_>,
    (current, id, old): (i64, &str, &str),
    by: &Actor,
) -> Result<u64, LedgerError> {
    view.rows(HOLD_KEYS, &[])?;
    let row = view.first(LEFT, &[&current])?;
    let left: i64 = row.map_or(Ok(0), |row| get(&row, 0))?;
    if left > 0 {
        return Ok(left.unsigned_abs());
    }
    let body = Body {
        name: Some(id.to_owned()),
        was: Some(old.to_owned()),
        ..Body::default()
    };
    event::append(view, &by.station, (Kind::Rotated, None), body.by(by))?;
    view.set_fact(&facts::retired_fact(old), id)?;
    view.change(FORGET, &[&current])?;
    Ok(0)
}

/// Seals a value of a row again.
fn again(
    (old, new): (&Cipher, &Cipher),
    (print, column): (&Fingerprint, Column),
    sealed: &[u8],
) -> Result<Vec<u8>, LedgerError> {
    let plain = old.open(print, column, sealed)?;
    new.seal(print, column, &plain)
}

/// Reads what rows begin with: number, key, fingerprint.
fn start<'a>(
    ring: &'a Ring,
    row: &Row,
) -> Result<(i64, i64, &'a Cipher, Fingerprint), LedgerError> {
    let key = get(row, 1)?;
    let print = Fingerprint::from_bytes(bytes(row, 2)?);
    Ok((get(row, 0)?, key, ring.opener(key)?, print))
}

fn some_tokens(
    ledger: &Postgres,
    ring: &Ring,
    (current, cipher): New<'_>,
    after: i64,
) -> Result<Option<(i64, u64)>, LedgerError> {
    let rows = ledger.patiently(|transaction| transaction.query(TOKENS, &[&after, &current]))?;
    let (mut ids, mut were) = (Vec::new(), Vec::new());
    let (mut tokens, mut qrs, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (id, was, old, print) = start(ring, row)?;
        let sealed = |column, index| -> Result<Option<Vec<u8>>, LedgerError> {
            let blob: Option<&[u8]> = get(row, index)?;
            blob.map(|blob| again((old, cipher), (&print, column), blob))
                .transpose()
        };
        ids.push(id);
        were.push(was);
        tokens.push(sealed(Column::Token, 3)?);
        qrs.push(sealed(Column::Qr, 4)?);
        columns.push(sealed(Column::Columns, 5)?);
    }
    let Some(last) = ids.last().copied() else {
        return Ok(None);
    };
    let changed = ledger.set(
        SET_TOKENS,
        &[&current, &ids, &were, &tokens, &qrs, &columns],
    )?;
    Ok(Some((last, changed)))
}

fn some_pictures(
    ledger: &Postgres,
    ring: &Ring,
    (current, cipher): New<'_>,
    after: i64,
) -> Result<Option<(i64, u64)>, LedgerError> {
    let rows = ledger.patiently(|transaction| transaction.query(PICTURES, &[&after, &current]))?;
    let (mut ids, mut were, mut pictures) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (id, was, old, print) = start(ring, row)?;
        ids.push(id);
        were.push(was);
        let blob: &[u8] = get(row, 3)?;
        pictures.push(again((old, cipher), (&print, Column::Picture), blob)?);
    }
    let Some(last) = ids.last().copied() else {
        return Ok(None);
    };
    let changed = ledger.set(SET_PICTURES, &[&current, &ids, &were, &pictures])?;
    Ok(Some((last, changed)))
}
