//! Rotation: everything sealed again with another key, in short steps that a cut may end anywhere.
//!
//! Order: the next key is durable beside the ledger; the ledger has both; row after row is sealed
//! anew; the old key goes from the ledger; the next key gets the old one's place. Whoever opens the
//! ledger in between finds both keys.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::Sqlite;
use super::connect::{self, fault};
use super::keys::{self, KeyPlace};
use super::manifest;
use super::view::{Mode, View};
use crate::ledger::history::event::{self, Body, Kind};
use crate::ledger::journal;
use crate::ledger::rules::facts;
use crate::ledger::storage::tables::{self, Tables as _};
use crate::ledger::{Actor, LedgerError, Rotation};
use crate::unit::Fingerprint;
use crate::vault::crypto::{Cipher, Column, Key};
use crate::vault::files::{about, read_key, sync_folder};
use crate::vault::keyring::{self, Ring};

const SECURE: &str = "PRAGMA secure_delete = ON";
const TAKE_IN: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
const COUNT: &str = "SELECT (SELECT count(*) FROM tokens WHERE key <> ?1) \
     + (SELECT count(*) FROM pictures WHERE key <> ?1)";
const NEXT_TOKEN: &str = "SELECT id, fingerprint, key, token, qr, columns FROM tokens \
     WHERE id > ?1 AND key <> ?2 ORDER BY id LIMIT 1";
const SET_TOKEN: &str =
    "UPDATE tokens SET key = ?2, token = ?3, qr = ?4, columns = ?5 WHERE id = ?1";
const NEXT_PICTURE: &str = "SELECT p.token, t.fingerprint, p.key, p.picture FROM pictures p \
     JOIN tokens t ON t.id = p.token WHERE p.token > ?1 AND p.key <> ?2 ORDER BY p.token LIMIT 1";
const SET_PICTURE: &str = "UPDATE pictures SET key = ?2, picture = ?3 WHERE token = ?1";
const FORGET: &str = "DELETE FROM keys WHERE id <> ?1";
const SEALED: &str = "SELECT count(*) FROM facts WHERE name = ?1";

/// How many rows are sealed anew in one transaction.
const STEP: u64 = 200;

/// Seals everything in the ledger with another key; goes on with what was begun.
pub fn rotate(
    ledger: &mut Sqlite,
    by: &Actor,
    step: &mut dyn FnMut(u64),
) -> Result<Rotation, LedgerError> {
    let path = ledger.path.clone();
    ledger.alone(&path)?;
    let names = keys::names(&ledger.conn)?;
    let ids: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
    let source = match keys::bring(&ledger.shop.place, &path)? {
        Some(keys::Brought::Ledger(key)) => Some(key),
        _ => None,
    };
    let key = keyring::next_or_new(&path, &ids, source.as_ref())?;
    tables::read(ledger, |tables| facts::not_retired(tables, &path, &key))?;
    let mut rows = 0;
    let mut was = None;
    let current = match names.as_slice() {
        [(id, name)] if *name == key.id() => *id,
        [_, (_, old), ..] => {
            was = Some(old.clone());
            ledger.reseal(&key, &mut rows, step)?
        }
        _ => {
            was = names.first().map(|(_, name)| name.clone());
            ledger.begin(&key)?;
            ledger.reseal(&key, &mut rows, step)?
        }
    };
    if let Some(old) = &was {
        ledger.forget((current, &key.id(), old), by)?;
    }
    let placed = ledger.shop.place == KeyPlace::Beside;
    if placed {
        place(&path, &key.id())?;
    }
    Ok(Rotation {
        id: key.id(),
        was,
        rows,
        placed,
    })
}

impl Sqlite {
    /// Refuses while others work with the ledger, or a board's bytes are sealed with the key.
    fn alone(&self, path: &Path) -> Result<(), LedgerError> {
        let busy = |what: &'static str| Err(LedgerError::KeyInUse { what });
        let sealed: i64 = self
            .conn
            .query_row(SEALED, [manifest::SEALED], |row| row.get(0))
            .map_err(fault)?;
        if sealed > 0 {
            return busy("it is sealed for one station: the part gets no other one");
        }
        if self.shop.runs.others(&self.shop.frame.run)? {
            return busy("another program has the ledger open: end it first");
        }
        journal::no_board_in_hand(path)
    }

    /// Gives the ledger the next key beside the one that it has.
    fn begin(&mut self, key: &Key) -> Result<(), LedgerError> {
        let ring = self.shop.key.as_ref().ok_or(LedgerError::Rotated)?;
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        keys::enter(&transaction, key, ring.seed())?;
        transaction.commit().map_err(fault)
    }

    /// Seals all rows with the current key; returns its row.
    fn reseal(
        &mut self,
        key: &Key,
        rows: &mut u64,
        step: &mut dyn FnMut(u64),
    ) -> Result<i64, LedgerError> {
        let names = keys::names(&self.conn)?;
        let current = names.iter().find(|(_, name)| *name == key.id());
        let current = current.map(|(id, _)| *id).ok_or(LedgerError::Rotated)?;
        // What is written over is zeroed: it is sealed with a key that may be known.
        self.conn
            .query_row(SECURE, [], |_| Ok(()))
            .optional()
            .map_err(fault)?;
        connect::set_staging(&self.conn)?;
        let done = self.all_rows((current, &key.cipher()), rows, step);
        connect::set_durable(&self.conn)?;
        done.map(|()| current)
    }

    fn all_rows(
        &mut self,
        (current, cipher): (i64, &Cipher),
        rows: &mut u64,
        step: &mut dyn FnMut(u64),
    ) -> Result<(), LedgerError> {
        let mut left = self.left(current)?;
        // What others added meanwhile is found by another pass.
        while left > 0 {
            step(left);
            let before = *rows;
            let (mut token, mut picture) = (0, 0);
            loop {
                let done = self.some_rows((current, cipher), (&mut token, &mut picture))?;
                *rows += done;
                left = left.saturating_sub(done);
                step(left);
                if done < STEP {
                    break;
                }
            }
            left = self.left(current)?;
            if left > 0 && *rows == before {
                return Err(keyring::orphaned(left));
            }
        }
        step(0);
        Ok(())
    }

    /// Counts the values that are sealed with another key.
    fn left(&self, current: i64) -> Result<u64, LedgerError> {
        let left: i64 = self
            .conn
            .query_row(COUNT, [current], |row| row.get(0))
            .map_err(fault)?;
        Ok(u64::try_from(left).unwrap_or(0))
    }

    /// Seals rows behind those that were last, in one transaction; fewer than a step are the rest.
    fn some_rows(
        &mut self,
        new: (i64, &Cipher),
        (token, picture): (&mut i64, &mut i64),
    ) -> Result<u64, LedgerError> {
        let ring = self.shop.key.as_ref().ok_or(LedgerError::Rotated)?;
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        let mut done = 0;
        while done < STEP
            && (one_token(&transaction, ring, new, token)?
                || one_picture(&transaction, ring, new, picture)?)
        {
            done += 1;
        }
        transaction.commit().map_err(fault)?;
        Ok(done)
    }

    /// Takes the old key out of the ledger, and what it sealed out of the log.
    fn forget(
        &mut self,
        (current, id, old): (i64, &str, &str),
        by: &Actor,
    ) -> Result<(), LedgerError> {
        let transaction = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        let body = Body {
            name: Some(id.to_owned()),
            was: Some(old.to_owned()),
            ..Body::default()
        };
        let mut view = View::new(&transaction, &self.shop, Mode::Write)?;
        event::append(&mut view, &by.station, (Kind::Rotated, None), body.by(by))?;
        view.set_fact(&facts::retired_fact(old), id)?;
        drop(view);
        transaction.execute(FORGET, [current]).map_err(fault)?;
        transaction.commit().map_err(fault)?;
        self.conn.query_row(TAKE_IN, [], |_| Ok(())).map_err(fault)
    }
}

/// Seals the next token's values anew; returns whether there was one.
fn one_token(
    conn: &Connection,
    ring: &Ring,
    (current, cipher): (i64, &Cipher),
    last: &mut i64,
) -> Result<bool, LedgerError> {
    type Row = (
        i64,
        [u8; 32],
        i64,
        Vec<u8>,
        Option<Vec<u8>>,
        Option<Vec<u8>>,
    );
    let mut statement = conn.prepare_cached(NEXT_TOKEN).map_err(fault)?;
    let found: Option<Row> = statement
        .query_row((*last, current), |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })
        .optional()
        .map_err(fault)?;
    let Some((id, print, key, token, qr, columns)) = found else {
        return Ok(false);
    };
    let print = Fingerprint::from_bytes(print);
    let old = ring.opener(key)?;
    let again = |column, blob: &[u8]| -> Result<Vec<u8>, LedgerError> {
        let plain = old.open(&print, column, blob)?;
        cipher.seal(&print, column, &plain)
    };
    let token = again(Column::Token, &token)?;
    let qr = qr.map(|blob| again(Column::Qr, &blob)).transpose()?;
    let columns = columns
        .map(|blob| again(Column::Columns, &blob))
        .transpose()?;
    let mut statement = conn.prepare_cached(SET_TOKEN).map_err(fault)?;
    statement
        .execute(params![id, current, token, qr, columns])
        .map_err(fault)?;
    *last = id;
    Ok(true)
}

/// Seals the next picture anew; returns whether there was one.
fn one_picture(
    conn: &Connection,
    ring: &Ring,
    (current, cipher): (i64, &Cipher),
    last: &mut i64,
) -> Result<bool, LedgerError> {
    let mut statement = conn.prepare_cached(NEXT_PICTURE).map_err(fault)?;
    let found: Option<(i64, [u8; 32], i64, Vec<u8>)> = statement
        .query_row((*last, current), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()
        .map_err(fault)?;
    let Some((id, print, key, blob)) = found else {
        return Ok(false);
    };
    let print = Fingerprint::from_bytes(print);
    let plain = ring.opener(key)?.open(&print, Column::Picture, &blob)?;
    let sealed = cipher.seal(&print, Column::Picture, &plain)?;
    let mut statement = conn.prepare_cached(SET_PICTURE).map_err(fault)?;
    statement.execute((id, current, sealed)).map_err(fault)?;
    *last = id;
    Ok(true)
}

/// Puts the next key in the old one's place, and keeps the old one under its id: backups that
/// were made before open with it only.
fn place(path: &Path, id: &str) -> Result<(), LedgerError> {
    let (key, next) = (keys::path(path), keyring::next_path(path));
    if let Some(text) = read_key(&key)?
        && let Some(old) = Key::parse(&text).filter(|old| old.id() != id)
    {
        keyring::keep(path, &old)?;
    }
    std::fs::rename(&next, &key).map_err(about(&key))?;
    sync_folder(&key).map_err(about(&key))
}
